"""A filter between the coordinates of a descent and the sound, which gives every band the step that fits it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from nodes.inversion.spectra import resampled
from pipelines.value import Array

RANGE = 1e-3
"""Least response of the filter, relative to its greatest: 60 dB."""


class Shaping:
    """Zero-phase filters, their own adjoint; without spectra they leave everything as it is.

    Where coefficients are relative to the level of their band, the gradient is the larger the quieter the band, and
    so plain descent would spend itself on what is hardly heard. In coordinates in which the target is white all
    bands advance together.

    Parameters
    ----------
    spectra
        For each channel the power spectrum (bins from 0 Hz to half the sample rate) of which its filter has the square
        root; or None.
    length
        Number of samples.
    device
        'cpu' or 'cuda'.
    """

    def __init__(self, spectra: Sequence[Array] | None, length: int, device: str) -> None:
        self._length = length
        self._responses = None
        if spectra is not None:
            self._responses = torch.tensor(_responses(spectra, length), device=device)

    def __call__(self, signal: torch.Tensor) -> torch.Tensor:
        """Return filtered channels × length."""
        if self._responses is None:
            return signal
        filtered: torch.Tensor = torch.fft.irfft(torch.fft.rfft(signal) * self._responses, n=self._length)
        return filtered


def _responses(spectra: Sequence[Array], length: int) -> Array:
    """Return the responses at the bins of a real transform (channels × bins), with a mean square of 1 over all."""
    found = np.sqrt(np.stack([resampled(spectrum, length) for spectrum in spectra]))
    found = np.maximum(found, RANGE * found.max())
    mean_square = float(np.mean(found**2))
    return np.asarray(found / np.sqrt(mean_square) if mean_square > 0 else np.ones_like(found), np.float32)
