"""Correlations of the feature maps of random networks on a spectrogram.

After Caracalla and Roebel, "Sound texture synthesis using convolutional neural networks" (DAFx 2019): for every
frequency the products of feature maps, averaged over time; several kernel shapes, and the compressed real and
imaginary parts, as in their "Sound texture synthesis using RI spectrograms" (ICASSP 2020); Gram matrices and
autocorrelations after Antognini, Hoffman and Weiss, "Audio texture synthesis with random neural networks" (ICASSP
2019). Unlike there, magnitudes are relative to the band's own level, and those of a log spectrogram are first pooled to
bands, so that a few thousand statistics a second suffice and a copy is no solution. The diversity term of the last,
where it is asked for, is the one class that compares with the source itself: see `diversity`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from nodes.textures.correlations.bands import pooling
from nodes.textures.correlations.diversity import Diversity, features_of, longest, refuse_few, rows_of, step_of
from nodes.textures.correlations.model import CorrelationModel, Kernel
from nodes.textures.correlations.network import random_filters
from nodes.textures.correlations.value import TextureCorrelations
from nodes.values.audio import Audio
from pipelines.mistakes import mistake
from pipelines.value import Array

QUIETEST = 1e-3
"""Least reference of a band, relative to the loudest band: -60 dB."""

SILENCE = 1e-6
"""Least reference of all: -120 dBFS."""

TINY = 1e-12
"""Added to relative powers, so that the root has a gradient at 0."""

STEEPNESS = 5.0
"""Slope at 0 of the compression of real and imaginary parts, tanh(5x) for |x| up to 1 (ICASSP 2020)."""


def size_of(kernel: Kernel) -> str:
    """Return the end of the names of a kernel's classes."""
    return f"{kernel[0]}x{kernel[1]}"


class Analysis:
    """The map from samples to statistics.

    Parameters
    ----------
    model
        The front end.
    reference
        Magnitude of each band to which all others are relative; None to measure only `powers`.
    diversity
        How the class `diversity` is measured; None to leave it out.
    device, dtype
        Where and how to compute; torch.float64 to check gradients.
    """

    def __init__(
        self,
        model: CorrelationModel,
        reference: Array | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        diversity: Diversity | None = None,
    ) -> None:
        self._model, self._device, self._dtype = model, device, dtype
        self._window = torch.hann_window(model.n_fft, dtype=dtype, device=device)
        self._energy = float(self._window.square().sum())
        if model.spectrogram == "log":
            self._pooling = self._tensor(pooling(model.bands, model.n_fft, model.sample_rate) / self._energy)
        self._scale = None if reference is None else self._tensor(1 / np.square(reference, dtype=np.float64))
        self._diversity, self._rows = diversity, self._tensor(rows_of(model))
        self._networks = {
            size_of(kernel): self._tensor(random_filters(model.network_seed, kernel, model.filters, model.planes))
            for kernel in model.kernels
        }

    def powers(self, samples: torch.Tensor) -> torch.Tensor:
        """Return channels × bands × frames: the mean power of each band's bins, 1 for white noise of variance 1."""
        power = self._parts(samples).square().sum(-1)
        return power / self._energy if self._model.spectrogram == "ri" else self._pooling @ power

    def __call__(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the statistics of channels × samples, class by class."""
        found, planes = self._spectrogram(samples)
        if self._diversity is not None:
            found["diversity"] = self._diversity(features_of(samples, planes, self._rows, self._model))
        for size, filters in self._networks.items():
            features = functional.conv2d(planes, filters).relu_()
            found[f"kernel_{size}"] = self._correlations(features)
            if self._model.lags:
                found[f"autocorrelation_{size}"] = self._autocorrelations(features)
        return found

    def features(self, samples: torch.Tensor) -> torch.Tensor:
        """Return channels × bands × frames: what the class `diversity` compares."""
        return features_of(samples, self._spectrogram(samples)[1], self._rows, self._model)

    def _spectrogram(self, samples: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the statistics of bands, and the spectrogram that the filters see."""
        return (self._real_imaginary if self._model.spectrogram == "ri" else self._logarithms)(samples)

    def _parts(self, samples: torch.Tensor) -> torch.Tensor:
        """Return channels × bins × frames × 2: real and imaginary parts."""
        n_fft, hop = self._model.n_fft, self._model.hop
        spectra = torch.stft(samples, n_fft, hop, window=self._window, center=False, return_complex=True)
        return torch.view_as_real(spectra)

    def _logarithms(self, samples: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the statistics of bands, and channels × 1 × bands × frames: log(1 + relative magnitude)."""
        assert self._scale is not None, "the analysis needs a reference"
        relative = self.powers(samples) * self._scale[:, None]
        compressed = torch.log1p((relative + TINY).sqrt())
        mean = compressed.mean(-1, keepdim=True)
        found = {"mean": mean[..., 0], "level": _level(relative), "covariance": _mean_products(compressed - mean)}
        return found, compressed[:, None]

    def _real_imaginary(self, samples: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the levels of bins, and channels × 2 × bins × frames: tanh(5x) of the relative parts x."""
        assert self._scale is not None, "the analysis needs a reference"
        parts = self._parts(samples) * (self._scale / self._energy).sqrt()[:, None, None]
        return {"level": _level(parts.square().sum(-1))}, (STEEPNESS * parts).tanh().movedim(-1, 1)

    def _correlations(self, features: torch.Tensor) -> torch.Tensor:
        """Return the mean products of channels × filters × positions × time, as the model asks for."""
        if self._model.correlate == "frequencies":
            return _mean_products(features)
        if self._model.correlate == "gram":
            return _mean_products(features.flatten(2))[:, None]
        return _mean_products(features.transpose(1, 2))

    def _autocorrelations(self, features: torch.Tensor) -> torch.Tensor:
        """Return channels × positions × filters × lags: the mean product of each map and itself a lag later."""
        lags = [(features[..., :-lag] * features[..., lag:]).mean(-1) for lag in self._model.lags]
        found = torch.stack(lags, -1).transpose(1, 2)
        return found.mean(1, keepdim=True) if self._model.correlate == "gram" else found

    def _tensor(self, values: Array) -> torch.Tensor:
        return torch.tensor(values, dtype=self._dtype, device=self._device)


def _level(relative: torch.Tensor) -> torch.Tensor:
    """Return the root of the mean over time of relative powers."""
    return (relative.mean(-1) + TINY).sqrt()


def _mean_products(rows: torch.Tensor) -> torch.Tensor:
    """Return … × rows × rows: the mean over time of the product of each two rows of … × rows × time."""
    return rows @ rows.transpose(-1, -2) / rows.shape[-1]


def correlations_of(audio: Audio, model: CorrelationModel, device: str, diversity: float = 0.0) -> TextureCorrelations:
    """Return the statistics of a sound, channel by channel; the bands' reference is common to all channels.

    Parameters
    ----------
    audio, model, device
        What is analysed, how, and where.
    diversity
        How much likeness to the sound itself shall count against what is made from its statistics.

    Raises
    ------
    MistakeError
        Where the sound is too short for the frames, kernels and lags, or to tell what is a copy of it.
    """
    refuse_short(audio.length, model)
    with torch.no_grad():
        sounds = [torch.tensor(audio.samples[c : c + 1], device=device) for c in range(audio.channels)]
        reference = _reference(sounds, model, device)
        analyse = Analysis(model, reference, device)
        channels = [analyse(sound) for sound in sounds]
        features = _features(analyse, sounds, model) if diversity else None
    classes = {name: torch.cat([found[name] for found in channels]).cpu().numpy() for name in channels[0]}
    if diversity:
        classes["diversity"] = np.zeros((audio.channels, 1), np.float32)
    return TextureCorrelations(classes, reference, model, audio.sample_rate, audio.length, diversity, features)


def _features(analyse: Analysis, sounds: list[torch.Tensor], model: CorrelationModel) -> Array:
    """Return channels × bands × frames: as much of the source as is kept to compare with."""
    most = longest(model, len(sounds))
    found = torch.cat(
        [analyse.features(sound[:, : model.n_fft + step_of(model) * most])[..., :most] for sound in sounds]
    )
    refuse_few(found.shape[-1], model)
    return np.asarray(found.cpu().numpy())


def _reference(sounds: list[torch.Tensor], model: CorrelationModel, device: str) -> Array:
    """Return the magnitude of each band to which all others are relative, float32."""
    measure = Analysis(model, device=device)
    means, peaks = [], []
    for sound in sounds:
        power = measure.powers(sound)
        means.append(power.mean(-1))
        peaks.append(power.amax(-1))
    reference = np.sqrt(torch.cat(means).mean(0).cpu().numpy())
    reference = np.maximum(reference, max(QUIETEST * float(reference.max()), SILENCE)).astype(np.float32)
    if model.spectrogram == "log":
        return np.asarray(reference)
    largest = float((torch.cat(peaks).amax(0).cpu().numpy() / np.square(reference)).max())
    return np.asarray(reference * np.float32(max(1.0, math.sqrt(largest))))


def refuse_short(length: int, model: CorrelationModel) -> None:
    """Refuse a sound with less samples than one column of feature maps, at the longest lag, needs."""
    least, sample_rate = model.least_samples, model.sample_rate
    if length < least:
        raise mistake(
            "the sound is too short for statistics of these frames, kernels and lags",
            given=f"{length} samples ({length / sample_rate:.3f} s)",
            allowed=f"{least} samples ({least / sample_rate:.3f} s) or more",
            hint="take a longer sound, or kernels of fewer frames, or a shorter n_fft and hop, or shorter lags",
        )


def analysis_of(
    target: TextureCorrelations, length: int, device: str
) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """Return the map from samples of any length to statistics that can be compared with the target's."""
    model = target.model
    refuse_short(length, model)
    diversity = None
    if target.features is not None:
        frames = length if model.spectrogram == "ri" else (length - model.n_fft) // step_of(model) + 1
        diversity = Diversity(torch.tensor(target.features, device=device), frames, model)
    return Analysis(model, target.reference, device, diversity=diversity)


def spectrum_of(target: TextureCorrelations) -> Array:
    """Return channels × bins: the power of the bands, drawn through their centres."""
    power = np.square(target.classes["level"].astype(np.float64) * target.reference)
    places = np.linspace(0, target.sample_rate / 2, target.model.n_fft // 2 + 1)
    return np.stack([np.interp(places, target.model.frequencies, row) for row in power])
