"""Spectra and their levels over time, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Bases(Value):
    """Spectra that sounds are sums of.

    Parameters
    ----------
    spectra
        components × bins, float32, not negative; the bins of each add up to 1.
    sample_rate
        Samples a second.
    n_fft
        Length of the frames in samples.
    power
        1 where these are magnitudes, 2 where they are powers.
    """

    spectra: Array
    sample_rate: int
    n_fft: int
    power: int
    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    def __len__(self) -> int:
        return len(self.spectra)

    def describe(self) -> str:
        """Return how many there are, and their resolution."""
        return f"Bases, {len(self)} spectra × {self.spectra.shape[1]} bins, n_fft {self.n_fft}, {self.sample_rate} Hz"

    def draw(self) -> MatplotlibFigure:
        """Return the spectra side by side, in dB."""
        from nodes.factorisation.drawing import draw_bases

        return draw_bases(self)


@dataclass(frozen=True, eq=False)
class Activations(Value):
    """Levels of spectra over time.

    Parameters
    ----------
    levels
        channels × components × frames, float32, not negative: sums of magnitudes or powers over bins.
    sample_rate
        Samples a second.
    hop
        Distance of frames in samples; frame 0 is centred one hop before the sound.
    power
        1 where these are magnitudes, 2 where they are powers.
    """

    levels: Array
    sample_rate: int
    hop: int
    power: int
    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    def describe(self) -> str:
        """Return the shape and the distance of frames."""
        channels, components, frames = self.levels.shape
        return f"Activations, {channels} ch × {components} components × {frames} frames, hop {self.hop}"

    def draw(self) -> MatplotlibFigure:
        """Return the levels over time, a row for each component."""
        from nodes.factorisation.drawing import draw_activations

        return draw_activations(self)
