"""What the targets tell of spectrum and envelope, brought together and to the length of the sound to be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nodes.values.representation import Representation
from pipelines.value import Array

Told = Sequence[tuple[float, Array]]
"""(weight, channels × points) of each target that tells."""


def told(
    targets: Sequence[Representation], weights: Sequence[float], ask: Callable[[Representation], Array | None]
) -> Told:
    """Return what those targets tell that weigh anything."""
    pairs = zip(targets, weights, strict=True)
    return [(weight, values) for target, weight in pairs if weight > 0 and (values := ask(target)) is not None]


def mean_power(each: Told, channel: int, fit: Callable[[Array], Array]) -> Array | None:
    """Return the weighted mean of powers for one channel, or None where no target tells.

    Parameters
    ----------
    each
        Powers; those of one channel serve every channel.
    channel
        Which channel, from 0.
    fit
        Brings each to one length.
    """
    if not each:
        return None
    rows = [(weight, values[channel if len(values) > 1 else 0]) for weight, values in each]
    return np.asarray(sum(weight * fit(row) for weight, row in rows) / sum(weight for weight, _ in rows))


def resampled(spectrum: Array, length: int) -> Array:
    """Return a power spectrum at the bins of the real transform of `length` samples.

    Parameters
    ----------
    spectrum
        Bins evenly spaced from 0 Hz to half the sample rate. Where there are as many as asked for they are those of
        a sound of this length and stay as they are. Fewer are interpolated, more are averaged over the width of a
        bin, so that no line between two bins is lost.
    length
        Number of samples.
    """
    bins = length // 2 + 1
    if len(spectrum) == bins:
        return np.asarray(spectrum, np.float64)
    given, asked = np.linspace(0, 0.5, len(spectrum)), np.arange(bins) / max(length, 1)
    if len(spectrum) < bins:
        return np.interp(asked, given, spectrum)
    steps = np.diff(given) * (spectrum[1:] + spectrum[:-1]) / 2
    edges = np.clip([asked - 0.5 / length, asked + 0.5 / length], 0, 0.5)
    below, above = np.interp(edges, given, np.concatenate([[0.0], np.cumsum(steps)]))
    return np.asarray((above - below) / (edges[1] - edges[0]))


def stretched(envelope: Array, length: int) -> Array:
    """Return an envelope, points evenly spaced from the first to the last sample, at each of `length` samples."""
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(envelope)), envelope)
