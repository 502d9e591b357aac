"""Reading long arrays block by block, so that a piece never has to lie in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.context import release
from pipelines.mistakes import mistake
from pipelines.value import Array

BLOCK = 2**18
"""Samples of one channel that are read at a time: 6 s at 44.1 kHz, 1 MB."""


def spans(length: int, size: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of consecutive blocks of `size` that cover `length`; the last may be shorter."""
    for start in range(0, length, size):
        yield start, min(start + size, length)


def require_finite(
    block: Array, sample_rate: int, start: int = 0, name: str = "the sound", first_channel: int = 1
) -> None:
    """Refuse samples that are not numbers.

    Parameters
    ----------
    block
        channels × samples.
    sample_rate
        Samples a second.
    start
        Position of the block in the sound, in samples.
    name
        What the sound is called in the message.
    first_channel
        Number of the block's first channel, from 1.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite; names the first one's value, time and channel.
    """
    if np.isfinite(block).all():
        return
    channel, sample = min(np.argwhere(~np.isfinite(block)).tolist(), key=lambda place: place[1])
    time = (start + sample) / sample_rate
    raise mistake(
        f"{name} holds a sample that is not a finite number",
        given=f"{block[channel, sample]} at {time:.6g} s in channel {channel + first_channel}",
        allowed="finite samples",
        hint="look at the step that made the sound, or mend the file it came from",
    )


def require_finite_sound(samples: Array, sample_rate: int, name: str = "the sound") -> None:
    """Refuse a whole sound (channels × samples) with NaN or infinity in it, reading it block by block."""
    for start, stop in spans(samples.shape[1]):
        require_finite(samples[:, start:stop], sample_rate, start, name)
        release(samples)
