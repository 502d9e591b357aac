"""A first sound that has the statistics of a texture nearly: noise on which they are imposed stretch by stretch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from nodes.inversion.terms import shares, terms_of
from nodes.textures.model import Measurement
from nodes.textures.stretches import Layout
from nodes.textures.value import TextureStatistics
from pipelines.value import Array
from pipelines.workers import spread

FADE = 0.05
"""Seconds in which one stretch of a first sound fades into the next."""


def first_sound(
    statistics: TextureStatistics, carriers: Array, rows: Sequence[int], loop: bool = False, device: str = "cpu"
) -> Array:
    """Return sounds with the fine structure of carriers, and nearly these statistics.

    They are made with margins that are left out: statistics under a window that fades say little of the ends.

    Parameters
    ----------
    statistics
        What they shall have.
    carriers
        channels × samples; their end goes on into their beginning.
    rows
        Which channel of the statistics each of these is; several only where they are to be descended on together.
    loop
        Whether the end shall go on into the beginning.
    device
        'cpu' or 'cuda'.

    Returns
    -------
    channels × samples, float32.
    """
    length, model = carriers.shape[1], statistics.model
    margin = statistics.layout(length).edge // 2
    layout = statistics.layout(length + 2 * margin)
    rate = layout.sample_rate
    places = np.clip(layout.centres - margin / rate, 0, length / rate)
    goals, weights = statistics.at(places), statistics.weights_at(places)
    if len(rows) > 1:
        carriers = model.related(carriers, {name: values.mean(-1) for name, values in goals.items()})
    noise = torch.tensor(np.pad(carriers, ((0, 0), (margin, margin)), mode="wrap"), dtype=torch.float32, device=device)
    measure = model.measurement(layout.size, layout.samples / rate, layout.edge / rate, device, torch.float32)

    def made(number: int) -> Array:
        start = layout.starts[number]
        part = torch.nn.functional.pad(noise[:, start : start + layout.samples], (0, layout.size - layout.samples))
        goal, own = ({name: each[rows, :, number] for name, each in both.items()} for both in (goals, weights))
        return _imposed(statistics, measure, part, goal, own, device)[:, : layout.samples]

    sound = joined(spread(made, range(len(layout.starts))), layout)
    return _closed(sound, 2 * margin, rate) if loop else sound[:, margin : margin + length]


def _imposed(
    statistics: TextureStatistics,
    measure: Measurement,
    part: torch.Tensor,
    goal: Mapping[str, Array],
    weights: Mapping[str, Array],
    device: str,
) -> Array:
    """Return one stretch with these statistics."""
    model, usual = statistics.model, statistics.class_emphasis()
    left_out = {name for name in goal if name not in model.imposed or (name in model.linked and len(part) == 1)}
    share = shares([goal], [1.0], dict.fromkeys(left_out, 0.0), [weights], [usual])
    terms = terms_of([goal], share, [weights], device, [model.floors])
    counted = [term for term in terms if term.share]

    def loss(found: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.stack([term.compare(found[term.descriptor])[0] * term.share for term in counted]).sum()

    wanted = {name: torch.tensor(values, device=device) for name, values in goal.items()}
    return np.asarray(model.impose(measure, part, wanted, loss).cpu().numpy(), np.float32)


def joined(parts: Sequence[Array], layout: Layout) -> Array:
    """Return stretches (channels × samples) as one sound, each faded into the next amid what both have in common."""
    found = np.zeros((len(parts[0]), layout.length), np.float32)
    found[:, : layout.samples] = parts[0]
    for before, start, part in zip(layout.starts, layout.starts[1:], parts[1:], strict=False):
        common = before + layout.samples - start
        rising, place = _rising(common, layout.sample_rate), slice(start, start + common)
        found[:, place] = found[:, place] * (1 - rising) + part[:, :common] * rising
        found[:, start + common : start + layout.samples] = part[:, common:]
    return found


def _closed(sound: Array, common: int, sample_rate: int) -> Array:
    """Return a loop from a sound whose last samples are made for the places of its first: they fade into these."""
    rising = _rising(common, sample_rate)
    found = sound[:, : sound.shape[1] - common].copy()
    found[:, :common] = found[:, :common] * rising + sound[:, sound.shape[1] - common :] * (1 - rising)
    return np.roll(found, -(common // 2), axis=1)


def _rising(common: int, sample_rate: int) -> Array:
    """Return weights that rise from 0 to 1 in the middle, shortly: sparse events are not at the same times in both."""
    places = (np.arange(common) + 0.5 - common / 2) / min(common, FADE * sample_rate)
    return np.asarray(0.5 + 0.5 * np.sin(np.pi * np.clip(places, -0.5, 0.5)), np.float32)
