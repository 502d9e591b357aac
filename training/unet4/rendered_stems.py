"""Pieces with exact stems: music, and a voice that sings its melody or speaks.

python rendered_stems.py FOLDER                 # the pieces that separators are compared on, as they are written
"""

from __future__ import annotations

import argparse
from pathlib import Path

import midi_music
import numpy as np
import soundfile
from midi_music import AS_WRITTEN, RATE, Array, Event, Variation
from singing import Singer
from speaking import Speaker
from voices import RECORDED

HELD_OUT = ("d_e1m1", "d_e1m6", "d_in_cit", "d_openin", "d_e3m2", "d_e2m8", "d_adrian", "d_ampie")
"""Pieces for comparisons alone: nothing is trained on them."""

STEMS = ("vocals", "drums", "bass", "other")
VOICES = ("en-us+f2", "en-us+f3", "en-us+f4", "en-us+m1", "en-us+m3", "en-us+m7", "en-gb", "en-us+f5")
MORE_VOICES = (
    *VOICES,
    *("en-us", "en-us+f1", "en-us+m2", "en-us+m4", "en-us+m5", "en-us+m6", "en-us+m8", "en-gb+m4"),
    *("en-gb-scotland+f5", "en-029+f2", "es+f2", "es+m3", "it+f4", "de+f1", "de+m1", "fr-fr+f3"),
)
SPOKEN = 0.4
"""Share of varied excerpts in which the voice speaks."""


def made(
    events: list[Event],
    seconds: float,
    generator: np.random.Generator,
    font: Path,
    variation: Variation = AS_WRITTEN,
    voice: Singer | Speaker | None = None,
) -> dict[str, Array]:
    """Return the four stems of an excerpt, each 2 × samples; their sum peaks at 0.9."""
    stems = midi_music.played(events, seconds, font, variation)
    voice = voice or Singer(VOICES[generator.integers(len(VOICES))], generator)
    if isinstance(voice, Speaker):
        stems["vocals"] = voice.speak(seconds, RATE)
    else:
        sung = midi_music.melody(midi_music.notes(events, seconds, variation), *voice.range)
        stems["vocals"] = voice.sing(sung, seconds, RATE)
    _balance(stems, generator.uniform(-3, 3))
    return stems


def varied(events: list[Event], seconds: float, generator: np.random.Generator, font: Path) -> dict[str, Array]:
    """Return the stems of an excerpt with other instruments, keys and tempi, sung or spoken by one of many voices."""
    many = RECORDED if generator.random() < 0.3 else MORE_VOICES
    name = many[generator.integers(len(many))]
    voice = Speaker(name, generator) if generator.random() < SPOKEN else _singer(name, generator)
    return made(events, seconds, generator, font, midi_music.varied(events, generator), voice)


def _singer(name: str, generator: np.random.Generator) -> Singer:
    formants, room = float(generator.uniform(0.88, 1.15)), float(generator.uniform(0.1, 0.6))
    return Singer(
        name, generator, formants, room, float(generator.uniform(-14, 0)) if generator.random() < 0.5 else None
    )


def _balance(stems: dict[str, Array], decibels: float) -> None:
    """Set the voice to a level beside the rest, and all to a peak of 0.9."""
    rest = sum(stem for name, stem in stems.items() if name != "vocals")
    voice = stems["vocals"]
    heard = np.abs(voice).mean(axis=0) > 0.003 * np.abs(voice).max()
    if heard.any():
        stems["vocals"] = voice * np.sqrt(np.mean(rest**2) / np.mean(voice[:, heard] ** 2)) * 10 ** (decibels / 20)
    peak = max(np.abs(sum(stems.values())).max(), 1e-9)
    for name in stems:
        stems[name] = stems[name] * 0.9 / peak


def main() -> None:
    """Render each piece into a folder of its own: vocals.wav, drums.wav, bass.wav and other.wav."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pieces", nargs="+", default=HELD_OUT)
    parser.add_argument("--archives", nargs="+", type=Path, default=sorted(Path("/usr/share/games/doom").glob("*.wad")))
    parser.add_argument("--font", type=Path, default=Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"))
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for number, name in enumerate(options.pieces):
        generator = np.random.default_rng([options.seed, number])
        stems = made(midi_music.read(options.archives, name), options.seconds, generator, options.font)
        folder = options.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for part, stem in stems.items():
            soundfile.write(folder / f"{part}.wav", stem.T.astype(np.float32), RATE, "FLOAT")
        print(name, flush=True)


if __name__ == "__main__":
    main()
