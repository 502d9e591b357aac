"""Envelopes that have given statistics, put on the carriers of a sound.

Sparse events that many bands have in common cannot be found by descending from noise sample by sample; among envelopes,
400 numbers a second and band, they are found quickly. McDermott and Simoncelli (Neuron 2011) impose band after band;
here all are descended on together, and the waveform is left to what follows.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from nodes.inversion.optimisers import descended
from nodes.textures.auditory.front_end import Envelopes
from nodes.textures.auditory.measuring import Measuring
from nodes.textures.model import Loss

STEPS = 100
"""Steps of the descent among envelopes."""

SILENT = 1e-6
"""Least unit of an envelope; that of digital silence is far above."""


def imposed(
    measure: Measuring,
    sound: torch.Tensor,
    wanted: Mapping[str, torch.Tensor],
    loss: Loss | None,
    steps: int = STEPS,
    channels: int = 1,
) -> torch.Tensor:
    """Return sounds whose envelopes have been brought to statistics, as `TextureModel.impose` says.

    Bands are given the powers that are wanted; what channels have in common beside their envelopes stays.
    """
    front_end = measure.front_end
    with torch.no_grad():
        found = front_end(sound, channels)
    unit = wanted["envelope_mean"].clamp_min(SILENT)[..., None]

    def envelopes(position: torch.Tensor) -> torch.Tensor:
        return position.view_as(found.envelopes).abs() * unit

    def far(position: torch.Tensor) -> torch.Tensor:
        assert loss is not None
        return loss(measure.statistics(Envelopes(envelopes(position), found.powers, found.products), channels))

    position = (found.envelopes / unit).reshape(1, -1)
    position = position if loss is None else descended(far, position, steps)
    return front_end.with_envelopes(sound, envelopes(position), wanted["band_power"])
