"""Handing on what lies in the store already, without copying it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.context import Context
from pipelines.value import Array


def shared(arrays: Sequence[Array], context: Context) -> tuple[Array, ...]:
    """Return the arrays, those mapped from a whole `.npy` file as files of the step's own.

    The files are hard links, which the store takes in as it does what `Context.array` made: thousands of takes
    cost their names only. What cannot be linked (in memory, on another disk) is returned as it is, and the
    store copies it.
    """
    if not any(_whole_file(array) for array in arrays):
        return tuple(arrays)
    first: Any = context.array((1,), np.uint8)
    folder = Path(first.filename).parent
    return tuple(_linked(array, folder / f"array-shared-{number}.npy") for number, array in enumerate(arrays))


def _whole_file(array: Array) -> Path | None:
    """Return the file whose only content is this array."""
    path = Path(getattr(array, "filename", None) or "")
    if not (isinstance(array, np.memmap) and array.flags.c_contiguous and path.suffix == ".npy" and path.is_file()):
        return None
    return path if array.offset + array.nbytes == path.stat().st_size else None


def _linked(array: Array, place: Path) -> Array:
    source = _whole_file(array)
    if source is None:
        return array
    # an interrupted run may have left a link here: only its name is removed, its content belongs to the store
    place.unlink(missing_ok=True)
    try:
        os.link(source, place)
    except OSError:
        return array
    linked: Array = np.load(place, mmap_mode="r", allow_pickle=False)
    return linked if linked.shape == array.shape and linked.dtype == array.dtype else array
