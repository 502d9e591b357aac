"""A differentiable description of sound, with the coefficients that an inversion shall reach."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

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
    sample_rate: int

    @abstractmethod
    def coefficients(self) -> dict[str, Array]:
        """Return the target: for each descriptor class an array whose first axis is the channel."""

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

    def spectrum(self) -> Array | None:
        """Return the power spectrum that the coefficients imply, or None where they do not tell.

        Returns
        -------
        channels × bins, evenly spaced from 0 Hz to half the sample rate; white noise of variance 1 has 1 in
        every bin, so that the mean is the mean square of the sound.
        """
        return None

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
