"""The short-time Fourier transform of a sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nodes.values.representation import Representation
from pipelines.value import Array

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Spectrogram(Representation):
    """Complex short-time spectra.

    Parameters
    ----------
    spectra
        channels × bins × frames, complex64.
    sample_rate
        Samples a second.
    n_fft, hop
        Length of a frame and distance of frames, in samples.
    window
        Name of the window, 'hann'.
    samples
        Length of the sound that was analysed.
    """

    spectra: Array
    sample_rate: int
    n_fft: int
    hop: int
    window: str
    samples: int

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.spectra.shape[0])

    @property
    def length(self) -> int:
        """Number of samples that were analysed."""
        return self.samples

    def describe(self) -> str:
        """Return the shape and the analysis parameters."""
        channels, bins, frames = self.spectra.shape
        return f"Spectrogram, {channels} ch × {bins} bins × {frames} frames, n_fft {self.n_fft}, hop {self.hop}"

    def draw(self) -> MatplotlibFigure:
        """Return the magnitudes in dB."""
        from nodes.values.drawing import draw_spectrogram

        return draw_spectrogram(self)

    def coefficients(self) -> dict[str, Array]:
        """Return the magnitudes."""
        from nodes.spectra.magnitudes import magnitudes

        return magnitudes(self.spectra)

    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        """Return the map from samples to STFT magnitudes."""
        from nodes.spectra.magnitudes import magnitude_analysis

        return magnitude_analysis(self, length, device)

    def spectrum(self) -> Array:
        """Return the mean power of the frames."""
        from nodes.spectra.windows import window_of
        from nodes.values.blocks import spans
        from pipelines.context import release

        energy = np.square(window_of(self.window, self.n_fft)).sum()
        power = np.zeros(self.spectra.shape[:2])
        for first, last in spans(self.spectra.shape[2], 1024):
            power += np.square(np.abs(self.spectra[:, :, first:last]), dtype=np.float64).sum(-1)
            release(self.spectra)
        return np.asarray(power / (energy * max(self.spectra.shape[2], 1)))
