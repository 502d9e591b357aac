"""A sound in overlapping stretches, in each of which statistics are measured: so its length costs time, not memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from nodes.textures.model import TextureModel
from pipelines.value import Array
from pipelines.workers import spread

STRETCH, EDGE = 6.0, 1.0
"""Seconds of the longest stretch, and of its edges, over which neighbours overlap."""

MOVING = 2.5
"""Seconds of the longest stretch where statistics move: it stands for its middle, and each moment is in two of them."""

SHORT_EDGE = 0.2
"""Part of a short sound that each edge takes at most."""

AT_ONCE = {"cpu": 2, "cuda": 32}
"""Channels times stretches at most that are all measured at once; more are measured in batches, and again for their
gradient."""

BATCH = {"cpu": 8, "cuda": 32}
"""Channels times stretches of a batch, at most: several are a quarter faster than one by one, and spread over cores far
better, for the interpreter has less to do."""


@dataclass(frozen=True)
class Layout:
    """How a sound of `length` samples is laid out in stretches.

    Parameters
    ----------
    length
        Samples of the sound.
    starts
        First sample of each stretch.
    samples
        Samples of a stretch.
    size
        Samples that are measured at once, of which those beyond a stretch are silent.
    edge
        Samples of an edge.
    sample_rate
        Samples a second.
    """

    length: int
    starts: tuple[int, ...]
    samples: int
    size: int
    edge: int
    sample_rate: int

    def batches(self, channels: int, device: str) -> list[range]:
        """Return which stretches are worked on at once: batches of about one size; several are an even number."""
        stretches = len(self.starts)
        most = max(1, BATCH[device.split(":")[0]] // channels)
        count = 2 * math.ceil(stretches / (2 * most)) if stretches > 1 else 1
        ends = [round(stretches * number / count) for number in range(count + 1)]
        return [range(first, end) for first, end in pairwise(ends) if end > first]

    @property
    def centres(self) -> Array:
        """Middle of each stretch in seconds."""
        return (np.array(self.starts) + self.samples / 2) / self.sample_rate


def stretches_of(model: TextureModel, length: int, longest: float = STRETCH, moving: bool = False) -> Layout:
    """Return the layout of a sound: whole where it is short, else stretches that overlap by their edges.

    Parameters
    ----------
    model
        The front end.
    length
        Samples of the sound.
    longest
        Seconds of a stretch at most.
    moving
        Whether each stretch shall give way to the next all the time, so that their statistics make no steps.
    """
    rate = model.sample_rate
    most = round(longest * rate)
    edge = most // 2 if moving and length > most else round(min(EDGE * rate, SHORT_EDGE * min(length, most)))
    fewest = max(1, (length - edge) // max(1, model.least_samples() - edge))
    count = min(max(1, math.ceil((length - edge) / (most - edge))), fewest)
    hop = math.ceil((length - edge) / count)
    starts = tuple(min(number * hop, max(0, length - hop - edge)) for number in range(count))
    samples = min(length, hop + edge)
    return Layout(length, starts, samples, model.size(samples), edge, rate)


def faded(places: Array, duration: float, edge: float) -> Array:
    """Return a window with raised-cosine edges at places in seconds; it adds up to 1, and is 0 beyond its duration."""
    if not edge:
        window = (places < duration).astype(np.float64)
    else:
        within = np.minimum(places, duration - places) / edge
        window = 0.5 - 0.5 * np.cos(math.pi * np.clip(within, 0.0, 1.0))
    return np.asarray(window / window.sum())


def beside(values: torch.Tensor, channels: int, by: int = 1) -> torch.Tensor:
    """Return a batch in which each channel is where the one after it was (`by` 1) or the one before it (-1)."""
    return values.reshape(-1, channels, *values.shape[1:]).roll(by, 1).reshape(values.shape)


class Stretches:
    """The statistics of every stretch of sounds of one length.

    Parameters
    ----------
    model
        The front end.
    layout
        The stretches.
    device, dtype
        Of the tensors.
    """

    def __init__(self, model: TextureModel, layout: Layout, device: str, dtype: torch.dtype = torch.float32) -> None:
        self._layout, rate, self._device = layout, layout.sample_rate, device
        self._measure = model.measurement(layout.size, layout.samples / rate, layout.edge / rate, device, dtype)

    def __call__(self, sounds: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return channels × paths × stretches of channels × length samples; gradients flow."""
        layout = self._layout
        if sounds.ndim != 2 or sounds.shape[1] != layout.length:
            raise ValueError(f"sounds must be channels × {layout.length}, not {tuple(sounds.shape)}")
        numbers = range(len(layout.starts))
        if len(numbers) > 1 and len(numbers) * len(sounds) > AT_ONCE[self._device.split(":")[0]]:
            found = self._in_batches(sounds)
        else:
            found = self._measure(self._cut(sounds, numbers), len(sounds))
        return {name: v.reshape(-1, len(sounds), v.shape[1]).movedim(0, -1) for name, v in found.items()}

    def _in_batches(self, sounds: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the statistics of many stretches; what their gradient needs is computed again for each in its turn."""
        found = spread(
            lambda numbers: self.values(sounds.detach(), numbers), self._layout.batches(len(sounds), self._device)
        )
        names = list(found[0])
        values = [torch.cat([each[name] for each in found]) for name in names]
        together: tuple[torch.Tensor, ...] = _Again.apply(sounds, self, names, *values)  # type: ignore[no-untyped-call]
        return dict(zip(names, together, strict=True))

    def _cut(self, sounds: torch.Tensor, numbers: range) -> torch.Tensor:
        """Return some stretches of channels × samples, each with the silence behind it: stretches · channels × size."""
        layout = self._layout
        parts = [sounds[:, start : start + layout.samples] for start in layout.starts[numbers.start : numbers.stop]]
        return torch.nn.functional.pad(torch.cat(parts), (0, layout.size - layout.samples))

    def values(self, sounds: torch.Tensor, numbers: range) -> dict[str, torch.Tensor]:
        """Return the statistics of some stretches, each stretches · channels × paths."""
        with torch.no_grad():
            found = self._measure(self._cut(sounds, numbers), len(sounds))
        return found

    def gradient(self, sounds: torch.Tensor, names: list[str], slopes: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the gradient with respect to sounds from slopes of the statistics, stretches · channels × paths."""
        count, layout = len(sounds), self._layout

        def back(numbers: range) -> torch.Tensor:
            with torch.enable_grad():
                parts = self._cut(sounds, numbers).requires_grad_()
                found = self._measure(parts, count)
                own = [each[numbers.start * count : numbers.stop * count] for each in slopes]
                (gradient,) = torch.autograd.grad([found[name] for name in names], parts, own)
            return gradient[:, : layout.samples]

        total = torch.zeros_like(sounds)
        found = torch.cat(spread(back, layout.batches(count, self._device)))
        for start, gradient in zip(layout.starts, found.view(-1, count, layout.samples), strict=True):
            total[:, start : start + layout.samples] += gradient
        return total


def measured(samples: Array, model: TextureModel, device: str, layout: Layout | None = None) -> dict[str, Array]:
    """Return the statistics of each stretch of channels × samples: channels × paths × stretches, float32.

    Channels are measured apart from each other, except by a model that compares them.
    """
    measure = Stretches(model, layout or stretches_of(model, samples.shape[1]), device)
    together = [samples] if model.linked else [channel[None] for channel in samples]
    with torch.no_grad():
        each = [measure(torch.tensor(sound, device=device)) for sound in together]
    return {name: torch.cat([found[name] for found in each]).cpu().numpy() for name in each[0]}


class _Again(torch.autograd.Function):
    """Statistics that are known, of which the gradient is computed by measuring again, one stretch after another."""

    @staticmethod
    def forward(
        ctx: Any, sounds: torch.Tensor, stretches: Stretches, names: list[str], *values: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(sounds)
        ctx.stretches, ctx.names = stretches, names
        return tuple(value.clone() for value in values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (sounds,) = ctx.saved_tensors
        return ctx.stretches.gradient(sounds.detach(), ctx.names, slopes), None, None, *(None for _ in slopes)
