"""Time scattering (Mallat, "Group invariant scattering", 2012), arranged for speed.

    S1(t, λ) = | x ∗ ψ_λ | ∗ φ        S2(t, λ, μ) = | | x ∗ ψ_λ | ∗ ψ_μ | ∗ φ

Three things make it fast: the modulus does not change when a band is shifted in frequency, so each band is
computed at a rate that fits its width and not its centre; all bands of one rate are one batch; and the spectra
at every rate have the same bins, so that all bands which meet the same ψ_μ are again one batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from nodes.scattering.filters import Morlet, averaging_response, bank

PADDING = 4
"""Sound is mirrored at both ends over this many times the longest filter."""

WIDTHS = 16.0
"""Least sample rate of a band's modulus, in standard deviations of its filter."""

REACH = 4.5
"""Standard deviations of a second filter that are computed."""


@dataclass(frozen=True)
class Padding:
    """How a sound is embedded: `before` mirrored samples, the sound, `behind` mirrored samples, `total` in all."""

    before: int
    behind: int
    total: int


def padding_of(length: int, unit: int) -> Padding | None:
    """Return the padding to a multiple of `unit` that transforms fast, or None where the sound is too short."""
    most = (length - 1) // unit - 1
    if most < 1:
        return None
    before = min(PADDING, most)
    units = -(-length // unit) + 2 * before
    total = unit * _smooth(units)
    if total - before * unit - length > length - 1:
        total = unit * units
    return Padding(before * unit, total - before * unit - length, total)


def _smooth(number: int) -> int:
    """Return the least number of which 2, 3 and 5 are the only prime factors, not below `number`."""
    while True:
        rest = number
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return number
        number += 1


class Modulus(torch.autograd.Function):
    """|z|, with a gradient of 0 at 0; several times faster than `torch.abs` both ways."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> torch.Tensor:
        """Return |z|."""
        parts = torch.view_as_real(z)
        modulus = (parts[..., 0].square() + parts[..., 1].square()).sqrt_()
        ctx.save_for_backward(z, modulus)
        return modulus

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """Return g z / |z|."""
        z, modulus = ctx.saved_tensors
        tiny = torch.finfo(modulus.dtype).tiny
        gradient: torch.Tensor = z * (gradients[0] / modulus.clamp_min(tiny))
        return gradient


class Slices(torch.autograd.Function):
    """Stretches of the last axis, which may overlap, as rows; the adjoint adds them up in place."""

    @staticmethod
    def forward(ctx: Any, spectrum: torch.Tensor, starts: list[int], width: int) -> torch.Tensor:
        """Return … × rows × width."""
        ctx.starts, ctx.width, ctx.shape = starts, width, spectrum.shape
        return torch.stack([spectrum[..., start : start + width] for start in starts], -2)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Return the sum of the rows' gradients, each at its place."""
        total = gradients[0].new_zeros(ctx.shape)
        for row, start in enumerate(ctx.starts):
            total[..., start : start + ctx.width] += gradients[0][..., row, :]
        return total, None, None


@dataclass(frozen=True)
class Bands:
    """First filters of one rate: where each one's stretch of the spectrum starts, and its response there."""

    starts: list[int]
    responses: torch.Tensor

    @property
    def width(self) -> int:
        """Bins of a stretch, which is also the number of samples of each band."""
        return int(self.responses.shape[1])


@dataclass(frozen=True)
class Modulation:
    """A second filter, for the first `carriers` bands: response at bins -below …, samples of the result."""

    carriers: int
    below: int
    response: torch.Tensor
    samples: int


class Transform:
    """The scattering transform of sounds of one length.

    Parameters
    ----------
    length
        Number of samples.
    octaves, quality
        See `nodes.scattering.filters.bank`; the second bank has one filter in an octave.
    averaging
        Length of φ, and distance of frames, in samples: a power of two.
    padding
        See `padding_of`.
    device
        'cpu' or 'cuda'.
    dtype
        torch.float32, or torch.float64 to check gradients.
    """

    def __init__(
        self,
        length: int,
        octaves: int,
        quality: int,
        averaging: int,
        padding: Padding,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._padding, self._averaging, self._total = padding, averaging, padding.total
        self._deepest = int(math.log2(averaging))
        self._device, self._dtype = device, dtype
        self.carriers, self.modulators = bank(octaves, quality), bank(octaves, 1)
        self._bands = [self._band_group(list(filters), depth) for depth, filters in groupby(self.carriers, self._depth)]
        self._overhang = max(max(-b.starts[-1], b.starts[0] + b.width - self._total, 0) for b in self._bands)
        self._modulations = [m for m in map(self._modulation, self.modulators) if m.carriers]
        self._frames = slice(-(-padding.before // averaging), -(-(padding.before + length) // averaging))
        bins = np.arange(self._total // averaging // 2 + 1) / self._total
        self._average = self._tensor(averaging_response(bins, averaging))

    def paths(self) -> list[tuple[Morlet, Morlet]]:
        """Return (ψ_λ, ψ_μ) of each path of the second order, in the order of the coefficients."""
        used = self.modulators[len(self.modulators) - len(self._modulations) :]
        return [
            (carrier, modulator)
            for modulation, modulator in zip(self._modulations, used, strict=True)
            for carrier in self.carriers[: modulation.carriers]
        ]

    def __call__(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {'order1', 'order2'}: channels × paths × frames each, of channels × length samples."""
        spectra = [_modulus_spectrum(band) for band in self._first(samples)]
        second = [self._second(spectra, modulation) for modulation in self._modulations]
        found = {"order1": self._averaged(spectra)}
        return found | ({"order2": self._averaged(second)} if second else {})

    def _first(self, samples: torch.Tensor) -> list[torch.Tensor]:
        """Return x ∗ ψ_λ, shifted in frequency, for each group of bands."""
        padded = functional.pad(samples[:, None], (self._padding.before, self._padding.behind), mode="reflect")[:, 0]
        spectrum, over = torch.fft.fft(padded), self._overhang
        spectrum = torch.cat([spectrum[:, self._total - over :], spectrum, spectrum[:, :over]], -1)
        return [
            torch.fft.ifft(_slices(spectrum, [s + over for s in bands.starts], bands.width) * bands.responses)
            for bands in self._bands
        ]

    def _second(self, spectra: list[torch.Tensor], modulation: Modulation) -> torch.Tensor:
        """Return the spectra of | |x ∗ ψ_λ| ∗ ψ_μ | for one μ and all its λ."""
        below, reach = modulation.below, len(modulation.response) - modulation.below
        rows, left = [], modulation.carriers
        for spectrum in spectra:
            rows.append(_first_bins(spectrum[:, :left], reach))
            left = max(left - spectrum.shape[1], 0)
        positive = torch.cat(rows, 1)
        negative = positive[..., 1 : below + 1].conj().flip(-1)
        band = torch.cat([negative, positive], -1) * modulation.response
        return _modulus_spectrum(torch.fft.ifft(band, n=modulation.samples))

    def _averaged(self, spectra: list[torch.Tensor]) -> torch.Tensor:
        """Return the frames of what has these spectra, averaged by φ."""
        low = torch.cat([_first_bins(spectrum, len(self._average)) for spectrum in spectra], 1)
        frames = self._total // self._averaging
        averaged: torch.Tensor = torch.fft.irfft(low * self._average, n=frames, norm="forward")
        return averaged[..., self._frames]

    def _depth(self, carrier: Morlet) -> int:
        """Return how often a band's rate is halved: by its width, but so that every ψ_μ finds what it needs."""
        fitting = math.floor(-math.log2(WIDTHS * carrier.width))
        return max(0, min(fitting, carrier.octave + 2, self._deepest))

    def _band_group(self, carriers: list[Morlet], depth: int) -> Bands:
        width = self._total >> depth
        starts = [round(carrier.centre * self._total) - width // 2 for carrier in carriers]
        bins = np.arange(width)
        responses = [c.response((start + bins) / self._total) for c, start in zip(carriers, starts, strict=True)]
        return Bands(starts, self._tensor(np.stack(responses) * (width / self._total)))

    def _modulation(self, modulator: Morlet) -> Modulation:
        carriers = sum(carrier.octave < modulator.octave for carrier in self.carriers)
        samples = self._total >> min(modulator.octave + 1, self._deepest)
        below = max(0, min(round((REACH * modulator.width - modulator.centre) * self._total), samples // 2))
        above = min(round((modulator.centre + REACH * modulator.width) * self._total), samples - below)
        response = modulator.response(np.arange(-below, above) / self._total) * samples
        return Modulation(carriers, below, self._tensor(response), samples)

    def _tensor(self, values: Any) -> torch.Tensor:
        return torch.tensor(values, dtype=self._dtype, device=self._device)


def _slices(spectrum: torch.Tensor, starts: list[int], width: int) -> torch.Tensor:
    rows: torch.Tensor = Slices.apply(spectrum, starts, width)  # type: ignore[no-untyped-call]
    return rows


def _modulus_spectrum(band: torch.Tensor) -> torch.Tensor:
    """Return the Fourier coefficients of |band|, whatever its rate."""
    spectrum: torch.Tensor = torch.fft.rfft(Modulus.apply(band), norm="forward")  # type: ignore[no-untyped-call]
    return spectrum


def _first_bins(spectrum: torch.Tensor, count: int) -> torch.Tensor:
    """Return the first bins, with zeros where there are fewer."""
    return functional.pad(spectrum[..., :count], (0, max(0, count - spectrum.shape[-1])))
