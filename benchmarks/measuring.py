"""What the benchmarks share: running a program and measuring it, medians, tables."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PEERS = Path(__file__).resolve().parent / "peers"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
SAMPLING = 0.005
"""Seconds between two looks at a program's memory."""
SILENT = {
    "DO_NOT_TRACK": "1",
    "HAMILTON_TELEMETRY_ENABLED": "false",
    "KEDRO_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True)
class Used:
    """What a program used, with all children that it waited for.

    Parameters
    ----------
    wall, cpu
        Seconds; `cpu` is user and system time.
    peak
        Largest resident memory in bytes; pages of mapped files count. Of any one of its processes by the kernel's
        count, and of all together where they were sampled.
    output
        What it wrote to standard output.
    """

    wall: float
    cpu: float
    peak: int
    output: str


def run(
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    sampled: bool = False,
) -> Used:
    """Run a program in `folder` and measure it.

    Parameters
    ----------
    command, folder, environment
        What to run, where, and variables to add.
    sampled
        Look at the memory every few milliseconds as well. The kernel's count is not enough for a program that sets
        its own peak back, as `resynthesis render` does before each step.

    Raises
    ------
    RuntimeError
        Where it ends with another exit code than 0; carries what it wrote to standard error.
    """
    variables = {**os.environ, **ONE_THREAD, **SILENT, **(environment or {})}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        seen = _watch(process.pid) if sampled else 0
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{errors.read()[-4000:]}")
        peak = max(usage.ru_maxrss * 1024, seen)
        return Used(wall, usage.ru_utime + usage.ru_stime, peak, output.read())


def _watch(pid: int) -> int:
    """Wait until a process has ended; return the largest resident memory seen of it and its children together."""
    import psutil

    process, peak = psutil.Process(pid), 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        with suppress(psutil.NoSuchProcess):
            peak = max(peak, sum(p.memory_info().rss for p in [process, *process.children(recursive=True)]))
        time.sleep(SAMPLING)
    return peak


def program() -> Path:
    """Return the `resynthesis` command of this environment."""
    return Path(sys.executable).parent / "resynthesis"


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, its columns aligned."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
