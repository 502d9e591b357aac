"""The statistics of a sound."""

from __future__ import annotations

import numpy as np

from nodes.textures.model import TextureModel, refuse_short
from nodes.textures.stretches import measured, stretches_of
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from nodes.values.blocks import require_finite_sound
from nodes.values.power import power_spectrum

BLOCK = 1.5
"""Seconds of the blocks whose spread tells how far statistics can be trusted."""


def statistics_of(audio: Audio, model: TextureModel, device: str = "cpu") -> TextureStatistics:
    """Return the statistics of a sound: means over its stretches, channel by channel.

    Raises
    ------
    MistakeError
        Where the sound is too short, or a sample is NaN or infinite.
    """
    refuse_short(audio.length, model)
    require_finite_sound(audio.samples, audio.sample_rate)
    classes = {name: values.mean(-1) for name, values in measured(audio.samples, model, device).items()}
    blocks = measured(audio.samples, model, device, stretches_of(model, audio.length, BLOCK))
    count = next(iter(blocks.values())).shape[-1]
    deviations = {
        name: values.std(-1, ddof=1) / np.sqrt(count) if count > 1 else np.full(values.shape[:2], np.nan, np.float32)
        for name, values in blocks.items()
    }
    return TextureStatistics(
        classes={name: values[:, :, None] for name, values in classes.items()},
        weights={name: values[:, :, None] for name, values in model.significance(classes).items()},
        deviations=deviations,
        times=np.zeros(1),
        colours=power_spectrum(audio.samples),
        model=model,
        sample_rate=audio.sample_rate,
        samples=audio.length,
    )
