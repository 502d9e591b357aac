"""The scattering coefficients of a sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodes.scattering.core.design import Design
from nodes.values.representation import Representation
from pipelines.value import Array

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Scattering(Representation):
    """Scattering of the first and second order; the mean of the sound itself (order 0) is left out.

    Parameters
    ----------
    order1
        channels × bands × frames, float32 or float64: the mean modulus of each band.
    order2
        channels × paths × frames: the mean modulus of each modulation of the bands.
    frequencies1
        Centre of each band of the first order, in Hz.
    scales1
        NaN for each band; where the first order is filtered along log-frequency, the scale in cycles per octave.
    frequencies2
        Centre of each path of the second order in Hz; NaN where it is a mean over all bands.
    rates2
        Modulation rate of each path of the second order, in Hz.
    scales2
        Modulation scale of each path in cycles per octave, positive where sounds rise; NaN for scattering in time.
    octave_scales1, octave_scales2
        Signed scale across octaves in cycles per octave, for scattering on the spiral; else NaN.
    times
        Place of each frame, in seconds.
    colours
        channels × bins, float32: the power spectrum of the sound, as `Representation.colour` gives it.
    design
        How it was computed.
    sample_rate
        Samples a second.
    samples
        Length of the sound that was analysed.
    chunk
        Length of the chunks in samples, where it was asked for.
    double
        Whether it is computed with float64.
    logarithm
        ε of log(1 + S / (ε μ)), μ the mean of each path over time; None for S itself.
    normalised
        Whether S / μ stands for S.
    """

    order1: Array
    order2: Array
    frequencies1: Array
    scales1: Array
    frequencies2: Array
    rates2: Array
    scales2: Array
    octave_scales1: Array
    octave_scales2: Array
    times: Array
    colours: Array
    design: Design
    sample_rate: int
    samples: int
    chunk: int | None = None
    double: bool = False
    logarithm: float | None = None
    normalised: bool = False

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.order1.shape[0])

    @property
    def length(self) -> int:
        """Number of samples that were analysed."""
        return self.samples

    @property
    def any_length(self) -> bool:
        """Whether sounds of every length can be compared: where the coefficients are means over the whole sound."""
        return not self.design.averaging

    def describe(self) -> str:
        """Return the number of paths and frames, and what they mean."""
        channels, bands, frames = self.order1.shape
        averaging = self.design.averaging
        step = f" of {1000 * averaging / self.sample_rate:.3g} ms" if averaging else ", the mean"
        return (
            f"Scattering ({self.design.kind}), {channels} ch × {bands} bands + {self.order2.shape[1]} paths × "
            f"{frames} frames{step}, octaves {self.design.octaves}, quality {self.design.quality}"
        )

    def draw(self) -> MatplotlibFigure:
        """Return the scattergrams of both orders, and the energy by rate and scale."""
        from nodes.scattering.drawing import draw_scattering

        return draw_scattering(self)

    def coefficients(self) -> dict[str, Array]:
        """Return 'order1' and, where it has paths, 'order2', compressed and normalised as asked."""
        from nodes.scattering.compression import compressed

        return {name: compressed(self, values, values) for name, values in self.raw().items()}

    def raw(self) -> dict[str, Array]:
        """Return 'order1' and, where it has paths, 'order2', as the transform gives them."""
        return {"order1": self.order1} | ({"order2": self.order2} if self.order2.shape[1] else {})

    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        """Return the map from samples to coefficients; the length must be the target's."""
        from nodes.scattering.analysis import analysis_of

        return analysis_of(self, length, device)

    def axes(self) -> dict[str, dict[str, Array]]:
        """Return the frequency of each band, and frequency, rate and scale of each path."""
        second = {"frequency": self.frequencies2, "rate": self.rates2}
        first = {"frequency": self.frequencies1}
        if self.design.kind != "time":
            second["scale"] = self.scales2
            first |= {"scale": self.scales1} if self.design.band_scales else {}
        if self.design.kind == "spiral":
            second["octave_scale"] = self.octave_scales2
            first |= {"octave_scale": self.octave_scales1} if self.design.band_scales else {}
        return {"order1": first} | ({"order2": second} if len(self.rates2) else {})

    def spectrum(self) -> Array:
        """Return the spectrum of noise whose first order would be this one; that of the sound if it has no bands."""
        from nodes.scattering.analysis import spectrum_of

        return self.colours if self.design.band_scales else spectrum_of(self)

    def colour(self) -> Array:
        """Return the power spectrum of the sound: of all of it where it is short, else a mean over stretches."""
        return self.colours

    def envelope(self) -> Array | None:
        """Return the root of the first order's energy over time, or None for a mean over the whole sound."""
        from nodes.scattering.analysis import envelope_of

        return envelope_of(self)
