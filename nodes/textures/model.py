"""What a front end of texture statistics has to offer, and in which domain each class of statistics lives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pipelines.mistakes import mistake
from pipelines.value import Array, Value

if TYPE_CHECKING:
    import torch

Domain = Literal["level", "correlation", "linear"]
"""How a class is scaled and averaged: by its logarithm, by Fisher's z = artanh, or as it is."""

Measurement = Callable[["torch.Tensor", int], "dict[str, torch.Tensor]"]
"""From batch × size samples, and how many of the batch, one after another, are channels of one sound."""

Loss = Callable[[Mapping[str, "torch.Tensor"]], "torch.Tensor"]
"""How far statistics, each batch × paths, are from what is wanted."""


class TextureModel(Value):
    """A front end: which statistics there are, of what, and how they are measured."""

    name: ClassVar[str]
    """What `texture_statistics` calls it."""

    domains: ClassVar[Mapping[str, Domain]]
    """The classes of statistics, in order."""

    emphasis: ClassVar[Mapping[str, float]]
    """How much each class counts in an inversion unless its weight is given."""

    linked: ClassVar[tuple[str, ...]] = ()
    """Classes that compare channels with each other; sounds of one channel do not have them."""

    imposed: ClassVar[tuple[str, ...]] = ()
    """Classes that `impose` brings a sound near to; none where there is no such way."""

    floors: ClassVar[Mapping[str, float]] = {}
    """For classes that have a size of their own, such as correlations: differences below it hardly count."""

    spans: ClassVar[Mapping[str, float]] = {}
    """For classes of what is slow: seconds of a sound below which there is too little of it to count."""

    sample_rate: int

    @abstractmethod
    def measurement(self, size: int, duration: float, edge: float, device: str, dtype: torch.dtype) -> Measurement:
        """Return the map from batch × size samples, taken for periodic, to statistics: {class: batch × paths}.

        Parameters
        ----------
        size
            Number of samples; `sizes` says which are quick.
        duration
            Seconds from the first sample on that count.
        edge
            Seconds at both ends of these in which a raised cosine fades what counts in and out; 0 for none.
        device, dtype
            Of the tensors.

        Returns
        -------
        A function through which gradients flow. Silence gives finite values and gradients.
        """

    def still(self, classes: Mapping[str, Array], weights: Mapping[str, Array]) -> bool:
        """Return whether statistics (channels × paths) are of a sound in which nothing moves that counts."""
        return False

    def related(self, carriers: Array, classes: Mapping[str, Array]) -> Array:
        """Return noises that have in common with each other what statistics say, and else are as they were.

        Parameters
        ----------
        carriers
            channels × samples: independent noises.
        classes
            The statistics, each channels × paths.
        """
        return carriers

    def impose(
        self,
        measure: Measurement,
        sound: torch.Tensor,
        wanted: Mapping[str, torch.Tensor],
        loss: Loss | None,
        channels: int,
    ) -> torch.Tensor:
        """Return sounds with the fine structure of others that are near statistics, from where a descent starts well.

        Parameters
        ----------
        measure
            What `measurement` returned.
        sound
            batch × size.
        wanted
            The statistics, each batch × paths.
        loss
            How far statistics are from them; only the classes of `imposed` count in it. None where nothing counts: then
            bands are given their levels only.
        channels
            How many of the batch, one after another, are of one sound.
        """
        raise NotImplementedError

    @abstractmethod
    def size(self, least: int) -> int:
        """Return the least number of samples, not below `least`, that is quick to measure."""

    @abstractmethod
    def axes(self) -> dict[str, dict[str, Array]]:
        """Return for each class the axes of its paths, as `Representation.axes`: frequency and rate in Hz.

        A path that compares two bands has the frequency of the lower one, and that of the other as `other`.
        """

    def significance(self, classes: Mapping[str, Array]) -> dict[str, Array]:
        """Return which paths (channels × paths, 1 or 0) count in an inversion; all of a class that is not named.

        Parameters
        ----------
        classes
            The statistics, each channels × paths.
        """
        return {}

    @abstractmethod
    def least_samples(self) -> int:
        """Return the least length of a sound of which statistics mean something."""

    def lacking(self, samples: int) -> list[str]:
        """Return the classes of which a sound of so many samples has too little to count."""
        return [name for name, least in self.spans.items() if samples < least * self.sample_rate]

    def shortest(self) -> int:
        """Return the least length of a sound that can be made."""
        return 1


def refuse_short(length: int, model: TextureModel) -> None:
    """Refuse a sound (in samples) in which there is too little to take a mean of."""
    least, rate = model.least_samples(), model.sample_rate
    if length < least:
        raise mistake(
            "the sound is too short for statistics",
            parameter="audio",
            given=f"{length} samples ({length / rate:.3f} s)",
            allowed=f"{least} samples ({least / rate:.3f} s) or more; 3 s and more are wise",
        )
