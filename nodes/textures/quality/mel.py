"""Log-mel spectra, and what the snippets of one have for features."""

from __future__ import annotations

import numpy as np
import torch

from pipelines.value import Array

BANDS, LOWEST = 40, 50.0
FRAME, HOP = 0.032, 0.01
"""Seconds of a frame and from one to the next."""

STEP = 0.1
"""Seconds from one snippet to the next."""

FLOOR = 1e-8
"""Power of a band, relative to the mean of a reference, that counts as silence."""


def mel_powers(samples: Array, sample_rate: int) -> Array:
    """Return the powers of 40 mel bands from 50 Hz to just below half the sample rate: bands × frames.

    Parameters
    ----------
    samples
        One channel; what is shorter than a frame is filled up with silence.
    sample_rate
        Samples a second.
    """
    size = max(16, round(FRAME * sample_rate))
    sound = torch.tensor(np.asarray(samples, np.float32))
    sound = torch.nn.functional.pad(sound, (0, max(0, size - len(sound))))
    window = torch.hann_window(size)
    spectra = torch.stft(
        sound, size, max(1, round(HOP * sample_rate)), window=window, center=False, return_complex=True
    )
    return np.asarray(mel_weights(size, sample_rate) @ spectra.abs().square().numpy().astype(np.float64))


def mel_weights(size: int, sample_rate: int) -> Array:
    """Return bands × bins: triangles on the mel scale (2595 log10(1 + f / 700)), each with a sum of 1.

    Edges are never closer than two bins, so that no band is empty.
    """
    spacing = sample_rate / size
    top = 0.98 * sample_rate / 2
    ends = 2595 * np.log10(1 + np.array([min(LOWEST, top / 2), top]) / 700)
    edges = 700 * (10 ** (np.linspace(ends[0], ends[1], BANDS + 2) / 2595) - 1)
    bins = np.arange(size // 2 + 1) * spacing
    centre = edges[1:-1, None]
    below, above = (np.maximum(gap[:, None], spacing) for gap in (np.diff(edges)[:-1], np.diff(edges)[1:]))
    weights = np.maximum(0, np.minimum(1 + (bins - centre) / below, 1 - (bins - centre) / above))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def logarithms(powers: Array, reference: float) -> Array:
    """Return the natural logarithm of powers; those 80 dB below the reference and less are as good as silent."""
    return np.log(powers + FLOOR * reference)


def snippet_features(levels: Array, seconds: float) -> Array:
    """Return the mean, the standard deviation and the mean absolute step of each band in each snippet.

    Parameters
    ----------
    levels
        bands × frames, 10 ms apart.
    seconds
        Length of a snippet; they begin every 0.1 s, or every fifth of a shorter one.

    Returns
    -------
    snippets × (3 bands).
    """
    frames = min(levels.shape[1], max(2, round(seconds / HOP)))
    step = max(1, min(round(STEP / HOP), frames // 5))
    cut = np.lib.stride_tricks.sliding_window_view(levels, frames, axis=1)[:, ::step].swapaxes(0, 1)
    steps = np.abs(np.diff(cut, axis=-1)).sum(-1) / max(1, frames - 1)
    return np.concatenate([cut.mean(-1), cut.std(-1), steps], axis=1)


def level_distance(first: Array, second: Array) -> float:
    """Return the root mean square difference in dB of two log-mel spectra over the frames that both have."""
    frames = min(first.shape[1], second.shape[1])
    return float(10 / np.log(10) * np.sqrt(np.square(first[:, :frames] - second[:, :frames]).mean()))
