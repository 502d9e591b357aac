"""The time-averaged statistics of a sound texture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nodes.values.representation import Representation
from pipelines.value import Array

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class TextureStatistics(Representation):
    """Averages over time that tell one texture from another; they do not depend on how long the sound is.

    Parameters
    ----------
    mean
        channels × bands: mean of the compressed magnitude log(1 + m / reference).
    level
        channels × bands: root-mean-square of m / reference.
    covariance
        channels × bands × bands: covariance of the compressed magnitudes of bands.
    correlations
        For each kernel ('kernel_11x3') channels × positions × filters × filters: mean product over time of two
        feature maps at each position along frequency.
    reference
        Magnitude of each band to which all others are relative: its root-mean-square in the analysed sound.
    frequencies
        Centre of each band in Hz.
    kernels
        (bands, frames) of each kernel.
    filters, network_seed
        Number of random filters of each kernel, and their seed.
    sample_rate
        Samples a second.
    n_fft, hop
        Length of a frame and distance of frames, in samples.
    samples
        Length of the sound that was analysed.
    """

    relative: ClassVar[bool] = True

    mean: Array
    level: Array
    covariance: Array
    correlations: dict[str, Array]
    reference: Array
    frequencies: Array
    kernels: tuple[tuple[int, int], ...]
    filters: int
    network_seed: int
    sample_rate: int
    n_fft: int
    hop: int
    samples: int

    @property
    def any_length(self) -> bool:
        """Whether sounds of every length can be compared: yes, statistics are averages over time."""
        return True

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.mean.shape[0])

    @property
    def length(self) -> int:
        """Number of samples that were analysed."""
        return self.samples

    @property
    def count(self) -> int:
        """Number of distinct statistics of one channel: matrices are symmetric."""
        bands = len(self.reference)
        pairs = self.filters * (self.filters + 1) // 2
        return 2 * bands + bands * (bands + 1) // 2 + sum(bands - h + 1 for h, _ in self.kernels) * pairs

    def describe(self) -> str:
        """Return the number of statistics and what they were taken from."""
        return (
            f"TextureStatistics, {self.channels} ch × {self.count} statistics, {len(self.reference)} bands, "
            f"{len(self.kernels)} kernels of {self.filters} filters, of {self.length / self.sample_rate:.3f} s"
        )

    def draw(self) -> MatplotlibFigure:
        """Return colour, correlation of bands, and correlation of filters for each kernel."""
        from nodes.textures.drawing import draw_statistics

        return draw_statistics(self)

    def coefficients(self) -> dict[str, Array]:
        """Return 'mean', 'level', 'covariance' and the classes of the kernels."""
        return {"mean": self.mean, "level": self.level, "covariance": self.covariance, **self.correlations}

    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        """Return the map from samples of any length to statistics."""
        from nodes.textures.statistics import analysis_of

        return analysis_of(self, length, device)

    def spectrum(self) -> Array:
        """Return the power spectrum that the levels of the bands describe."""
        from nodes.textures.statistics import spectrum_of

        return spectrum_of(self)
