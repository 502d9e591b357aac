"""What a scattering transform is to be, in samples and bands: the choices, and the paths that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np

from nodes.scattering.core.filters import LOWEST_WIDTH, Morlet, Wavelet, bank, least_octaves
from pipelines.value import Array, Value

Kind = Literal["time", "joint", "spiral"]
Boundary = Literal["reflect", "circular"]
Sampling = Literal["fitted", "full"]


@dataclass(frozen=True, eq=False)
class Design(Value):
    """A scattering transform, apart from the length of the sound.

    Parameters
    ----------
    kind
        'time', 'joint' (time and log-frequency) or 'spiral' (time, log-frequency and octaves).
    octaves, quality
        The longest filters have 2^octaves samples; filters in an octave of the first order.
    orders
        1 or 2.
    averaging
        Length of the averaging in time in samples, a power of two; 0 for one mean over the sound.
    band_averaging
        Length of the averaging along log-frequency in bands, a power of two; 0 for none, -1 for one mean.
    band_octaves
        The longest filters along log-frequency have 2^band_octaves bands.
    rates, scales
        Least and greatest rate (cycles per sample) and scale (cycles per band, without sign) of the second order.
    wavelet, boundary, sampling
        See `scatter`.
    rates_per_octave, scales_per_octave
        Filters in an octave of the second order.
    band_scales
        Whether the first order is filtered along log-frequency too, and averaged as the second.
    """

    kind: Kind = "joint"
    octaves: int = 11
    quality: int = 12
    orders: int = 2
    averaging: int = 2048
    band_averaging: int = 0
    band_octaves: int = 3
    rates: tuple[float, float] = (0.0, 1.0)
    scales: tuple[float, float] = (0.0, 1.0)
    wavelet: Wavelet = "morlet"
    boundary: Boundary = "reflect"
    sampling: Sampling = "fitted"
    rates_per_octave: int = 1
    scales_per_octave: int = 1
    band_scales: bool = False

    def __post_init__(self) -> None:
        """Refuse what no transform can be made of.

        Raises
        ------
        ValueError
            Names the field.
        """
        fits = {
            "kind": self.kind in get_args(Kind),
            "boundary": self.boundary in get_args(Boundary),
            "sampling": self.sampling in get_args(Sampling),
            "wavelet": self.wavelet in get_args(Wavelet),
            "orders": self.orders in (1, 2),
            "averaging": self.averaging == 0 or _is_power(self.averaging),
            "band_averaging": self.band_averaging in (0, -1) or _is_power(self.band_averaging),
            "octaves": self.octaves >= least_octaves(self.quality),
        }
        for name, fitting in fits.items():
            if not fitting:
                raise ValueError(f"{name} cannot be {getattr(self, name)!r}")

    @cached_property
    def carriers(self) -> list[Morlet]:
        """Filters ψ_λ of the first order, from high to low."""
        return bank(self.octaves, self.quality, self.wavelet)

    @cached_property
    def modulators(self) -> list[tuple[Morlet, int]]:
        """Filters ψ_α of the second order, each with the number of carriers it follows: those that are faster."""
        if self.orders < 2:
            return []
        least, greatest = self.rates
        found = [
            (modulator, sum(carrier.octave < modulator.octave for carrier in self.carriers))
            for modulator in bank(self.octaves, self.rates_per_octave, self.wavelet)
            if least <= modulator.centre <= greatest
        ]
        return [(modulator, carriers) for modulator, carriers in found if carriers]

    @cached_property
    def scale_filters(self) -> list[ScaleFilter]:
        """Filters along log-frequency: the low-pass, then the others from fine to coarse, upwards and downwards.

        On the spiral each of them goes with each filter across octaves.
        """
        least, greatest = self.scales
        filters = [f for f in bank(self.band_octaves, self.scales_per_octave) if least <= f.centre <= greatest]
        low = 2**self.band_octaves if self.band_averaging <= 0 else self.band_averaging
        lowest = [ScaleFilter(None, 0, LOWEST_WIDTH / low)] if least == 0 else []
        found = lowest + [ScaleFilter(f, spin, f.width) for spin in (1, -1) for f in filters]
        return [each._replace(across=across) for each in found for across in self._across] if self._across else found

    @property
    def _across(self) -> list[OctaveFilter]:
        """Filters across octaves at one place of the spiral: the low-pass, then the others in both directions."""
        if self.kind != "spiral":
            return []
        longest = max(1, math.floor(math.log2(len(self.carriers) / self.quality)))
        filters = bank(longest, 1)
        lowest = OctaveFilter(None, 0, LOWEST_WIDTH / 2**longest, self.quality)
        return [lowest, *(OctaveFilter(f, spin, f.width, self.quality) for spin in (1, -1) for f in filters)]

    @property
    def unit(self) -> int:
        """Length of the longest filter or averaging, in samples."""
        return max(self.averaging, int(2**self.octaves))


def _is_power(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


class OctaveFilter(NamedTuple):
    """A filter ψ_γ across octaves, which are `bands` bands apart: None is the low-pass; spin as along log-frequency."""

    wavelet: Morlet | None
    spin: int
    width: float
    bands: int

    @property
    def scale(self) -> float:
        """Signed centre in cycles per octave."""
        return self.spin * self.wavelet.centre if self.wavelet else 0.0


class ScaleFilter(NamedTuple):
    """A filter ψ_β along log-frequency: None is the low-pass; spin 1 follows rising sounds, -1 falling ones.

    On the spiral, `across` is the filter ψ_γ that goes with it.
    """

    wavelet: Morlet | None
    spin: int
    width: float
    across: OctaveFilter | None = None

    @property
    def low(self) -> bool:
        """Whether it is a low-pass in every direction."""
        return self.wavelet is None and (self.across is None or self.across.wavelet is None)

    @property
    def octave_scale(self) -> float:
        """Signed centre across octaves, in cycles per octave; NaN off the spiral."""
        return self.across.scale if self.across else math.nan

    @property
    def scale(self) -> float:
        """Signed centre in cycles per band."""
        return self.spin * self.wavelet.centre if self.wavelet else 0.0


class Paths(NamedTuple):
    """Physical axes of the coefficients of one order, one value for each path."""

    frequency: Array
    rate: Array
    scale: Array
    octave_scale: Array


def paths_of_bands(carriers: list[Morlet], rate: float) -> Paths:
    """Return the axes of bands at one rate, or without one, NaN; they have no scales."""
    none = np.full(len(carriers), np.nan)
    return Paths(np.array([carrier.centre for carrier in carriers]), np.full(len(carriers), rate), none, none)


def frequency_of_rows(carriers: list[Morlet], rows: Array) -> Array:
    """Return the normalised frequency at places between the bands; beyond the lowest it falls no further."""
    centres = np.log([carrier.centre for carrier in carriers])
    return np.asarray(np.exp(np.interp(rows, np.arange(len(centres)), centres)))
