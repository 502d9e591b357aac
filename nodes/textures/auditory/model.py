"""What the auditory model is: its bands, envelopes and modulation bands, in Hz.

After McDermott and Simoncelli, "Sound texture perception via statistics of the auditory periphery" (Neuron 2011).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nodes.textures.erb import erb_hertz, erb_number
from nodes.textures.model import Domain, Loss, Measurement, TextureModel
from nodes.values.smooth import smooth
from pipelines.value import Array

if TYPE_CHECKING:
    import torch

PAIRS = (1, 2, 3, 5, 8, 11, 16, 21)
"""Distances in bands over which envelopes are correlated."""

FRAMES = 32
"""Of which the number of frames is a multiple."""

INAUDIBLE = 1e-5
"""Power of a band, relative to the strongest, up to which its statistics do not count: -50 dB."""

NEAR_PAIRS = (1, 2)
"""Distances in bands over which modulation bands are correlated."""

SHORTEST_LAG, LONGEST_LAG, LAGS = 0.01, 0.75, 16
"""Seconds between which envelopes are compared with themselves, and at how many lags."""

SWELL = 2.0
"""Rate in Hz from which on a modulation is none of the swells of a band; those of 1 Hz have half their power."""

STILL = 0.02
"""Relative deviation of an envelope up to which its sound is steady: that of noise is ten times as much."""

MOMENTS = ("band_power", "envelope_mean", "envelope_variation", "envelope_skewness", "envelope_kurtosis")
"""The classes with one statistic a band."""


@dataclass(frozen=True, eq=False)
class AuditoryModel(TextureModel):
    """The front end of auditory statistics.

    Parameters
    ----------
    sample_rate
        Samples a second.
    lowest, highest
        Where the first band begins and the last ends, in Hz; a low-pass and a high-pass stand beside them.
    bands
        Number of bands between them.
    compression
        Exponent of the envelopes.
    envelope_rate
        Samples a second of the envelopes, about: as many in all as are quickly transformed.
    modulation_bands
        Number of bands of constant Q for the power of modulations.
    slowest, fastest
        Centres of the first and the last of these, in Hz.
    floor
        Added to the squared magnitude of bands, so that the compressed envelope of silence has a gradient.
    """

    name: ClassVar[str] = "auditory"
    domains: ClassVar[dict[str, Domain]] = {
        "band_power": "level",
        "envelope_mean": "level",
        "envelope_variation": "level",
        "envelope_skewness": "linear",
        "envelope_kurtosis": "linear",
        "envelope_correlation": "correlation",
        "envelope_autocorrelation": "correlation",
        "modulation_power": "level",
        "modulation_correlation": "correlation",
        "modulation_phase": "correlation",
        "swell_correlation": "correlation",
        "swell_coupling": "linear",
        "interaural_coherence": "correlation",
        "interaural_correlation": "correlation",
    }
    emphasis: ClassVar[dict[str, float]] = {
        "envelope_mean": 10.0,
        "envelope_variation": 5.0,
        "envelope_kurtosis": 0.6,
        "envelope_autocorrelation": 0.5,
        "modulation_power": 3.0,
        "modulation_phase": 0.5,
        "swell_correlation": 0.5,
        "swell_coupling": 0.25,
    }

    floors: ClassVar[dict[str, float]] = {
        "envelope_variation": 1e-3,
        "envelope_skewness": 0.02,
        "envelope_kurtosis": 0.02,
        "envelope_correlation": 0.01,
        "envelope_autocorrelation": 0.01,
        "modulation_power": 1e-3,
        "modulation_correlation": 0.01,
        "modulation_phase": 0.01,
        "swell_correlation": 0.01,
        "swell_coupling": 0.01,
        "interaural_coherence": 0.01,
        "interaural_correlation": 0.01,
    }
    spans: ClassVar[dict[str, float]] = {"swell_correlation": 3.0, "swell_coupling": 3.0}
    linked: ClassVar[tuple[str, ...]] = ("interaural_coherence", "interaural_correlation")
    imposed: ClassVar[tuple[str, ...]] = tuple(
        name for name in domains if name not in ("band_power", "interaural_coherence")
    )

    sample_rate: int
    lowest: float = 20.0
    highest: float = 10_000.0
    bands: int = 30
    compression: float = 0.3
    envelope_rate: float = 400.0
    modulation_bands: int = 20
    slowest: float = 0.5
    fastest: float = 200.0
    floor: float = 1e-16

    def measurement(self, size: int, duration: float, edge: float, device: str, dtype: torch.dtype) -> Measurement:
        """Return the map from batch × size samples to statistics, as `TextureModel` says."""
        from nodes.textures.auditory.measuring import Measuring

        return Measuring(self, size, duration, edge, device, dtype)

    def still(self, classes: Mapping[str, Array], weights: Mapping[str, Array]) -> bool:
        """Return whether no band that counts varies by more than noise would."""
        counts = weights["band_power"].any(-1) if "band_power" in weights else np.ones((1, 1))
        return not (counts * (classes["envelope_variation"] > STILL)).any()

    def related(self, carriers: Array, classes: Mapping[str, Array]) -> Array:
        """Return noises with the coherence of these statistics, as `TextureModel` says."""
        from nodes.textures.auditory.relating import related

        return related(self, carriers, classes)

    def impose(
        self,
        measure: Measurement,
        sound: torch.Tensor,
        wanted: Mapping[str, torch.Tensor],
        loss: Loss | None,
        channels: int,
    ) -> torch.Tensor:
        """Return sounds with the carriers of others and envelopes of these statistics, as `TextureModel` says."""
        from nodes.textures.auditory.imposing import imposed
        from nodes.textures.auditory.measuring import Measuring

        assert isinstance(measure, Measuring)
        return imposed(measure, sound, wanted, loss, channels=channels)

    def size(self, least: int) -> int:
        """Return a number of samples of small prime factors."""
        return smooth(least)

    def frames(self, size: int) -> int:
        """Return the number of frames of the envelopes: smooth, with factors of two to spare for slow modulations."""
        return FRAMES * smooth(math.ceil(size * self.envelope_rate / self.sample_rate / FRAMES))

    def significance(self, classes: Mapping[str, Array]) -> dict[str, Array]:
        """Return which paths are of bands less than 50 dB below the strongest; of two bands one is enough."""
        powers = classes["band_power"]
        loud = powers >= INAUDIBLE * powers.max(1, keepdims=True)
        pairs, near = pairs_of(self.bands + 2, PAIRS), pairs_of(self.bands + 2, NEAR_PAIRS)
        octaves = len(self.octave_rates) - 1
        found = {
            **dict.fromkeys(MOMENTS, loud),
            "envelope_correlation": loud[:, pairs[0]] | loud[:, pairs[1]],
            "envelope_autocorrelation": loud.repeat(LAGS, 1),
            "modulation_power": loud.repeat(self.modulation_bands, 1),
            "modulation_correlation": np.tile(loud[:, near[0]] | loud[:, near[1]], (1, octaves)),
            "modulation_phase": loud.repeat(2 * octaves, 1),
            "swell_correlation": loud[:, pairs[0]] | loud[:, pairs[1]],
            "swell_coupling": loud,
            "interaural_coherence": (loud & np.roll(loud, 1, 0)).repeat(2, 1),
            "interaural_correlation": loud & np.roll(loud, 1, 0),
        }
        return {name: values.astype(np.float32) for name, values in found.items() if name in classes}

    def least_samples(self) -> int:
        """Return the samples of a quarter of a second."""
        return self.sample_rate // 4

    def axes(self) -> dict[str, dict[str, Array]]:
        """Return the frequency, the rate and, where two bands are compared, the other's frequency of each path."""
        bands = {"frequency": self.centres}
        pairs, near = pairs_of(self.bands + 2, PAIRS), pairs_of(self.bands + 2, NEAR_PAIRS)
        octaves = self.octave_rates[1:]
        count = len(self.centres)
        return {
            **dict.fromkeys(MOMENTS, bands),
            "envelope_correlation": {"frequency": self.centres[pairs[0]], "other": self.centres[pairs[1]]},
            "envelope_autocorrelation": {
                "frequency": np.repeat(self.centres, LAGS),
                "lag": np.tile(self.lags, count),
            },
            "modulation_power": {
                "frequency": np.repeat(self.centres, self.modulation_bands),
                "rate": np.tile(self.rates, count),
            },
            "modulation_correlation": {
                "frequency": np.tile(self.centres[near[0]], len(octaves)),
                "other": np.tile(self.centres[near[1]], len(octaves)),
                "rate": np.repeat(octaves, near.shape[1]),
            },
            "modulation_phase": {
                "frequency": np.repeat(self.centres, 2 * len(octaves)),
                "rate": np.tile(np.repeat(octaves, 2), count),
            },
            "swell_correlation": {"frequency": self.centres[pairs[0]], "other": self.centres[pairs[1]]},
            "swell_coupling": bands,
            "interaural_coherence": {"frequency": np.repeat(self.centres, 2)},
            "interaural_correlation": bands,
        }

    @property
    def edges(self) -> Array:
        """Frequencies in Hz: band b of those between low-pass and high-pass goes from edge b to edge b + 2."""
        ends = erb_number(np.array([self.lowest, self.highest]))
        return np.asarray(erb_hertz(np.linspace(ends[0], ends[1], self.bands + 2)))

    @property
    def centres(self) -> Array:
        """Centre of each band in Hz: the low-pass, the bands, the high-pass."""
        edges, half = self.edges, self.sample_rate / 2
        return np.array([edges[0] / 2, *edges[1:-1], (edges[-1] + half) / 2])

    @property
    def rates(self) -> Array:
        """Centre of each modulation band in Hz."""
        return np.geomspace(self.slowest, self.fastest, self.modulation_bands)

    @property
    def lags(self) -> Array:
        """Seconds over which envelopes are compared with themselves."""
        return np.geomspace(SHORTEST_LAG, LONGEST_LAG, LAGS)

    @property
    def octave_rates(self) -> Array:
        """Centres in Hz of the modulation bands an octave apart, above 1 Hz, from slow to fast."""
        return np.array([self.fastest / 2**k for k in range(20, 0, -1) if self.fastest / 2**k > 1.0])

    def responses(self, frequencies: Array) -> Array:
        """Return the responses of the bands (bands + 2 × frequencies): squared they add up to 1.

        Half cosines on the scale of equivalent rectangular bandwidths, each over two steps.
        """
        edges, places = self.edges, erb_number(frequencies)
        found = np.zeros((self.bands + 2, len(frequencies)))
        for band in range(self.bands):
            low, high = edges[band], edges[band + 2]
            inside = (frequencies > low) & (frequencies < high)
            left, right = erb_number(np.array([low, high]))
            found[band + 1, inside] = np.cos((places[inside] - (left + right) / 2) / (right - left) * np.pi)
        below, above = frequencies < edges[1], frequencies > edges[-2]
        found[0, below] = np.sqrt(np.maximum(0, 1 - found[1, below] ** 2))
        found[-1, above] = np.sqrt(np.maximum(0, 1 - found[-2, above] ** 2))
        return found

    def swell_response(self, frequencies: Array) -> Array:
        """Return the response of what tells swells from all faster modulations: a half of a half cosine."""
        return np.cos(np.minimum(frequencies / SWELL, 1.0) * np.pi / 2)

    def modulation_responses(self, frequencies: Array) -> Array:
        """Return the responses of the modulation bands (bands × frequencies): half cosines as wide as their centre.

        The bank is scaled so that its summed power response is 1 in the mean between the fourth band from each end.
        """
        centres = self.rates[:, None]
        found = np.where(np.abs(frequencies - centres) < centres / 2, np.cos((frequencies / centres - 1) * np.pi), 0.0)
        few = min(3, (len(centres) - 1) // 2)
        between = np.linspace(centres[few, 0], centres[-1 - few, 0], 4096)
        known = np.where(np.abs(between - centres) < centres / 2, np.cos((between / centres - 1) * np.pi), 0.0)
        return np.asarray(found / np.sqrt(np.square(known).sum(0).mean()))

    def octave_responses(self, frequencies: Array) -> Array:
        """Return the responses of the modulation bands an octave apart: half cosines over two octaves."""
        centres = self.octave_rates[:, None]
        octaves = np.log2(np.maximum(frequencies, 1e-9) / centres)
        return np.where(np.abs(octaves) < 1, np.cos(octaves * np.pi / 2), 0.0)


def pairs_of(bands: int, distances: tuple[int, ...]) -> Array:
    """Return which bands are compared: 2 × pairs."""
    return np.array([(b, b + d) for d in distances for b in range(bands - d)], np.int64).reshape(-1, 2).T


def published(sample_rate: int) -> AuditoryModel:
    """Return the model up to 10 kHz, as published, or to half the sample rate."""
    return AuditoryModel(sample_rate, highest=min(AuditoryModel.highest, sample_rate / 2))
