"""A pool of takes as a value: every iterate of every segment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nodes.values.audio import Audio
from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Pool(Value):
    """Segments × iterates of sound, each of them a stretch of a source.

    Parameters
    ----------
    sources
        The sounds as they were made, each channels × samples, float32: all iterates of the first inversion, then
        those of the second.
    sample_rate
        Samples a second.
    iterates
        Labels of the iterates, in their order.
    places
        segments × 3, int64: the segment's inversion (from 0), its first sample there and its length in samples.
    levels
        segments × iterates, float32: RMS level in dB of full scale, the power of channels averaged; -inf is
        silence.
    """

    sources: tuple[Array, ...]
    sample_rate: int
    iterates: tuple[str, ...]
    places: Array
    levels: Array
    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.places)

    @property
    def channels(self) -> int:
        """Number of channels of every take."""
        return int(self.sources[0].shape[0])

    @property
    def lengths(self) -> list[int]:
        """Length of each segment in samples."""
        return [int(length) for length in self.places[:, 2]]

    def samples(self, segment: int, iterate: int) -> Array:
        """Return channels × samples of one iterate of one segment, both counted from 0; nothing is copied."""
        inversion, start, length = (int(part) for part in self.places[segment])
        return self.sources[inversion * len(self.iterates) + iterate][:, start : start + length]

    def describe(self) -> str:
        """Return how many segments and iterates there are, and how long all segments are together."""
        form = f"{self.channels} ch, {sum(self.lengths) / self.sample_rate:.3f} s, {self.sample_rate} Hz"
        ends = f"{self.iterates[0]} … {self.iterates[-1]}"
        return f"Pool, {self.segments} segments × {len(self.iterates)} iterates, {ends}, {form}"

    def draw(self) -> MatplotlibFigure:
        """Return the levels as a grid, segments from left to right, iterates from below to above."""
        from nodes.takes.drawing import draw_pool

        return draw_pool(self)

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write every channel of every take as a mono WAV file, `NAME_ch01_seg001_it000.wav`.

        Channels and segments count from 1. An iterate that is no plain number is named by its place from 0
        and its label. 24 bits, or float beyond full scale.
        """
        from nodes.files.writing import label_names, write_audio

        paths = []
        for channel in range(self.channels):
            for segment in range(self.segments):
                for iterate, ending in enumerate(label_names(self.iterates)):
                    path = folder / f"{name}_ch{channel + 1:02d}_seg{segment + 1:03d}_it{ending}.wav"
                    samples = self.samples(segment, iterate)[channel : channel + 1]
                    write_audio(path, Audio(samples, self.sample_rate), subtype="auto")
                    paths.append(path)
        return paths
