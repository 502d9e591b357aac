"""Where what is left of a sound lies: in memory, or on disk where it is large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.value import Array

LARGE = 2**28
"""Bytes of the sounds from which on it lies on disk."""


def room_for(context: Context, *sounds: Audio) -> Callable[[tuple[int, ...], Any], Array]:
    """Return what makes an array of zeros of a shape and type, for what is left of some sounds together."""
    return context.array if sum(sound.samples.nbytes for sound in sounds) >= LARGE else np.zeros
