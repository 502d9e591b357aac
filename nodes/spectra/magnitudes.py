"""Magnitudes of short-time spectra, as target and as a differentiable map."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from nodes.spectra.resident import Resident
from nodes.spectra.windows import window_of
from nodes.values.blocks import spans
from pipelines.mistakes import mistake
from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.values.spectrogram import Spectrogram

FRAMES = 1024
"""Frames whose magnitudes are taken at a time."""


def magnitudes(spectra: Array) -> dict[str, Array]:
    """Return {'magnitude': channels × bins × frames, float32} of complex spectra, which may lie in a file."""
    found = np.empty(spectra.shape, np.float32)
    resident = Resident(spectra)
    for channel in range(spectra.shape[0]):
        for first, last in spans(resident.frames, FRAMES):
            found[channel, :, first:last] = np.abs(resident.read(channel, first, last)).T
    resident.release()
    return {"magnitude": found}


def magnitude_analysis(
    spectrogram: Spectrogram, length: int, device: str
) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """Return the map from samples to STFT magnitudes, framed as `stft` frames them.

    Parameters
    ----------
    spectrogram
        The target: its n_fft, hop and window are used.
    length
        Number of samples of the sounds to be analysed.
    device
        'cpu' or 'cuda'.

    Returns
    -------
    A differentiable function: channels × length, float32, to {'magnitude': channels × bins × frames}.
    The gradient of |z| at z = 0 is 0.

    Raises
    ------
    MistakeError
        Where the length differs from the target's: magnitudes are compared frame by frame.
    """
    if length != spectrogram.length:
        raise mistake(
            "a sound can be compared with a spectrogram only at the same length",
            given=f"{length} samples",
            allowed=f"{spectrogram.length} samples, as the target has",
            hint="cut both to one duration before the analysis",
        )
    n_fft, hop = spectrogram.n_fft, spectrogram.hop
    window = torch.tensor(window_of(spectrogram.window, n_fft), dtype=torch.float32, device=device)
    before = n_fft // 2
    behind = (spectrogram.spectra.shape[2] - 1) * hop + n_fft - before - length

    def analyse(samples: torch.Tensor) -> dict[str, torch.Tensor]:
        padded = functional.pad(samples, (before, behind))
        spectra = torch.stft(padded, n_fft, hop, window=window, center=False, return_complex=True)
        return {"magnitude": spectra.abs()}

    return analyse
