"""What every worker shares: its arguments, a clock for each stage, and its report as one line of JSON."""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

calls: list[int] = []
"""One entry for each addition that was really computed: shows what came out of a cache."""


class Worker:
    """The run of one graph by one framework.

    `--graph chain`: 0, then `steps` additions of 1, each to the one before.
    `--graph fan`: 0, `steps` additions of 1, 2, 3 … to it, and the sum of all.
    `--folder` is where the framework keeps its cache; a second run with the same folder finds it filled.
    """

    def __init__(self) -> None:
        parser = argparse.ArgumentParser()
        parser.add_argument("--graph", choices=("chain", "fan"), required=True)
        parser.add_argument("--steps", type=int, required=True)
        parser.add_argument("--folder", type=Path, required=True)
        parser.add_argument("--mode", default="")
        options = parser.parse_args()
        self.graph: str = options.graph
        self.steps: int = options.steps
        self.folder: Path = options.folder
        self.mode: str = options.mode
        self.stages: dict[str, dict[str, float]] = {}
        sys.setrecursionlimit(10**6)  # some frameworks descend a chain by recursion

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the wall and CPU seconds (all threads) of a stage."""
        wall, cpu = time.perf_counter(), _cpu()
        yield
        self.stages[name] = {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu}

    def report(self, framework: str, result: int) -> None:
        """Check the result, print the report."""
        expected = self.steps if self.graph == "chain" else self.steps * (self.steps + 1) // 2
        if result != expected:
            raise SystemExit(f"{framework} computed {result}, not {expected}")
        report = {
            "framework": framework,
            "python": platform.python_version(),
            "stages": self.stages,
            "additions": len(calls),
        }
        print("\n" + json.dumps(report))


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
