"""Sound in time: one recording (Audio) or several (Takes)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Marker(Value):
    """A named place in a sound: `time` and `duration` in seconds; duration 0 is a point."""

    time: float
    label: str
    duration: float = 0.0


@dataclass(frozen=True, eq=False)
class Audio(Value):
    """A sound.

    Parameters
    ----------
    samples
        channels × samples, float32, full scale is ±1.
    sample_rate
        Samples a second.
    markers
        Named places, such as the sections of a piece.
    """

    samples: Array
    sample_rate: int
    markers: tuple[Marker, ...] = ()
    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    def __post_init__(self) -> None:
        assert self.samples.ndim == 2, "samples must be channels × samples"
        assert self.samples.dtype == np.float32, "samples must be float32"

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def length(self) -> int:
        """Number of samples in each channel."""
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.length / self.sample_rate

    def describe(self) -> str:
        """Return channels, duration and sample rate."""
        return f"Audio, {self.channels} ch, {self.duration:.3f} s, {self.sample_rate} Hz"

    def sound(self) -> tuple[Array, int]:
        """Return (samples, sample rate)."""
        return self.samples, self.sample_rate

    def draw(self) -> MatplotlibFigure:
        """Return waveform and spectrogram of each channel."""
        from nodes.values.drawing import draw_audio

        return draw_audio(self)

    def measure(self) -> dict[str, float]:
        """Return peak, true peak and loudness of the whole sound."""
        from nodes.loudness.bs1770 import summary

        return summary(self.samples, self.sample_rate)

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write a 24-bit WAV file with the markers.

        A sound beyond full scale, which 24 bits would clip, is written as 32-bit float under the same name.
        """
        from nodes.files.writing import write_audio

        path = folder / f"{name}.wav"
        write_audio(path, self, subtype="auto")
        return [path]


@dataclass(frozen=True, eq=False)
class Takes(Value):
    """Several sounds of one sample rate: the iterates of an inversion, the files of a folder.

    Parameters
    ----------
    samples
        For each take channels × samples, float32.
    sample_rate
        Samples a second.
    labels
        A name for each take: the iteration number, the file's name.
    """

    samples: tuple[Array, ...]
    sample_rate: int
    labels: tuple[str, ...]
    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    def __len__(self) -> int:
        return len(self.samples)

    def take(self, index: int) -> Audio:
        """Return one take as Audio."""
        return Audio(self.samples[index], self.sample_rate)

    def all(self) -> list[Audio]:
        """Return every take as Audio."""
        return [self.take(index) for index in range(len(self))]

    def describe(self) -> str:
        """Return count, labels and duration."""
        total = sum(samples.shape[1] for samples in self.samples) / self.sample_rate
        ends = f", {self.labels[0]} … {self.labels[-1]}" if self.labels else ""
        return f"Takes, {len(self)} takes{ends}, {total:.3f} s in all, {self.sample_rate} Hz"

    def draw(self) -> MatplotlibFigure | None:
        """Return the spectrograms of up to six takes, evenly chosen."""
        from nodes.values.drawing import draw_takes

        return draw_takes(self)

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write each take as a WAV file, named by its label; 24 bits, or float beyond full scale."""
        from nodes.files.writing import label_names, write_audio

        paths = [folder / f"{name}_{label}.wav" for label in label_names(self.labels)]
        for path, audio in zip(paths, self.all(), strict=True):
            write_audio(path, audio, subtype="auto")
        return paths


def flatten(tracks: list[Audio | Takes]) -> list[Audio]:
    """Return every sound of a list in which takes count as that many sounds."""
    return [audio for track in tracks for audio in (track.all() if isinstance(track, Takes) else [track])]
