"""Least-squares projections of estimates on delayed references (Vincent, Gribonval and Févotte 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.linalg

from nodes.separation_quality.correlating import correlations, rows_of
from pipelines.value import Array

RIDGE = 1e-10
"""Added to the energies, which are 1: references that equal each other, such as two equal channels, have an answer."""


class Parts(NamedTuple):
    """An estimate beside what it is made of; each channels × samples, float64.

    Parameters
    ----------
    estimate
        What was separated.
    target
        The reference.
    near
        What filters that are constant over time can make of the reference, as near to the estimate as can be.
    mixed
        The same of all references together.
    """

    estimate: Array
    target: Array
    near: Array
    mixed: Array


@dataclass(frozen=True)
class Filters:
    """Filters that make the projections of all estimates.

    Parameters
    ----------
    common
        rows × rows × taps: from each channel of all references to each channel of all estimates.
    own
        For each source channels × channels × taps: from its reference alone to its estimate.
    """

    common: Array
    own: tuple[Array, ...]


def filters_of(references: Sequence[Array], estimates: Sequence[Array], taps: int) -> Filters:
    """Return the filters of `taps` samples that bring references as near to estimates as can be, over all their length.

    Parameters
    ----------
    references, estimates
        For each source channels × samples, all of one shape.
    taps
        Length of the filters in samples.
    """
    channels = len(references[0])
    among = correlations(references, references, taps)
    wanted = correlations(references, estimates, taps)[..., taps - 1 :]
    energies = np.sqrt(np.einsum("iik->ik", among)[:, taps - 1])
    energies[energies == 0] = 1
    among /= energies[:, None, None] * energies[None, :, None]
    wanted /= energies[:, None, None]
    blocks = [slice(first, first + channels) for first in range(0, len(energies), channels)]
    own = tuple(_solve(among[block, block], wanted[block, block]) / energies[block, None, None] for block in blocks)
    return Filters(_solve(among, wanted) / energies[:, None, None], own)


def _solve(among: Array, wanted: Array) -> Array:
    """Return rows × estimates × taps: the weights of the delayed rows whose sum is nearest to the estimates."""
    rows, columns, taps = wanted.shape
    gram = np.empty((rows, taps, rows, taps))
    for one in range(rows):
        for other in range(rows):
            lags = among[one, other]
            gram[one, :, other] = scipy.linalg.toeplitz(lags[taps - 1 :], lags[taps - 1 :: -1])
    flat = gram.reshape(rows * taps, rows * taps)
    flat[np.diag_indices_from(flat)] += RIDGE
    right = wanted.transpose(0, 2, 1).reshape(rows * taps, columns)
    found = scipy.linalg.solve(flat, right, assume_a="pos", overwrite_a=True, check_finite=False)
    return np.asarray(found.reshape(rows, taps, columns).transpose(0, 2, 1))


def parts_of(
    references: Sequence[Array], estimates: Sequence[Array], filters: Filters, start: int, stop: int
) -> list[Parts]:
    """Return the parts of each estimate from sample `start` to `stop`, and the tails of the filters behind them."""
    channels, taps = len(references[0]), filters.common.shape[2]
    length = stop - start + taps - 1
    size = scipy.fft.next_fast_len(length, real=True)
    target = rows_of(references, start, start + length)
    target[:, stop - start :] = 0
    estimate = rows_of(estimates, start, start + length)
    estimate[:, stop - start :] = 0
    spectra = scipy.fft.rfft(target, size)
    found = []
    for source, own in enumerate(filters.own):
        block = slice(source * channels, (source + 1) * channels)
        near = _filtered(spectra[block], own, size)[:, :length]
        mixed = _filtered(spectra, filters.common[:, block], size)[:, :length]
        found.append(Parts(estimate[block], target[block], near, mixed))
    return found


def _filtered(spectra: Array, filters: Array, size: int) -> Array:
    found = np.zeros((filters.shape[1], spectra.shape[1]), complex)
    for row, each in zip(spectra, filters, strict=True):
        found += row * scipy.fft.rfft(each, size)
    return np.asarray(scipy.fft.irfft(found, size))
