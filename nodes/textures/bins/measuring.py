"""Statistics of the magnitudes of groups of bins under a window: moments, and correlations over lags in time.

Every correlation is the cosine of the angle between two stretches of deviations from the mean, one of them later by the
lag, both weighed by the geometric mean of the window at their places: it stays within −1 and 1, whatever the length of
the sound. Where all of a periodic sound counts, without edges, what is later than its end is its beginning; elsewhere
only frames count that lie within the duration.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from nodes.spectra.windows import window_of
from nodes.textures.bins.model import BinModel
from nodes.textures.bins.spectrum import Powers, Spectrum
from nodes.textures.fourier import squared
from nodes.textures.stretches import beside, faded
from nodes.values.smooth import smooth
from pipelines.value import Array

STILL = 1e-3
"""Relative deviation of a magnitude below which it counts as steady: it has no skewness, and nothing to correlate."""

CALM = 1e-4
"""Part of its variance below which a stretch of a magnitude counts as steady."""

UNSEEN = 1e-2
"""Part of the window that two places a lag apart have in common below which a correlation counts as 0."""


class _Lags(NamedTuple):
    """Lags in frames, and for each the weights (frames × lags) that average squares at the earlier and later places.

    `inverse` is 1 / sum of the weights of each lag, and 0 where the lag is longer than what counts.
    """

    frames: list[int]
    earlier: torch.Tensor
    later: torch.Tensor
    inverse: torch.Tensor


class Measuring:
    """The map from batch × size samples to statistics; the parameters are those of `TextureModel.measurement`.

    `spectrum` has the frames, `pooling` (bins × groups, or None) is what groups make of the powers of bins.
    """

    def __init__(
        self, model: BinModel, size: int, duration: float, edge: float, device: str, dtype: torch.dtype
    ) -> None:
        if size % model.hop or size < model.n_fft:
            raise ValueError(f"size must be {model.n_fft} or more samples in whole hops of {model.hop}, not {size}")
        if duration * model.sample_rate < model.n_fft + 2 * model.hop:
            raise ValueError(f"duration must be that of a frame and two hops or more, not {duration} s")
        self._dtype, self._device = dtype, device
        self.model, self._frames = model, size // model.hop
        self._circular = not edge and duration >= size / model.sample_rate
        window = np.full(self._frames, 1 / self._frames) if self._circular else self._inner(duration, edge)
        self._root = np.sqrt(window)
        self._window, self._weights = self._tensor(window), self._tensor(self._root)
        hann = window_of("hann", model.n_fft)
        # with a norm of 1, white noise of variance 1 has power 1 in every bin
        self.spectrum = Spectrum(model.n_fft, model.hop, self._tensor(hann / np.linalg.norm(hann)))
        self.pooling = None if model.pooling is None else self._tensor(model.pooling.T)
        self._lags, self._cross_lags = self._weighed(model.lag_frames), self._weighed(model.cross_lag_frames)
        self._cosines = self._cosine_matrix(model.lag_frames)
        first, second = torch.tensor(model.pairs, device=device)
        groups = len(model.centres)
        self._pairs, self._turned_pairs = first * groups + second, second * groups + first
        self._tiny = torch.finfo(dtype).tiny ** 0.5

    def __call__(self, samples: torch.Tensor, channels: int = 1) -> dict[str, torch.Tensor]:
        """Return the statistics: {class: batch × paths}; gradients flow."""
        return self.statistics(self.magnitudes(samples), channels)

    def statistics(self, magnitudes: torch.Tensor, channels: int = 1) -> dict[str, torch.Tensor]:
        """Return the statistics of compressed magnitudes, batch × groups × frames, whether sounds have such or not."""
        mean = (magnitudes @ self._window)[..., None]
        centred = magnitudes - mean
        variance = centred.square() @ self._window
        steady = (STILL * mean[..., 0]).square() + self._tiny
        standard = centred * torch.rsqrt(variance + steady)[..., None]
        squares = standard.square()
        weighed = standard * self._weights
        found = {
            "bin_mean": mean[..., 0],
            "bin_variation": (variance + self._tiny).sqrt() / (mean[..., 0] + self._tiny),
            "bin_skewness": (squares * standard) @ self._window,
            "bin_kurtosis": squares.square() @ self._window,
            "bin_autocorrelation": self._autocorrelation(weighed, squares),
            "bin_crosscorrelation": self._crosscorrelation(weighed, squares),
        }
        if channels > 1:
            found["interaural_correlation"] = (weighed * beside(weighed, channels)).sum(-1)
        return {name: values.flatten(1) for name, values in found.items()}

    def magnitudes(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the compressed magnitudes, batch × groups × frames, of batch × size samples taken for periodic."""
        powers: torch.Tensor = Powers.apply(samples, self.spectrum)  # type: ignore[no-untyped-call]
        if self.pooling is not None:
            powers = powers @ self.pooling
        return (powers.transpose(1, 2).contiguous() + self.model.floor).pow(self.model.compression / 2)

    def _inner(self, duration: float, edge: float) -> Array:
        """Return the weight of each frame: none unless it lies within the duration, for wrapped ends would click."""
        half = self.model.n_fft / 2 / self.model.sample_rate
        places = np.arange(self._frames) * self.model.hop / self.model.sample_rate - half
        window = faded(places, duration - 2 * half, edge) * (places >= 0)
        return np.asarray(window / window.sum())

    def _autocorrelation(self, weighed: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
        """Return batch × groups × lags, by way of the power spectra of the magnitudes."""
        spectra = squared(torch.fft.rfft(weighed, n=self._length))
        earlier, later = self._roots(squares, self._lags)
        return (spectra @ self._cosines) * self._lags.inverse * earlier * later

    def _crosscorrelation(self, weighed: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
        """Return batch × pairs × lags, those at which the second group comes earlier first."""
        lags = self._cross_lags
        turned = self._extended(weighed, max(lags.frames)).transpose(1, 2)
        products = [weighed @ turned[:, lag : lag + self._frames] for lag in lags.frames]
        earlier, later = (root.transpose(1, 2) for root in self._roots(squares, lags))
        scaled = torch.stack(products, 1) * (earlier * lags.inverse[:, None])[..., None] * later[:, :, None]
        scaled = scaled.flatten(2)
        negative = scaled[:, 1:].index_select(2, self._turned_pairs).flip(1)
        return torch.cat([negative, scaled.index_select(2, self._pairs)], 1).transpose(1, 2)

    def _roots(self, squares: torch.Tensor, lags: _Lags) -> tuple[torch.Tensor, torch.Tensor]:
        """Return 1 / root-mean-square (batch × groups × lags) of the stretches at the earlier and the later places."""
        return torch.rsqrt(squares @ lags.earlier + CALM), torch.rsqrt(squares @ lags.later + CALM)

    def _extended(self, values: torch.Tensor, frames: int) -> torch.Tensor:
        """Return values with what follows their end: their beginning, or nothing."""
        if self._circular:
            return values.repeat(1, 1, 1 + math.ceil(frames / self._frames))
        return torch.nn.functional.pad(values, (0, frames))

    def _weighed(self, lags: Array) -> _Lags:
        """Return lags with their weights; the lag is the distance from the earlier place to the later one."""
        places = np.arange(self._frames)[:, None] + lags
        inside = np.ones(places.shape, bool) if self._circular else places < self._frames
        earlier = self._root[:, None] * self._root[places % self._frames] * inside
        later = np.stack([np.roll(column, lag) for column, lag in zip(earlier.T, lags, strict=True)], 1)
        total = earlier.sum(0)
        inverse = np.divide(1, total, out=np.zeros_like(total), where=total > UNSEEN)
        tensors = (self._tensor(values) for values in (earlier * inverse, later * inverse, inverse))
        return _Lags(lags.tolist(), *tensors)

    @property
    def _length(self) -> int:
        """Frames of the transform of magnitudes: enough that nothing comes round unless the sound does."""
        return self._frames if self._circular else smooth(self._frames + int(self.model.lag_frames[-1]))

    def _cosine_matrix(self, lags: Array) -> torch.Tensor:
        """Return frequencies × lags: what makes correlations at these lags from a power spectrum."""
        length = self._length
        numbers = np.arange(length // 2 + 1)
        once = (numbers == 0) | (2 * numbers == length)
        cosines = np.cos(2 * np.pi * (numbers[:, None] * lags % length) / length)
        return self._tensor(np.where(once, 1, 2)[:, None] * cosines / length)

    def _tensor(self, values: Array) -> torch.Tensor:
        return torch.tensor(values, dtype=self._dtype, device=self._device)
