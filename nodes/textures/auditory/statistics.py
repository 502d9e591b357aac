"""Statistics of compressed envelopes: moments, correlations of bands, and what modulation bands make of them.

The classes of McDermott and Simoncelli (Neuron 2011), every one a mean over time under a window. A modulation band is
computed at a rate that holds its products, so that slow ones cost next to nothing.
"""

from __future__ import annotations

import numpy as np
import torch

from nodes.textures.auditory.front_end import Envelopes
from nodes.textures.auditory.model import NEAR_PAIRS, PAIRS, AuditoryModel, pairs_of

STILL = 2e-4
"""Relative deviation of an envelope below which it counts as steady: it has no skewness, and nothing to correlate."""

ROUNDING = 1e-5
"""Depth of a modulation, relative to the mean envelope, that may be rounding."""

TIMES_POWER, TIMES_OCTAVE = 6.0, 5.0
"""Least sample rates of modulation bands, in centre frequencies, for means of their squares and of their products."""

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
        powers = model.modulation_responses(frequencies)
        octaves = model.octave_responses(frequencies)
        self._powers = [
            (samples, self._tensor(powers[[n for n, own in enumerate(rates) if own == samples]][:, : samples // 2 + 1]))
            for rates in [[self._rate(TIMES_POWER * centre * duration) for centre in model.rates]]
            for samples in sorted(set(rates))
        ]
        self._own = [self._rate(TIMES_OCTAVE * centre * duration) for centre in model.octave_rates]
        computed = [*self._own[1:], self._frames]  # what meets the next octave must be known at that one's rate
        self._octaves = [
            (samples, self._tensor(2 * row[: samples // 2 + 1])) for samples, row in zip(computed, octaves, strict=True)
        ]
        bands = model.bands + 2
        self._pairs, self._near_pairs = (torch.tensor(pairs_of(bands, each)) for each in (PAIRS, NEAR_PAIRS))

    def __call__(self, found: Envelopes) -> dict[str, torch.Tensor]:
        """Return the statistics by class, each batch × paths; gradients flow."""
        envelopes, window = found.envelopes, self._window
        mean = (envelopes * window).sum(-1, keepdim=True)
        centred = envelopes - mean
        weighed = centred * window
        squares = centred.square()
        variance = (weighed * centred).sum(-1)
        steady = (STILL * mean[..., 0]).square() + self._tiny
        scale = variance + steady
        spectra = torch.fft.rfft(centred, norm="forward")
        statistics = {
            "band_power": found.powers,
            "envelope_mean": mean[..., 0],
            "envelope_variation": (variance + self._tiny).sqrt() / (mean[..., 0] + self._tiny),
            "envelope_skewness": (weighed * squares).sum(-1) / scale**1.5,
            "envelope_kurtosis": (weighed * squares * centred).sum(-1) / scale**2,
            "envelope_correlation": self._correlation(weighed @ centred.transpose(-1, -2), scale, self._pairs),
            "modulation_power": self._modulation_power(spectra) / scale[..., None],
        }
        still = STILL**2 * scale + (ROUNDING * mean[..., 0]).square()
        correlation, phase = self._octave_statistics(spectra, still)
        statistics |= {"modulation_correlation": correlation, "modulation_phase": phase}
        return {name: values.flatten(1) for name, values in statistics.items()}

    def _modulation_power(self, spectra: torch.Tensor) -> torch.Tensor:
        """Return batch × bands × modulation bands: the mean square of each."""
        found = []
        for samples, responses in self._powers:
            stretch = spectra[:, :, None, : samples // 2 + 1] * responses
            band = torch.fft.irfft(stretch, n=samples, norm="forward")
            found.append((band.square() * self._at(samples)).sum(-1))
        return torch.cat(found, -1)

    def _octave_statistics(self, spectra: torch.Tensor, steady: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
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
                power = torch.diagonal(products, dim1=-2, dim2=-1) + steady
                correlations.append(self._correlation(products, power, self._near_pairs))
                phases.append(self._phase(doubled, real, imaginary, steady))
            squares = real.square(), imaginary.square()
            doubled = (squares[0] - squares[1]) * torch.rsqrt(squares[0] + squares[1] + self._tiny)
            if number + 1 < len(self._octaves):
                assert doubled.shape[-1] == self._own[number + 1]
        return torch.stack(correlations, 1), torch.stack(phases, 2)

    def _phase(
        self, doubled: torch.Tensor, real: torch.Tensor, imaginary: torch.Tensor, steady: torch.Tensor
    ) -> torch.Tensor:
        """Return batch × bands × 2: the slower octave with doubled phase against the faster one."""
        step = real.shape[-1] // doubled.shape[-1]
        real, imaginary = real[..., ::step], imaginary[..., ::step]
        window = self._at(doubled.shape[-1])
        weighed = doubled * window
        slow, fast = (weighed * doubled).sum(-1) + steady, (real.square() * window).sum(-1) + steady
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
