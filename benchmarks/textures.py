"""Textures from auditory statistics: CPU seconds, how near they come, whether they copy; and the gradient's cost."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, median, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from comparing import Deaf

from nodes.inversion.node import invert
from nodes.textures.auditory.measuring import Measuring
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.node import texture_quality, texture_statistics
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.workers import set_workers

SECONDS = 5.0
MEAN, WORST, COPY = 24.0, 17.0, 0.05
"""Least mean SNR over sounds and least SNR of a class, in dB capped at 30; greatest copy score above the control."""

GRADIENT = 0.04
"""CPU seconds of the gradient of all classes, 5 s at 20 kHz, at most."""


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    torch.set_num_threads(1)
    set_workers(1)
    rows, means, kept = [], [], True
    for path in options.sounds:
        numbers = _sound(path, options.sample_rate, options.iterations)
        means.append(numbers["snr_mean"])
        near = numbers["snr_min"] >= WORST and numbers["copy"] <= numbers["copy_control"] + COPY
        kept &= near
        names = ("cpu", "snr_mean", "snr_min", "copy", "copy_control", "frechet", "frechet_natural")
        values = [f"{numbers[name]:.2f}" for name in names]
        rows.append([path.stem, *values, "kept" if near else "MISSED"])
    heads = ["sound", "CPU s", "SNR mean", "least class", "copy", "control", "Fréchet", "natural"]
    print(f"{SECONDS:g} s at {options.sample_rate} Hz, {options.iterations} iterations, one thread\n")
    print(table([*heads, f"≥ {WORST:g} dB, copy ≤ control + {COPY:g}"], rows))
    print(f"\nmean over sounds {np.mean(means):.1f} dB, at least {MEAN:g}")
    seconds = _gradient()
    print(f"gradient of all classes, {SECONDS:g} s at 20 kHz: {seconds:.4f} CPU s, at most {GRADIENT:g}")
    return 0 if kept and np.mean(means) >= MEAN and seconds <= GRADIENT else 1


def _sound(path: Path, rate: int, iterations: int) -> dict[str, float]:
    samples, own = soundfile.read(path, always_2d=True)
    mono = soxr.resample(samples.mean(1), own, rate)[: round(SECONDS * rate)]
    source = Audio(np.asarray(mono[None], np.float32), rate)
    with tempfile.TemporaryDirectory() as folder:
        context = Context("benchmark", "0" * 64, 1, "cpu", Path(folder), Deaf())
        began = time.process_time()
        statistics = texture_statistics(source, context=context)
        result = invert([statistics], iterations=iterations, duration=source.duration, context=context).audio
        spent = time.process_time() - began
        quality = texture_quality(result, source, statistics, context=context).value
    return {**quality.measure(), "cpu": spent}


def _gradient() -> float:
    rate = 20_000
    model = AuditoryModel(rate)
    size = model.size(round(SECONDS * rate))
    measure = Measuring(model, size, SECONDS, 1.0, "cpu", torch.float32)
    sound = 0.05 * torch.randn(1, size, generator=torch.Generator().manual_seed(0))
    spent = []
    for _ in range(12):
        position, began = sound.clone().requires_grad_(), time.process_time()
        loss = torch.stack([values.square().sum() for values in measure(position).values()]).sum()
        torch.autograd.grad(loss, position)
        spent.append(time.process_time() - began)
    return median(spent[2:])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    own = [PROJECT / "sounds" / f"{name}.ogg" for name in ("fire", "water")]
    parser.add_argument("sounds", type=Path, nargs="*", default=own, help="recordings of textures (the project's)")
    parser.add_argument("--iterations", type=int, default=100, help="of the descent on the waveform (100)")
    parser.add_argument("--sample-rate", type=int, default=20_000, help="in Hz (20000)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
