"""A sound as a score of pieces of another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class GrainBook(Value):
    """Where pieces of a source are placed in a sound, and how loud, in the order in which they were found.

    Grain k is g_k w(t - t_k) source(t - t_k + o_k) in a channel, t in samples: w is the window with a peak of 1, t_k
    its first sample in the sound, o_k that in the source and g_k its gain. What lies before the first sample of the
    sound or after its last is not heard. A source with as many channels as the sound gives each its own; of any other
    the mean of its channels is taken.

    Parameters
    ----------
    starts
        First sample of each grain in the sound, int64; may be below 0, or reach beyond the end.
    origins
        First sample of each grain in the source, int64, 0 or more.
    lengths
        Samples of each grain, int32, 1 or more.
    gains
        channels × grains, float32: the factor of the windowed piece; below 0 it is turned over.
    weights
        channels × grains, float32: the factor of the windowed piece with a sum of squares of 1, whose square is the
        energy of the whole grain.
    window
        One of `nodes.dictionaries.windows.WINDOWS`.
    samples
        Length of the sound.
    source_samples
        Length of the source that the origins are places of.
    sample_rate
        Samples a second of both.
    """

    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    starts: Array
    origins: Array
    lengths: Array
    gains: Array
    weights: Array
    window: str
    samples: int
    source_samples: int
    sample_rate: int

    @property
    def count(self) -> int:
        """Number of grains."""
        return len(self.starts)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.gains)

    @property
    def duration(self) -> float:
        """Seconds of the sound."""
        return self.samples / self.sample_rate

    @property
    def energies(self) -> Array:
        """Energy of each grain by itself over all channels, float64; what it has beyond the sound counts."""
        return np.asarray(np.square(self.weights, dtype=np.float64).sum(0))

    def describe(self) -> str:
        """Return the number of grains, their lengths and the durations of sound and source."""
        scales = f" of {self.lengths.min()} to {self.lengths.max()} samples" if self.count else ""
        source = self.source_samples / self.sample_rate
        return (
            f"GrainBook, {self.channels} ch × {self.count} grains{scales}, {self.duration:.3f} s "
            f"from {source:.3f} s at {self.sample_rate} Hz"
        )

    def draw(self) -> MatplotlibFigure:
        """Return the grains by time in the sound and place in the source."""
        from nodes.dictionaries.grains.drawing import draw_grains

        return draw_grains(self)

    def measure(self) -> dict[str, float]:
        """Return the number of grains."""
        return {"grains": float(self.count)}
