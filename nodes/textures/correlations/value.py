"""The time-averaged correlations of random networks on the spectrogram of a sound texture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nodes.textures.correlations.model import CorrelationModel
from nodes.values.representation import Representation
from pipelines.value import Array

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class TextureCorrelations(Representation):
    """Averages over time that tell one texture from another; they do not depend on how long the sound is.

    Parameters
    ----------
    classes
        'level', channels × bands: root-mean-square of m / reference, where m is the magnitude.

        Of a log spectrogram also 'mean', channels × bands: mean of log(1 + m / reference); and 'covariance',
        channels × bands × bands: covariance of these logarithms.

        For each kernel 'kernel_11x3', the mean product over time of each two feature maps: channels × positions
        along frequency × filters × filters, or channels × filters × positions × positions where frequencies are
        correlated, or channels × 1 × filters × filters of a Gram matrix over all positions.

        Where there are lags 'autocorrelation_11x3': channels × positions × filters × lags, the mean product of a
        feature map and itself a lag later; over all positions beside a Gram matrix.

        Where diversity is asked for 'diversity', channels × 1: 0, for that is what a resynthesis shall have. It is
        how much more like the source its fifths of a second are than is natural.
    reference
        Magnitude of each band to which all others are relative: its root-mean-square in the analysed sound; of 'ri'
        times one factor for all bands, such that no relative magnitude of that sound is above 1.
    model
        The front end.
    sample_rate
        Samples a second.
    samples
        Length of the sound that was analysed.
    diversity
        How much the class 'diversity' counts in an inversion beside each of the others.
    features
        Channels × bands × frames: what 'diversity' compares with, up to a minute over all channels. A log spectrogram
        of the source pooled to 32 bands, or the source itself where there are real and imaginary parts; None without.
    """

    relative: ClassVar[bool] = True

    classes: dict[str, Array]
    reference: Array
    model: CorrelationModel
    sample_rate: int
    samples: int
    diversity: float = 0.0
    features: Array | None = None

    @property
    def any_length(self) -> bool:
        """Whether sounds of every length can be compared: yes, statistics are averages over time."""
        return True

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.classes["level"].shape[0])

    @property
    def length(self) -> int:
        """Number of samples that were analysed."""
        return self.samples

    @property
    def count(self) -> int:
        """Number of distinct statistics of one channel."""
        return self.model.count

    def describe(self) -> str:
        """Return the number of statistics and what they were taken from."""
        model = self.model
        rows = "bins of real and imaginary parts" if model.spectrogram == "ri" else "bands"
        apart = f", diversity {self.diversity:g}" if self.diversity else ""
        return (
            f"TextureCorrelations, {self.channels} ch × {self.count} statistics, {model.bands} {rows}, "
            f"{len(model.kernels)} kernels of {model.filters} filters{apart}, "
            f"of {self.length / self.sample_rate:.3f} s"
        )

    def draw(self) -> MatplotlibFigure:
        """Return colour, correlation of bands, and for each kernel what is correlated."""
        from nodes.textures.correlations.drawing import draw_correlations

        return draw_correlations(self)

    def coefficients(self) -> dict[str, Array]:
        """Return the classes."""
        return self.classes

    def class_emphasis(self) -> dict[str, float]:
        """Return how much the likeness to the source counts; all else counts alike."""
        return {"diversity": self.diversity} if self.diversity else {}

    def floors(self) -> dict[str, float] | None:
        """Return 1 for the likeness to the source, which a copy has and whose target is 0."""
        return {"diversity": 1.0} if self.diversity else None

    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        """Return the map from samples of any length to statistics."""
        from nodes.textures.correlations.analysis import analysis_of

        return analysis_of(self, length, device)

    def spectrum(self) -> Array:
        """Return the power spectrum that the levels of the bands describe."""
        from nodes.textures.correlations.analysis import spectrum_of

        return spectrum_of(self)
