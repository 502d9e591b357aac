"""What the engine itself costs for each step, against Kedro, Hamilton and redun.

The steps are additions of whole numbers, so that nearly all that is measured is the framework. Every framework
runs the same two graphs (see `peers/common.py`) in processes of its own: a cold run with an empty folder, then a
second process that finds the folder filled. The repeats of all frameworks are interleaved.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import PEERS, median, run, table

PLANNING_LIMIT, RUNNING_LIMIT = 0.2, 2.0
"""CPU milliseconds a step that resynthesis must stay below: checking and planning; running with a cold store."""

GRAPHS = ("chain", "fan")


@dataclass(frozen=True)
class Contender:
    """A framework in one mode of working.

    Parameters
    ----------
    name
        As it appears in the tables.
    script
        Its worker in `peers/`.
    cold, cached
        Modes of the worker's two runs; `cached` None where a second run would be the first once more.
    """

    name: str
    script: str
    cold: str = "default"
    cached: str | None = "default"


OURS = Contender("resynthesis", "run_resynthesis.py")
CONTENDERS = (
    OURS,
    Contender("Kedro, JSON files", "run_kedro.py", "disk", "missing"),
    Contender("Kedro, in memory", "run_kedro.py", "memory", None),
    Contender("Hamilton, cache", "run_hamilton.py"),
    Contender("redun", "run_redun.py"),
)


@dataclass(frozen=True)
class Run:
    """One run of one worker: seconds by stage, and of its whole process."""

    framework: str
    wall: dict[str, float]
    cpu: dict[str, float]
    process_cpu: float
    peak: int
    additions: int

    def engine_wall(self) -> float:
        """Wall seconds of describing, planning and running the graph."""
        return self.wall["graph"] + self.wall["run"]

    def engine_cpu(self) -> float:
        """CPU seconds of describing, planning and running the graph."""
        return self.cpu["graph"] + self.cpu["run"]


Runs = dict[tuple[str, str, str], list[Run]]
"""Runs by graph, contender and state, 'cold' or 'cached'."""


def work(contender: Contender, mode: str, graph: str, steps: int, folder: Path, python: Path) -> Run:
    """Run a worker and read its report."""
    command: list[str | Path] = [python, PEERS / contender.script, "--graph", graph, "--steps", str(steps)]
    used = run([*command, "--folder", folder, "--mode", mode], folder)
    report = json.loads(used.output.splitlines()[-1])
    wall = {name: stage["wall"] for name, stage in report["stages"].items()}
    cpu = {name: stage["cpu"] for name, stage in report["stages"].items()}
    return Run(report["framework"], wall, cpu, used.cpu, used.peak, report["additions"])


def both_states(contender: Contender, graph: str, steps: int, python: Path, parent: Path) -> Iterator[tuple[str, Run]]:
    """Yield a cold run and a cached one."""
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield "cold", work(contender, contender.cold, graph, steps, folder, python)
        if contender.cached is not None:
            yield "cached", work(contender, contender.cached, graph, steps, folder, python)
    finally:
        shutil.rmtree(folder)


def compare(contenders: Sequence[Contender], steps: int, repeats: int, peers: Path | None, parent: Path) -> Runs:
    """Run every contender on every graph, the repeats interleaved."""
    runs: Runs = {}
    for repeat in range(1, repeats + 1):
        for graph in GRAPHS:
            for contender in contenders:
                print(f"repeat {repeat}/{repeats}, {graph}, {contender.name}", file=sys.stderr)
                python = Path(sys.executable) if contender == OURS else peers
                assert python is not None
                for state, found in both_states(contender, graph, steps, python, parent):
                    runs.setdefault((graph, contender.name, state), []).append(found)
    return runs


def missing(contender: Contender, peers: Path | None) -> str:
    """Return why a contender cannot run, '' where it can."""
    if contender == OURS:
        return ""
    if peers is None:
        return "no environment of the peers was given"
    with tempfile.TemporaryDirectory() as folder:
        try:
            work(contender, contender.cold, "chain", 2, Path(folder), peers)
        except (RuntimeError, OSError) as error:
            return str(error).splitlines()[-1]
    return ""


def comparison(runs: Runs, graph: str, steps: int) -> str:
    """Return the table of one graph."""
    heads = ["framework", "state", "CPU ms/step", "wall ms/step", "ours/theirs CPU", "ours/theirs wall"]
    heads += ["process CPU s", "additions run"]
    rows = []
    for (of_graph, name, state), found in runs.items():
        if of_graph == graph:
            cpu, wall = _medians(found)
            our_cpu, our_wall = _medians(runs[graph, OURS.name, state])
            row = [name, state, f"{1e3 * cpu / steps:.3f}", f"{1e3 * wall / steps:.3f}"]
            row += [f"{our_cpu / cpu:.2f}", f"{our_wall / wall:.2f}"]
            rows.append([*row, f"{median(r.process_cpu for r in found):.2f}", str(found[0].additions)])
    return table(heads, sorted(rows, key=lambda row: row[1] != "cold"))


def _medians(runs: Sequence[Run]) -> tuple[float, float]:
    return median(r.engine_cpu() for r in runs), median(r.engine_wall() for r in runs)


def growth(sizes: Sequence[int], parent: Path) -> tuple[str, bool]:
    """Return the table of resynthesis alone at several sizes, and whether it stays below the limits."""
    rows, good = [], True
    for graph in GRAPHS:
        for steps in sizes:
            print(f"growth, {graph}, {steps} steps", file=sys.stderr)
            found = dict(both_states(OURS, graph, steps, Path(sys.executable), parent))
            cold, cached = found["cold"], found["cached"]
            times = [cold.cpu["graph"], cold.cpu["run"], cold.wall["run"], cached.cpu["graph"], cached.cpu["run"]]
            per_step = [1e3 * seconds / steps for seconds in times]
            good &= per_step[0] < PLANNING_LIMIT and per_step[1] < RUNNING_LIMIT and per_step[3] < PLANNING_LIMIT
            cells = [f"{milliseconds:.4f}" for milliseconds in per_step]
            rows.append([graph, str(steps), *cells, f"{cold.peak / 1e6:.0f}"])
    heads = ["graph", "steps", "plan cold", "run cold", "run cold, wall", "plan cached", "run cached", "peak MB"]
    return table(heads, rows), good


def compare_and_print(options: argparse.Namespace) -> None:
    """Compare all contenders that are installed, name those that are not."""
    absent = {contender: why for contender in CONTENDERS if (why := missing(contender, options.peers))}
    present = [contender for contender in CONTENDERS if contender not in absent]
    runs = compare(present, options.steps, options.repeats, options.peers, options.folder)
    versions = sorted({found[0].framework for found in runs.values()})
    print(f"{', '.join(versions)}; medians of {options.repeats} interleaved repeats")
    for graph in GRAPHS:
        print(f"\n{graph} of {options.steps} steps\n\n{comparison(runs, graph, options.steps)}")
    for contender, why in absent.items():
        print(f"\nmissing: {contender.name}: {why}")


def main() -> int:
    """Run the benchmark; return 1 where a limit is exceeded."""
    options = _options()
    if options.repeats:
        compare_and_print(options)
    if not options.growth:
        return 0
    grown, good = growth(options.growth, options.folder)
    print(f"\nresynthesis alone, CPU ms/step where nothing else is said\n\n{grown}")
    limits = f"plan < {PLANNING_LIMIT} and run < {RUNNING_LIMIT} CPU ms/step"
    print(f"\n{limits}: {'kept' if good else 'EXCEEDED'}")
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=1000, help="additions in each graph of the comparison (1000)")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of the comparison (3); 0: none")
    parser.add_argument("--peers", type=Path, help="the Python of the peers' environment: FOLDER/bin/python")
    parser.add_argument("--folder", type=Path, help="where the caches are put (the system's temporary folder)")
    parser.add_argument(
        "--growth", type=int, nargs="*", default=[1000, 10_000, 100_000], metavar="STEPS",
        help="sizes at which resynthesis runs alone (1000 10000 100000); none: nothing",
    )  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
