"""The fixed sound of which the original Spleeter's output is stored, made of arithmetic that no library changes."""

from __future__ import annotations

import numpy as np

RATE = 44100
SECONDS = 13
STRIDE = 149
"""Of each channel every so many samples of the original's output are stored."""


def golden_sound() -> np.ndarray:
    """Return two channels of 13 s: a gliding voice of harmonics with vibrato, a bass, a chord, strokes of noise."""
    time = np.arange(SECONDS * RATE) / RATE
    pitch = (
        220 * 2 ** (np.round(3 * np.sin(2 * np.pi * 0.21 * time)) / 6) * (1 + 0.012 * np.sin(2 * np.pi * 5.3 * time))
    )
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    loud = np.clip(np.sin(2 * np.pi * 0.4 * time), 0, 1) ** 0.5
    voice = loud * sum(np.sin(k * phase) * np.exp(-((k * 220 - 700) ** 2) / 5e5) for k in range(1, 16))
    bass = np.sin(2 * np.pi * 55 * time) * (1 - (2 * time) % 1)
    chord = sum(np.sin(2 * np.pi * f * time + f) for f in (261.6, 329.6, 392.0, 523.3))
    noise = np.random.default_rng(1935).random((2, len(time))) - 0.5
    strokes = noise * np.exp(-18 * ((4 * time) % 1))
    left = 0.2 * voice + 0.2 * bass + 0.07 * chord
    right = 0.2 * voice + 0.2 * bass + 0.03 * chord
    return (np.stack([left, right]) + 0.4 * strokes).astype(np.float32)
