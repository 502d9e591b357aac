"""Domains in which statistics are averaged, scaled and drawn from one to another."""

from __future__ import annotations

import numpy as np

from nodes.textures.model import Domain
from pipelines.value import Array

LEAST_LEVEL = 1e-12
"""Below it a level counts as this: its logarithm is finite."""

MOST_CORRELATION = 1 - 1e-6
"""Beyond it a correlation counts as this: its Fisher z is finite."""


def into(values: Array, domain: Domain) -> Array:
    """Return statistics in their natural domain, float64: logarithms of levels, Fisher's z of correlations."""
    values = np.asarray(values, np.float64)
    if domain == "level":
        return np.asarray(np.log(np.maximum(values, LEAST_LEVEL)))
    if domain == "correlation":
        return np.asarray(np.arctanh(np.clip(values, -MOST_CORRELATION, MOST_CORRELATION)))
    return values


def out_of(values: Array, domain: Domain) -> Array:
    """Return statistics from their natural domain, float32."""
    found = np.exp(values) if domain == "level" else np.tanh(values) if domain == "correlation" else values
    return np.asarray(found, np.float32)


def interpolated(values: Array, times: Array, wanted: Array, domain: Domain) -> Array:
    """Return statistics at other times, straight from point to point in their domain.

    Parameters
    ----------
    values
        channels × paths × points.
    times
        Places of the points in seconds, rising.
    wanted
        Where they are wanted, in seconds.
    domain
        Of the class.

    Returns
    -------
    channels × paths × wanted, float32.
    """
    if len(times) == 1:
        return np.repeat(np.asarray(values, np.float32), len(wanted), axis=2)
    after = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    share = np.clip((wanted - times[after - 1]) / np.maximum(times[after] - times[after - 1], 1e-12), 0.0, 1.0)
    natural = into(values, domain)
    return out_of(natural[:, :, after - 1] * (1 - share) + natural[:, :, after] * share, domain)
