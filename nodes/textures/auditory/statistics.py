"""Statistics of compressed envelopes: moments, correlations of bands, and what modulation bands make of them.

The classes of McDermott and Simoncelli (Neuron 2011), every one a mean over time under a window; what swells below
2 Hz do, for which theirs are too fast or too near each other; and for sounds of several channels what these have in
common. That modulations are modulated in turn tells textures apart (McWalter and Dau, Frontiers in Neuroscience 2017):
where wind is quiet, it is also steadier. A modulation band is computed at a rate that holds its products, so that
slow ones cost next to nothing.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from nodes.textures.auditory.front_end import Envelopes
from nodes.textures.auditory.model import NEAR_PAIRS, PAIRS, SWELL, AuditoryModel, pairs_of
from nodes.textures.fourier import spectrum, squared
from nodes.textures.stretches import beside
from nodes.values.smooth import smooth

STILL = 2e-4
"""Relative deviation of an envelope below which it counts as steady: it has no skewness, and nothing to correlate."""

ROUNDING = 1e-5
"""Depth of a modulation, relative to the mean envelope, that may be rounding."""

TIMES_POWER, TIMES_OCTAVE, TIMES_SWELL = 4.0, 5.0, 4.0
"""Least sample rates, in centre frequencies of modulation bands for means of their squares and of their products, and
in the highest rate of swells for means of theirs."""

FAST = 6.0
"""Centre of a modulation band, in relative changes of the window a second, from which on it makes no difference (less
than -50 dB) whether the band is weighed by the window or made of the envelope that is."""

LONGEST_LAG = 0.5
"""Part of a sound up to which it can be compared with itself; at longer lags correlations count as 0."""

LEAST_SAMPLES = 64
"""Below it nothing is gained by a lower rate."""


class EnvelopeStatistics:
    """The map from envelopes, taken for periodic, to their statistics.

    Parameters
    ----------
    model
        Modulation bands.
    duration
        Of the envelopes, in seconds.
    window
        Weight of each frame, with a sum of 1; their number should have many factors of two.
    """

    def __init__(self, model: AuditoryModel, duration: float, window: torch.Tensor) -> None:
        self._window, self._frames = window, len(window)
        frequencies = np.arange(self._frames // 2 + 1) / duration
        self._tiny = torch.finfo(window.dtype).tiny ** 0.5
        octaves = model.octave_responses(frequencies)
        self._root = window.sqrt()
        change = float(torch.nn.functional.pad(self._root, (1, 1)).diff().abs().max() / self._root.max())
        slow = int((model.rates < FAST * change * self._frames / duration).sum())
        powers = model.modulation_responses(frequencies)
        rates = [self._rate(TIMES_POWER * centre * duration) for centre in model.rates[:slow]]
        self._slow_powers = [
            (samples, self._tensor(powers[[n for n, own in enumerate(rates) if own == samples]][:, : samples // 2 + 1]))
            for samples in sorted(set(rates))
        ]
        self._fast = model.modulation_bands - slow
        lags = np.where(model.lags <= LONGEST_LAG * duration, model.lags, np.nan)
        self._padded = smooth(self._frames + math.ceil(np.nanmax([0, *lags]) * self._frames / duration))
        self._products = self._tensor(self._mean_products(model, self._frames / duration, slow, lags))
        self._own = [self._rate(TIMES_OCTAVE * centre * duration) for centre in model.octave_rates]
        computed = [*self._own[1:], self._frames]  # what meets the next octave must be known at that one's rate
        self._octaves = [
            (samples, self._tensor(2 * row[: samples // 2 + 1])) for samples, row in zip(computed, octaves, strict=True)
        ]
        self._swell = self._rate(TIMES_SWELL * SWELL * duration), self._tensor(model.swell_response(frequencies))
        bands = model.bands + 2
        self._pairs, self._near_pairs = (torch.tensor(pairs_of(bands, each)) for each in (PAIRS, NEAR_PAIRS))

    def __call__(self, found: Envelopes, channels: int = 1) -> dict[str, torch.Tensor]:
        """Return the statistics by class, each batch × paths; gradients flow.

        Each `channels` of the batch, one after another, are of one sound.
        """
        envelopes, window = found.envelopes, self._window
        mean = (envelopes * window).sum(-1, keepdim=True)
        centred = envelopes - mean
        weighed = centred * window
        squares = centred.square()
        variance = (weighed * centred).sum(-1)
        steady = (STILL * mean[..., 0]).square() + self._tiny
        scale = variance + steady
        spectra = spectrum(centred, self._frames)
        under_root = spectrum(centred * self._root, self._padded)
        products = squared(under_root) @ self._products
        statistics = {
            "band_power": found.powers,
            "envelope_mean": mean[..., 0],
            "envelope_variation": (variance + self._tiny).sqrt() / (mean[..., 0] + self._tiny),
            "envelope_skewness": (weighed * squares).sum(-1) / scale**1.5,
            "envelope_kurtosis": (weighed * squares * centred).sum(-1) / scale**2,
            "envelope_correlation": self._correlation(weighed @ centred.transpose(-1, -2), scale, self._pairs),
            "envelope_autocorrelation": products[..., self._fast :] / scale[..., None],
            "modulation_power": torch.cat([self._slow_power(spectra), products[..., : self._fast]], -1)
            / scale[..., None],
        }
        still = STILL**2 * scale + (ROUNDING * mean[..., 0]).square()
        correlation, phase = self._octave_statistics(spectra, still)
        statistics |= {"modulation_correlation": correlation, "modulation_phase": phase}
        together, coupling = self._swells(centred, spectra, still)
        statistics |= {"swell_correlation": together, "swell_coupling": coupling}
        if found.products is not None:
            statistics |= self._interaural(found.products, found.powers, weighed, centred, scale, channels)
        return {name: values.flatten(1) for name, values in statistics.items()}

    def _mean_products(self, model: AuditoryModel, rate: float, slow: int, lags: np.ndarray) -> np.ndarray:
        """Return what makes means of power spectra under the window's root (bins × fast modulation bands and lags).

        Those are mean squares of the bands, and mean products with what comes a lag later; 0 for a lag of NaN.
        """
        bins = np.arange(self._padded // 2 + 1)
        twice = np.where((bins == 0) | (2 * bins == self._padded), 1.0, 2.0)[:, None]
        frequencies = bins * rate / self._padded
        fast = self._padded * twice * model.modulation_responses(frequencies)[slow:].T ** 2
        cosines = twice * np.cos(2 * np.pi * frequencies[:, None] * np.nan_to_num(lags))
        root = torch.fft.rfft(self._root.double(), n=self._padded, norm="forward").abs().square()
        overlap = root.cpu().numpy() @ cosines  # of the window with itself
        known = ~np.isnan(lags) & (overlap > 0)
        lagged = np.where(known, cosines / np.where(known, overlap, 1.0), 0.0)
        return np.concatenate([fast, lagged], axis=1)

    def _interaural(
        self,
        products: torch.Tensor,
        powers: torch.Tensor,
        weighed: torch.Tensor,
        centred: torch.Tensor,
        scale: torch.Tensor,
        channels: int,
    ) -> dict[str, torch.Tensor]:
        """Return what each channel has in common with the one before, the first with the last.

        The coherence of bands themselves, batch × bands × 2 (real, imaginary), which tells of their phases and their
        width; and the correlation of their envelopes, batch × bands, which tells where events are.
        """
        level, root = (torch.rsqrt(each + self._tiny) for each in (powers, scale))
        common = (weighed * beside(centred, channels)).sum(-1)
        return {
            "interaural_coherence": products * (level * beside(level, channels))[..., None],
            "interaural_correlation": common * root * beside(root, channels),
        }

    def _slow_power(self, spectra: torch.Tensor) -> torch.Tensor:
        """Return batch × bands × slow modulation bands: the mean square of each."""
        found = [spectra.real[..., :0]]
        for samples, responses in self._slow_powers:
            stretch = spectra[:, :, None, : samples // 2 + 1] * responses
            band = torch.fft.irfft(stretch, n=samples, norm="forward")
            found.append((band.square() * self._at(samples)).sum(-1))
        return torch.cat(found, -1)

    def _octave_statistics(self, spectra: torch.Tensor, still: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the correlations of neighbouring bands in one octave, and of one band's neighbouring octaves.

        The first is batch × octaves × pairs, of all octaves but the slowest; the second batch × bands × pairs of
        octaves × 2: the slower octave with its phase doubled, a²/|a|, against both parts of the faster one.
        """
        correlations, phases = [], []
        doubled: torch.Tensor | None = None
        for number, (samples, responses) in enumerate(self._octaves):
            real, imaginary = _analytic(spectra, responses, samples)
            if doubled is not None:
                window = self._at(samples)
                products = (real * window) @ real.transpose(-1, -2)
                power = torch.diagonal(products, dim1=-2, dim2=-1) + still
                correlations.append(self._correlation(products, power, self._near_pairs))
                phases.append(self._phase(doubled, real, imaginary, still))
            squares = real.square(), imaginary.square()
            doubled = (squares[0] - squares[1]) * torch.rsqrt(squares[0] + squares[1] + self._tiny)
            if number + 1 < len(self._octaves):
                assert doubled.shape[-1] == self._own[number + 1]
        return torch.stack(correlations, 1), torch.stack(phases, 2)

    def _swells(
        self, centred: torch.Tensor, spectra: torch.Tensor, still: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the correlations of bands below 2 Hz, and how much stronger what is faster becomes as each swells.

        The first is batch × pairs; the second batch × bands: the relative change of the power of faster modulations
        that goes with one standard deviation of the swell.
        """
        samples, response = self._swell
        swell = torch.fft.irfft(spectra * response, n=self._frames, norm="forward")
        faster = (centred - swell).square()
        mean = (faster * self._window).sum(-1, keepdim=True)
        slowly = spectrum(faster - mean, self._frames)[..., : samples // 2 + 1] * response[: samples // 2 + 1]
        changes = torch.fft.irfft(slowly, n=samples, norm="forward")
        window, swell = self._at(samples), swell[..., :: self._frames // samples]
        changes = changes - (changes * window).sum(-1, keepdim=True)
        weighed = swell * window
        products = weighed @ swell.transpose(-1, -2)
        power = torch.diagonal(products, dim1=-2, dim2=-1) + still
        coupling = (weighed * changes).sum(-1) * torch.rsqrt(power) / (mean[..., 0] + still)
        return self._correlation(products, power, self._pairs), coupling

    def _phase(
        self, doubled: torch.Tensor, real: torch.Tensor, imaginary: torch.Tensor, still: torch.Tensor
    ) -> torch.Tensor:
        """Return batch × bands × 2: the slower octave with doubled phase against the faster one."""
        step = real.shape[-1] // doubled.shape[-1]
        real, imaginary = real[..., ::step], imaginary[..., ::step]
        window = self._at(doubled.shape[-1])
        weighed = doubled * window
        slow, fast = (weighed * doubled).sum(-1) + still, (real.square() * window).sum(-1) + still
        parts = torch.stack([(weighed * real).sum(-1), (weighed * imaginary).sum(-1)], -1)
        return parts * (torch.rsqrt(slow) * torch.rsqrt(fast))[..., None]  # the root of their product underflows

    def _correlation(self, products: torch.Tensor, power: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        """Return the correlations of pairs of bands from batch × bands × bands products: batch × pairs."""
        root = torch.rsqrt(power)
        first, second = pairs
        return products[..., first, second] * root[..., first] * root[..., second]

    def _rate(self, least: float) -> int:
        """Return the least number of samples, of those from which frames can be left out evenly, that is enough."""
        samples = self._frames
        while samples % 2 == 0 and samples // 2 >= max(least, LEAST_SAMPLES):
            samples //= 2
        return samples

    def _at(self, samples: int) -> torch.Tensor:
        """Return the window at a lower rate."""
        step = self._frames // samples
        return self._window[::step] * step

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.tensor(values, dtype=self._window.dtype, device=self._window.device)


def _analytic(spectra: torch.Tensor, responses: torch.Tensor, samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both parts of one modulation band of every band, at a lower rate."""
    bins = min(len(responses), samples)
    band = torch.nn.functional.pad(spectra[..., :bins] * responses[:bins], (0, samples - bins))
    planes = torch.view_as_real(torch.fft.ifft(band, norm="forward"))
    return planes[..., 0].contiguous(), planes[..., 1].contiguous()
