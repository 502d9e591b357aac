"""Second order: U2 = | ψ_β ∗_λ (U1 ∗_t ψ_α) |, for one rate α at a time and all its bands, scales and spins."""

from __future__ import annotations

import numpy as np
import torch

from nodes.scattering.core.averaging import Averaging
from nodes.scattering.core.circle import Circle
from nodes.scattering.core.design import Design, paths_of_bands
from nodes.scattering.core.filters import Morlet, without_dust
from nodes.scattering.core.modulus import modulus, modulus_adjoint
from nodes.scattering.core.scales import Tile, averages_of, paths_of_rows, scale_rows, tiles_of

REACH = 5.0
"""Standard deviations of a filter of the second order that are computed."""

TILE_BYTES = 1 << 21
"""Size of what is computed at once on a processor: it should stay in its cache."""


class Modulation:
    """One filter ψ_α with all that follows from it, for the first `carriers` bands.

    Parameters
    ----------
    design, circle
        What is to be computed, and around which circle.
    modulator
        The filter ψ_α.
    carriers
        Number of bands.
    averaging
        The average over time at this modulation's rate.
    """

    def __init__(
        self, design: Design, circle: Circle, modulator: Morlet, carriers: int, averaging: Averaging, samples: int
    ) -> None:
        weights = averaging.weights
        self.carriers, self.samples, self._averaging = carriers, samples, averaging
        self.below, reach = _bins(modulator, circle.total, samples)
        response = modulator.response(np.arange(-self.below, reach) / circle.total)
        precise = torch.tensor(without_dust(response), device=weights.device)
        self._response = precise.to(weights.dtype.to_complex() if precise.is_complex() else weights.dtype)
        self._tiles: list[Tile | None] = [None]
        self._average: torch.Tensor | None = None
        if design.kind == "time":
            self.paths = paths_of_bands(design.carriers[:carriers], modulator.centre)
        else:
            rows = [scale_rows(design, each, carriers) for each in design.scale_filters]
            most = TILE_BYTES // (2 * samples * weights.element_size()) if weights.device.type == "cpu" else 1 << 30
            matrix = np.concatenate([row.matrix for row in rows])
            self._tiles = [*tiles_of(matrix, max(8, most), weights.dtype, str(weights.device))]
            self._average = averages_of(rows, weights)
            self.paths = paths_of_rows(design, rows, modulator.centre)

    def __call__(self, spectra: list[torch.Tensor]) -> torch.Tensor:
        """Return batch × paths × frames of the spectra of U1."""
        planes = self._filtered(spectra)
        found = [self._averaging(modulus(_turned(tile, planes))) for tile in self._tiles]
        averaged = torch.cat(found, 1) if len(found) > 1 else found[0]
        return averaged if self._average is None else self._average @ averaged

    def _filtered(self, spectra: list[torch.Tensor]) -> torch.Tensor:
        """Return the planes of U1 ∗ ψ_α, shifted in frequency: batch × 2 × bands × samples."""
        reach, first = len(self._response) - self.below, 0
        size = (len(spectra[0]), self.carriers, len(self._response))
        band = torch.zeros(size, dtype=spectra[0].dtype, device=spectra[0].device)
        for spectrum in spectra:
            part = spectrum[:, : self.carriers - first, :reach]
            rows = slice(first, first + part.shape[1])
            band[:, rows, self.below : self.below + part.shape[2]] = part
            mirrored = part[..., 1 : self.below + 1]
            band[:, rows, self.below - mirrored.shape[2] : self.below] = mirrored.conj().flip(-1)
            first = rows.stop
            if first >= self.carriers:
                break
        filtered = torch.fft.ifft(band.mul_(self._response), n=self.samples, norm="forward")
        return torch.view_as_real(filtered).movedim(-1, 1).contiguous()

    def adjoint(self, gradient: torch.Tensor, spectra: list[torch.Tensor], into: list[torch.Tensor]) -> None:
        """Add the gradient with respect to the spectra of U1 `into` others; Y2 is computed again, tile by tile."""
        if self._average is not None:
            gradient = self._average.T @ gradient
        filtered = self._filtered(spectra)
        planes: torch.Tensor | None = None
        for tile in self._tiles:
            turned, rows = _turned(tile, filtered), slice(None) if tile is None else tile.rows
            back = modulus_adjoint(self._averaging.adjoint(gradient[:, rows]), turned, modulus(turned))
            if tile is not None:
                back = _product(tile.planes.T, back)
            planes = back if planes is None else planes.add_(back)
        assert planes is not None
        self._filtered_adjoint(planes, into)

    def _filtered_adjoint(self, planes: torch.Tensor, spectra: list[torch.Tensor]) -> None:
        turned = torch.view_as_complex(planes.movedim(1, -1).contiguous())
        band = torch.fft.fft(turned)[..., : len(self._response)].mul_(self._response.conj())
        first = 0
        for spectrum in spectra:
            rows = slice(first, min(self.carriers, first + spectrum.shape[1]))
            into = spectrum[:, : rows.stop - first, : band.shape[2] - self.below]
            into += band[:, rows, self.below : self.below + into.shape[2]]
            mirrored = into[..., 1 : self.below + 1]
            mirrored += band[:, rows, self.below - mirrored.shape[2] : self.below].flip(-1).conj()
            first = rows.stop
            if first >= self.carriers:
                break


def _turned(tile: Tile | None, planes: torch.Tensor) -> torch.Tensor:
    """Return the planes of Y2 in the rows of a tile, or what there is without scales."""
    return planes if tile is None else _product(tile.planes, planes)


def _product(matrix: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    """Return the product over both planes and all bands: batch × 2 × rows × samples."""
    batch, _, _, samples = planes.shape
    if batch == 1:  # a plain product is up to a third faster than a batch of one
        return torch.mm(matrix, planes.reshape(-1, samples)).reshape(1, 2, -1, samples)
    return torch.matmul(matrix, planes.reshape(batch, -1, samples)).reshape(batch, 2, -1, samples)


def _bins(modulator: Morlet, total: int, samples: int) -> tuple[int, int]:
    """Return how many bins below 0 and how many from 0 up are computed: what the filter lets through, if it fits."""
    below = min(round(REACH * modulator.width * total), samples // 2)
    return below, max(1, min(round((modulator.centre + REACH * modulator.width) * total), samples - below))
