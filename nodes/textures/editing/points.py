"""The points in time at which edited statistics are written down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np

from nodes.textures.domains import interpolated
from nodes.textures.model import Domain
from pipelines.quantities import Envelope
from pipelines.value import Array

JUMP = 1e-6
"""Seconds that a jump of an envelope takes."""

FINE = 16
"""Number of straight lines that stand for what is curved between two points."""


def united(times: Iterable[Array], envelopes: Iterable[Envelope]) -> Array:
    """Return the points of statistics and of envelopes that move, in order; [0] where nothing moves.

    Parameters
    ----------
    times
        Points of each statistics in seconds; a single one says nothing, as what stays has no place.
    envelopes
        What they are edited with.
    """
    found = {float(time) for each in times if len(each) > 1 for time in each}
    for envelope in envelopes:
        if not envelope.constant:
            places = [time for time, _ in envelope.points]
            found |= {*places, *(max(0.0, b - JUMP) for a, b in itertools.pairwise(places) if a == b)}
    return np.array(sorted(found) or [0.0])


def refined(times: Array, curved: Callable[[float, float], bool]) -> Array:
    """Return points with others between those from one to the next of which the way is curved."""
    found = [times[:1]]
    for low, high in itertools.pairwise(times):
        parts = FINE if high - low > 2 * JUMP and curved(low, high) else 1
        found.append(np.linspace(low, high, parts + 1)[1:])
    return np.concatenate(found)


def resampled(values: Array, times: Array, wanted: Array, domain: Domain) -> Array:
    """Return statistics at other points, channels × paths × wanted; at their own points not a bit of them changes."""
    found = interpolated(values, times, wanted, domain)
    if len(times) > 1:
        place = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
        own = times[place] == wanted
        found[:, :, own] = values[:, :, place[own]]
    return found


def moves(envelope: Envelope, low: float, high: float) -> bool:
    """Return whether an envelope without a point in between has another value at one time than at the other."""
    before, after = envelope.at([low, high])
    return bool(before != after)
