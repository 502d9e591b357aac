"""The sound of a score of grains, from its own source or another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import numpy as np

from nodes.dictionaries.grains.book import GrainBook
from nodes.dictionaries.grains.pieces import FLOOR, peaked
from nodes.values.blocks import spans
from pipelines.mistakes import mistake
from pipelines.value import Array

Beyond = Literal["refused", "wrapped", "scaled"]
"""What becomes of pieces that a source is too short for."""


def origins_in(grains: GrainBook, samples: int, beyond: Beyond) -> Array:
    """Return the first sample of each grain in a source of a number of samples, int64.

    Raises
    ------
    MistakeError
        Where the source ends before a piece and that is refused, or it is shorter than a grain.
    """
    ends = grains.origins + grains.lengths
    needed = int((grains.lengths if beyond != "refused" else ends).max(initial=0))
    if samples < needed:
        raise mistake(
            "the source ends before a piece of the score",
            parameter="source",
            given=f"{samples / grains.sample_rate:.3f} s",
            allowed=f"{needed / grains.sample_rate:.3f} s or more",
            hint="" if beyond != "refused" else "with 'wrapped' or 'scaled' for beyond it may be shorter",
        )
    if beyond == "wrapped":
        return np.where(ends <= samples, grains.origins, grains.origins % max(1, samples))
    if beyond == "scaled":
        before = np.maximum(1, grains.source_samples - grains.lengths)
        return np.asarray(np.round(grains.origins / before * (samples - grains.lengths)).astype(np.int64))
    return grains.origins


def playing(
    grains: GrainBook, source: Array, origins: Array, keep: Literal["amplitude", "energy"], out: Array
) -> Iterator[int]:
    """Leave the sound of a score in `out`, channels × samples; after every block yield how many samples are done.

    Parameters
    ----------
    grains
        The score.
    source
        voices × samples, as `voices_of` returns it; a piece that goes beyond its end goes on at its beginning.
    origins
        First sample of each grain in it.
    keep
        'amplitude': pieces are played by their gains. 'energy': by their weights, scaled to unit energy before.
    out
        Any kind of float; sums are float64 and rounded once.
    """
    shape = lru_cache(None)(lambda length: peaked(grains.window, length))
    stops = grains.starts + grains.lengths
    for begin, end in spans(grains.samples):
        sound = np.zeros((grains.channels, end - begin))
        for grain in np.flatnonzero((grains.starts < end) & (stops > begin)):
            start, length = int(grains.starts[grain]), int(grains.lengths[grain])
            piece = shape(length) * np.take(source, np.arange(length) + origins[grain], axis=1, mode="wrap")
            factors = grains.gains[:, grain].astype(np.float64)
            if keep == "energy":
                factors = grains.weights[:, grain] * _inverse_norms(piece)
            first, last = max(begin - start, 0), min(end - start, length)
            sound[:, start + first - begin : start + last - begin] += factors[:, None] * piece[:, first:last]
        out[:, begin:end] = sound
        yield end


def _inverse_norms(piece: Array) -> Array:
    """Return by what the voices of a piece are scaled to unit energy; 0 where one is silent."""
    norms = np.sqrt(np.square(piece).sum(1))
    return np.asarray(np.divide(1, norms, out=np.zeros(len(norms)), where=norms > FLOOR * norms.max(initial=0.0)))
