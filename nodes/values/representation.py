"""A differentiable description of sound, with the coefficients that an inversion shall reach."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pipelines.mistakes import mistake
from pipelines.value import Array, Value

if TYPE_CHECKING:
    import torch


class Representation(Value):
    """Base of everything that `invert` can descend on.

    A subclass is a frozen dataclass that holds the parameters of its analysis and the coefficients of one
    sound. The coefficients come in named descriptor classes ('order1', 'kernel_3x3'), which can be
    weighted apart from each other.
    """

    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)
    relative: ClassVar[bool] = False
    """Whether each band counts relative to its own level, so that quiet bands weigh as much as loud ones."""
    optimizer: ClassVar[str] = "bold_driver"
    """How an inversion descends unless it is told."""
    sample_rate: int

    @property
    def linked(self) -> tuple[str, ...]:
        """Classes that compare channels with each other: where they count channels are descended on together."""
        return ()

    def common(self, length: int) -> int:
        """Return how many samples of a loop's beginning are to be analysed again after its end, so that all counts."""
        return min(self.sample_rate, length // 4)

    @property
    def starts(self) -> Literal["statistics", "tonal"] | None:
        """Of which carriers `first_sound` makes a sound from which a descent starts well; None where it makes none.

        'statistics': noise with the spectrum of the sound; 'tonal': that with its very lines, for steady sounds.
        """
        return None

    @abstractmethod
    def coefficients(self) -> dict[str, Array]:
        """Return the target: for each descriptor class an array whose first axis is the channel."""

    def coefficients_for(self, length: int) -> dict[str, Array]:
        """Return the target for a sound of this many samples; the same for all unless it changes over time."""
        return self.coefficients()

    def emphasis_for(self, length: int) -> dict[str, Array]:
        """Return weights, shaped as `coefficients_for`, for classes of which not all coefficients count the same."""
        return {}

    def class_emphasis(self) -> dict[str, float]:
        """Return how much classes count within the target unless their weight is given; 1 where it is not told."""
        return {}

    @abstractmethod
    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        """Return the map from (channels × length) float32 samples to coefficients, shaped as the target's.

        Raises
        ------
        MistakeError
            Where a sound of this length cannot be compared with the target.
        """

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of channels that were analysed."""

    @property
    @abstractmethod
    def length(self) -> int:
        """Number of samples that were analysed."""

    @property
    def any_length(self) -> bool:
        """Whether sounds of every length can be compared with the target, as with averages over time."""
        return False

    def closes(self, length: int) -> bool:
        """Return whether the target at the end of a sound of this many samples is that at its beginning."""
        return True

    def floors(self) -> dict[str, float] | None:
        """Return for each class the root-mean-square below which differences hardly count.

        None where all classes have one unit, so that a class much below another counts as silence.
        """
        return None

    def first_sound(
        self,
        carriers: Array,
        rows: Sequence[int],
        shares: Mapping[str, float],
        paths: Mapping[str, Array],
        loop: bool,
        device: str,
        heard: Callable[[int, int], None],
    ) -> Array:
        """Return sounds near the target from which a descent starts well; where `starts` says that there are any.

        Parameters
        ----------
        carriers
            channels × samples of noise whose fine structure they may take; the end goes on into the beginning.
        rows
            Which channel of the target each of these is; several only where they are descended on together.
        shares, paths
            How much each class counts, and of some each path.
        loop
            Whether the end of the sounds shall go on into their beginning.
        device
            'cpu' or 'cuda'.
        heard
            Called with how many parts of the work are done since the last call, and how many there are.

        Returns
        -------
        channels × samples, float32.
        """
        raise NotImplementedError

    def spectrum(self) -> Array | None:
        """Return the power spectrum that the coefficients imply, or None where they do not tell.

        Returns
        -------
        channels × bins, evenly spaced from 0 Hz to half the sample rate; white noise of variance 1 has 1 in
        every bin, so that the mean is the mean square of the sound.
        """
        return None

    def fine(self) -> Array | None:
        """Return the power spectrum of the noise that first sounds are made of, shaped as `spectrum`, which it is
        unless more is known.
        """
        return self.spectrum()

    def colour(self) -> Array | None:
        """Return the power spectrum of the analysed sound itself, shaped as `spectrum`, which it is unless known."""
        return self.spectrum()

    def envelope(self) -> Array | None:
        """Return the amplitude over time that the coefficients imply, or None where they do not tell.

        Returns
        -------
        channels × points, evenly spaced from the first to the last sample.
        """
        return None

    def axes(self) -> dict[str, dict[str, Array]]:
        """Return for each descriptor class the physical axes of its coefficients.

        Returns
        -------
        For each class the axes by name, one value for each path (the second axis of the coefficients):
        'frequency' in Hz, 'rate' in Hz, 'scale' in signed cycles per octave; NaN where a path has none.
        """
        return {}


def refuse_too_short(length: int, shortest: int, sample_rate: int) -> None:
    """Refuse to make a sound that is too short to be compared with a target."""
    if length < shortest:
        raise mistake(
            "the sound to be made is too short for a target",
            parameter="duration",
            given=f"{length} samples ({length / sample_rate:.6g} s)",
            allowed=f"{shortest} samples ({shortest / sample_rate:.6g} s) or more",
        )
