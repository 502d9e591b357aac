"""The auditory statistics of sounds of one length under a window."""

from __future__ import annotations

import numpy as np
import torch

from nodes.textures.auditory.front_end import FrontEnd
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.auditory.statistics import EnvelopeStatistics
from nodes.textures.stretches import faded


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

    def __call__(self, samples: torch.Tensor, channels: int = 1) -> dict[str, torch.Tensor]:
        """Return the statistics: {class: batch × paths}."""
        return self.statistics(self.front_end(samples, channels), channels)
