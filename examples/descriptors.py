"""One row of numbers for each sound: scattering averaged over all of the sound, or mel-frequency cepstra."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

import librosa
import numpy as np
import torch

from nodes.scattering.core.design import Design
from nodes.scattering.core.differentiable import scatter
from nodes.scattering.core.transform import Transform
from pipelines.value import Array
from pipelines.workers import set_workers, spread

Descriptor = Callable[[Array], Array]
Item = TypeVar("Item")

LEAST_MEAN = 1e-6
"""Least mean of a path, in the greatest of all, by which coefficients are divided: below it is rounding."""

MOMENTS = (np.mean, np.std)
"""Of the cepstra over time."""


def descriptors(sample_rate: int, octaves: int, quality: int, octave_averaging: str) -> dict[str, Descriptor]:
    """Return joint and time scattering, means of cepstra, and their means and deviations: functions from sound to row.

    Parameters
    ----------
    sample_rate
        Samples a second of all sounds.
    octaves, quality
        The longest filters have 2^octaves samples; filters in an octave.
    octave_averaging
        'none' keeps where along log-frequency a joint modulation is; 'global' leaves its rate, scale and direction.
    """
    bands = {"none": 0, "global": -1}[octave_averaging]
    joint = Design(kind="joint", octaves=octaves, quality=quality, averaging=0, band_averaging=bands)
    time = Design(kind="time", octaves=octaves, quality=quality, averaging=0)
    return {
        "joint": scattering(joint),
        "time": scattering(time),
        "MFCC means": lambda sound: cepstra(sound, sample_rate).mean(-1),
        "MFCC means, deviations": lambda sound: np.stack([f(cepstra(sound, sample_rate), -1) for f in MOMENTS]).ravel(),
    }


def scattering(design: Design) -> Descriptor:
    """Return the function from samples (any length) to the row of both orders of a design that averages globally."""

    @lru_cache(maxsize=4)
    def transform(length: int) -> Transform:
        return Transform(design, length)

    def row(sound: Array) -> Array:
        samples = torch.from_numpy(np.asarray(sound, np.float32))[None]
        order1, order2 = scatter(samples, transform(len(sound)))
        return torch.cat([order1, order2], 1)[0, :, 0].numpy()

    return row


def cepstra(sound: Array, sample_rate: int) -> Array:
    """Return 20 mel-frequency cepstral coefficients × frames, with librosa's defaults."""
    return np.asarray(librosa.feature.mfcc(y=np.asarray(sound, np.float32), sr=sample_rate))


def rows_of(descriptor: Descriptor, make: Callable[[Item], Array], items: Iterable[Item], workers: int) -> Array:
    """Return sounds × numbers: the row of the sound `make(item)` for each item, so many sounds at once."""
    torch.set_num_threads(1)
    set_workers(workers)
    return np.stack(spread(lambda item: descriptor(make(item)), items))


def compressed(rows: Array, epsilon: float, reference: Array | None = None) -> Array:
    """Return log(1 + S / (ε μ)), with μ the mean of each path over the rows of `reference` (by default, over all)."""
    mean = (rows if reference is None else reference).mean(0, dtype=np.float64)
    floored = np.maximum(mean, LEAST_MEAN * mean.max())
    return np.asarray(np.log1p(rows / (epsilon * floored)))


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown with columns of equal width."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
