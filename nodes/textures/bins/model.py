"""What the model on the short-time spectrum is: its frames, groups of bins and lags.

After Liao, Roebel and Su, "On the modeling of sound textures based on the STFT representation" (DAFx 2013).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nodes.textures.auditory.model import PAIRS, pairs_of
from nodes.textures.correlations.bands import band_edges, pooling
from nodes.textures.model import Domain, Loss, Measurement, TextureModel
from nodes.values.smooth import smooth
from pipelines.mistakes import mistake
from pipelines.value import Array

if TYPE_CHECKING:
    import torch

LEAST_DURATION = 0.25
"""Seconds of the shortest sound that is measured."""

MOMENTS = ("bin_mean", "bin_variation", "bin_skewness", "bin_kurtosis")
"""The classes with one statistic a group."""


@dataclass(frozen=True, eq=False)
class BinModel(TextureModel):
    """The front end of statistics of magnitudes: moments, and correlations over lags in time.

    Parameters
    ----------
    sample_rate
        Samples a second.
    n_fft, hop
        Length of a frame (Hann) and distance of frames, in samples; a sound is measured in whole hops.
    groups
        Number of groups of bins, triangular and spaced as the ear's bands, whose root-mean-square magnitude is what is
        measured; 0 for every bin of its own.
    compression
        Exponent of the magnitudes; 1 leaves them as they are.
    longest_lag, lags
        Seconds of the longest lag of autocorrelations, and number of lags, spaced in equal ratios from one frame on;
        those that round to the same frame are one. At lags about as long as the sound correlations count as 0.
    longest_cross_lag, cross_lags
        The same of cross-correlations, which are taken at these lags in both directions and at 0.
    distances
        Distances in groups over which groups are cross-correlated.
    floor
        Added to the power of groups, so that the magnitude of silence has a gradient; white noise of variance 1 has
        power 1.

    Raises
    ------
    MistakeError
        Where frames do not overlap or there are more groups than bins to tell them apart.
    """

    name: ClassVar[str] = "stft"
    domains: ClassVar[dict[str, Domain]] = {
        "bin_mean": "level",
        "bin_variation": "level",
        "bin_skewness": "linear",
        "bin_kurtosis": "linear",
        "bin_autocorrelation": "correlation",
        "bin_crosscorrelation": "correlation",
        "interaural_correlation": "correlation",
    }
    emphasis: ClassVar[dict[str, float]] = {
        "bin_mean": 10.0,
        "bin_variation": 5.0,
        "bin_skewness": 2.0,
        "bin_kurtosis": 0.5,
        "bin_autocorrelation": 3.0,
        "bin_crosscorrelation": 5.0,
    }

    floors: ClassVar[dict[str, float]] = {
        "bin_variation": 1e-3,
        "bin_skewness": 0.02,
        "bin_kurtosis": 0.02,
        "bin_autocorrelation": 0.01,
        "bin_crosscorrelation": 0.01,
        "interaural_correlation": 0.01,
    }

    linked: ClassVar[tuple[str, ...]] = ("interaural_correlation",)
    imposed: ClassVar[tuple[str, ...]] = tuple(domains)

    sample_rate: int
    n_fft: int = 1024
    hop: int = 256
    groups: int = 64
    compression: float = 1.0
    longest_lag: float = 1.0
    lags: int = 24
    longest_cross_lag: float = 0.25
    cross_lags: int = 4
    distances: tuple[int, ...] = PAIRS
    floor: float = 1e-12

    def __post_init__(self) -> None:
        if not 0 < self.hop <= self.n_fft:
            raise mistake(
                "frames must overlap or touch",
                parameter="hop",
                given=f"{self.hop} samples",
                allowed=f"1 to n_fft = {self.n_fft} samples",
            )
        if not 0 <= self.groups <= self.n_fft // 2 - 1:
            raise mistake(
                "the spectrum has not enough bins for the groups",
                parameter="groups",
                given=f"{self.groups}",
                allowed=f"1 to {self.n_fft // 2 - 1}, or 0 for every bin of its own",
                hint="take fewer groups or a longer n_fft",
            )

    def measurement(self, size: int, duration: float, edge: float, device: str, dtype: torch.dtype) -> Measurement:
        """Return the map from batch × size samples to statistics, as `TextureModel` says."""
        from nodes.textures.bins.measuring import Measuring

        return Measuring(self, size, duration, edge, device, dtype)

    def impose(
        self,
        measure: Measurement,
        sound: torch.Tensor,
        wanted: Mapping[str, torch.Tensor],
        loss: Loss | None,
        channels: int,
    ) -> torch.Tensor:
        """Return sounds with the phases of others and magnitudes of these statistics, as `TextureModel` says."""
        from nodes.textures.bins.imposing import imposed
        from nodes.textures.bins.measuring import Measuring

        assert isinstance(measure, Measuring)
        level = wanted["bin_mean"]
        if loss is None:
            return imposed(sound, measure, lambda found: (found["bin_mean"] - level).square().sum(), level, steps=0)
        return imposed(sound, measure, loss, level, channels=channels)

    def size(self, least: int) -> int:
        """Return a number of samples of whole hops, the number of frames being of small prime factors."""
        return self.hop * smooth(math.ceil(max(least, self.n_fft) / self.hop))

    def least_samples(self) -> int:
        """Return the samples of a quarter of a second, or of some frames where these are longer."""
        return max(round(LEAST_DURATION * self.sample_rate), 2 * self.n_fft, self.shortest())

    def shortest(self) -> int:
        """Return the samples of a frame and two hops."""
        return self.n_fft + 2 * self.hop

    def axes(self) -> dict[str, dict[str, Array]]:
        """Return frequency in Hz, lag in seconds and, where two groups are compared, the other's frequency.

        A correlation at a positive lag compares the group at `frequency` with what comes later in that at `other`.
        """
        first, second = self.pairs
        lags, both = self.lag_frames * self.hop / self.sample_rate, self.cross_lag_frames * self.hop / self.sample_rate
        both = np.concatenate([-both[:0:-1], both])
        return {
            **{name: {"frequency": self.centres} for name in MOMENTS},
            "bin_autocorrelation": {
                "frequency": np.repeat(self.centres, len(lags)),
                "lag": np.tile(lags, len(self.centres)),
            },
            "bin_crosscorrelation": {
                "frequency": np.repeat(self.centres[first], len(both)),
                "other": np.repeat(self.centres[second], len(both)),
                "lag": np.tile(both, len(first)),
            },
            "interaural_correlation": {"frequency": self.centres},
        }

    @property
    def centres(self) -> Array:
        """Centre of each group in Hz."""
        if self.groups:
            return np.asarray(band_edges(self.groups, self.n_fft, self.sample_rate)[1:-1])
        return np.arange(self.n_fft // 2 + 1) * self.sample_rate / self.n_fft

    @property
    def pooling(self) -> Array | None:
        """What groups make of the power of bins (groups × bins), each row with a sum of 1; None for single bins."""
        return pooling(self.groups, self.n_fft, self.sample_rate) if self.groups else None

    @property
    def lag_frames(self) -> Array:
        """Lags of autocorrelations in frames, rising from 1."""
        return self._spaced(self.longest_lag, self.lags)

    @property
    def cross_lag_frames(self) -> Array:
        """Lags of cross-correlations in frames, rising from 0; all but 0 are taken in both directions."""
        return np.concatenate([[0], self._spaced(self.longest_cross_lag, self.cross_lags)])

    @property
    def pairs(self) -> Array:
        """Which groups are cross-correlated, the lower one first: 2 × pairs."""
        return pairs_of(len(self.centres), self.distances)

    def _spaced(self, longest: float, count: int) -> Array:
        frames = max(1.0, longest * self.sample_rate / self.hop)
        return np.unique(np.rint(np.geomspace(1, frames, count)).astype(np.int64))
