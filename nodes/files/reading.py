"""The samples of a sound file, read block by block into one array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import soundfile

from nodes.files.mp3 import SLACK
from nodes.files.selection import Extract, damaged, open_file
from nodes.values.blocks import require_finite
from pipelines.mistakes import MistakeError, mistake
from pipelines.value import Array

BLOCK = 2**17  # samples over all channels

Each = Callable[[Sequence[int]], Iterable[int]]


def read_extract(part: Extract, each: Each = iter) -> Array:
    """Return channels × samples, float32, read block by block into one array.

    Parameters
    ----------
    part
        What to read.
    each
        Wraps the loop over blocks, to show how far it has come.

    Raises
    ------
    MistakeError
        Where the file ends early, cannot be decoded, or holds NaN or infinity.
    """
    samples, at = _room(part), 0
    stream = _resampler(part)
    for block, last in _blocks(part, each):
        mixed = block.mean(axis=1, keepdims=True) if part.channels is None else block
        done = stream(np.ascontiguousarray(mixed, np.float32), last).T
        samples[:, at : at + done.shape[1]] = done
        at += done.shape[1]
    return samples if at == part.length else np.ascontiguousarray(samples[:, :at])


def _room(part: Extract) -> Array:
    try:
        return np.empty((part.width, part.length), np.float32)
    except (MemoryError, ValueError) as error:
        raise mistake(
            f"'{part.path.name}' is too long for this machine's memory",
            parameter="path",
            given=f"{part.length / part.sample_rate:g} s, {part.width * part.length * 4 / 1e9:.1f} GB in all",
            hint="take a part of it with start and duration",
        ) from error


def _resampler(part: Extract) -> Callable[[Array, bool], Array]:
    if part.sample_rate == part.header.sample_rate:
        return lambda block, last: block
    import soxr

    rates = (part.header.sample_rate, part.sample_rate)
    stream = soxr.ResampleStream(*rates, part.width, dtype="float32", quality="VHQ")
    return lambda block, last: stream.resample_chunk(block, last=last)


def _blocks(part: Extract, each: Each) -> Iterator[tuple[Array, bool]]:
    """Yield (samples × channels, whether it is the last) of the part, all finite."""
    size = max(1, BLOCK // part.header.channels)
    with open_file(part.path) as file:
        _decoded(part, partial(file.seek, part.first))
        for at in each(range(0, part.count, size)):
            wanted = min(size, part.count - at)
            block = _decoded(part, partial(file.read, wanted, dtype="float32", always_2d=True))
            ends = len(block) < wanted
            if ends:
                _refuse_early_end(part, at + len(block))
            _refuse_not_finite(part, block, at)
            picked = block if part.channels is None else block[:, list(part.channels)]
            yield picked, ends or at + wanted == part.count
            if ends:
                return


def _refuse_early_end(part: Extract, count: int) -> None:
    if part.header.format != "MP3" or part.count - count > SLACK:
        raise damaged(part.path, f"it ends after {part.first + count} of {part.header.frames} samples")


def _decoded(part: Extract, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except soundfile.LibsndfileError as error:
        raise damaged(part.path, str(error.error_string)) from error


def _refuse_not_finite(part: Extract, block: Array, at: int) -> None:
    try:
        require_finite(block.T, part.header.sample_rate, part.first + at, f"'{part.path.name}'")
    except MistakeError as error:
        raise error.at(parameter="path") from None
