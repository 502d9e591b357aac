"""Textures from auditory statistics: CPU seconds, how near they come, whether they copy; and the gradient's cost."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from texture_cases import gradient_seconds, part, recording, resynthesised, with_context

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.node import texture_quality
from nodes.values.audio import Audio
from pipelines.value import Array
from pipelines.workers import set_workers

SECONDS = 5.0
MEAN, WORST, COPY = 24.0, 17.0, 0.05
"""Least mean SNR over sounds and least SNR of a class, in dB capped at 30; greatest copy score above the control."""

GRADIENT = 0.04
"""CPU seconds of the gradient of all classes, 5 s at 20 kHz, at most."""

EXCERPTS = 8
"""Of the rest of a recording at most: other excerpts show how far apart those of one sound are."""

HELD_OUT = {"frechet": "Fréchet", "moments": "moments"}


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    torch.set_num_threads(1)
    set_workers(1)
    near, apart, means, kept = [], [], [], True
    for path in options.sounds:
        samples = recording(path, options.sample_rate)
        source = part(samples, options.sample_rate, 0, round(SECONDS * options.sample_rate))
        each = [resynthesised(source, None, options.iterations, seed) for seed in range(1, options.seeds + 1)]
        scores = {name: [found[name] for _, found in each] for name in each[0][1]}
        means.append(np.mean(scores["snr_mean"]))
        control = scores["copy_control"][0]
        good = np.mean(scores["snr_min"]) >= WORST and np.mean(scores["copy"]) <= control + COPY
        numbers = [np.mean([spent for spent, _ in each]), means[-1], np.mean(scores["snr_min"])]
        near.append([path.stem, *(f"{number:.2f}" for number in (*numbers, np.mean(scores["copy"]), control))])
        near[-1].append(_said(good))
        row, like = _held_out(path.stem, scores, _halves(samples, source), _excerpts(samples, source))
        apart.append(row)
        kept &= bool(good) and like
    print(f"{SECONDS:g} s at {options.sample_rate} Hz, {options.iterations} iterations, one thread; ", end="")
    print(f"means of {options.seeds} seeds\n")
    heads = ["sound", "CPU s", "SNR mean", "least class", "copy", "control"]
    print(table([*heads, f"≥ {WORST:g} dB, copy ≤ control + {COPY:g}"], near))
    print(
        f"\nheld out: results; halves of {SECONDS:g} s of the recording, and other excerpts of it, least to greatest\n"
    )
    columns = [f"{title}{of}" for title in HELD_OUT.values() for of in ("", ", halves", ", excerpts")]
    print(table(["sound", *columns, "within natural variability"], apart))
    print(f"\nmean over sounds {np.mean(means):.1f} dB, at least {MEAN:g}")
    seconds = gradient_seconds(AuditoryModel(20_000))
    print(f"gradient of all classes, {SECONDS:g} s at 20 kHz: {seconds:.4f} CPU s, at most {GRADIENT:g}")
    return 0 if kept and np.mean(means) >= MEAN and seconds <= GRADIENT else 1


def _halves(samples: Array, source: Audio) -> list[dict[str, float]]:
    """Return how far halves are apart of parts of a recording that are as long as the source."""
    starts = _spaced(0, len(samples) - source.length + 1, source.length // 5)
    parts = [part(samples, source.sample_rate, start, source.length) for start in starts]
    return [
        {measure: scores[f"{measure}_natural"] for measure in HELD_OUT}
        for scores in (_scored(each, each) for each in parts)
    ]


def _excerpts(samples: Array, source: Audio) -> list[dict[str, float]]:
    """Return the scores of what else there is of a recording, in excerpts as long as its beginning, or half as long."""
    first = source.length
    count = first if len(samples) >= 2 * first else first // 2
    starts = _spaced(first, len(samples) - count + 1, count // 2)
    return [_scored(part(samples, source.sample_rate, start, count), source) for start in starts]


def _spaced(first: int, stop: int, step: int) -> list[int]:
    """Return first, first + step, …, but no more than `EXCERPTS` of them, evenly."""
    starts = np.arange(first, stop, step)
    return (
        starts[np.unique(np.linspace(0, len(starts) - 1, EXCERPTS).round().astype(int))].tolist() if len(starts) else []
    )


def _scored(sound: Audio, source: Audio) -> dict[str, float]:
    return with_context(lambda context: texture_quality(sound, source, context=context)).value.measure()


def _held_out(
    name: str, scores: dict[str, list[float]], halves: list[dict[str, float]], others: list[dict[str, float]]
) -> tuple[list[str], bool]:
    """Return a row of measures that no descent has seen, and whether the recording is as far from itself."""
    row, kept = [name], True
    for measure in HELD_OUT:
        found = float(np.mean(scores[measure]))
        natural = [[each[measure] for each in each_way] for each_way in (halves, others)]
        kept &= found <= max(each[measure] for each in [*halves, *others])
        row += [f"{found:.2f}", *(f"{min(of):.2f} to {max(of):.2f}" if of else "" for of in natural)]
    return [*row, _said(kept)], kept


def _said(kept: object) -> str:
    return "kept" if kept else "MISSED"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    own = [PROJECT / "sounds" / f"{name}.ogg" for name in ("fire", "water")]
    parser.add_argument("sounds", type=Path, nargs="*", default=own, help="recordings of textures (the project's)")
    parser.add_argument("--iterations", type=int, default=100, help="of the descent on the waveform (100)")
    parser.add_argument("--sample-rate", type=int, default=20_000, help="in Hz (20000)")
    parser.add_argument("--seeds", type=int, default=1, help="of each sound (1)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
