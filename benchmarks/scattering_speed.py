"""Loss and gradient of our scattering against Kymatio's: CPU and wall seconds, memory, and how far apart they are."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, median, run, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from scattering_cases import (
    COMPARISONS,
    FITTED,
    LENGTH,
    OURS,
    SAME,
    WORKERS,
    WRAPPED,
    Comparison,
    Run,
    Work,
    noise,
    sounds,
)

from pipelines.value import Array

OUR_REPETITIONS, THEIR_REPETITIONS = 6, 2
"""Losses and gradients that a process computes; the first warms up, and counts for the memory only."""

CLOSE, CLOSE_GRADIENT, FITTING = 1e-5, 1e-4, 3e-3
"""Greatest relative differences: of coefficients and gradients to the peer's, and of `fitted` to `full`."""

NAMES = {"cpu": "CPU", "peak": "memory"}

Measured = dict[str, float]


class Bench:
    """Runs workers, each in a process of its own."""

    def __init__(self, folder: Path, peer: Path, smaller: int) -> None:
        self._folder, self._peer, self._smaller = folder, peer, smaller
        self._layouts: dict[tuple[Work, str], list[str]] = {}
        self._found: dict[Run, dict[str, Array]] = {}
        length = LENGTH >> smaller
        np.savez(folder / "sounds.npz", samples=sounds(length))
        np.savez(folder / "noise.npz", **noise(length))  # type: ignore[arg-type]

    def agreement(self, ours: Run, other: Run) -> list[float]:
        """Return the relative differences of order 1 and order 2, in the worst of the sounds, and of the gradient."""
        theirs, mine = self._coefficients(other), self._coefficients(ours)
        orders = [
            max(_apart(a, b) for a, b in zip(mine[order], theirs[order], strict=True)) for order in ("order1", "order2")
        ]
        return [*orders, _apart(mine["gradients"], theirs["gradients"])]

    def measure(self, one: Run) -> Measured:
        """Return CPU and wall seconds of one loss and gradient in a new process, and the peak of its memory."""
        repetitions = OUR_REPETITIONS if one.framework == OURS else THEIR_REPETITIONS
        found = self._work(one, "noise", ["--no-coefficients", "--repeats", str(repetitions)])
        return {
            "cpu": median(found["cpu"][1:].tolist()),
            "wall": median(found["wall"][1:].tolist()),
            "peak": float(found["peak"].max()),
        }

    def _coefficients(self, one: Run) -> dict[str, Array]:
        """Return both orders (sounds × rows × frames) and the gradient of noise, in double precision."""
        if one not in self._found:
            print(f"checking {one.work.name}, {one.name}", file=sys.stderr)
            found = self._work(one, "sounds", ["--dtype", "float64"])
            gradient = self._work(one, "noise", ["--dtype", "float64", "--no-coefficients", "--gradients", "whole"])
            rows = _in_our_order(found)
            orders = {f"order{k}": found["coefficients"][:, rows[found["row_order"][rows] == k]] for k in (1, 2)}
            self._found[one] = {**orders, "gradients": gradient["gradients"]}
        return self._found[one]

    def _work(self, one: Run, given: str, options: list[str]) -> dict[str, Array]:
        ours = one.framework == OURS
        command = [sys.executable if ours else self._peer, WORKERS[one.framework]]
        command += [self._folder / f"{given}.npz", self._folder / "found.npz"]
        options = [*one.work.options(one.framework, self._smaller), "--boundary", one.boundary, *options]
        if ours:
            options += ["--sampling", one.sampling, *self._layouts.get((one.work, one.boundary), [])]
        run([*command, *options], self._folder)
        with np.load(self._folder / "found.npz") as found:
            arrays = dict(found)
        if not ours and one.boundary == "reflect":
            layout = ["--padded", str(arrays["padded"]), "--before", str(arrays["pad_left"])]
            self._layouts[one.work, one.boundary] = layout
        return arrays


def _in_our_order(found: dict[str, Array]) -> Array:
    """Return the order of rows in which ours come: the peer's in time scattering come by first filter."""
    if "n1" in found and "row_path" not in found:
        return np.lexsort((found["n1"], found["n2"], found["row_order"]))
    return np.arange(len(found["row_order"]))


def _apart(ours: Array, theirs: Array) -> float:
    if ours.shape != theirs.shape:
        raise SystemExit(f"coefficients of different layouts: {ours.shape} and {theirs.shape}")
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def main() -> int:
    """Check, measure, print both tables; return 1 where a limit is exceeded."""
    options = _options()
    chosen = [c for c in COMPARISONS if not options.work or any(word in c.ours.work.name for word in options.work)]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(Path(folder), options.peer.absolute(), options.smaller)
        works = {comparison.ours.work for comparison in chosen}
        agreements, failed = _agreements(bench, works)
        speeds, slow = _speeds(bench, chosen, options.repeats)
    heads = ["work", "ours", "peer", "our CPU s", "peer's CPU s", "CPU", "wall", "memory", "our MB", "limits"]
    print(f"loss and gradient, {LENGTH >> options.smaller} samples of noise, float32, filters made before;")
    print(f"medians of {options.repeats} interleaved rounds; CPU, wall, memory: the peer's / ours\n")
    print(table(heads, speeds))
    print("\nRelative differences in float64: coefficients in the worst of noise and two sounds, gradient of noise\n")
    print(table(["work", "ours", "compared with", "order 1", "order 2", "gradient", "limits"], agreements))
    return 1 if failed or slow else 0


def _agreements(bench: Bench, works: set[Work]) -> tuple[list[list[str]], bool]:
    rows, failed = [], False
    limited = [(SAME, [CLOSE, CLOSE, CLOSE_GRADIENT]), (WRAPPED, []), (FITTED, [FITTING, FITTING])]
    for (ours, other), greatest in ((pair, limits) for pairs, limits in limited for pair in pairs):
        if ours.work in works:
            found = bench.agreement(ours, other)
            kept = all(value <= limit for value, limit in zip(found, greatest, strict=False))
            failed |= not kept
            limits = ", ".join(f"{limit:g}" for limit in greatest)
            words = f"{limits}: {'kept' if kept else 'EXCEEDED'}" if limits else ""
            rows.append([ours.work.name, ours.name, other.name, *(f"{value:.1e}" for value in found), words])
    return rows, failed


def _speeds(bench: Bench, chosen: list[Comparison], repeats: int) -> tuple[list[list[str]], bool]:
    measured: dict[Run, list[Measured]] = {}
    runs = list(dict.fromkeys(one for comparison in chosen for one in (comparison.peer, comparison.ours)))
    for number in range(repeats):
        for one in runs:
            print(f"round {number + 1}: {one.work.name}, {one.name}", file=sys.stderr)
            measured.setdefault(one, []).append(bench.measure(one))
    rows, failed = [], False
    for comparison in chosen:
        ours, theirs = (
            {name: median(each[name] for each in measured[one]) for name in ("cpu", "wall", "peak")}
            for one in (comparison.ours, comparison.peer)
        )
        ratios = {name: theirs[name] / ours[name] for name in ours}
        limits = {"cpu": comparison.times, "peak": comparison.memory}
        demanded = {name: limit for name, limit in limits.items() if limit is not None}
        failed |= any(ratios[name] < limit for name, limit in demanded.items())
        said = {True: "kept", False: "MISSED"}
        words = ", ".join(f"{NAMES[name]} ≥ {each:g}: {said[ratios[name] >= each]}" for name, each in demanded.items())
        numbers = [f"{ours['cpu']:.4f}", f"{theirs['cpu']:.3f}", *(f"{ratio:.1f}" for ratio in ratios.values())]
        labels = [comparison.ours.work.name, comparison.ours.name, comparison.peer.name]
        rows.append([*labels, *numbers, f"{ours['peak'] / 1e6:.0f}", words])
    return rows, failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", type=Path, required=True, help="the Python of the peers' environment")
    parser.add_argument("--repeats", type=int, default=3, help="interleaved rounds (3)")
    parser.add_argument("--work", nargs="+", default=[], help="only transforms whose names contain one of these")
    parser.add_argument("--smaller", type=int, default=0, help="octaves by which sound and filters are shorter (0)")
    parser.add_argument("--folder", type=Path, help="where files are put (the system's temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
