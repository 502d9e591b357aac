"""A voice that sings notes: spoken words are given the pitch and length of notes by WORLD (Morise 2016)."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pyworld
from scipy.signal import resample_poly
from voices import Array, in_a_room, is_high, said, with_air

LYRICS = (
    "love light night fly sky dream blue true way day run sun fall call gone road home low fire rain "
    "heart start cold stone alone sea eyes rise mind find hold never river shadow morning sing down burn "
    "moon soon deep sleep"
)
WORDS = LYRICS.split()
FRAME = 0.005
"""Seconds of a frame of WORLD."""


class Spoken(NamedTuple):
    """A word in frames: which are voiced, spectra, aperiodicities; and the sample rate."""

    voiced: Array
    spectra: Array
    aperiodicities: Array
    rate: int


@cache
def spoken(voice: str, word: str) -> Spoken:
    """Return a word as a voice says it, without the silence around it."""
    samples, rate = said(voice, word)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    samples = np.ascontiguousarray(samples[max(0, loud[0] - 200) : loud[-1] + 400])
    rough, times = pyworld.dio(samples, rate, f0_floor=60, f0_ceil=500)
    pitch = pyworld.stonemask(samples, rough, times, rate)
    spectra = pyworld.cheaptrick(samples, pitch, times, rate)
    return Spoken(pitch > 0, spectra, pyworld.d4c(samples, pitch, times, rate), rate)


class Singer:
    """One voice with its chances.

    Parameters
    ----------
    voice
        Of `voices.said`.
    generator
        Draws words, phrases, drift and room.
    formants
        How many times as high the formants are: above 1 for a smaller singer.
    room
        Level of the room beside the voice.
    air
        Level in dB of the noise above what the voice has, as in `voices.with_air`; none unless given.
    """

    def __init__(
        self,
        voice: str,
        generator: np.random.Generator,
        formants: float = 1.0,
        room: float = 0.35,
        air: float | None = None,
    ) -> None:
        self.voice = voice
        self._generator, self._formants, self._room, self._air = generator, formants, room, air

    @property
    def range(self) -> tuple[int, int]:
        """Lowest and highest note."""
        return (57, 74) if is_high(self.voice) else (48, 64)

    def sing(self, notes: list[tuple[float, float, int]], seconds: float, rate: int) -> Array:
        """Return 2 × samples: a word for each note, with vibrato and a little room, in phrases with rests between."""
        spoken_rate, bins = spoken(self.voice, "love").rate, spoken(self.voice, "love").spectra.shape[1]
        frames = int(seconds / FRAME) + 1
        pitch = np.zeros(frames)
        spectra, aperiodicities = np.full((frames, bins), 1e-12), np.ones((frames, bins))
        for start, stop, note in self._phrases(notes, seconds):
            first, last = int(start / FRAME), min(frames, int(stop / FRAME))
            word = spoken(self.voice, WORDS[self._generator.integers(len(WORDS))])
            places, voiced = _stretched(word.voiced, last - first)
            if last - first < 12 or not word.voiced.any():
                continue
            pitch[first:last] = np.where(voiced, self._course(note, last - first), 0)
            count = np.arange(last - first)
            swell = np.minimum(1, np.minimum((count + 1) / 4, (last - first - count) / 8))
            spectra[first:last] = np.maximum(word.spectra[places][:, self._bins(bins)] * swell[:, None] ** 2, 1e-12)
            aperiodicities[first:last] = word.aperiodicities[places]
        dry = pyworld.synthesize(pitch, spectra, aperiodicities, spoken_rate, 1000 * FRAME)
        common = np.gcd(rate, spoken_rate)
        sung = resample_poly(dry, rate // common, spoken_rate // common)
        if self._air is not None:
            sung = with_air(sung, rate, 0.48 * spoken_rate, self._air, self._generator)
        return in_a_room(sung, round(seconds * rate), rate, self._room, self._generator)

    def _phrases(self, notes: list[tuple[float, float, int]], seconds: float) -> list[tuple[float, float, int]]:
        """Return the notes of phrases of 3 to 6 s, with 0.6 to 2.2 s between them."""
        found, start = [], self._generator.uniform(0, 1)
        while start < seconds:
            stop = start + self._generator.uniform(3, 6)
            found += [note for note in notes if start <= note[0] < stop]
            start = stop + self._generator.uniform(0.6, 2.2)
        return found

    def _course(self, note: int, frames: int) -> Array:
        """Return the pitch of a note in Hz, with vibrato that begins after a quarter of a second, and drift."""
        time = np.arange(frames) * FRAME
        vibrato = 0.012 * np.clip((time - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * 5.5 * time)
        drift = 0.004 * np.cumsum(self._generator.standard_normal(frames)) / np.sqrt(frames)
        return np.asarray(440 * 2 ** ((note - 69) / 12) * (1 + vibrato) * (1 + drift))

    def _bins(self, count: int) -> Array:
        """Return which bin of a spoken spectrum each bin of a sung one takes."""
        return np.clip((np.arange(count) / self._formants).round().astype(int), 0, count - 1)


def _stretched(voiced: Array, frames: int) -> tuple[Array, Array]:
    """Return which frame of a word each frame of a note takes, and which are voiced: only the middle is stretched."""
    count, inside = len(voiced), np.flatnonzero(voiced)
    first, last = (inside[0], inside[-1]) if len(inside) else (0, count - 1)
    onset, coda = min(first + 6, count // 3), min(count - last + 6, count // 3)
    if frames > onset + coda + 8:
        middle = np.linspace(onset, count - coda - 1, frames - onset - coda)
        places = np.concatenate([np.arange(onset), middle, np.arange(count - coda, count)])
    else:
        places = np.linspace(0, count - 1, max(0, frames))
    found = np.clip(places.round().astype(int), 0, count - 1)
    kept = voiced[found]
    kept[onset : max(onset, frames - coda)] = True
    return found, kept
