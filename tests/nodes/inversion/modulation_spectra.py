"""A small representation for tests: mean magnitudes, and their modulations in rate and signed scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from nodes.values import Audio
from nodes.values.representation import Representation
from pipelines.value import Array

N_FFT, HOP = 128, 64


@dataclass(frozen=True, eq=False)
class ModulationSpectrum(Representation):
    """order1: channels × bins, of a frequency; order2: channels × paths, of a rate and a scale; and what was heard."""

    samples: Array
    sample_rate: int
    telling: bool = True

    @property
    def channels(self) -> int:
        return len(self.samples)

    @property
    def length(self) -> int:
        return self.samples.shape[1]

    def coefficients(self) -> dict[str, Array]:
        with torch.no_grad():
            return {name: found.numpy() for name, found in analyse(torch.tensor(self.samples)).items()}

    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        return analyse

    def spectrum(self) -> Array | None:
        power = np.square(self.coefficients()["order1"], dtype=np.float64)
        return 4 / np.pi * power / np.square(torch.hann_window(N_FFT).numpy()).sum() if self.telling else None

    def colour(self) -> Array | None:
        return np.abs(np.fft.rfft(self.samples)) ** 2 / self.length if self.telling else None

    def envelope(self) -> Array | None:
        frames = self.samples[:, : self.length // HOP * HOP].reshape(self.channels, -1, HOP)
        return np.sqrt(np.square(frames, dtype=np.float64).mean(-1)) if self.telling else None

    def axes(self) -> dict[str, dict[str, Array]]:
        bins = N_FFT // 2 + 1
        frames = self.length // HOP + 1
        rates = np.fft.rfftfreq(frames, HOP / self.sample_rate)
        scales = np.fft.fftfreq(bins, 1 / 12)
        grid = {"rate": np.tile(rates, len(scales)), "scale": np.repeat(scales, len(rates))}
        nowhere = np.full(len(rates) * len(scales), np.nan)
        return {
            "order1": {"frequency": np.linspace(0, self.sample_rate / 2, bins)},
            "order2": grid | {"frequency": nowhere},
        }


def analyse(samples: torch.Tensor) -> dict[str, torch.Tensor]:
    window = torch.hann_window(N_FFT)
    magnitudes = torch.stft(samples, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True).abs()
    modulations = torch.fft.rfft2(magnitudes - magnitudes.mean(-1, keepdim=True)).abs() / magnitudes.shape[-1] ** 0.5
    return {"order1": magnitudes.mean(-1), "order2": modulations.flatten(1)}


def modulation_spectrum(audio: Audio, telling: bool = True) -> ModulationSpectrum:
    return ModulationSpectrum(audio.samples, audio.sample_rate, telling)
