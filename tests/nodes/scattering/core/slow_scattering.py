"""Scattering as its definition has it: every filter at the full rate and over all bands, in float64, slowly.

Nothing of nodes.scattering.core is used but the list of filters. Asked to, it aliases as Kymatio does, which takes
moduli at the rates of the filters' bands, in which a modulus does not quite fit.
"""

from __future__ import annotations

import numpy as np

from nodes.scattering.core.design import Design

MARGIN, SIZE = 128, 320


def rel(found, wanted):
    """Return the norm of the difference over that of what is wanted."""
    return np.linalg.norm(np.asarray(found) - np.asarray(wanted)) / np.linalg.norm(np.asarray(wanted))


def morlet(length, centre, width):
    """Return the response of a Morlet filter at k / length, with its images, of discrete L1 norm 1."""
    places = np.arange(length) / length + np.arange(-3, 4)[:, None]
    band = np.exp(-0.5 * ((places - centre) / width) ** 2).sum(0)
    low = np.exp(-0.5 * (places / width) ** 2).sum(0)
    response = band - band[0] / low[0] * low
    return response / np.abs(np.fft.ifft(response)).sum()


def low_pass(length, averaging):
    places = np.arange(length) / length + np.arange(-3, 4)[:, None]
    response = np.exp(-0.5 * (places * averaging / 0.1) ** 2).sum(0)
    return response / response[0]


def along_bands(values, response):
    """Return the convolution along the first axis, with MARGIN places before and behind the bands."""
    padded = np.pad(values, [(MARGIN, len(response) - len(values) - MARGIN)] + [(0, 0)] * (values.ndim - 1))
    return np.fft.ifft(np.fft.fft(padded, axis=0) * response.reshape(-1, *[1] * (values.ndim - 1)), axis=0)


def taken_at(values, halvings):
    """Return what the values are if only each 2^halvings-th is known."""
    known = np.fft.fft(values[..., :: 2**halvings], norm="forward")
    half, spectrum = known.shape[-1] // 2, np.zeros(values.shape, complex)
    spectrum[..., :half], spectrum[..., values.shape[-1] - half :] = known[..., :half], known[..., half:]
    return np.fft.ifft(spectrum, norm="forward").real


class Slow:
    """The coefficients of one sound.

    Parameters
    ----------
    places
        Of the frames, in samples of the sound.
    before, behind
        Samples of the mirrored sound beside it.
    response
        Of a filter in time; a Morlet filter's where not given.
    halvings
        How often the rate may be halved, where moduli shall alias as Kymatio's.
    """

    def __init__(self, sound, design: Design, places, before=0, behind=0, response=None, halvings=0):
        self.design, self.halvings = design, halvings
        self.total = len(sound) + before + behind
        self.sound = slice(before, before + len(sound))
        self.frames = np.asarray(places) + before
        self.response = response or (lambda f: morlet(self.total, f.centre, f.width))
        spectrum = np.fft.fft(np.pad(np.asarray(sound, np.float64), (before, behind), mode="reflect"))
        bands = [np.abs(np.fft.ifft(spectrum * self.response(each))) for each in design.carriers]
        self.bands = np.stack([self._aliased(u, each) for u, each in zip(bands, design.carriers, strict=True)])
        self.order1 = self.averaged(self.bands)

    def _aliased(self, moduli, each):
        return taken_at(moduli, min(each.octave, self.halvings)) if self.halvings else moduli

    def averaged(self, moduli):
        """Return moduli ∗ φ_T at the frames, or their mean over the sound."""
        if not self.design.averaging:
            return moduli[..., self.sound].mean(-1, keepdims=True)
        smooth = np.fft.irfft(
            np.fft.rfft(moduli) * low_pass(self.total, self.design.averaging)[: self.total // 2 + 1], n=self.total
        )
        return np.stack([self._between(smooth, place) for place in self.frames], -1)

    def _between(self, values, place):
        assert place == round(place)
        return values[..., round(place) % self.total]

    def order2(self, rows=None):
        """Return paths × frames; `rows(filter, bands)` are the places where nothing is averaged along the bands."""
        found = []
        for modulator, carriers in self.design.modulators:
            y = np.fft.ifft(np.fft.fft(self.bands[:carriers]) * self.response(modulator))
            if self.design.kind == "time":
                found.append(self._averaged(np.abs(y), modulator))
                continue
            for each in self.design.scale_filters:
                found.append(self._scale(each, y, rows, lambda values, each=modulator: self._averaged(values, each)))
        return np.concatenate(found)

    def scales1(self, rows=None):
        """Return the scales of the first order, paths × frames."""
        each = [f for f in self.design.scale_filters if f.spin >= 0]
        return np.concatenate([self._scale(f, self.order1, rows, lambda values: values) for f in each])

    def _averaged(self, moduli, each):
        return self.averaged(self._aliased(moduli, each))

    def _scale(self, scale, y, rows, averaged):
        bands, averaging = len(y), self.design.band_averaging
        if scale.wavelet is None:
            response = low_pass(SIZE, averaging if averaging > 0 else 2**self.design.band_octaves)
        else:
            response = morlet(SIZE, scale.wavelet.centre, scale.width)
            response = response if scale.spin > 0 else np.roll(response[::-1], 1)
        moduli = averaged(np.abs(along_bands(y, response)))
        existing = moduli[MARGIN : MARGIN + bands]
        if averaging < 0:
            return (existing if scale.wavelet is None else moduli).sum(0, keepdims=True) / bands
        if averaging == 0:
            return existing[rows(scale, bands) if rows else slice(None)]
        kept = MARGIN + np.arange(1 + bands // averaging) * averaging
        if scale.wavelet is None:
            return moduli[kept]
        smooth = np.fft.ifft(np.fft.fft(moduli, axis=0) * low_pass(SIZE, averaging)[:, None], axis=0).real
        return smooth[kept]


def noise(length, seed=0):
    return np.random.default_rng(seed).standard_normal(length)


def gliding(length):
    """Return two gliding tones with an envelope, rising: sparse in time and frequency."""
    t = np.arange(length) / length
    tones = np.sin(0.15 * length * (t + 0.9 * t**2)) + 0.5 * np.sin(0.5 * length * t)
    return tones * np.exp(-(((t - 0.45) / 0.2) ** 2)) + 0.01 * noise(length, 5)
