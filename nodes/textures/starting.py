"""A first sound that has the statistics of a texture nearly: noise on which they are imposed stretch by stretch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from nodes.inversion.terms import terms_of
from nodes.mixing.gains import rise
from nodes.textures.model import Measurement, TextureModel
from nodes.textures.stretches import Layout
from nodes.textures.value import TextureStatistics
from pipelines.value import Array
from pipelines.workers import spread

FADE = 0.05
"""Seconds in which one stretch fades into the next; few, for sparse events are at other times in each.
Where statistics move each gives way to the next all the time, and every other stretch is of another noise."""


def first_sound(
    statistics: TextureStatistics,
    carriers: Array,
    rows: Sequence[int],
    shares: Mapping[str, float],
    paths: Mapping[str, Array],
    loop: bool = False,
    device: str = "cpu",
    heard: Callable[[int, int], None] | None = None,
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
    shares, paths
        How much each class counts, and of some each path; classes of a share of 0 are left as noise has them.
    loop
        Whether the end shall go on into the beginning.
    device
        'cpu' or 'cuda'.
    heard
        Called with how many stretches are done since the last call, and how many there are; from any thread.

    Returns
    -------
    channels × samples, float32.
    """
    length, model = carriers.shape[1], statistics.model
    tell = heard or (lambda more, total: None)
    margin = statistics.layout(length).edge // 2
    layout = statistics.layout(length + 2 * margin)
    rate = layout.sample_rate
    places = np.clip(layout.centres - margin / rate, 0, length / rate)
    goals, weights = statistics.at(places), statistics.emphasis_at(places, layout.samples)
    for name, each in paths.items():
        weights[name] = each[:, None] * weights.get(name, np.ones((1, len(each), len(places)), np.float32))
    if len(rows) > 1 and any(shares.get(name) for name in model.linked):
        carriers = model.related(carriers, {name: values.mean(-1) for name, values in goals.items()})
    wrapped = np.pad(carriers, ((0, 0), (margin, margin)), mode="wrap")
    noise = torch.tensor(wrapped, dtype=torch.float32, device=device)
    carried = (noise, noise.roll(length // 2, 1)) if statistics.moving else (noise,)
    measure = model.measurement(layout.size, layout.samples / rate, layout.edge / rate, device, torch.float32)

    alone = () if len(rows) > 1 else model.linked
    counted = {n: share if n in model.imposed and n not in alone else 0.0 for n, share in shares.items()}

    def of(numbers: range, each: Array) -> Array:
        """Return what is of our channels in some stretches, or of all channels: stretches · channels × paths."""
        own = each[:, :, numbers.start : numbers.stop][rows if len(each) > 1 else [0] * len(rows)]
        return np.moveaxis(own, 2, 0).reshape(len(numbers) * len(rows), -1)

    def made(numbers: range) -> list[Array]:
        firsts = layout.starts[numbers.start : numbers.stop]
        each = [carried[number % len(carried)] for number in numbers]
        cuts = [noise[:, first : first + layout.samples] for noise, first in zip(each, firsts, strict=True)]
        sound = torch.nn.functional.pad(torch.cat(cuts), (0, layout.size - layout.samples))
        goal, own = ({name: of(numbers, each) for name, each in classes.items()} for classes in (goals, weights))
        found = _imposed(model, measure, sound, goal, own, counted, len(rows), device)[:, : layout.samples]
        tell(len(numbers), len(layout.starts))
        return np.split(found, len(numbers))

    tell(0, len(layout.starts))
    parts = [part for batch in spread(made, layout.batches(len(rows), device)) for part in batch]
    fade = round(FADE * rate)
    sound = joined(parts, layout, layout.samples if statistics.moving else fade, independent=statistics.moving)
    return _closed(sound, 2 * margin, fade) if loop else sound[:, margin : margin + length]


def _imposed(
    model: TextureModel,
    measure: Measurement,
    sound: torch.Tensor,
    goal: Mapping[str, Array],
    weights: Mapping[str, Array],
    shares: Mapping[str, float],
    channels: int,
    device: str,
) -> Array:
    """Return stretches with these statistics."""
    terms = [term for term in terms_of([goal], [shares], [weights], device, [model.floors]) if term.share]

    def loss(found: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.stack([term.compare(found[term.descriptor])[0] * term.share for term in terms]).sum()

    wanted = {name: torch.tensor(values, device=device) for name, values in goal.items()}
    return np.asarray(model.impose(measure, sound, wanted, loss if terms else None, channels).cpu().numpy(), np.float32)


def joined(parts: Sequence[Array], layout: Layout, fade: int, independent: bool = False) -> Array:
    """Return stretches as one sound, each faded into the next amid what both have in common.

    Parameters
    ----------
    parts
        The stretches, each channels × samples.
    layout
        Where they are.
    fade
        Samples of a fade at most.
    independent
        Whether they are of independent noises, of which the powers add up.
    """
    found = np.zeros((len(parts[0]), layout.length), np.float32)
    for number, (start, part) in enumerate(zip(layout.starts, parts, strict=True)):
        weights = np.ones(layout.samples, np.float32)
        if number:
            common = layout.starts[number - 1] + layout.samples - start
            weights[:common] = _rising(common, fade)
        if number + 1 < len(parts):
            common = start + layout.samples - layout.starts[number + 1]
            weights[layout.samples - common :] *= _rising(common, fade)[::-1]
        found[:, start : start + layout.samples] += part * (weights if independent else weights**2)
    return found


def _closed(sound: Array, common: int, fade: int) -> Array:
    """Return a loop from a sound whose last samples are made for the places of its first: they fade into these."""
    rising = _rising(common, fade)
    found = sound[:, : sound.shape[1] - common].copy()
    found[:, :common] = found[:, :common] * rising**2 + sound[:, sound.shape[1] - common :] * rising[::-1] ** 2
    return np.roll(found, -(common // 2), axis=1)


def _rising(common: int, fade: int) -> Array:
    """Return weights that rise in the middle of what is common; with those that fall their squares add up to 1."""
    places = (np.arange(common) + 0.5 - common / 2) / max(1, min(common, fade))
    return np.asarray(rise(places + 0.5, "equal_power"), np.float32)
