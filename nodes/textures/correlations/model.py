"""What is correlated with what: the spectrogram, the random networks, and which products are averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nodes.textures.correlations.bands import band_edges
from pipelines.value import Array, Value

Spectrogram = Literal["log", "ri"]
"""Logarithms of magnitudes in bands, or compressed real and imaginary parts of bins."""

Correlate = Literal["filters", "frequencies", "gram"]
"""Filter × filter at every frequency, frequency × frequency of every filter, filter × filter over all frequencies."""

Kernel = tuple[int, int]


@dataclass(frozen=True, eq=False)
class CorrelationModel(Value):
    """The front end of `TextureCorrelations`; only statistics of one front end can be compared.

    Parameters
    ----------
    sample_rate
        Samples a second.
    n_fft, hop
        Length of a frame and distance of frames, in samples.
    spectrogram
        'log' or 'ri'.
    bands
        Rows of the spectrogram: bands of 'log', bins of 'ri'.
    kernels
        (bands, frames) of each kernel.
    filters, network_seed
        Number of random filters of each kernel, and their seed.
    correlate
        'filters', 'frequencies' or 'gram'.
    lags
        Lags of the autocorrelation of feature maps, in frames.
    """

    sample_rate: int
    n_fft: int
    hop: int
    spectrogram: Spectrogram
    bands: int
    kernels: tuple[Kernel, ...]
    filters: int
    network_seed: int
    correlate: Correlate = "filters"
    lags: tuple[int, ...] = ()

    @property
    def planes(self) -> int:
        """Number of spectrograms that a filter sees at once: real and imaginary parts are two."""
        return 2 if self.spectrogram == "ri" else 1

    @property
    def frequencies(self) -> Array:
        """Centre of each row of the spectrogram in Hz."""
        if self.spectrogram == "ri":
            return np.arange(self.bands) * self.sample_rate / self.n_fft
        return band_edges(self.bands, self.n_fft, self.sample_rate)[1:-1]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of statistics."""
        sizes = [f"{height}x{width}" for height, width in self.kernels]
        bands = ("level",) if self.spectrogram == "ri" else ("mean", "level", "covariance")
        kinds = ("kernel", "autocorrelation") if self.lags else ("kernel",)
        return (*bands, *(f"{kind}_{size}" for size in sizes for kind in kinds))

    @property
    def least_samples(self) -> int:
        """Least length of a sound: one product of feature maps at the longest lag."""
        columns = max((frames for _, frames in self.kernels), default=1) + max(self.lags, default=0)
        return self.n_fft + self.hop * (columns - 1)

    @property
    def count(self) -> int:
        """Number of distinct statistics of one channel: matrices are symmetric."""
        bands = self.bands if self.spectrogram == "ri" else 2 * self.bands + _pairs(self.bands)
        return bands + sum(self._count_of(self.bands - height + 1) for height, _ in self.kernels)

    def _count_of(self, positions: int) -> int:
        """Return the number of statistics of a kernel that fits at so many positions along frequency."""
        if self.correlate == "frequencies":
            return self.filters * (_pairs(positions) + positions * len(self.lags))
        positions = 1 if self.correlate == "gram" else positions
        return positions * (_pairs(self.filters) + self.filters * len(self.lags))


def _pairs(number: int) -> int:
    """Return the number of different entries of a symmetric matrix."""
    return number * (number + 1) // 2
