"""Matching pursuit: CPU µs an atom and SNR at numbers of atoms, seconds of the first call, gain of a second thread."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from nodes.dictionaries.pursuit.books import THRESHOLD, book_of, compile_all, signal_to_noise
from nodes.dictionaries.pursuit.dictionary import Dictionary
from nodes.dictionaries.pursuit.searching import Course
from pipelines.value import Array
from pipelines.workers import set_workers

SCALES = (512, 1024, 2048, 4096, 8192)
SECONDS = 10.0
LIMITS = {30_000: 8.0, 100_000: 6.0}
"""CPU µs an atom at most, by the number of atoms; only of sounds of 7 s or more."""

EXACT = 0.1
"""dB by which the exact order may be better."""

FIRST = 3.0
"""Seconds of compiling that a first call may add."""


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    compile_all()
    kept, rows = True, []
    for path in options.sounds:
        sound, rate = _read(path)
        for atoms in LIMITS:
            spent, ratio, _ = _fastest(sound, rate, atoms, options.repeats)
            each = spent / atoms * 1e6
            counts = sound.shape[1] / rate >= 6.8
            kept &= not counts or each <= LIMITS[atoms]
            row = [path.stem, f"{sound.shape[1] / rate:.1f}", str(atoms), f"{each:.2f}", f"{ratio:.2f}"]
            if options.exact:
                exact = _ratio(sound, rate, atoms, Course(stretch=None, refresh=6.0))
                kept &= ratio > exact - EXACT
                row.append(f"{exact:.2f}")
            if options.threads:
                walls = [_fastest(sound, rate, atoms, options.repeats, count)[2] for count in (1, 2)]
                row.append(f"{walls[0] / walls[1]:.2f}")
            if options.oversampling:
                finer = [_fastest(sound, rate, atoms, options.repeats, oversampling=number)[:2] for number in (2, 4)]
                row += [f"{spent / atoms * 1e6:.2f}, {ratio:.2f}" for spent, ratio in finer]
            rows.append(row)
    print(f"first channel, {SCALES[0]} to {SCALES[-1]}, overlap 4, Blackman, one thread; least of {options.repeats}\n")
    heads = ["sound", "s", "atoms", "CPU µs an atom", "SNR dB"]
    heads += ["exact order dB"] * options.exact + ["wall, two threads, times less"] * options.threads
    heads += ["oversampling 2: µs, dB", "4: µs, dB"] * options.oversampling
    print(table(heads, rows))
    print("\nat most: " + ", ".join(f"{limit:g} µs for {atoms} atoms" for atoms, limit in LIMITS.items()))
    cold, warm = _first_calls()
    print(f"\nfirst pursuit in a new process: {cold:.2f} CPU s with nothing compiled, {warm:.2f} s after; ", end="")
    print(f"at most {FIRST:g} s more")
    return 0 if kept and cold - warm <= FIRST else 1


def _fastest(
    sound: Array, rate: int, atoms: int, repeats: int, threads: int = 1, oversampling: int = 1
) -> tuple[float, float, float]:
    """Return the least CPU seconds, the SNR and the least seconds on the clock; kernels are made each time."""
    set_workers(threads)
    spent, walls, ratio = [], [], 0.0
    for _ in range(repeats):
        start, clock = time.process_time(), time.perf_counter()
        ratio = _ratio(sound, rate, atoms, Course(), oversampling)
        spent.append(time.process_time() - start)
        walls.append(time.perf_counter() - clock)
    set_workers(1)
    return min(spent), ratio, min(walls)


def _ratio(sound: Array, rate: int, atoms: int, course: Course, oversampling: int = 1) -> float:
    residual = np.zeros_like(sound)
    dictionary = Dictionary(SCALES, "blackman", 4, THRESHOLD, oversampling)
    book_of(sound, rate, dictionary, atoms, 300.0, "together", residual, course)
    return signal_to_noise(sound, residual)


def _first_calls() -> tuple[float, float]:
    """Return CPU seconds of the first pursuit of a new process without and with kept compiled functions."""
    code = (
        "import time; from nodes.dictionaries.pursuit.books import compile_all; "
        "start = time.process_time(); compile_all(); print(time.process_time() - start)"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(PROJECT)}
        each = [
            subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
            for _ in range(2)
        ]
    return float(each[0].stdout), float(each[1].stdout)


def _read(path: Path) -> tuple[Array, int]:
    samples, rate = soundfile.read(path, always_2d=True, dtype="float32")
    return np.ascontiguousarray(samples[: round(SECONDS * rate), :1].T), rate


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    own = sorted(path for path in (PROJECT / "sounds").iterdir() if path.suffix in (".flac", ".ogg", ".wav"))
    parser.add_argument("sounds", nargs="*", type=Path, default=own, help="recordings; those of the project")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--exact", action="store_true", help="beside the exact order, which is slow")
    parser.add_argument("--threads", action="store_true", help="wall time of one thread over that of two")
    parser.add_argument("--oversampling", action="store_true", help="beside two and four times as many frequencies")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
