"""Bands of frequency: single bins below 2 kHz, then ever wider ones up to half the sample rate."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from pipelines.value import Array

BINS = 2049
"""Bins of a frame of 4096 samples."""

BANDS = 320
SINGLE = 160
"""Bands at the bottom that hold one bin each."""


@cache
def edges() -> Array:
    """Return the first bin of each band, and BINS at the end: SINGLE bins one by one, then by equal ratios."""
    found = list(range(SINGLE + 1))
    for left in range(BANDS - SINGLE, 0, -1):  # a band is a bin at least, the rest of the ratio is shared anew
        step = found[-1] * (BINS / found[-1]) ** (1 / left)
        found.append(max(found[-1] + 1, round(step)))
    return np.asarray(found)


@cache
def _averaging() -> Tensor:
    """Return what takes means over the bins of each band above the single ones: bins × bands."""
    first, last = edges()[SINGLE:-1], edges()[SINGLE + 1 :]
    bins = np.arange(SINGLE, BINS)[:, None]
    inside = (bins >= first) & (bins < last)
    return torch.from_numpy((inside / (last - first)).astype(np.float32))


def banded(values: Tensor) -> Tensor:
    """Return the means of … × BINS over the bins of each band, … × BANDS."""
    return torch.cat([values[..., :SINGLE], values[..., SINGLE:] @ _averaging().to(values.device)], -1)


@cache
def _places() -> tuple[Tensor, Tensor, Tensor]:
    """Return for each bin the bands whose centres are below and above it, and how near it is to the upper one."""
    centres = (edges()[:-1] + edges()[1:] - 1) / 2
    at = np.interp(np.arange(BINS), centres, np.arange(BANDS))
    below = np.minimum(at.astype(int), BANDS - 2)
    return torch.from_numpy(below), torch.from_numpy(below + 1), torch.from_numpy((at - below).astype(np.float32))


def unbanded(masks: Tensor) -> Tensor:
    """Return masks of bands, … × BANDS, for each bin, … × BINS, by straight lines between the centres of bands."""
    below, above, share = (each.to(masks.device) for each in _places())
    return torch.lerp(masks[..., below], masks[..., above], share)
