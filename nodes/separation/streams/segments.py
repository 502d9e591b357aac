"""Segments of a sound separated a few at a time, and their stems joined and written as they come.

Nothing grows with the length of the sound. A segment is computed in one thread and needs no other one's result, so that
neither the number of workers nor that of segments at a time changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import torch

from nodes.separation.streams.framing import FRAME, OVERLAP, SEGMENT, count_segments, segments_of
from nodes.separation.streams.resampling import Writer, length_within, read_pair
from pipelines.value import Array
from pipelines.workers import spread, workers

AT_ONCE = 4
"""Segments that are separated side by side at most: each takes some 130 MB."""

Heard = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Part:
    """Two channels of a sound, or one that stands for both.

    Parameters
    ----------
    samples
        channels × samples of the whole sound, float32; may be mapped from a file.
    sample_rate
        Samples a second.
    channels
        Numbers of the channels from 0.
    """

    samples: Array
    sample_rate: int
    channels: range

    @property
    def length(self) -> int:
        """Samples at the networks' rate."""
        return length_within(self.samples.shape[1], self.sample_rate)


def parts_of(samples: Array, sample_rate: int) -> list[Part]:
    """Return the pairs of a sound's channels in order, 1 and 2, 3 and 4, …; the last may be alone."""
    firsts = range(0, len(samples), 2)
    return [Part(samples, sample_rate, range(first, min(first + 2, len(samples)))) for first in firsts]


def count_of(samples: Array, sample_rate: int) -> int:
    """Return how many segments a sound has in all of its parts."""
    return sum(count_segments(part.length) for part in parts_of(samples, sample_rate))


def each_segment(
    job: Callable[[Array], Result],
    part: Part,
    count: Callable[[int], None],
    *,
    margin: int = 0,
    at_once: int = AT_ONCE,
) -> Iterator[Result]:
    """Yield what becomes of each segment of a part.

    Parameters
    ----------
    job
        Takes the samples that a segment's frames and its margins cover, 2 × SPAN without margins.
    part
        Of which sound.
    count
        Called with the number of segments that are done since the last call.
    margin
        Frames more on each side that `job` gets.
    at_once
        How many segments are in work at most.
    """
    blocks = read_pair(part.samples, part.sample_rate, part.channels)
    segments = segments_of(blocks, part.length, margin)
    while batch := list(islice(segments, min(workers(), at_once))):
        yield from spread(job, batch)
        count(len(batch))


def exactly(device: str) -> AbstractContextManager[object]:
    """Keep a GPU from rounding what it convolves to ten bits, and from choosing other algorithms at every run."""
    if device == "cpu":
        return nullcontext()
    flags: AbstractContextManager[object] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags


def write_stems(segments: Iterable[Array], part: Part, outputs: Sequence[Array]) -> None:
    """Add up the stems of segments where they overlap, and write them.

    Parameters
    ----------
    segments
        The stems of each segment, stems × 2 × SPAN, without what its neighbours add; they are changed.
    part
        Of which sound.
    outputs
        Where to write each stem: float32, shaped as the sound.
    """
    writers = [Writer(output, part.sample_rate, part.channels) for output in outputs]
    tail = np.zeros((len(outputs), 2, OVERLAP), np.float32)
    skipped, left = FRAME, part.length
    for found in segments:
        found[..., :OVERLAP] += tail
        tail = found[..., SEGMENT:].copy()
        ready = found[..., skipped : min(SEGMENT, skipped + left)]
        skipped, left = 0, left - ready.shape[-1]
        for writer, block in zip(writers, ready, strict=True):
            writer.write(block, last=not left)
