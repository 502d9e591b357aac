"""A piece whose stems are known: a loop of chords, strokes and bass, and a voice that does not repeat."""

import numpy as np

RATE = 16000


def made_stems(seconds: int = 12, rate: int = RATE, seed: int = 0) -> dict[str, np.ndarray]:
    """Return stems of 2 × samples, float32; the voice and the bass are in the middle, chords left and right."""
    generator = np.random.default_rng(seed)
    beat = np.arange(rate) / rate
    strokes = np.exp(-40 * (beat % 0.5)) * generator.standard_normal(rate) * 0.25
    bass = 0.2 * np.sin(2 * np.pi * np.where(beat < 0.5, 55, 82.5) * beat)
    left, right = (
        sum(0.06 * np.sin(2 * np.pi * pitch * part * beat) / part for pitch in chord for part in range(1, 6))
        for chord in ((262.0, 330.0), (392.0, 494.0))
    )
    glide = np.cumsum(np.repeat(generator.uniform(-1, 1, seconds * 10), rate // 10)) / rate
    pitch = 330 * 2.0 ** (glide + 0.02 * np.sin(2 * np.pi * 5.5 * np.arange(len(glide)) / rate))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(0.15 * np.sin(part * phase) / part for part in range(1, 10))
    looped = {"drums": (strokes, strokes), "bass": (bass, bass), "other": (left + 0.2 * right, 0.2 * left + right)}
    stems = {name: np.tile(np.stack(pair), (1, seconds)) for name, pair in looped.items()}
    return {name: np.asarray(stem, np.float32) for name, stem in {"vocals": np.stack([voice] * 2), **stems}.items()}


def plain_ratio(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Return the ratio of signal to error in dB."""
    error = np.asarray(estimate, np.float64) - reference
    return float(10 * np.log10(np.sum(np.square(reference, dtype=np.float64)) / np.sum(error**2)))
