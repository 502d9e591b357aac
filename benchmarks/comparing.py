"""What a comparison of nodes is made of: cases, measured calls, and the sound that all work on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from noise_piece import SAMPLE_RATE, write_noise

from nodes.values import Audio
from pipelines.context import Context
from pipelines.value import Array


@dataclass(frozen=True)
class Took:
    """Seconds of one call, and what it returned."""

    cpu: float
    wall: float
    result: Any


@dataclass(frozen=True)
class Case:
    """One piece of work.

    Parameters
    ----------
    name
        What is done.
    ours
        Does it with our node.
    peers
        Others that do it, by name.
    difference
        Returns how far a peer's result is from ours, in words.
    """

    name: str
    ours: Callable[[], Took]
    peers: dict[str, Callable[[], Took]]
    difference: Callable[[Any, Any], str]


@dataclass
class Bench:
    """Generated stereo noise as a file and as arrays, and a place on disk for what nodes keep there."""

    folder: Path
    seconds: float
    peers: Path | None
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        import soundfile

        self.wav = self.folder / "noise.wav"
        write_noise(self.wav, self.seconds)
        frames, _ = soundfile.read(self.wav, dtype="float32", always_2d=True)
        self.samples: Array = np.ascontiguousarray(frames.T)
        self.audio = Audio(self.samples, SAMPLE_RATE)

    def context(self) -> Context:
        """Return a context with an empty scratch folder."""
        shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        return Context("benchmark", "0" * 64, 1, "cpu", self.folder / "scratch", Deaf())


class Deaf:
    """Hears nothing."""

    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None: ...
    def metric(self, step: str, name: str, value: float, at: int) -> None: ...

    def note(self, step: str, text: str) -> None: ...


def here(call: Callable[[], Any]) -> Callable[[], Took]:
    """Return a measured call in this process."""

    def measured() -> Took:
        wall, cpu = time.perf_counter(), time.process_time()
        result = call()
        return Took(time.process_time() - cpu, time.perf_counter() - wall, result)

    return measured


def relative(ours: Array, theirs: Array) -> str:
    """Return the largest difference relative to the largest value."""
    if ours.shape != theirs.shape:
        return f"shapes {ours.shape} and {theirs.shape}"
    return f"{np.abs(ours - theirs).max() / np.abs(theirs).max():.1e} of the peak"
