"""A multichannel Wiener filter after the networks: it takes into account where between the channels a stem stands.

Stem j of a frame t and a bin f is a Gaussian of covariance v_j(t, f) R_j(f) (Duong, Vincent and Gribonval,
"Under-determined reverberant audio source separation using a full-rank spatial covariance model", IEEE TASLP 18(7),
2010). One round of expectation and maximisation is made, with the updates of Nugraha, Liutkus and Vincent
("Multichannel audio source separation with deep neural networks", IEEE/ACM TASLP 24(9), 2016):

    y_j = x u_j / (eps + Σ_k u_k)                     first estimates, u_j being the networks' magnitudes
    v_j(t, f) = |y_j(t, f)|² / 2                      mean over the two channels
    R_j(f) = Σ_t y_j y_j^H / (eps + Σ_t v_j)          over the whole sound
    s_j = v_j R_j (Σ_k v_k R_k + √eps I)^-1 x         what is returned

R_j needs all frames before the first is filtered, so that a sound is gone through twice. The mixture x is first
divided by a tenth of its largest magnitude, if that is above 1, so that eps means the same for loud sounds. All of it
is done in float64: a voice in the middle leaves a matrix nearly singular.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import starmap

import torch
from torch import Tensor

from nodes.separation.spleeter.masks import ratio_masks, shared_above

EPSILON = torch.finfo(torch.float32).eps
"""The 'eps' of the formulas, of spectra in single precision."""

BATCH = 32
"""Frames that are filtered at a time."""

Spatial = list[tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Covariances:
    """Sums over frames of y y^H, the first estimates: of a part of a sound, or of several joined.

    Parameters
    ----------
    left, right
        Its diagonal, stems × bins.
    cross
        The left channel times the conjugate of the right one, stems × bins.
    peak
        Largest magnitude of the mixture in all bins.
    """

    left: Tensor
    right: Tensor
    cross: Tensor
    peak: Tensor

    @staticmethod
    def of(found: Tensor, estimates: Tensor) -> Covariances:
        """Return the sums of a segment: its spectra, 2 × frames × bins, and estimates, stems × 2 × frames × bins."""
        return reduce(Covariances.joined, starmap(Covariances._of, _batches(found, estimates)))

    @staticmethod
    def _of(found: Tensor, estimates: Tensor) -> Covariances:
        mixture = _seen(found, estimates)
        (left, right), cross = _squares(mixture), mixture[0] * mixture[1].conj()
        sums = [
            ((a.square() * left).sum(0), (b.square() * right).sum(0), (a * b * cross).sum(0))
            for a, b in _shares(estimates)
        ]
        first, second, third = (torch.stack(each) for each in zip(*sums, strict=True))
        return Covariances(first, second, third, found.abs().max().double())

    def joined(self, other: Covariances) -> Covariances:
        """Return the sums of this part and another."""
        peak = torch.maximum(self.peak, other.peak)
        return Covariances(self.left + other.left, self.right + other.right, self.cross + other.cross, peak)

    def filtered(self, found: Tensor, estimates: Tensor) -> Tensor:
        """Return the spectra of all stems in a segment, stems × 2 × frames × bins that the networks see."""
        scale = (self.peak / 10).clamp(min=1)
        spatial = self._spatial(scale)
        return torch.cat([_filtered(*each, spatial, scale) for each in _batches(found, estimates)], 2)

    def _spatial(self, scale: Tensor) -> Spatial:
        """Return the entries of each stem's R: both on the diagonal, and the one above it; each of as many as bins."""
        weights = EPSILON * scale**2 + (self.left + self.right) / 2
        return list(zip(self.left / weights, self.right / weights, self.cross / weights, strict=True))


def with_average(found: Tensor, estimates: Tensor, stems: Tensor) -> Tensor:
    """Return filtered spectra with the bins above those of the networks, as `masked` makes them by 'average'."""
    masks = ratio_masks(estimates)
    return torch.cat([stems, torch.stack([shared_above(found, mask) for mask in masks])], -1)


def _filtered(found: Tensor, estimates: Tensor, spatial: Spatial, scale: Tensor) -> Tensor:
    mixture = _seen(found, estimates) / scale
    squares = _squares(mixture)
    powers = [(share.square() * squares).mean(0) for share in _shares(estimates)]
    a, b, c = (
        sum(power * entry for power, entry in zip(powers, entries, strict=True))
        for entries in zip(*spatial, strict=True)
    )
    a, b = a + EPSILON**0.5, b + EPSILON**0.5
    left, right = mixture * (scale / (a * b - _squares(c)))
    left, right = b * left - c * right, a * right - c.conj() * left
    stems = torch.empty((len(powers), *mixture.shape), dtype=found.dtype, device=found.device)
    for stem, power, (a, b, c) in zip(stems, powers, spatial, strict=True):
        stem[0], stem[1] = power * (a * left + c * right), power * (c.conj() * left + b * right)
    return stems


def _batches(found: Tensor, estimates: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield so many frames at a time that what is made of them stays in the caches."""
    for start in range(0, found.shape[1], BATCH):
        batch = slice(start, start + BATCH)
        yield found[:, batch], estimates[:, :, batch]


def _seen(found: Tensor, estimates: Tensor) -> Tensor:
    return found[..., : estimates.shape[-1]].to(torch.complex128)


def _shares(estimates: Tensor) -> Iterator[Tensor]:
    """Yield the share of each stem in the magnitudes, 2 × frames × bins."""
    total = estimates.sum(0, dtype=torch.float64).add_(EPSILON)
    for magnitudes in estimates:
        yield magnitudes / total


def _squares(values: Tensor) -> Tensor:
    return values.real.square() + values.imag.square()
