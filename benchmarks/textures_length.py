"""Longer and longer textures: CPU time and memory of an inversion; what two cores give; what the full band costs."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, run, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from peers.scattering_worker import forget_peak, resident
from texture_cases import gradient_seconds, part, recording, resynthesised, with_context

from nodes.inversion.node import invert
from nodes.inversion.objective import Objective, Point
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.node import texture_statistics
from nodes.textures.stretches import STRETCH
from nodes.values.audio import Audio
from pipelines.value import Array
from pipelines.workers import set_workers

SOURCE = 10.0
"""Seconds of the texture that is generated as source."""

RATE, FULL = 20_000, 44_100
"""Sample rates: as published, and of the full band."""

LINEAR, FASTER = 1.15, 1.7
"""CPU time for a second of output, longest / shortest of several stretches, at most; gain by two cores, at least."""


@dataclass(frozen=True)
class Work:
    """An inversion that a process of its own makes: seconds of output, channels, iterations, worker threads."""

    seconds: float
    channels: int
    iterations: int
    workers: int


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds, bytes by which memory rose, those of the result, and evaluations of the waveform's loss."""

    cpu: float
    wall: float
    peak: int
    result: int
    evaluations: int

    @property
    def beyond(self) -> int:
        """Return the peak without the result, in bytes."""
        return self.peak - self.result


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    torch.set_num_threads(1)
    if options.work:
        print(json.dumps(asdict(_inversion(Work(**json.loads(options.work))))))
        return 0
    kept = []
    if "growth" in options.part:
        lengths = [*options.seconds, *([600.0] if options.longest else [])]
        kept += _growth(sorted(set(lengths)), options.iterations)
    if "cores" in options.part:
        kept += _cores(options.cores_seconds, options.iterations, options.rounds)
    if "band" in options.part:
        _band(options.sounds, options.band_iterations)
    return 0 if all(kept) else 1


def _growth(lengths: list[float], iterations: int) -> list[bool]:
    costs = {seconds: _cost(Work(seconds, 1, iterations, 1)) for seconds in lengths}
    longer = [seconds for seconds in lengths if seconds > STRETCH]
    settled = costs[min(longer)].cpu / min(longer) if longer else float("nan")
    rows = []
    for seconds, cost in costs.items():
        each = cost.cpu / seconds
        ratio = f"{each / settled:.2f}" if seconds in longer else ""
        sizes = [f"{cost.beyond / 1e6:.0f}", f"{cost.beyond / 1e6 / seconds:.2f}", f"{cost.result / 1e6:.1f}"]
        rows.append([f"{seconds:g}", f"{cost.cpu:.1f}", f"{each:.3f}", ratio, str(cost.evaluations), *sizes])
    print(f"one channel at {RATE} Hz, {iterations} iterations after the envelopes, one core; source of {SOURCE:g} s\n")
    heads = ["output s", "CPU s", "CPU s/s", "ratio", "evaluations", "peak beyond the result MB", "MB/s", "result MB"]
    print(table(heads, rows))
    if len(longer) < 2:
        return []
    growth = costs[max(longer)].cpu / max(longer) / settled
    said = "kept" if growth <= LINEAR else "EXCEEDED"
    print(f"\nCPU time for a second, {max(longer):g} s / {min(longer):g} s: {growth:.2f}, at most {LINEAR}: {said}\n")
    return [growth <= LINEAR]


def _cores(seconds: float, iterations: int, rounds: int) -> list[bool]:
    rows, kept = [], []
    for name, length, channels in (
        (f"stretches of one channel of {seconds:g} s", seconds, 1),
        ("2 channels of 30 s", 30.0, 2),
    ):
        pairs = [[_cost(Work(length, channels, iterations, workers)) for workers in (1, 2)] for _ in range(rounds)]
        alone, both = (min(each, key=lambda cost: cost.wall) for each in zip(*pairs, strict=True))
        gain = alone.wall / both.wall
        kept.append(gain >= FASTER)
        numbers = (alone.wall, both.wall, gain, alone.cpu, both.cpu)
        rows.append([name, *(f"{number:.2f}" for number in numbers), "kept" if kept[-1] else "MISSED"])
    print(f"one worker and two, quickest of {rounds} interleaved rounds; load average {os.getloadavg()[0]:.1f}\n")
    heads = ["spread over", "wall s, 1 worker", "2 workers", "gain", "CPU s, 1 worker", "2 workers"]
    print(table([*heads, f"≥ {FASTER:g}"], rows), end="\n\n")
    return kept


def _band(sounds: list[Path], iterations: int) -> None:
    rows = []
    set_workers(1)
    for rate in (RATE, FULL):
        gradient = gradient_seconds(AuditoryModel(rate, highest=rate / 2))
        for path in sounds:
            source = part(recording(path, rate), rate, 0, 5 * rate)
            spent, scores = resynthesised(source, rate / 2, iterations)
            numbers = [f"{scores[name]:.1f}" for name in ("snr_mean", "snr_min")]
            rows.append([path.stem, f"{rate}", f"{rate / 2:g}", f"{gradient:.4f}", f"{spent:.2f}", *numbers])
    print(f"5 s, one core: gradient of all classes, and inversion with {iterations} iterations\n")
    heads = ["sound", "sample rate", "highest Hz", "gradient CPU s", "inversion CPU s", "SNR mean", "least class"]
    print(table(heads, rows))


def _cost(work: Work) -> Cost:
    """Return what an inversion costs in a new process."""
    print(f"{work.channels} × {work.seconds:g} s, {work.workers} workers", file=sys.stderr)
    found = run([sys.executable, Path(__file__).resolve(), "--work", json.dumps(asdict(work))], Path.cwd())
    return Cost(**json.loads(found.output))


def _inversion(work: Work) -> Cost:
    """Invert in this process, after a short inversion that warms up."""
    set_workers(work.workers)
    source = Audio(np.stack([_texture(channel) for channel in range(work.channels)]), RATE)
    statistics = with_context(lambda context: texture_statistics(source, context=context))
    with_context(lambda context: invert([statistics], iterations=1, duration=0.5, context=context))
    counted = _counted()
    before, wall, cpu = forget_peak(), time.perf_counter(), time.process_time()
    result = with_context(
        lambda context: (
            invert(
                [statistics], iterations=work.iterations, duration=work.seconds, context=context
            ).audio.samples.nbytes
        )
    )
    spent, took = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(spent, took, resident("VmHWM") - before, result, len(counted))


def _counted() -> list[None]:
    """Return a list that grows with each evaluation of the loss on the waveform."""
    found: list[None] = []
    evaluate = Objective.__call__

    def counting(own: Objective, position: torch.Tensor) -> Point:
        found.append(None)
        return evaluate(own, position)

    Objective.__call__ = counting  # type: ignore[assignment,method-assign]
    return found


def _texture(seed: int) -> Array:
    """Return noise whose level wanders: `SOURCE` seconds, float32."""
    random = np.random.default_rng(seed)
    count = round(SOURCE * RATE)
    steps = np.linspace(0, SOURCE * 20, count)
    levels = np.interp(steps, np.arange(round(SOURCE * 20) + 1), random.standard_normal(round(SOURCE * 20) + 1))
    return np.asarray(0.05 * np.exp(levels) * random.standard_normal(count), np.float32)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    own = [PROJECT / "sounds" / f"{name}.ogg" for name in ("fire", "water")]
    parts = ["growth", "cores", "band"]
    parser.add_argument("sounds", type=Path, nargs="*", default=own, help="for the part 'band' (the project's)")
    parser.add_argument("--part", nargs="+", choices=parts, default=parts, help="all")
    parser.add_argument("--seconds", type=float, nargs="+", default=[5, 30, 60, 120], help="of output (5 30 60 120)")
    parser.add_argument("--longest", action="store_true", help="600 s of output as well")
    parser.add_argument("--iterations", type=int, default=10, help="on the waveform, in growth and cores (10)")
    parser.add_argument("--cores-seconds", type=float, default=60, help="of the long output for two workers (60)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds with one and two workers (3)")
    parser.add_argument("--band-iterations", type=int, default=100, help="on the waveform, in band (100)")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
