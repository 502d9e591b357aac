"""How near inversions from coloured noise come: |S - S*| / |S*| after 10, 25, 60 evaluations of loss and gradient."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from nodes.inversion.objective import Objective, Point
from nodes.inversion.optimisers import LBFGS, Adam, BoldDriver, Nesterov, Optimiser
from nodes.inversion.running import ADAM_RATE
from nodes.inversion.shaping import Shaping
from nodes.inversion.start import first_sounds
from nodes.inversion.terms import shares, terms_of
from nodes.scattering.analysis import scattering_of
from nodes.scattering.core.design import Design
from nodes.scattering.value import Scattering
from nodes.values.audio import Audio

LENGTH, SAMPLE_RATE = 2**15, 11_025
MARKS = (10, 25, 60)
LAYOUTS = {
    "scales": Design(octaves=10, quality=8, averaging=2**11, boundary="circular", band_averaging=8, band_scales=True),
    "bands": Design(octaves=10, quality=8, averaging=2**11, boundary="circular"),
}
"""Order 1 along log-frequency and both orders averaged over an octave of it; and as `scatter` has it by default."""


class Watched:
    """An objective whose evaluations are counted; knows the error where the loss was least after each of them."""

    def __init__(self, objective: Objective) -> None:
        self._objective, self._least = objective, math.inf
        self.errors: list[float] = []

    def __call__(self, position: torch.Tensor) -> Point:
        """Return loss, gradient and errors at a position."""
        point = self._objective(position)
        error = self.errors[-1] if self.errors else math.inf
        if point.loss < self._least:
            energy = sum(term.energy for term in self._objective.terms)
            error, self._least = 100 * math.sqrt(sum(point.distances) / energy), point.loss
        self.errors.append(error)
        return point


OPTIMISERS: dict[str, Callable[[float], Optimiser]] = {
    "bold_driver": lambda level: BoldDriver(),
    "nesterov": lambda level: Nesterov(),
    "lbfgs": lambda level: LBFGS(),
    "adam": lambda level: Adam(ADAM_RATE * level, max(MARKS)),
}
"""As `invert` makes them, from the level of the start."""


def main() -> int:
    """Invert each sound with each optimiser in each layout, print a table for each layout."""
    options = _options()
    torch.set_num_threads(1)
    heads = ["sound", "optimiser", *(f"{count} evaluations" for count in MARKS), "CPU s"]
    print("relative error in percent", end="")
    print(f", medians of {options.starts} starts" if options.starts > 1 else "")
    for layout, design in LAYOUTS.items():
        rows = [row for path in options.sounds for row in _rows(path, design, options.starts)]
        print(f"\norder 1: {layout}\n")
        print(table(heads, rows), flush=True)
    return 0


def _rows(path: Path, design: Design, starts: int) -> list[list[str]]:
    target = scattering_of(_sound(path), design)
    rows = []
    for name in OPTIMISERS:
        used = time.process_time()
        errors = np.median([_errors(target, name, seed) for seed in range(starts)], 0)
        seconds = (time.process_time() - used) / starts
        rows.append([path.stem, name, *(f"{error:.2f}" for error in errors), f"{seconds:.1f}"])
    return rows


def _errors(target: Scattering, name: str, seed: int) -> list[float]:
    """Return the errors after so many evaluations as MARKS say; where nothing is left to gain, the last one."""
    goals = [target.coefficients()]
    terms = terms_of(goals, shares(goals, [1.0], {}, [{}]), [{}], "cpu")
    start = torch.tensor(first_sounds([target], [1.0], 1, LENGTH, "coloured", "independent", seed))
    objective = Objective(terms, [target.analysis(LENGTH, "cpu")], start, Shaping(None, LENGTH, "cpu"))
    watched, optimiser = Watched(objective), OPTIMISERS[name](float(start.square().mean().sqrt()))
    point: Point | None = watched(objective.origin())
    while point is not None and len(watched.errors) < max(MARKS):
        point = optimiser.step(point, watched)
    return [watched.errors[min(count, len(watched.errors)) - 1] for count in MARKS]


def _sound(path: Path) -> Audio:
    """Return the beginning of a sound, mono at 11.025 kHz with a peak of 0.5, again and again if it is too short."""
    samples, rate = soundfile.read(path, always_2d=True)
    mono = np.resize(soxr.resample(samples.mean(1), rate, SAMPLE_RATE, "VHQ"), LENGTH)
    return Audio((0.5 * mono / np.abs(mono).max())[None].astype(np.float32), SAMPLE_RATE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    given = [PROJECT / "sounds" / f"{name}.flac" for name in ("narrator", "breakbeat")]
    parser.add_argument("sounds", type=Path, nargs="*", default=given, help="sound files (narrator and breakbeat)")
    parser.add_argument("--starts", type=int, default=3, help="noises to start from (3)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
