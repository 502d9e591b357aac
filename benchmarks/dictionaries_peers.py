"""Matching pursuit, the same with refitted weights, and orthogonal matching pursuit of scikit-learn: SNR and CPU."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
from sklearn.linear_model import orthogonal_mp

from nodes.dictionaries.correlating import compile_correlating
from nodes.dictionaries.pursuit.books import THRESHOLD, book_of, compile_all, signal_to_noise
from nodes.dictionaries.pursuit.dictionary import Dictionary
from nodes.dictionaries.refitting import refit
from nodes.dictionaries.windows import window_of
from pipelines.value import Array
from pipelines.workers import set_workers

SCALES, OVERLAP, WINDOW = (64, 256), 4, "blackman"
SAMPLES = 2048
"""Of each sound, its loudest; as many silent ones of the longest scale are put before and after."""

COUNTS = (25, 50, 100, 200)
ITERATIONS = 2000
WITHIN = 6.0
"""dB that orthogonal matching pursuit may be better at the same number of weights, by median."""


def main() -> int:
    """Measure, print the table; return 1 where a refit loses or others are much better."""
    options = _options()
    set_workers(1)
    compile_all()
    compile_correlating()
    rows, lead, kept = [], [], True
    for path in options.sounds:
        sound = _read(path)
        peer, spent = _orthogonal(sound)
        for atoms in COUNTS:
            plain, fitted, times = _ours(sound, atoms)
            kept &= fitted >= plain
            lead.append(peer[atoms] - fitted)
            seconds = [f"{1000 * each:.0f}" for each in times]
            rows.append([path.stem, str(atoms), f"{plain:.2f}", f"{fitted:.2f}", f"{peer[atoms]:.2f}", *seconds])
        rows[-1].append(f"{1000 * spent:.0f}")
    print(
        f"{SAMPLES} samples of the first channel, scales {SCALES}, overlap {OVERLAP}, {WINDOW}; two weights an atom\n"
    )
    heads = ["sound", "atoms", "pursuit dB", "refitted dB", "OMP dB", "pursuit CPU ms", "refit CPU ms", "OMP CPU ms"]
    print(table(heads, [[*row, *[""] * (len(heads) - len(row))] for row in rows]))
    print(f"\nOMP better than refitted by a median of {np.median(lead):.2f} dB, at most {WITHIN:g} dB")
    return 0 if kept and np.median(lead) <= WITHIN else 1


def _ours(sound: Array, atoms: int) -> tuple[float, float, tuple[float, float]]:
    """Return the SNR of a pursuit, that of its refitted book, and the CPU seconds of each."""
    whole, residual = sound[None].astype(np.float32), np.zeros((1, len(sound)), np.float32)
    start = time.process_time()
    dictionary = Dictionary(SCALES, WINDOW, OVERLAP, THRESHOLD)
    book = book_of(whole, 44100, dictionary, atoms, 300.0, "together", residual).book
    middle, plain = time.process_time(), signal_to_noise(whole, residual)
    refit(book, whole, residual, ITERATIONS, 1e-5)
    return plain, signal_to_noise(whole, residual), (middle - start, time.process_time() - middle)


def _orthogonal(sound: Array) -> tuple[dict[int, float], float]:
    """Return the SNR of scikit-learn at as many weights as ours has, by atoms, and the CPU seconds of all."""
    columns = _columns(len(sound))
    start = time.process_time()
    path = orthogonal_mp(columns, sound, n_nonzero_coefs=2 * max(COUNTS), return_path=True)
    spent = time.process_time() - start
    left = {atoms: sound - columns @ path[:, 2 * atoms - 1] for atoms in COUNTS}
    return {atoms: 10 * np.log10(np.sum(sound**2) / np.sum(rest**2)) for atoms, rest in left.items()}, spent


def _columns(length: int) -> Array:
    """Return cosine and sine of each atom within a sound as columns of unit energy."""
    columns = []
    for scale in SCALES:
        phases = 2 * np.pi * np.outer(np.arange(scale), np.arange(scale // 2)) / scale
        window = window_of(WINDOW, scale)[:, None]
        waves = np.concatenate([np.cos(phases), np.sin(phases[:, 1:])], axis=1) * window
        waves /= np.sqrt(np.square(waves).sum(0))
        for start in range(0, length - scale + 1, scale // OVERLAP):
            placed = np.zeros((length, waves.shape[1]))
            placed[start : start + scale] = waves
            columns.append(placed)
    return np.asfortranarray(np.concatenate(columns, axis=1))


def _read(path: Path) -> Array:
    """Return the loudest samples of a sound, faded in and out, with silence around."""
    samples = soundfile.read(path, always_2d=True)[0][:, 0]
    starts = np.arange(0, len(samples) - SAMPLES + 1, SAMPLES // 2)
    loudest = max(starts, key=lambda start: float(np.sum(samples[start : start + SAMPLES] ** 2)))
    return np.pad(samples[loudest : loudest + SAMPLES] * np.hanning(SAMPLES), max(SCALES))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    own = sorted(path for path in (PROJECT / "sounds").iterdir() if path.suffix in (".flac", ".ogg", ".wav"))
    parser.add_argument("sounds", nargs="*", type=Path, default=own, help="recordings; those of the project")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
