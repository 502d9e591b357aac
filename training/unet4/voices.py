"""Voices that say any text: espeak-ng's, and those that flite has from recordings of people (Black and Lenzo 2001)."""

from __future__ import annotations

import subprocess
import tempfile
from typing import Any

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, sosfilt, sosfiltfilt

Array = np.ndarray[Any, Any]

RECORDED = ("flite:rms", "flite:slt", "flite:awb", "flite:kal16")
"""Voices of people; the others are synthetic from the ground up."""


def said(voice: str, text: str, speed: int = 130, pitch: int = 50) -> tuple[Array, int]:
    """Return samples and sample rate of a text.

    Parameters
    ----------
    voice
        A voice of espeak-ng, or one of flite, as flite:slt.
    text
        English words.
    speed
        Words a minute.
    pitch
        Of espeak-ng's voices: 0 to 99.
    """
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        if voice.startswith("flite:"):
            options = ["-voice", voice.removeprefix("flite:"), "--setf", f"duration_stretch={150 / speed:.2f}"]
            command = ["flite", *options, "-t", text, "-o", file.name]
        else:
            command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", file.name, text]
        subprocess.run(command, check=True, capture_output=True)
        return soundfile.read(file.name)


def is_high(voice: str) -> bool:
    """Return whether a voice is a woman's."""
    return "+f" in voice or voice == "flite:slt"


def with_air(sound: Array, rate: int, above: float, decibels: float, generator: np.random.Generator) -> Array:
    """Return a voice with the noise of breath and consonants above the frequency at which its synthesis ends.

    Parameters
    ----------
    sound
        Samples.
    rate
        Samples a second.
    above
        Hz.
    decibels
        Level of the noise beside that of the octave below.
    generator
        Draws the noise.
    """
    octave = sosfilt(butter(4, [0.5 * above, 0.95 * above], "band", fs=rate, output="sos"), sound)
    course = np.sqrt(np.maximum(sosfiltfilt(butter(1, 40, fs=rate, output="sos"), octave**2), 0))
    noise = generator.standard_normal(len(sound)) * course
    heard = sosfilt(butter(4, 0.95 * above, "high", fs=rate, output="sos"), noise)
    heard = sosfilt(butter(1, 12000, fs=rate, output="sos"), heard)
    return np.asarray(sound + 10 ** (decibels / 20) * heard)


def in_a_room(
    dry: Array, length: int, rate: int, level: float, generator: np.random.Generator, decay: float = 0.09
) -> Array:
    """Return 2 × length: a voice in the middle of a room that is as loud as `level` says; decay in s to 1/e."""
    room = generator.standard_normal((2, rate // 2)) * np.exp(-np.arange(rate // 2) / (decay * rate))
    room *= 0.5 / np.sqrt(np.sum(room**2, axis=1, keepdims=True))
    sound = np.zeros(length)
    sound[: min(length, len(dry))] = dry[:length]
    return np.stack([sound + level * fftconvolve(sound, each)[:length] for each in room])
