"""Statistics in the coordinates in which they are scaled and averaged."""

from __future__ import annotations

import numpy as np

from nodes.textures.domains import LEAST_LEVEL, MOST_CORRELATION, into, out_of
from nodes.textures.editing.classes import COMPLEX
from nodes.textures.model import Domain
from pipelines.value import Array

MOST = 80.0
"""Logarithm of the highest level, which float32 can hold."""


def natural(name: str, values: Array, domain: Domain) -> Array:
    """Return statistics as logarithms, Fisher's z or as they are; of complex ones the radius is an artanh.

    Parameters
    ----------
    name
        The class.
    values
        channels × paths × points.
    domain
        Of the class.

    Returns
    -------
    channels × paths × points, float64.
    """
    if name not in COMPLEX:
        return into(values, domain)
    parts = _pairs(np.asarray(values, np.float64))
    radius = np.hypot(parts[:, :, 0], parts[:, :, 1])
    z = np.arctanh(np.minimum(radius, MOST_CORRELATION))
    return _joined(parts * _ratio(z, radius)[:, :, None])


def statistic(name: str, values: Array, domain: Domain) -> Array:
    """Return statistics from their natural coordinates, float32; none is beyond its limits."""
    if name in COMPLEX:
        parts = _pairs(values)
        z = np.hypot(parts[:, :, 0], parts[:, :, 1])
        radius = np.minimum(np.tanh(z), MOST_CORRELATION)
        return np.asarray(_joined(parts * _ratio(radius, z)[:, :, None]), np.float32)
    if domain == "level":
        values = np.clip(values, np.log(LEAST_LEVEL), MOST)
    elif domain == "correlation":
        limit = np.arctanh(MOST_CORRELATION)
        values = np.clip(values, -limit, limit)
    return out_of(values, domain)


def _ratio(above: Array, below: Array) -> Array:
    """Return above / below, 1 where both are next to 0."""
    return np.divide(above, below, out=np.ones_like(below), where=below > 1e-9)


def _pairs(values: Array) -> Array:
    """Return channels × pairs × 2 × points."""
    return values.reshape(values.shape[0], -1, 2, values.shape[2])


def _joined(parts: Array) -> Array:
    return parts.reshape(parts.shape[0], -1, parts.shape[3])
