"""Mosaics: CPU ms a grain and how near they come, beside a framewise mosaic of nearest spectra; time by the source."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import soundfile
from scipy.spatial import cKDTree

from nodes.dictionaries.grains.pieces import Rule, peaked
from nodes.dictionaries.grains.playing import playing
from nodes.dictionaries.grains.pursuit import Dictionary, book_of, pursue
from pipelines.value import Array
from pipelines.workers import set_workers

RATE = 44100
LENGTHS = (880, 3528)
"""20 and 80 ms, as in the node."""

FRAME = 2048
SECONDS, SOURCE = 6.0, 10.0
GRAINS = (300, 1000, 3000)
SOURCES = (10.0, 20.0, 40.0, 60.0)
PAIRS = (("narrator.flac", "fire.ogg"), ("narrator.flac", "water.ogg"), ("breakbeat.flac", "narrator.flac"))
LIMIT = 5.0
"""CPU ms a grain at most, of 1000 grains of a source of 10 s."""


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    set_workers(1)
    kept, rows = True, []
    for one, other in options.pairs:
        sound, source = _read(one, SECONDS), _read(other, SOURCE)
        name, length = f"{one.stem} of {other.stem}", sound.shape[1] / RATE
        for count in GRAINS:
            spent, made = _fastest(partial(_mosaic, sound, source, count), options.repeats)
            kept &= count != 1000 or spent <= count * LIMIT / 1000
            rows.append([name, f"{length:.1f}", f"{count} grains", *_numbers(spent, count, sound, made)])
        spent, made = _fastest(partial(_framewise, sound, source), options.repeats)
        rows.append([name, f"{length:.1f}", "nearest spectra", *_numbers(spent, _frames(sound), sound, made)])
    print(f"one thread, 20 and 80 ms, sources of {SOURCE:g} s (shorter ones repeated); least of {options.repeats}\n")
    print(table(["mosaic", "s", "method", "CPU s", "CPU ms a grain", "SNR dB", "of spectra dB"], rows))
    print(f"\nat most {LIMIT:g} ms a grain for 1000 grains\n")
    print(table(["source s", "CPU ms a grain"], _by_source(options)))
    return 0 if kept else 1


def _by_source(options: argparse.Namespace) -> list[list[str]]:
    one, other = options.pairs[0]
    sound, rows = _read(one, SECONDS), []
    for seconds in SOURCES:
        source = _read(other, seconds)
        source += 1e-3 * np.random.default_rng(0).standard_normal(source.shape).astype(np.float32)  # no piece twice
        spent, _ = _fastest(partial(_mosaic, sound, source, 300), options.repeats)
        rows.append([f"{seconds:g}", f"{spent / 300 * 1e3:.2f}"])
    return rows


def _mosaic(sound: Array, source: Array, count: int) -> Array:
    found = pursue(sound, source, Dictionary(LENGTHS, rule=Rule(gain=10 ** (24 / 20))), count, 0.0)
    grains, made = book_of(found, sound.shape, "hann", source.shape[1], RATE), np.zeros_like(sound)
    for _ in playing(grains, source, grains.origins, "amplitude", made):
        pass
    return made


def _framewise(sound: Array, source: Array) -> Array:
    """For each frame the source's frame with the nearest shape of spectrum (cosine), at the level of the sound's."""
    spectra = [np.abs(librosa.stft(each[0], n_fft=FRAME, hop_length=FRAME // 2)).T for each in (sound, source)]
    norms = [np.linalg.norm(each, axis=1, keepdims=True) for each in spectra]
    shapes = [each / np.maximum(norm, 1e-9) for each, norm in zip(spectra, norms, strict=True)]
    _, nearest = cKDTree(shapes[1]).query(shapes[0])
    levels = np.minimum(norms[0] / np.maximum(norms[1][nearest], 1e-9), 10 ** (24 / 20))
    around = [np.pad(each[0], FRAME) for each in (sound, source)]
    made, window = np.zeros_like(around[0]), peaked("hann", FRAME)
    for frame, (piece, level) in enumerate(zip(nearest, levels[:, 0], strict=True)):
        start, origin = (FRAME // 2 * number + FRAME // 2 for number in (frame, int(piece)))
        cut = level * window * around[1][origin : origin + FRAME]
        made[start : start + FRAME] += cut[: len(made) - start]
    return made[None, FRAME:-FRAME]


def _frames(sound: Array) -> int:
    return 1 + sound.shape[1] // (FRAME // 2)


def _numbers(spent: float, count: int, sound: Array, made: Array) -> list[str]:
    spectra = [np.abs(librosa.stft(each[0].astype(np.float64), n_fft=1024)) for each in (sound, made)]
    return [f"{spent:.2f}", f"{spent / count * 1e3:.2f}", f"{_ratio(sound, made):.2f}", f"{_ratio(*spectra):.2f}"]


def _ratio(wanted: Array, found: Array) -> float:
    """Return the energy of what is wanted over that of the difference, in dB."""
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((wanted - found) ** 2)))


def _fastest(run: Callable[[], Array], repeats: int) -> tuple[float, Array]:
    """Return the least CPU seconds, and what was made."""
    spent, made = [], np.zeros(0)
    for _ in range(repeats):
        start = time.process_time()
        made = run()
        spent.append(time.process_time() - start)
    return min(spent), made


def _read(path: Path, seconds: float) -> Array:
    samples, rate = soundfile.read(path, always_2d=True, dtype="float32")
    mono = librosa.resample(samples[:, 0], orig_sr=rate, target_sr=RATE)
    return np.ascontiguousarray(np.resize(mono, round(seconds * RATE))[None])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sounds", nargs="*", type=Path, help="sound, source, sound, source, …; those of the project")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if len(options.sounds) % 2:
        parser.error("each sound needs a source")
    own = [PROJECT / "sounds" / name for pair in PAIRS for name in pair]
    each = iter(options.sounds or own)
    options.pairs = list(zip(each, each, strict=True))
    return options


if __name__ == "__main__":
    sys.exit(main())
