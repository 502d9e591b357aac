"""Our nodes against peers that do the same: ratios of CPU and wall seconds, in one run, one thread each."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, median, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from comparing import Bench, Case, Took
from node_cases import CASES, cases


def main() -> int:
    """Measure all cases, print the table."""
    options = _options()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(Path(folder), options.seconds, options.peers)
        for case in cases(bench, options.case):
            print(case.name, file=sys.stderr)
            rows += compare(case, options.repeats)
    heads = ["work", "peer", "our CPU s", "peer's CPU s", "ours/peer CPU", "ours/peer wall", "difference"]
    print(f"{options.seconds:g} s of stereo noise, medians of {options.repeats} interleaved repeats\n")
    print(table(heads, rows))
    for why in bench.missing:
        print(f"\nmissing: {why}")
    return 0


def compare(case: Case, repeats: int) -> list[list[str]]:
    """Return a row for each peer of a case."""
    calls: dict[str, Callable[[], Took]] = {"": case.ours, **case.peers}
    warm = {name: call().result for name, call in calls.items()}
    differences = {name: case.difference(warm[""], warm[name]) for name in case.peers}
    del warm
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            took = call()
            times[name].append((took.cpu, took.wall))
    cpu = {name: median(c for c, _ in found) for name, found in times.items()}
    wall = {name: median(w for _, w in found) for name, found in times.items()}
    return [_row(case, name, cpu, wall, differences[name]) for name in case.peers]


def _row(case: Case, peer: str, cpu: dict[str, float], wall: dict[str, float], difference: str) -> list[str]:
    ratios = f"{cpu[''] / cpu[peer]:.2f}", f"{wall[''] / wall[peer]:.2f}"
    return [case.name, peer, f"{cpu['']:.3f}", f"{cpu[peer]:.3f}", *ratios, difference]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="length of the noise (60)")
    parser.add_argument("--repeats", type=int, default=3, help="repeats (3)")
    parser.add_argument("--peers", type=Path, help="the Python of the peers' environment: FOLDER/bin/python")
    parser.add_argument("--folder", type=Path, help="where files are put (the system's temporary folder)")
    parser.add_argument("--case", action="append", default=[], choices=[make.__name__ for make in CASES])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
