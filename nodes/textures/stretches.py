"""A sound in overlapping stretches, in each of which statistics are measured: so its length costs time, not memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from nodes.textures.model import Measurement, TextureModel
from pipelines.value import Array
from pipelines.workers import spread

STRETCH, EDGE = 6.0, 1.0
"""Seconds of the longest stretch, and of its edges, over which neighbours overlap."""

MOVING = 2.5
"""Seconds of the longest stretch where statistics move: in each they stand still."""

SHORT_EDGE = 0.2
"""Part of a short sound that each edge takes at most."""

ALONE = 2
"""Stretches at most that are measured at once; more are measured side by side, and again for their gradient."""


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

    @property
    def centres(self) -> Array:
        """Middle of each stretch in seconds."""
        return (np.array(self.starts) + self.samples / 2) / self.sample_rate


def stretches_of(model: TextureModel, length: int, longest: float = STRETCH) -> Layout:
    """Return the layout of a sound: whole where it is short, else stretches that overlap by their edges.

    Parameters
    ----------
    model
        The front end.
    length
        Samples of the sound.
    longest
        Seconds of a stretch at most.
    """
    rate = model.sample_rate
    most = round(longest * rate)
    edge = round(min(EDGE * rate, SHORT_EDGE * min(length, most)))
    count = max(1, math.ceil((length - edge) / (most - edge)))
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
        self._layout, rate = layout, layout.sample_rate
        self._measure = model.measurement(layout.size, layout.samples / rate, layout.edge / rate, device, dtype)

    def __call__(self, sounds: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return channels × paths × stretches of channels × length samples; gradients flow."""
        layout = self._layout
        if sounds.ndim != 2 or sounds.shape[1] != layout.length:
            raise ValueError(f"sounds must be channels × {layout.length}, not {tuple(sounds.shape)}")
        cut = torch.stack([sounds[:, start : start + layout.samples] for start in layout.starts], 1)
        padded = torch.nn.functional.pad(cut, (0, layout.size - layout.samples)).flatten(0, 1)
        found = self._measure(padded) if len(padded) <= ALONE else self._one_by_one(padded)
        return {name: v.reshape(len(sounds), -1, v.shape[1]).movedim(1, -1) for name, v in found.items()}

    def _one_by_one(self, stretches: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the statistics of many stretches; what their gradient needs is computed again for each in its turn."""
        found = spread(lambda stretch: _values(self._measure, stretch[None]), stretches.detach())
        names = list(found[0])
        values = [torch.cat([each[name] for each in found]) for name in names]
        together: tuple[torch.Tensor, ...] = _Again.apply(stretches, self._measure, names, *values)  # type: ignore[no-untyped-call]
        return dict(zip(names, together, strict=True))


def measured(samples: Array, model: TextureModel, device: str, layout: Layout | None = None) -> dict[str, Array]:
    """Return the statistics of each stretch of channels × samples: channels × paths × stretches, float32."""
    measure = Stretches(model, layout or stretches_of(model, samples.shape[1]), device)
    with torch.no_grad():
        each = [measure(torch.tensor(channel[None], device=device)) for channel in samples]
    return {name: torch.cat([found[name] for found in each]).cpu().numpy() for name in each[0]}


def _values(measure: Measurement, stretch: torch.Tensor) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        found = measure(stretch)
    return found


class _Again(torch.autograd.Function):
    """Statistics that are known, of which the gradient is computed by measuring again, one stretch after another."""

    @staticmethod
    def forward(
        ctx: Any, stretches: torch.Tensor, measure: Measurement, names: list[str], *values: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(stretches)
        ctx.measure, ctx.names = measure, names
        return tuple(value.clone() for value in values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *wanted: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (stretches,) = ctx.saved_tensors

        def back(number: int) -> torch.Tensor:
            with torch.enable_grad():
                stretch = stretches[number : number + 1].detach().requires_grad_()
                found = ctx.measure(stretch)
                weighed = [each[number : number + 1] for each in wanted]
                gradients: tuple[torch.Tensor, ...] = torch.autograd.grad(
                    [found[n] for n in ctx.names], stretch, weighed
                )
            return gradients[0]

        return torch.cat(spread(back, range(len(stretches)))), None, None, *(None for _ in wanted)
