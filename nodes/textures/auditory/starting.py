"""A first sound for auditory statistics: stretch by stretch, envelopes that have them on given carriers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from nodes.inversion.terms import shares, terms_of
from nodes.textures.auditory.imposing import imposed
from nodes.textures.auditory.measuring import Measuring
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.stretches import Layout, faded
from nodes.textures.value import TextureStatistics
from pipelines.value import Array
from pipelines.workers import spread

STEPS = 100
"""Steps of the descent among envelopes."""

SILENT = 1e-6
"""Least unit of an envelope; that of digital silence is far above."""


def first_sound(statistics: TextureStatistics, carriers: Array, channel: int, length: int, device: str) -> Array:
    """Return `length` samples with the fine structure of carriers and envelopes of these statistics, float32."""
    model = statistics.model
    assert isinstance(model, AuditoryModel)
    layout = statistics.layout(length)
    rate = layout.sample_rate
    measure = Measuring(model, layout.size, layout.samples / rate, layout.edge / rate, device, torch.float32)
    goals, weights = statistics.coefficients_for(length), statistics.emphasis_for(length)
    row = channel if statistics.channels > 1 else 0
    noise = torch.tensor(carriers[None], dtype=torch.float32, device=device)

    def made(number: int) -> Array:
        start = layout.starts[number]
        part = torch.nn.functional.pad(noise[:, start : start + layout.samples], (0, layout.size - layout.samples))
        goal = {name: values[row : row + 1, :, number] for name, values in goals.items()}
        emphasis = {name: values[row : row + 1, :, number] for name, values in weights.items()}
        return _imposed(part, measure, goal, emphasis, statistics.class_emphasis(), model.floors, device)[
            : layout.samples
        ]

    return joined(spread(made, range(len(layout.starts))), layout)


def _imposed(
    part: torch.Tensor,
    measure: Measuring,
    goal: Mapping[str, Array],
    emphasis: Mapping[str, Array],
    usual: Mapping[str, float],
    floors: Mapping[str, float],
    device: str,
) -> Array:
    share = shares([goal], [1.0], {"band_power": 0.0}, [emphasis], [usual])
    terms = [term for term in terms_of([goal], share, [emphasis], 0, device, [floors]) if term.share]
    level, powers = (torch.tensor(goal[name][0], device=device) for name in ("envelope_mean", "band_power"))

    def loss(found: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.stack([term.compare(found[term.descriptor])[0] * term.share for term in terms]).sum()

    sound = imposed(part, measure.front_end, measure.statistics, loss, level.clamp_min(SILENT), powers, STEPS)
    return np.asarray(sound[0].cpu().numpy(), np.float32)


def joined(parts: list[Array], layout: Layout) -> Array:
    """Return the stretches as one sound, each faded into the next over their common edge."""
    found, weight = np.zeros(layout.length), np.zeros(layout.length)
    window = faded(np.arange(layout.samples) + 0.5, layout.samples, layout.edge) if len(parts) > 1 else np.ones(1)
    for start, part in zip(layout.starts, parts, strict=True):
        found[start : start + layout.samples] += part * window
        weight[start : start + layout.samples] += window
    return np.asarray(found / np.maximum(weight, 1e-12 * weight.max()), np.float32)
