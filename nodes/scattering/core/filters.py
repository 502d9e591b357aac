"""Band-pass filters of a scattering transform, in normalised frequency (1 is the sample rate).

Frequencies and widths follow Andén and Mallat, "Deep scattering spectrum" (IEEE TSP 2014), with the constants
of Kymatio (Andreux et al., JMLR 2020): neighbours cross at half power, and below the frequency at which a filter
would become narrower than the averaging the centres go on in equal steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from pipelines.value import Array

Wavelet = Literal["morlet", "gammatone"]

LOWEST_WIDTH = 0.1
"""Width of the narrowest filter, and of the averaging, times its length in samples."""

HIGHEST = 0.35
"""Centre of the highest filter where there are few of them in an octave."""

TAILS = 5.0
"""Standard deviations after which a filter counts as zero."""

DUST = 1e-15
"""Values this far below the greatest one are nothing."""


@dataclass(frozen=True)
class Morlet:
    """A band-pass filter: Gaussian of `centre` and standard deviation `width`, with no response at 0."""

    centre: float
    width: float

    @property
    def octave(self) -> int:
        """Number of halvings of the sample rate that leave the band whole."""
        return math.floor(-math.log2(min(self.centre + TAILS * self.width, 0.5))) - 1

    def response(self, frequencies: Array) -> Array:
        """Return the (real) response at normalised frequencies; the impulse response has an L1 norm of 1."""
        band = np.exp(-0.5 * ((frequencies - self.centre) / self.width) ** 2)
        low = np.exp(-0.5 * (frequencies / self.width) ** 2)
        return np.asarray((band - self._mend * low) / self._norm)

    def impulse(self, places: Array) -> Array:
        """Return the (complex) impulse response at whole numbers of samples; it adds up to 0, its modulus to 1."""
        half = math.ceil(8 / (2 * math.pi * self.width))
        whole = np.arange(-half, half + 1)
        mend = (self._envelope(whole) * np.cos(2 * math.pi * self.centre * whole)).sum() / self._envelope(whole).sum()

        def impulse(places: Array) -> Array:
            return np.asarray(self._envelope(places) * (np.exp(2j * math.pi * self.centre * places) - mend))

        return impulse(places) / float(np.abs(impulse(whole)).sum())

    def _envelope(self, places: Array) -> Array:
        return np.asarray(np.exp(-0.5 * (2 * math.pi * self.width * places) ** 2))

    @property
    def _mend(self) -> float:
        return math.exp(-0.5 * (self.centre / self.width) * (self.centre / self.width))

    @cached_property
    def _norm(self) -> float:
        """Return the L1 norm in time: the mean of |exp(2πi ξt) - κ| under the Gaussian envelope."""
        deviations = np.linspace(-8.0, 8.0, 4001)
        envelope = np.exp(-0.5 * deviations**2)
        turns = np.exp(1j * deviations * self.centre / self.width)
        return float((envelope * np.abs(turns - self._mend)).sum() / envelope.sum())


@dataclass(frozen=True)
class Gammatone(Morlet):
    """The derivative of a fourth-order gammatone, as wide at half power as the Morlet filter of the same numbers.

    Its impulse response, t³ e^(2π(iξ - α)t) differentiated, begins at once and dies away: it does not sound before
    it is struck (Andén and Mallat 2014, §2; Venkitaraman et al. 2014).
    """

    def response(self, frequencies: Array) -> Array:
        """Return the complex response at normalised frequencies; the impulse response has an L1 norm of 1."""
        distance = (frequencies - self.centre) / self._decay
        return np.asarray(frequencies / self.centre / (1 + 1j * distance) ** 4 / self._norm)

    @property
    def _decay(self) -> float:
        return self.width * math.sqrt(math.log(2) / (2**0.25 - 1))

    @cached_property
    def _norm(self) -> float:
        """Return the L1 norm of t³ e^(2π(iξ - α)t) differentiated, over its (2πα)⁴ / 3! and over 2πξ."""
        times = np.linspace(0, 40, 40_001)  # in units of 1 / 2πα
        turn = self.centre / self._decay
        values = times**2 * np.hypot(3 - times, turn * times) * np.exp(-times)
        return float(values.sum() * times[1] / 6 / turn)


def relative_width(quality: int) -> float:
    """Return width / centre of filters of which `quality` fill an octave and cross at half power."""
    ratio = math.exp2(-1.0 / quality)
    return (1.0 - ratio) / (1.0 + ratio) / math.sqrt(math.log(2.0))


def highest_centre(quality: int) -> float:
    """Return the centre of the highest filter."""
    return max(1.0 / (1.0 + math.exp2(3.0 / quality)), HIGHEST)


def bank(octaves: int, quality: int, wavelet: Wavelet = "morlet") -> list[Morlet]:
    """Return the filters from high to low.

    Parameters
    ----------
    octaves
        The narrowest filter is as wide in frequency as an averaging over 2^octaves samples.
    quality
        Filters in an octave.
    wavelet
        'morlet' or 'gammatone'.

    Returns
    -------
    At constant quality as long as they are wider than the narrowest, then at constant width in equal steps down
    to, but without, 0. Empty where not even the highest filter is wider than the narrowest.
    """
    made = Morlet if wavelet == "morlet" else Gammatone
    narrowest, step, relative = LOWEST_WIDTH / 2**octaves, math.exp2(1.0 / quality), relative_width(quality)
    if highest_centre(quality) * relative <= narrowest:
        return []
    filters = [made(highest_centre(quality), highest_centre(quality) * relative)]
    while filters[-1].width > narrowest * step:
        filters.append(made(filters[-1].centre / step, filters[-1].width / step))
    elbow = filters[-1].centre
    return filters + [made(elbow * (1 - q / quality), narrowest) for q in range(1, quality)]


def least_octaves(quality: int) -> int:
    """Return the least number of octaves for which `bank` holds a filter."""
    return next(octaves for octaves in range(1, 64) if bank(octaves, quality))


def averaging_response(frequencies: Array, averaging: float) -> Array:
    """Return the response of the Gaussian low-pass that averages over `averaging` samples."""
    return np.asarray(np.exp(-0.5 * (frequencies * averaging / LOWEST_WIDTH) ** 2))


def averaging_impulse(places: Array, averaging: float) -> Array:
    """Return the impulse response of that low-pass at whole numbers of samples; it adds up to 1."""
    width = LOWEST_WIDTH / averaging
    half = math.ceil(8 / (2 * math.pi * width))
    whole = np.exp(-0.5 * (2 * math.pi * width * np.arange(-half, half + 1)) ** 2).sum()
    return np.asarray(np.exp(-0.5 * (2 * math.pi * width * places) ** 2) / whole)


def without_dust(values: Array) -> Array:
    """Return the values with zeros where they are negligible: numbers near the least float slow processors down."""
    return np.where(np.abs(values) > DUST * np.abs(values).max(initial=0), values, 0)
