"""Scattering of longer and longer sounds: CPU time grows with the length, memory does not; and what two cores give."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from measuring import PEERS, run, table

WORKER = PEERS / "run_scattering_length.py"
SETTLED = 60.0
"""Seconds of sound from which on nothing but the length should count: what is kept for the adjoint is full by then."""

LINEAR, FLAT, FASTER = 1.25, 1.15, 1.7
"""CPU time for a second of sound and memory beyond it, longest / settled, at most; gain by two cores, at least."""


@dataclass(frozen=True)
class Cost:
    """The least CPU and wall seconds and the greatest peak of some repetitions; sizes in bytes."""

    cpu: float
    wall: float
    peak: float
    sound: float
    coefficients: float

    def beyond(self, work: str) -> float:
        """Return the peak without what is a result or becomes one, in bytes.

        That is the coefficients, once with those of the frames beside the sound and once without; and the gradient.
        """
        return self.peak - 2 * self.coefficients - (self.sound if work == "gradient" else 0)


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    kept = _growth(options.seconds) if "growth" in options.part else []
    kept += _cores(options.rounds) if "cores" in options.part else []
    return 0 if all(kept) else 1


HEADS = ["sound s", "CPU s", "CPU ms/s of sound", "peak MB", "sound MB", "coefficients MB", "peak beyond them MB"]
SPREAD = [
    ("chunks of 30 s", 30.0, 1, "forward"),
    ("chunks of 30 s", 30.0, 1, "gradient"),
    *((f"{channels} channels of 3 s", 3.0, channels, "gradient") for channels in (2, 4, 8)),
]


def _growth(lengths: list[float]) -> list[bool]:
    kept = []
    for work, name in (("forward", "coefficients alone"), ("gradient", "coefficients and gradient")):
        costs = {seconds: _cost(seconds, work) for seconds in sorted(lengths)}
        print(f"{name}, one channel, one core\n")
        print(table(HEADS, [_row(seconds, cost, work) for seconds, cost in costs.items()]), flush=True)
        kept += _limits(costs, work)
    return kept


def _cores(rounds: int) -> list[bool]:
    rows, kept = [], []
    for name, seconds, channels, work in SPREAD:
        alone, both = _two(seconds, channels, work, rounds)
        gain = alone.wall / both.wall
        kept.append(gain >= FASTER)
        numbers = [f"{alone.wall:.3f}", f"{both.wall:.3f}", f"{gain:.2f}", f"{alone.cpu:.3f}", f"{both.cpu:.3f}"]
        rows.append([name, work, *numbers, "kept" if kept[-1] else "MISSED"])
    print(f"one worker and two, quickest of {rounds} interleaved rounds; load average {os.getloadavg()[0]:.1f}\n")
    heads = ["spread over", "work", "wall s, 1 worker", "2 workers", "gain", "CPU s, 1 worker", "2 workers"]
    print(table([*heads, f"at least {FASTER}"], rows))
    return kept


def _cost(seconds: float, work: str, channels: int = 1, workers: int = 1, repeats: int | None = None) -> Cost:
    print(f"{work} of {channels} × {seconds:g} s, {workers} workers", file=sys.stderr)
    options = ["--work", work, "--channels", channels, "--workers", workers]
    again = repeats or (3 if seconds <= SETTLED else 1)
    command = [sys.executable, WORKER, seconds, *options, "--repeats", again]
    found = json.loads(run([str(word) for word in command], Path.cwd()).output)
    sizes = found["sound"], found["coefficients"]
    return Cost(min(found["cpu"]), min(found["wall"]), max(found["peak"]), *sizes)


def _row(seconds: float, cost: Cost, work: str) -> list[str]:
    sizes = (cost.peak, cost.sound, cost.coefficients, cost.beyond(work))
    return [f"{seconds:g}", f"{cost.cpu:.2f}", f"{1000 * cost.cpu / seconds:.1f}", *(f"{s / 1e6:.0f}" for s in sizes)]


def _limits(costs: dict[float, Cost], work: str) -> list[bool]:
    """Print and return whether CPU time is linear and memory flat, from the settled length to the longest."""
    settled, longest = min((s for s in costs if s >= SETTLED), default=max(costs)), max(costs)
    growth = costs[longest].cpu / longest / (costs[settled].cpu / settled)
    memory = costs[longest].beyond(work) / costs[settled].beyond(work)
    print(f"\nfrom {settled:g} s to {longest:g} s:")
    print(f"CPU time for a second of sound × {growth:.2f}, at most {LINEAR}: {_said(growth <= LINEAR)}")
    print(f"peak beyond sound and coefficients × {memory:.2f}, at most {FLAT}: {_said(memory <= FLAT)}\n")
    return [growth <= LINEAR, memory <= FLAT]


def _two(seconds: float, channels: int, work: str, rounds: int) -> tuple[Cost, Cost]:
    """Return the cost with one worker and with two, the quickest of interleaved rounds."""
    pairs = [[_cost(seconds, work, channels, workers, 4) for workers in (1, 2)] for _ in range(rounds)]
    alone, both = (min(each, key=lambda cost: cost.wall) for each in zip(*pairs, strict=True))
    return alone, both


def _said(kept: bool) -> str:
    return "kept" if kept else "EXCEEDED"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    lengths = [3, 12, 60, 240, 1200]
    parser.add_argument("--seconds", type=float, nargs="+", default=lengths, help="lengths (3 12 60 240 1200)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds with one and with two workers (3)")
    parser.add_argument("--part", nargs="+", choices=("growth", "cores"), default=["growth", "cores"], help="both")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
