"""Making a sound longer by repeating it."""

from __future__ import annotations

import numpy as np

from nodes.mixing.gains import FadeShape, rise
from nodes.values.blocks import require_finite, spans
from pipelines.context import release
from pipelines.mistakes import mistake
from pipelines.value import Array


def require_loop(length: int, sample_rate: int, duration: float, crossfade: float) -> None:
    """Refuse a sound of `length` samples that cannot be repeated up to a duration with a crossfade, both in seconds."""
    if 2 * round(crossfade * sample_rate) > length:
        raise mistake(
            "the crossfade is longer than half of the sound",
            parameter="crossfade",
            given=f"{crossfade:g} s",
            allowed=f"{length / sample_rate / 2:.6g} s or less",
        )
    if not (length and round(duration * sample_rate)):
        raise mistake(
            "there is nothing to repeat" if not length else "the duration is less than a sample",
            parameter="duration" if length else "audio",
            given=f"{duration:g} s of a sound of {length} samples",
            allowed="one sample or more",
        )


def looped(samples: Array, sample_rate: int, length: int, crossfade: int, shape: FadeShape) -> Array:
    """Return a sound repeated up to `length` samples, the end of each pass crossfaded into the next one.

    Parameters
    ----------
    samples
        channels × samples, float32, twice as long as the crossfade or longer; may be mapped from a file.
    sample_rate
        Samples a second, for messages.
    length
        Samples of the result; the last pass is cut there.
    crossfade
        Samples in which two passes overlap.
    shape
        Course of the crossfade.

    Returns
    -------
    channels × length, float32, of period samples - crossfade from the first pass on.
    """
    period = samples.shape[1] - crossfade
    seam = _seam(samples, sample_rate, crossfade, shape)
    repeated = np.empty((samples.shape[0], length), np.float32)
    for start, stop in spans(length):
        times = np.arange(start, stop)
        positions = times % period
        block = samples[:, positions]
        joined = (positions < crossfade) & (times >= period)
        block[:, joined] = seam[:, positions[joined]]
        require_finite(block, sample_rate, start)
        repeated[:, start:stop] = block
        release(samples)
    return repeated


def _seam(samples: Array, sample_rate: int, crossfade: int, shape: FadeShape) -> Array:
    """Return the samples where the end of one pass overlaps the beginning of the next."""
    period = samples.shape[1] - crossfade
    beginning, ending = samples[:, :crossfade], samples[:, period:]
    require_finite(beginning, sample_rate)
    require_finite(ending, sample_rate, period)
    rising = rise((np.arange(crossfade) + 0.5) / max(crossfade, 1), shape)
    return np.asarray(beginning * rising + ending * rising[::-1], np.float32)
