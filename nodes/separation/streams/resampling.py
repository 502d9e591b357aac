"""A sound of any rate block by block at the networks' rate, and stems back at the sound's, length for length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nodes.separation.streams.framing import RATE
from nodes.values.blocks import require_finite, spans
from pipelines.context import release
from pipelines.value import Array

QUALITY = "VHQ"
MARGIN = 64
"""Samples of silence behind a sound that is resampled, so that it comes back no shorter."""


def length_within(length: int, sample_rate: int, rate: int = RATE) -> int:
    """Return how many samples at the networks' rate stand for `length` samples."""
    return length if sample_rate == rate else -(-length * rate // sample_rate) + MARGIN


def read_pair(samples: Array, sample_rate: int, channels: Sequence[int], rate: int = RATE) -> Iterator[Array]:
    """Yield blocks of two channels at the networks' rate, `length_within` samples in all.

    Parameters
    ----------
    samples
        channels × samples; may be mapped from a file.
    sample_rate
        Samples a second.
    channels
        Numbers of two channels from 0, or of one that is to be both.
    rate
        The networks' rate.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite.
    """
    left = length_within(samples.shape[1], sample_rate, rate)
    for block in _resampled(_read(samples, sample_rate, channels), sample_rate, rate, len(channels)):
        yield np.ascontiguousarray(np.broadcast_to(block[:, :left], (2, min(left, block.shape[1]))))
        left -= min(left, block.shape[1])
    if left:
        yield np.zeros((2, left), np.float32)


class Writer:
    """Takes a stem in blocks of two channels at the networks' rate, and writes it where it belongs.

    Parameters
    ----------
    output
        channels × samples, float32; may be mapped from a file.
    sample_rate
        Samples a second in `output`.
    channels
        Numbers of its two channels from 0, or of one that gets their mean.
    rate
        The networks' rate.
    """

    def __init__(self, output: Array, sample_rate: int, channels: Sequence[int], rate: int = RATE) -> None:
        self._output, self._channels = output, list(channels)
        self._at = 0
        self._stream = _stream(rate, sample_rate, len(channels)) if sample_rate != rate else None

    def write(self, block: Array, last: bool) -> None:
        """Write the next block, 2 × samples; what the silence behind the sound has become is left out."""
        if len(self._channels) == 1:
            block = block.mean(0, keepdims=True)
        if self._stream is not None:
            block = self._stream.resample_chunk(np.ascontiguousarray(block.T, np.float32), last=last).T
        stop = min(self._at + block.shape[1], self._output.shape[1])
        for row, channel in enumerate(self._channels):
            self._output[channel, self._at : stop] = block[row, : stop - self._at]
        self._at = stop
        release(self._output)


def _read(samples: Array, sample_rate: int, channels: Sequence[int]) -> Iterator[Array]:
    for start, stop in spans(samples.shape[1]):
        block = np.stack([np.asarray(samples[channel, start:stop], np.float32) for channel in channels])
        release(samples)
        for row, channel in enumerate(channels):
            require_finite(block[row : row + 1], sample_rate, start, first_channel=channel + 1)
        yield block


def _resampled(blocks: Iterator[Array], before: int, after: int, width: int) -> Iterator[Array]:
    if before == after:
        yield from blocks
        return
    stream = _stream(before, after, width)
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block.T)).T
    silence = np.zeros((-(-MARGIN * before // after), width), np.float32)
    yield stream.resample_chunk(silence, last=True).T


def _stream(before: int, after: int, width: int):  # type: ignore[no-untyped-def]  # soxr has no types
    import soxr

    return soxr.ResampleStream(before, after, width, dtype="float32", quality=QUALITY)
