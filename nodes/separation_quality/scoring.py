"""Ratios of separated sounds to what is wrong with them, over windows and over all.

BSS Eval version 4 (Vincent, Gribonval and Févotte 2006; Stöter, Liutkus and Ito 2018): filters are fitted over all of
the sound, ratios taken over windows. Beside it the plain ratio of signal to error, and the one that allows for gain
(Le Roux, Wisdom, Erdogan and Hershey 2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from nodes.separation_quality.correlating import rows_of
from nodes.separation_quality.projecting import Parts, filters_of, parts_of
from nodes.values.blocks import BLOCK, spans
from pipelines.value import Array
from pipelines.workers import spread

WINDOWED = ("sdr", "isr", "sir", "sar", "si_sdr")
WHOLE = ("usdr", "si_sdr", "usdr_gain", "si_sdr_gain")

WINDOWS = 8
"""Windows that are scored at a time."""


def windows_of(length: int, window: int, hop: int) -> list[tuple[int, int]]:
    """Return (start, stop) of every window that lies whole in the sound; one of all where it is shorter."""
    if window >= length:
        return [(0, length)]
    return [(start, start + window) for start in range(0, length - window + 1, hop)]


def scores_of(
    references: Sequence[Array],
    estimates: Sequence[Array],
    windows: Sequence[tuple[int, int]],
    taps: int,
    heard: Callable[[int, int], None],
) -> dict[str, Array]:
    """Return for each ratio sources × windows in dB, float64.

    Parameters
    ----------
    references, estimates
        For each source channels × samples, all of one shape, float32.
    windows
        (start, stop) in samples, from `windows_of`.
    taps
        Length of the filters of 'sdr', 'isr', 'sir' and 'sar', in samples.
    heard
        Called with how many batches of windows are done since the last call, and how many there are.

    Returns
    -------
    'sdr', 'isr', 'sir', 'sar' and 'si_sdr'. All are NaN in windows in which a reference or an estimate is silent, as in
    BSS Eval 4.
    """
    filters = filters_of(references, estimates, taps)
    batches = [windows[first:last] for first, last in spans(len(windows), WINDOWS)]

    def score(batch: Sequence[tuple[int, int]]) -> list[list[list[float]]]:
        found = [_window_scores(parts_of(references, estimates, filters, *window)) for window in batch]
        heard(1, len(batches))
        return found

    table = np.array([window for batch in spread(score, batches) for window in batch])
    return {name: table[:, :, number].T.copy() for number, name in enumerate(WINDOWED)}


def _window_scores(parts: Sequence[Parts]) -> list[list[float]]:
    """Return the ratios of each source, in the order of `WINDOWED`."""
    if not all(each.target.any() and each.estimate.any() for each in parts):
        return [[math.nan] * len(WINDOWED)] * len(parts)
    return [
        [
            _decibels(_energy(target), _energy(estimate - target)),
            _decibels(_energy(target), _energy(near - target)),
            _decibels(_energy(near), _energy(mixed - near)),
            _decibels(_energy(mixed), _energy(estimate - mixed)),
            _invariant(*_sums(target, estimate)),
        ]
        for estimate, target, near, mixed in parts
    ]


def whole_scores(references: Sequence[Array], estimates: Sequence[Array]) -> dict[str, Array]:
    """Return the plain ratios over all of the sounds, and how much higher they are than those of the mix.

    The mix is the sum of the references.

    Returns
    -------
    'usdr', 'si_sdr', 'usdr_gain' and 'si_sdr_gain': a number in dB for each source, float64.
    """
    channels, count = len(references[0]), len(references)
    sums = np.zeros((2, count, 4))
    for start, stop in spans(references[0].shape[1], BLOCK):
        wanted, given = (rows_of(sounds, start, stop) for sounds in (references, estimates))
        mix = wanted.reshape(count, channels, -1).sum(axis=0)
        for source in range(count):
            block = slice(source * channels, (source + 1) * channels)
            sums[0, source] += _sums(wanted[block], given[block])
            sums[1, source] += _sums(wanted[block], mix)
    ours, mixed = (np.array([[_plain(*each), _invariant(*each)] for each in rows]) for rows in sums)
    with np.errstate(invalid="ignore"):  # a source that is the mix itself, and perfect
        gains = ours - mixed
    return dict(zip(WHOLE, np.concatenate([ours, gains], axis=1).T.copy(), strict=True))


def _sums(reference: Array, estimate: Array) -> tuple[float, float, float, float]:
    """Return the energies of a reference, its estimate and their difference, and their product."""
    product = float(np.sum(reference * estimate))
    return _energy(reference), _energy(estimate), _energy(estimate - reference), product


def _plain(reference: float, estimate: float, difference: float, product: float) -> float:
    return _decibels(reference, difference)


def _invariant(reference: float, estimate: float, difference: float, product: float) -> float:
    """Return the ratio of an estimate's part along the reference to the rest of it, in dB."""
    along = product**2 / reference if reference > 0 else 0.0
    return _decibels(along, max(0.0, estimate - along))


def _energy(sound: Array) -> float:
    return float(np.sum(np.square(sound)))


def _decibels(wanted: float, error: float) -> float:
    """Return a ratio in dB; NaN where nothing was wanted."""
    if wanted == 0:
        return math.nan
    return 10 * math.log10(wanted / error) if error > 0 else math.inf
