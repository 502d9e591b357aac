"""Scales of the first order: | S1 ∗_λ ψ_β |, averaged along λ, in the place of S1: rate 0 of the second order."""

from __future__ import annotations

import math

import numpy as np
import torch

from nodes.scattering.core.design import Design
from nodes.scattering.core.modulus import modulus, modulus_adjoint
from nodes.scattering.core.scales import averages_of, paths_of_rows, scale_rows


class BandScales:
    """Filters along log-frequency for the averaged moduli of all bands; both spins of what is real are the same."""

    def __init__(self, design: Design, dtype: torch.dtype, device: str) -> None:
        bands = len(design.carriers)
        halves = [
            f for f in design.scale_filters if f.spin > 0 or (f.spin == 0 and (not f.across or f.across.spin >= 0))
        ]
        rows = [scale_rows(design, each, bands) for each in halves]
        matrix = np.concatenate([row.matrix for row in rows])
        self._planes = torch.tensor(np.concatenate([matrix.real, matrix.imag]), dtype=dtype, device=device)
        self._average = averages_of(rows, self._planes)
        self.paths = paths_of_rows(design, rows, math.nan)

    def __call__(self, order1: torch.Tensor) -> torch.Tensor:
        """Return batch × paths × frames of batch × bands × frames."""
        moduli = modulus(self._filtered(order1))
        return moduli if self._average is None else self._average @ moduli

    def adjoint(self, gradient: torch.Tensor, order1: torch.Tensor) -> torch.Tensor:
        """Return the gradient with respect to the bands, whose averaged moduli are given once more."""
        planes = self._filtered(order1)
        back = gradient.clone() if self._average is None else self._average.T @ gradient
        return self._planes.T @ modulus_adjoint(back, planes, modulus(planes)).flatten(1, 2)

    def _filtered(self, order1: torch.Tensor) -> torch.Tensor:
        return torch.matmul(self._planes, order1).reshape(len(order1), 2, -1, order1.shape[-1])
