"""Long sounds in overlapping chunks, so that time grows with the length and memory does not.

Each chunk goes under a Hann window and around a circle of its own; the next begins at its middle. The windows add up
to one, and so, nearly, do the coefficients of the chunks where they overlap (Lostanlen and Hecker, "The shape of
remixxxes to come", DAFx 2019, re-synthesise long sounds so).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch

from nodes.scattering.core.circle import Circle, circle_of
from nodes.scattering.core.design import Design, Paths
from nodes.scattering.core.transform import Coefficients, Transform, require_shape
from pipelines.workers import spread, workers

LEAST = 2**17
"""Least length of the chunks that are made unasked, in samples: 3 s at 44.1 kHz."""

FILTERS, AVERAGINGS = 16, 8
"""Least length of a chunk in longest filters and in averagings; below it the window itself would be heard."""

BATCH = 8
"""Chunks at once on a graphics processor."""

ROUND = 4
"""Batches for each worker between two times at which all wait for the last."""


def chunk_length(design: Design) -> int:
    """Return the length of chunks that suits a design, in samples."""
    return max(LEAST, FILTERS * int(2**design.octaves), AVERAGINGS * design.averaging)


class Chunks:
    """The scattering transform of sounds of one length, chunk by chunk; used as `Transform` is.

    Parameters
    ----------
    design
        What is to be computed.
    length
        Number of samples.
    chunk
        Samples of a chunk, a multiple of twice the averaging.
    device, dtype
        As for `Transform`.
    batch
        Chunks that are computed as one; unless given 1 on a processor, whose cache they would not fit, else 8.
    """

    def __init__(
        self,
        design: Design,
        length: int,
        chunk: int,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch: int | None = None,
    ) -> None:
        local = dataclasses.replace(design, averaging=design.averaging or int(2**design.octaves), boundary="circular")
        self.design, self._hop, self._mean = design, chunk // 2, not design.averaging
        self._chunk = Transform(local, circle_of(chunk, local), device, dtype)
        count = math.ceil(length / self._hop) + 1
        starts, size = [number * self._hop for number in range(count)], batch or (1 if device == "cpu" else BATCH)
        self._batches = [starts[first : first + size] for first in range(0, count, size)]
        total = (count + 1) * self._hop
        self._circle = Circle(length, self._hop, total, total // local.averaging, local.averaging, design.boundary)
        self._window = torch.hann_window(chunk, dtype=dtype, device=device)

    @property
    def times(self) -> np.ndarray:
        """Places of the frames, in samples of the sound."""
        return np.array([self._circle.length / 2]) if self._mean else self._circle.times

    def paths(self) -> dict[str, Paths]:
        """Return the axes of 'order1' and 'order2', as of a `Transform`."""
        return self._chunk.paths()

    def forward(self, samples: torch.Tensor) -> Coefficients:
        """Return the coefficients of channels × length samples."""
        require_shape(samples, self._circle.length)

        def scatter(batch: list[int]) -> Coefficients:
            return self._chunk.forward(self._windowed(samples, batch))

        orders: list[torch.Tensor] = []
        for batches in self._rounds():
            for batch, found in zip(batches, spread(scatter, batches), strict=True):
                orders = orders or [samples.new_zeros((len(samples), o.shape[1], self._circle.count)) for o in found]
                for order, part in zip(orders, found, strict=True):
                    for start, chunk in zip(batch, torch.split(part, len(samples)), strict=True):
                        order[..., self._frames(start)] += chunk
        return Coefficients(*map(self._sound, orders))

    def adjoint(self, order1: torch.Tensor, order2: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return the gradient with respect to the samples, from those with respect to their coefficients."""
        orders = [self._sound_adjoint(order) for order in (order1, order2)]

        def back(batch: list[int]) -> torch.Tensor:
            first, second = (torch.cat([order[..., self._frames(start)] for start in batch]) for order in orders)
            return self._chunk.adjoint(first, second, self._windowed(samples, batch)).mul_(self._window)

        gradient = torch.zeros_like(samples)
        for batches in self._rounds():
            for batch, part in zip(batches, spread(back, batches), strict=True):
                for start, chunk in zip(batch, torch.split(part, len(gradient)), strict=True):
                    gradient.index_add_(-1, self._origins(start), chunk)
        return gradient

    def _rounds(self) -> list[list[list[int]]]:
        """Return the batches that are computed side by side, so many that what they give stays small.

        A graphics processor gets one after the other: its gradients come from a thread that must not wait for others.
        """
        size = ROUND * workers() if self._window.device.type == "cpu" else 1
        return [self._batches[first : first + size] for first in range(0, len(self._batches), size)]

    def _windowed(self, samples: torch.Tensor, batch: list[int]) -> torch.Tensor:
        return torch.cat([samples[..., self._origins(start)] for start in batch]) * self._window

    def _origins(self, start: int) -> torch.Tensor:
        """Return which samples of the sound the chunk consists of; beside the sound it is continued."""
        return self._circle.origins(start, start + len(self._window)).to(self._window.device)

    def _frames(self, start: int) -> slice:
        """Return the frames of the chunk that begins here."""
        step = self._circle.averaging
        return slice(start // step, (start + len(self._window)) // step)

    def _sound(self, order: torch.Tensor) -> torch.Tensor:
        """Return the frames inside the sound, or their mean."""
        inside = order[..., self._circle.frames.kept]
        return inside.mean(-1, keepdim=True) if self._mean else inside.clone()

    def _sound_adjoint(self, gradient: torch.Tensor) -> torch.Tensor:
        kept = self._circle.frames.kept
        whole = gradient.new_zeros((*gradient.shape[:2], self._circle.count))
        whole[..., kept] = gradient / (kept.stop - kept.start) if self._mean else gradient
        return whole


def transform_for(
    design: Design, length: int, chunk: int | None, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Transform | Chunks:
    """Return the transform of sounds of `length` samples: whole, or in chunks where they are longer than that.

    Parameters
    ----------
    chunk
        Samples of a chunk; None for chunks of a length that suits the design, of sounds longer than two of them.
    """
    size = chunk or chunk_length(design)
    if length <= (size if chunk else 2 * size):
        return Transform(design, length, device, dtype)
    return Chunks(design, length, size, device, dtype)
