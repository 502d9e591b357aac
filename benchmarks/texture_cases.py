"""What benchmarks of textures share: recordings, resyntheses with their scores, and the cost of a gradient."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
import soxr
import torch
from comparing import Deaf
from measuring import median

from nodes.inversion.node import invert
from nodes.textures.auditory.measuring import Measuring
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.node import texture_quality, texture_statistics
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.value import Array

Result = TypeVar("Result")


def with_context(work: Callable[[Context], Result], seed: int = 1) -> Result:
    """Do some work with a context whose folder goes away after it."""
    with tempfile.TemporaryDirectory() as folder:
        return work(Context("benchmark", "0" * 64, seed, "cpu", Path(folder), Deaf()))


def recording(path: Path, rate: int) -> Array:
    """Return a recording as one channel at a sample rate."""
    samples, own = soundfile.read(path, always_2d=True)
    return np.asarray(soxr.resample(samples.mean(1), own, rate))


def part(samples: Array, rate: int, first: int, count: int) -> Audio:
    """Return some samples of one channel as audio."""
    return Audio(np.asarray(samples[None, first : first + count], np.float32), rate)


def resynthesised(
    source: Audio, highest: float | None, iterations: int, seed: int = 1
) -> tuple[float, dict[str, float]]:
    """Return CPU seconds of statistics and inversion of a sound as long as the source, and its scores."""

    def made(context: Context) -> tuple[float, dict[str, float]]:
        began = time.process_time()
        statistics = texture_statistics(source, highest=highest, context=context)
        result = invert([statistics], iterations=iterations, duration=source.duration, context=context).audio
        spent = time.process_time() - began
        return spent, texture_quality(result, source, statistics, context=context).value.measure()

    return with_context(made, seed)


def gradient_seconds(model: AuditoryModel) -> float:
    """Return CPU seconds of the gradient of all classes with respect to 5 s."""
    size = model.size(5 * model.sample_rate)
    measure = Measuring(model, size, 5.0, 1.0, "cpu", torch.float32)
    sound = 0.05 * torch.randn(1, size, generator=torch.Generator().manual_seed(0))
    spent = []
    for _ in range(12):
        position, began = sound.clone().requires_grad_(), time.process_time()
        loss = torch.stack([values.square().sum() for values in measure(position).values()]).sum()
        torch.autograd.grad(loss, position)
        spent.append(time.process_time() - began)
    return median(spent[2:])
