"""What a front end of texture statistics has to offer, and in which domain each class of statistics lives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pipelines.value import Array, Value

if TYPE_CHECKING:
    import torch

Domain = Literal["level", "correlation", "linear"]
"""How a class is scaled and averaged: by its logarithm, by Fisher's z = artanh, or as it is."""

Measurement = Callable[["torch.Tensor"], "dict[str, torch.Tensor]"]


class TextureModel(Value):
    """A front end: which statistics there are, of what, and how they are measured."""

    domains: ClassVar[Mapping[str, Domain]]
    """The classes of statistics, in order."""

    emphasis: ClassVar[Mapping[str, float]]
    """How much each class counts in an inversion unless its weight is given."""

    starts: ClassVar[bool] = False
    """Whether a first sound can be made that has the statistics nearly."""

    floors: ClassVar[Mapping[str, float]] = {}
    """For classes that have a size of their own, such as correlations: differences below it hardly count."""

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

    @abstractmethod
    def size(self, least: int) -> int:
        """Return the least number of samples, not below `least`, that is quick to measure."""

    @abstractmethod
    def axes(self) -> dict[str, dict[str, Array]]:
        """Return for each class the axes of its paths, as `Representation.axes`: frequency and rate in Hz.

        A path that compares two bands has the frequency of the lower one, and that of the other as `other`.
        """

    def spectrum(self, classes: Mapping[str, Array]) -> Array | None:
        """Return the power spectrum that statistics (channels × paths) imply, as `Representation.spectrum`, or None."""
        return None

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
