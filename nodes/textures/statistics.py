"""Correlations of the feature maps of random networks on a log spectrogram.

After Caracalla and Roebel, "Sound texture synthesis using convolutional neural networks" (DAFx 2019): for every
frequency the products of feature maps, averaged over time; several kernel shapes as in their "Sound texture
synthesis using RI spectrograms" (ICASSP 2020). Unlike there, bins are first pooled to bands and magnitudes are
relative to the band's own level, so that a few thousand statistics a second suffice and a copy is no solution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn import functional

from nodes.textures.bands import band_edges, pooling
from nodes.textures.network import random_filters
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.mistakes import mistake
from pipelines.value import Array

QUIETEST = 1e-3
"""Least reference of a band, relative to the loudest band: -60 dB."""

SILENCE = 1e-6
"""Least reference of all: -120 dBFS."""

TINY = 1e-12
"""Added to relative powers, so that the root has a gradient at 0."""

Kernel = tuple[int, int]


def class_name(kernel: Kernel) -> str:
    """Return the name of a kernel's class of statistics."""
    return f"kernel_{kernel[0]}x{kernel[1]}"


class Analysis:
    """The map from samples to statistics.

    Parameters
    ----------
    sample_rate, n_fft, hop, bands
        The spectrogram: samples a second, length and distance of frames in samples, number of bands.
    kernels, filters, network_seed
        The networks.
    reference
        Magnitude of each band to which all others are relative; None to measure only `powers`.
    device, dtype
        Where and how to compute; torch.float64 to check gradients.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        hop: int,
        bands: int,
        kernels: Sequence[Kernel],
        filters: int,
        network_seed: int,
        reference: Array | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.n_fft, self.hop, self._device, self._dtype = n_fft, hop, device, dtype
        self._window = torch.hann_window(n_fft, dtype=dtype, device=device)
        energy = float(self._window.square().sum())
        self._pooling = self._tensor(pooling(bands, n_fft, sample_rate) / energy)
        self._scale = None if reference is None else self._tensor(1 / np.square(reference, dtype=np.float64))
        self._networks = {
            class_name(kernel): self._tensor(random_filters(network_seed, kernel, filters))[:, None]
            for kernel in kernels
        }
        self.least_length = n_fft + hop * (max((frames for _, frames in kernels), default=1) - 1)

    def powers(self, samples: torch.Tensor) -> torch.Tensor:
        """Return channels × bands × frames: the mean power of each band's bins, 1 for white noise of variance 1."""
        spectra = torch.stft(samples, self.n_fft, self.hop, window=self._window, center=False, return_complex=True)
        return self._pooling @ torch.view_as_real(spectra).square().sum(-1)

    def __call__(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the statistics of channels × samples, class by class."""
        assert self._scale is not None, "the analysis needs a reference"
        relative = self.powers(samples) * self._scale[:, None]
        compressed = torch.log1p((relative + TINY).sqrt())
        mean = compressed.mean(-1, keepdim=True)
        found = {
            "mean": mean[..., 0],
            "level": (relative.mean(-1) + TINY).sqrt(),
            "covariance": _mean_products(compressed - mean),
        }
        for name, filters in self._networks.items():
            features = functional.conv2d(compressed[:, None], filters).relu_()
            found[name] = _mean_products(features.transpose(1, 2))
        return found

    def _tensor(self, values: Array) -> torch.Tensor:
        return torch.tensor(values, dtype=self._dtype, device=self._device)


def _mean_products(rows: torch.Tensor) -> torch.Tensor:
    """Return … × rows × rows: the mean over time of the product of each two rows of … × rows × time."""
    return rows @ rows.transpose(-1, -2) / rows.shape[-1]


def statistics_of(
    audio: Audio,
    n_fft: int,
    hop: int,
    bands: int,
    kernels: Sequence[Kernel],
    filters: int,
    network_seed: int,
    device: str,
) -> TextureStatistics:
    """Return the statistics of a sound, channel by channel; the bands' reference is common to all channels.

    Raises
    ------
    MistakeError
        Where the sound is too short for the frames and kernels.
    """
    form = (audio.sample_rate, n_fft, hop, bands, kernels, filters, network_seed)
    measure = Analysis(*form, device=device)
    refuse_short(audio.length, audio.sample_rate, measure.least_length)
    with torch.no_grad():
        sounds = [torch.tensor(audio.samples[c : c + 1], device=device) for c in range(audio.channels)]
        powers = torch.cat([measure.powers(sound).mean(-1) for sound in sounds]).mean(0).cpu().numpy()
        reference = np.sqrt(powers)
        reference = np.maximum(reference, max(QUIETEST * float(reference.max()), SILENCE)).astype(np.float32)
        analyse = Analysis(*form, reference, device)
        channels = [analyse(sound) for sound in sounds]
    classes = {name: torch.cat([found[name] for found in channels]).cpu().numpy() for name in channels[0]}
    return TextureStatistics(
        mean=classes.pop("mean"),
        level=classes.pop("level"),
        covariance=classes.pop("covariance"),
        correlations=classes,
        reference=reference,
        frequencies=band_edges(bands, n_fft, audio.sample_rate)[1:-1],
        kernels=tuple(kernels),
        filters=filters,
        network_seed=network_seed,
        sample_rate=audio.sample_rate,
        n_fft=n_fft,
        hop=hop,
        samples=audio.length,
    )


def refuse_short(length: int, sample_rate: int, least: int) -> None:
    """Refuse a sound with less samples than one column of feature maps needs."""
    if length < least:
        raise mistake(
            "the sound is too short for statistics of these frames and kernels",
            given=f"{length} samples ({length / sample_rate:.3f} s)",
            allowed=f"{least} samples ({least / sample_rate:.3f} s) or more",
            hint="take a longer sound, or kernels of fewer frames, or a shorter n_fft and hop",
        )


def analysis_of(
    target: TextureStatistics, length: int, device: str
) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """Return the map from samples of any length to statistics that can be compared with the target's."""
    t = target
    analyse = Analysis(
        t.sample_rate, t.n_fft, t.hop, len(t.reference), t.kernels, t.filters, t.network_seed, t.reference, device
    )
    refuse_short(length, t.sample_rate, analyse.least_length)
    return analyse


def spectrum_of(target: TextureStatistics) -> Array:
    """Return channels × bins: the power of the bands, drawn through their centres."""
    power = np.square(target.level.astype(np.float64) * target.reference)
    places = np.linspace(0, target.sample_rate / 2, target.n_fft // 2 + 1)
    return np.stack([np.interp(places, target.frequencies, row) for row in power])
