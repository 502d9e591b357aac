"""A first sound with given statistics: envelopes that have them, put on the carriers of noise.

Sparse events that many bands have in common cannot be found by descending from noise sample by sample; among envelopes,
400 numbers a second and band, they are found quickly. McDermott and Simoncelli (Neuron 2011) impose band after band;
here all are descended on together, and the waveform is left to what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from nodes.inversion.objective import Point
from nodes.inversion.optimisers import LBFGS
from nodes.textures.auditory.front_end import Envelopes, FrontEnd
from nodes.textures.auditory.statistics import EnvelopeStatistics

Loss = Callable[[Mapping[str, torch.Tensor]], torch.Tensor]


def imposed(
    sound: torch.Tensor,
    front_end: FrontEnd,
    statistics: EnvelopeStatistics,
    loss: Loss,
    level: torch.Tensor,
    powers: torch.Tensor,
    steps: int,
) -> torch.Tensor:
    """Return a sound whose envelopes have been brought to statistics.

    Parameters
    ----------
    sound
        1 × length: its envelopes are where the descent starts, and its carriers are kept.
    front_end, statistics
        The analysis.
    loss
        How far statistics are from what is wanted; 'band_power' stays that of the sound.
    level
        Bands: the mean envelopes that are wanted, the unit of each band.
    powers
        Bands: the mean powers that are wanted.
    steps
        Number of steps.
    """
    with torch.no_grad():
        found = front_end(sound)
    unit = level[None, :, None]

    def envelopes(position: torch.Tensor) -> torch.Tensor:
        return position.view_as(found.envelopes).abs() * unit

    def evaluate(position: torch.Tensor) -> Point:
        place = position.detach().requires_grad_()
        total = loss(statistics(Envelopes(envelopes(place), found.powers)))
        (gradient,) = torch.autograd.grad(total, place)
        return Point(position, float(total.detach()), gradient, ())

    optimiser, point = LBFGS(), evaluate((found.envelopes / unit).reshape(1, -1))
    for _ in range(steps):
        following = optimiser.step(point, evaluate)
        if following is None:
            break
        point = following
    return front_end.with_envelopes(sound, envelopes(point.position), powers[None])
