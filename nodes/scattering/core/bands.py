"""First order: U1(t, λ) = |x ∗ ψ_λ|(t), each band at a rate that fits its width.

The modulus does not change when a band is shifted in frequency, so each band is computed at a rate that fits its width
and not its centre, and all bands of one rate are one batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch

from nodes.scattering.core.circle import Circle
from nodes.scattering.core.design import Design
from nodes.scattering.core.filters import Morlet, without_dust
from nodes.scattering.core.modulus import modulus, modulus_adjoint

WIDTHS = 16.0
"""Least sample rate of a band's modulus, in standard deviations of its filter."""


@dataclass(frozen=True)
class Group:
    """Bands of one rate: which of the carriers, the first bin of each one's stretch of spectrum, its response."""

    carriers: slice
    starts: list[int]
    responses: torch.Tensor

    @property
    def samples(self) -> int:
        """Bins of a stretch, which is also the number of samples of each band."""
        return int(self.responses.shape[1])


class Bands:
    """The bands of the first order, in groups of one rate."""

    def __init__(self, design: Design, circle: Circle, dtype: torch.dtype, device: str) -> None:
        self._total = circle.total

        def depth(carrier: Morlet) -> int:
            if design.sampling == "full":
                return min(carrier.octave, circle.depth)
            fitting = math.floor(-math.log2(WIDTHS * carrier.width))
            return max(0, min(fitting, carrier.octave + 2, circle.depth))

        self.groups: list[Group] = []
        first = 0
        for halvings, filters in groupby(design.carriers, depth):
            carriers, samples = list(filters), circle.samples(halvings)
            starts = [round(carrier.centre * circle.total) - samples // 2 for carrier in carriers]
            responses = [
                carrier.response((start + np.arange(samples)) / circle.total)
                for carrier, start in zip(carriers, starts, strict=True)
            ]
            precise = torch.tensor(without_dust(np.stack(responses)) / circle.total, device=device)
            tensor = precise.to(dtype.to_complex() if precise.is_complex() else dtype)
            self.groups.append(Group(slice(first, first + len(carriers)), starts, tensor))
            first += len(carriers)
        self._before = max(0, -min(min(group.starts) for group in self.groups))
        self._behind = max(0, max(max(group.starts) + group.samples for group in self.groups) - circle.total)
        self._places = torch.arange(-self._before, circle.total + self._behind, device=device) % circle.total

    def __call__(self, sound: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return for each group the planes of x ∗ ψ_λ, shifted in frequency, and their modulus.

        Planes are batch × 2 × bands × samples, moduli batch × bands × samples.
        """
        spectrum = torch.fft.fft(sound)
        around = spectrum[:, self._places]
        return [self._group(around, group) for group in self.groups]

    def _group(self, spectrum: torch.Tensor, group: Group) -> tuple[torch.Tensor, torch.Tensor]:
        stretches = [spectrum[:, s + self._before : s + self._before + group.samples] for s in group.starts]
        band = torch.fft.ifft(torch.stack(stretches, 1).mul_(group.responses), norm="forward")
        planes = torch.view_as_real(band).movedim(-1, 1).contiguous()
        return planes, modulus(planes)

    def adjoint(self, gradients: list[torch.Tensor], bands: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
        """Return the gradient with respect to batch × total samples, from those with respect to the moduli.

        The planes and moduli that the transform returned are overwritten.
        """
        size: Any = (len(gradients[0]), self._before + self._total + self._behind)
        spectrum = torch.zeros(size, dtype=bands[0][0].dtype.to_complex(), device=bands[0][0].device)
        for group, gradient, (planes, moduli) in zip(self.groups, gradients, bands, strict=True):
            turned = modulus_adjoint(gradient, planes, moduli).movedim(1, -1).contiguous()
            stretches = torch.fft.fft(torch.view_as_complex(turned)).mul_(group.responses.conj())
            for row, start in enumerate(group.starts):
                place = start + self._before
                spectrum[:, place : place + group.samples] += stretches[:, row]
        inside, end = spectrum[:, self._before : self._before + self._total], self._before + self._total
        inside.index_add_(1, self._places[: self._before], spectrum[:, : self._before])
        inside.index_add_(1, self._places[end:], spectrum[:, end:])
        sound: torch.Tensor = torch.fft.ifft(inside, norm="forward").real
        return sound
