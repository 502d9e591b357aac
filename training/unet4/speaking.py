"""A voice that speaks: sentences by chance, with pauses, at any pitch and pace."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly
from voices import Array, in_a_room, is_high, said, with_air

SAID = (
    "above air ask bad bath beach bird black bread bridge bright brother cage chair cheese child choose church cloud "
    "cough crowd dance dark deaf earth east edge every eight farm fast few fish five fresh ghost give glass good green "
    "group half hand happy hedge honey house huge ice island jacket jaw joke jump key king kitchen knee language laugh "
    "leaf letter little lunch market measure milk month mother mouth much music name nature never nine noise nothing "
    "number ocean often oil onion open other owl paper path people picture please pleasure pocket push question quick "
    "rabbit rather rich rock round sail school seven shadow sharp sheep shirt silver six sister sixth small smooth "
    "sound speech spring square stop story strange string sugar summer table talk teeth thank that thick thin thing "
    "third this thousand three through thumb tiger toy tree twelve uncle under unusual upper usual valley vase very "
    "village vision visit voice vowel wash watch water weather week west wheel whisper white why wild window winter "
    "wish wolf wood world write yard year yellow yes young zebra zero"
)
WORDS = SAID.split()
SMALL = "a the of and in with to from by or on at for under over but not as"
BETWEEN = SMALL.split()


class Speaker:
    """One voice with its chances.

    Parameters
    ----------
    voice
        Of `voices.said`.
    generator
        Draws words, pace, pitch, pauses and room.
    """

    def __init__(self, voice: str, generator: np.random.Generator) -> None:
        self.voice, self._generator = voice, generator
        self._speed = int(generator.uniform(110, 210))
        self._pitch = int(generator.uniform(20, 80))
        self._size = Fraction(generator.uniform(0.85, 1.1 if is_high(voice) else 1.25)).limit_denominator(40)
        self._pause = float(generator.uniform(0.2, 1.2))
        self._room, self._decay = float(generator.uniform(0, 0.7)), float(generator.uniform(0.04, 0.2))
        self._air = float(generator.uniform(-14, 0))

    def speak(self, seconds: float, rate: int) -> Array:
        """Return 2 × samples of sentences with pauses between them."""
        length = round(seconds * rate)
        sound = np.zeros(length)
        start = int(self._generator.uniform(0, self._pause) * rate)
        while start < length:
            samples, own = said(self.voice, self._sentence(), self._speed, self._pitch)
            ratio = Fraction(rate, own) / self._size
            spoken = resample_poly(samples, ratio.numerator, ratio.denominator)[: length - start]
            above = 0.48 * own * float(self._size)
            if len(spoken) > rate // 10 and above < 0.45 * rate:
                spoken = with_air(spoken, rate, above, self._air, self._generator)
            sound[start : start + len(spoken)] += spoken * 10 ** (self._generator.uniform(-5, 2) / 20)
            start += len(spoken) + int(self._generator.exponential(self._pause) * rate) + rate // 10
        return in_a_room(sound, length, rate, self._room, self._generator, self._decay)

    def _sentence(self) -> str:
        words: list[str] = []
        for _ in range(self._generator.integers(2, 7)):
            if self._generator.random() < 0.6:
                words.append(BETWEEN[self._generator.integers(len(BETWEEN))])
            words.append(WORDS[self._generator.integers(len(WORDS))])
        return " ".join(words) + str(self._generator.choice([".", ",", "?", "!"]))
