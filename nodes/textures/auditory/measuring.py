"""The auditory statistics of sounds of one length under a window."""

from __future__ import annotations

import math

import numpy as np
import torch

from nodes.textures.auditory.front_end import FrontEnd
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.auditory.statistics import EnvelopeStatistics
from pipelines.value import Array


class Measuring:
    """The map from batch × size samples to statistics; the parameters are those of `TextureModel.measurement`."""

    def __init__(
        self, model: AuditoryModel, size: int, duration: float, edge: float, device: str, dtype: torch.dtype
    ) -> None:
        frames = model.frames(size)
        places = np.arange(frames) * (size / model.sample_rate / frames)
        window = torch.tensor(faded(places, duration, edge), dtype=dtype, device=device)
        self.front_end = FrontEnd(model, size, window, device, dtype)
        self.statistics = EnvelopeStatistics(model, size / model.sample_rate, window)

    def __call__(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the statistics: {class: batch × paths}."""
        return self.statistics(self.front_end(samples))


def faded(places: Array, duration: float, edge: float) -> Array:
    """Return a window with raised-cosine edges at places in seconds; it adds up to 1, and is 0 beyond its duration."""
    if not edge:
        window = (places < duration).astype(np.float64)
    else:
        within = np.minimum(places, duration - places) / edge
        window = 0.5 - 0.5 * np.cos(math.pi * np.clip(within, 0.0, 1.0))
    return np.asarray(window / window.sum())
