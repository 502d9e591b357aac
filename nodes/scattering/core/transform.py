"""Scattering transforms of sounds of one length, with their adjoint.

    S1(t, λ) = | x ∗ ψ_λ | ∗ φ_T
    S2(t, λ, α, β) = | ψ_β ∗_λ | x ∗ ψ_λ | ∗_t ψ_α | ∗ φ_T          (without ψ_β for scattering in time alone)

after Mallat, "Group invariant scattering" (2012), and Andén, Lostanlen and Mallat, "Joint time-frequency scattering"
(IEEE TSP 2019). The spectra of all bands have the same bins at every rate, so that all bands which meet the same ψ_α
are one batch; the filters along log-frequency are matrices, and so is the averaging. The gradient is written out; the
adjoint computes again what the coefficients were made of: to keep it takes hundreds of times the memory of the sound
and saves a tenth of the time, if any.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from nodes.scattering.core.averaging import Averaging
from nodes.scattering.core.band_scales import BandScales
from nodes.scattering.core.bands import Bands
from nodes.scattering.core.circle import Circle, circle_of
from nodes.scattering.core.design import Design, Paths, paths_of_bands
from nodes.scattering.core.modulations import Modulation


class Coefficients(NamedTuple):
    """Coefficients of both orders, each batch × paths × frames."""

    order1: torch.Tensor
    order2: torch.Tensor


class Transform:
    """The scattering transform of sounds of one length.

    Parameters
    ----------
    design
        What is to be computed.
    length
        Number of samples, or the circle around which they are laid.
    device
        'cpu' or 'cuda'.
    dtype
        torch.float32 or torch.float64.
    """

    def __init__(
        self, design: Design, length: int | Circle, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        circle = circle_of(length, design) if isinstance(length, int) else length
        self.design, self.circle = design, circle
        self._bands = Bands(design, circle, dtype, device)
        self._band_scales = BandScales(design, dtype, device) if design.band_scales else None
        averagings: dict[int, Averaging] = {}

        def averaging(samples: int) -> Averaging:
            if samples not in averagings:
                averagings[samples] = Averaging(circle.frames, samples, dtype, device)
            return averagings[samples]

        self._averagings = [averaging(group.samples) for group in self._bands.groups]
        self._modulations = []
        for modulator, carriers in design.modulators:
            samples = circle.samples(modulator.octave + (design.sampling == "fitted"))
            self._modulations.append(Modulation(design, circle, modulator, carriers, averaging(samples), samples))

    @property
    def times(self) -> np.ndarray:
        """Places of the frames, in samples of the sound."""
        return self.circle.times

    def paths(self) -> dict[str, Paths]:
        """Return the axes of 'order1' and 'order2' in cycles per sample and signed cycles per band."""
        first = self._band_scales.paths if self._band_scales else paths_of_bands(self.design.carriers, math.nan)
        each = [modulation.paths for modulation in self._modulations]
        each = each or [Paths(*[np.zeros(0)] * len(Paths._fields))]
        return {"order1": first, "order2": Paths(*map(np.concatenate, zip(*each, strict=True)))}

    def forward(self, samples: torch.Tensor) -> Coefficients:
        """Return the coefficients of batch × length samples."""
        bands = self._bands_of(samples)
        order1 = self._averaged(bands)
        spectra = _spectra(bands) if self._modulations else []
        del bands
        order2 = torch.cat([order1[:, :0], *(modulation(spectra) for modulation in self._modulations)], 1)
        return Coefficients(self._band_scales(order1) if self._band_scales else order1, order2)

    def adjoint(self, order1: torch.Tensor, order2: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Return the gradient with respect to the samples, from those with respect to their coefficients."""
        bands = self._bands_of(samples)
        if self._band_scales:
            order1 = self._band_scales.adjoint(order1, self._averaged(bands))
        gradients = [
            average.adjoint(order1[:, group.carriers])
            for average, group in zip(self._averagings, self._bands.groups, strict=True)
        ]
        if self._modulations:
            for gradient, spectrum in zip(gradients, self._modulations_adjoint(order2, bands), strict=True):
                gradient += _spectrum_adjoint(spectrum, gradient.shape[-1])
        return self.circle.around_adjoint(self._bands.adjoint(gradients, bands))

    def _bands_of(self, samples: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        require_shape(samples, self.circle.length)
        return self._bands(self.circle.around(samples))

    def _averaged(self, bands: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
        return torch.cat([average(u) for average, (_, u) in zip(self._averagings, bands, strict=True)], 1)

    def _modulations_adjoint(
        self, order2: torch.Tensor, bands: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> list[torch.Tensor]:
        """Return the gradient with respect to the spectra of the moduli."""
        spectra = _spectra(bands)
        into = [torch.zeros_like(spectrum) for spectrum in spectra]
        counts = [len(modulation.paths.scale) for modulation in self._modulations]
        for modulation, gradient in zip(self._modulations, torch.split(order2, counts, 1), strict=True):
            modulation.adjoint(gradient, spectra, into)
        return into


def require_shape(samples: torch.Tensor, length: int) -> None:
    """Refuse samples that are not batch × length.

    Raises
    ------
    ValueError
        Tells the shapes.
    """
    if samples.ndim != 2 or samples.shape[1] != length:
        raise ValueError(f"samples must be batch × {length}, not {' × '.join(map(str, samples.shape))}")


def _spectra(bands: list[tuple[torch.Tensor, torch.Tensor]]) -> list[torch.Tensor]:
    """Return the Fourier coefficients of the moduli of each group of bands, whatever its rate."""
    return [torch.fft.rfft(moduli, norm="forward") for _, moduli in bands]


def _spectrum_adjoint(spectrum: torch.Tensor, samples: int) -> torch.Tensor:
    """Return the adjoint of a real transform (norm 'forward'); irfft counts what has a mirror image twice."""
    spectrum[..., 1 : (samples + 1) // 2] *= 0.5
    moduli: torch.Tensor = torch.fft.irfft(spectrum, n=samples)
    return moduli
