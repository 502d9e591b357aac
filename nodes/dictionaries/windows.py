"""Windows of atoms: their envelopes, of unit energy."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from nodes.spectra.windows import window_of as periodic
from pipelines.value import Array

Window = Literal["blackman", "hann", "gauss", "gamma", "reversed_gamma", "rectangular"]
"""Kinds of windows; gamma begins at once and dies away, reversed_gamma the other way round."""

WINDOWS: tuple[str, ...] = get_args(Window)
"""All kinds, in the order by which books number them."""

GAUSS = 0.125
"""Standard deviation of a Gaussian, in lengths."""

GAMMA_ORDER, GAMMA_DECAY = 4, 24.0
"""t³ exp(-24 t), t in lengths: greatest after an eighth of the length, 4e-7 of that at the end."""


PEAKS: tuple[float, ...] = (0.5, 0.5, 0.5, 0.125, 0.875, 0.5)
"""Where each kind is greatest, in lengths; a rectangular one in its middle."""


def window_of(kind: str, length: int) -> Array:
    """Return a window with a sum of squares of 1, float64; its samples stand at 0, 1/length, 2/length, …

    Parameters
    ----------
    kind
        See `WINDOWS`.
    length
        Samples, 1 or more.
    """
    shape = _shape(kind, length) if length > 1 else np.ones(1)
    return np.asarray(shape / np.sqrt(np.square(shape).sum()))


def _shape(kind: str, length: int) -> Array:
    places = np.arange(length) / length
    if kind == "gauss":
        return np.asarray(np.exp(-0.5 * np.square((places - 0.5) / GAUSS)))
    if kind == "gamma":
        return _gamma(places)
    if kind == "reversed_gamma":
        return _gamma(1 - places)
    return periodic(kind, length)


def _gamma(places: Array) -> Array:
    return np.asarray(places ** (GAMMA_ORDER - 1) * np.exp(-GAMMA_DECAY * places))
