"""A piece whose stems are known: a loop of chords, strokes and bass, and a voice that does not repeat."""

from __future__ import annotations

import numpy as np

from pipelines.value import Array

RATE = 44100


def made_stems(seconds: int, seed: int = 0) -> tuple[dict[str, Array], int]:
    """Return stems of 2 × samples, float32, and their sample rate; voice and bass are in the middle."""
    generator = np.random.default_rng(seed)
    beat = np.arange(RATE) / RATE
    strokes = np.exp(-40 * (beat % 0.5)) * generator.standard_normal(RATE) * 0.25
    bass = 0.2 * np.sin(2 * np.pi * np.where(beat < 0.5, 55, 82.5) * beat)
    left, right = (_chord(beat, pitches) for pitches in ((262.0, 330.0), (392.0, 494.0)))
    voice = _voice(seconds, generator)
    looped = {"drums": (strokes, strokes), "bass": (bass, bass), "other": (left + 0.2 * right, 0.2 * left + right)}
    stems = {"vocals": np.stack([voice, voice])}
    stems.update({name: np.tile(np.stack(pair), (1, seconds)) for name, pair in looped.items()})
    return {name: stem.astype(np.float32) for name, stem in stems.items()}, RATE


def _chord(time: Array, pitches: tuple[float, ...]) -> Array:
    parts = [(pitch * number, 0.06 / number) for pitch in pitches for number in range(1, 6)]
    return np.asarray(np.sum([level * np.sin(2 * np.pi * hertz * time) for hertz, level in parts], axis=0))


def _voice(seconds: int, generator: np.random.Generator) -> Array:
    """Return ten harmonics of a pitch that wanders, with vibrato, within an octave or so."""
    steps = generator.uniform(-1, 1, seconds * 10)
    octaves = np.cumsum(np.repeat(steps, RATE // 10)) / RATE
    time = np.arange(len(octaves)) / RATE
    phase = 2 * np.pi * np.cumsum(330 * 2.0 ** (octaves + 0.02 * np.sin(2 * np.pi * 5.5 * time))) / RATE
    return np.asarray(np.sum([0.15 * np.sin(part * phase) / part for part in range(1, 11)], axis=0))
