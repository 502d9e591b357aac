"""The scattering coefficients of a sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodes.values.representation import Representation
from pipelines.value import Array

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Scattering(Representation):
    """Time scattering of the first and second order; the mean of the sound itself (order 0) is left out.

    Parameters
    ----------
    order1
        channels × paths × frames, float32: the mean modulus of each band.
    order2
        channels × paths × frames, float32: the mean modulus of each modulation of each band.
    frequencies1
        Centre of each band of the first order, in Hz.
    frequencies2
        Centre of the band of each path of the second order, in Hz.
    rates2
        Modulation rate of each path of the second order, in Hz.
    sample_rate
        Samples a second.
    octaves, quality
        Scale of the longest filter as a power of two, and filters in an octave of the first order.
    averaging
        Samples over which the coefficients are averaged, and the distance of frames; frame k is at k·averaging.
    engine
        'fast' or 'kymatio', by which it was computed.
    samples
        Length of the sound that was analysed.
    """

    order1: Array
    order2: Array
    frequencies1: Array
    frequencies2: Array
    rates2: Array
    sample_rate: int
    octaves: int
    quality: int
    averaging: int
    engine: str
    samples: int

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.order1.shape[0])

    @property
    def length(self) -> int:
        """Number of samples that were analysed."""
        return self.samples

    def describe(self) -> str:
        """Return the number of paths and frames, and what they mean."""
        channels, paths, frames = self.order1.shape
        step = 1000 * self.averaging / self.sample_rate
        return (
            f"Scattering, {channels} ch × {paths} + {self.order2.shape[1]} paths × {frames} frames of {step:.1f} ms, "
            f"octaves {self.octaves}, quality {self.quality}"
        )

    def draw(self) -> MatplotlibFigure:
        """Return the scattergrams of both orders, paths sorted by their l1 norm."""
        from nodes.scattering.drawing import draw_scattering

        return draw_scattering(self)

    def coefficients(self) -> dict[str, Array]:
        """Return 'order1' and, where it has paths, 'order2'."""
        return {"order1": self.order1} | ({"order2": self.order2} if self.order2.shape[1] else {})

    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        """Return the map from samples to coefficients; the length must be the target's."""
        from nodes.scattering.analysis import analysis_of

        return analysis_of(self, length, device)

    def spectrum(self) -> Array:
        """Return the spectrum of noise whose first order would be this one."""
        from nodes.scattering.analysis import spectrum_of

        return spectrum_of(self)
