"""A step length that satisfies the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from nodes.inversion.objective import Point

DECREASE, CURVATURE = 1e-4, 0.9
MOST_TRIES = 20
GROWTH = 2.0
MARGIN = 0.1
"""Part of a bracket at each end in which no step is tried."""


class _Trial(NamedTuple):
    length: float
    loss: float
    slope: float
    point: Point


def strong_wolfe(
    at: Point, direction: torch.Tensor, first: float, evaluate: Callable[[torch.Tensor], Point]
) -> Point | None:
    """Return a point along `direction` with enough less loss and a flat enough slope.

    Parameters
    ----------
    at
        Where the search starts.
    direction
        A direction of descent.
    first
        Step length to try first.
    evaluate
        Gives loss and gradient at a position.

    Returns
    -------
    The first point that satisfies both conditions, else the best of 20 tries, else None where none is better.
    """
    start = _Trial(0.0, at.loss, float((at.gradient * direction).sum()), at)
    low, high, length = start, None, first
    for _ in range(MOST_TRIES):
        point = evaluate(at.position + length * direction)
        here = _Trial(length, point.loss, float((point.gradient * direction).sum()), point)
        if not here.loss <= start.loss + DECREASE * length * start.slope or here.loss >= low.loss:
            high = here
        else:
            if abs(here.slope) <= -CURVATURE * start.slope:
                return point
            turned = here.slope >= 0 if high is None else here.slope * (high.length - low.length) >= 0
            low, high = here, low if turned else high
        length = GROWTH * length if high is None else _between(low, high)
    return low.point if low.loss < start.loss else None


def _between(low: _Trial, high: _Trial) -> float:
    """Return where the cubic through both ends of a bracket is least, kept away from the ends."""
    span = high.length - low.length
    place = 0.5
    if math.isfinite(high.loss) and math.isfinite(high.slope):
        bend = low.slope + high.slope - 3 * (low.loss - high.loss) / (low.length - high.length)
        root = math.sqrt(max(bend**2 - low.slope * high.slope, 0.0)) * math.copysign(1.0, span)
        bottom = high.slope - low.slope + 2 * root
        if bottom != 0:
            place = 1 - (high.slope + root - bend) / bottom
    return low.length + span * min(max(place, MARGIN), 1 - MARGIN)
