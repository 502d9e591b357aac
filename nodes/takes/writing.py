"""Adding up parts into a sound that lives on disk, so that an hour of many channels fits in little memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from nodes.mixing.summing import Part
from nodes.values.blocks import spans
from pipelines.context import Context, release
from pipelines.value import Array

BLOCK_VALUES = 2**21
"""Samples of all channels together that are added up at a time: 16 MB."""


def written(parts: Sequence[Part], channels: int, length: int, context: Context) -> Array:
    """Return channels × length, float32, the sum of all parts, in a file of the step's own.

    Each part is looked at only while it sounds, so that hundreds of thousands of short ones cost no more than
    their sound. A part may go on after `length`.

    Raises
    ------
    MistakeError
        Where a part holds NaN or infinity.
    """
    mixed = context.array((channels, length), np.float32)
    waiting = deque(sorted(parts, key=lambda part: part.start))
    sounding: list[Part] = []
    for start, stop in context.progress(list(spans(length, max(2**12, BLOCK_VALUES // channels)))):
        while waiting and waiting[0].start < stop:
            sounding.append(waiting.popleft())
        sums = np.zeros((channels, stop - start))
        for part in sounding:
            part.add(sums, start)
        mixed[:, start:stop] = sums
        release(mixed)
        sounding = [part for part in sounding if part.stop > stop]
    return mixed
