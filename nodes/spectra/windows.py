"""Windows of the short-time Fourier transform, and the hops at which they can be undone."""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal, get_args

import numpy as np

from pipelines.mistakes import mistake
from pipelines.value import Array

WindowName = Literal["hann", "hamming", "blackman", "blackmanharris", "nuttall", "rectangular"]

WINDOWS: tuple[str, ...] = get_args(WindowName)

COSINES: dict[str, tuple[float, ...]] = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "rectangular": (1.0,),
}
"""Coefficients aₖ of Σ (-1)ᵏ aₖ cos(2πkn/N); Harris 1978, Nuttall 1981 (minimum four terms)."""

MARGIN = 0.215
"""Least part of the window's peak by which every sample must be weighted in at least one frame."""


def window_of(name: str, n_fft: int) -> Array:
    """Return a periodic window, n_fft values in float64, peak at n_fft // 2 for even n_fft.

    Raises
    ------
    MistakeError
        Where no window has this name.
    """
    if name not in COSINES:
        raise mistake("no such window", parameter="window", given=name, allowed=", ".join(WINDOWS))
    phase = 2 * np.pi * np.arange(n_fft) / n_fft
    terms = [(-1) ** k * a * np.cos(k * phase) for k, a in enumerate(COSINES[name])]
    return np.asarray(np.sum(terms, axis=0))


def reconstructs(window: Array, hop: int) -> bool:
    """Return whether frames `hop` apart can be undone in float32.

    Nonzero overlap-add (NOLA) asks only that no sample is weighted by zero in all of its frames. Here
    the better of the two frames whose centres enclose a sample must weight it by `MARGIN` of the peak:
    this bounds the growth of rounding errors, and holds at the ends, where only these two are there.
    """
    n_fft, centre, after = len(window), len(window) // 2, np.arange(hop)
    weights = np.concatenate([window, np.zeros(centre + hop)])
    before = after - hop + centre
    best = np.maximum(weights[centre + after], np.where(before >= 0, weights[np.maximum(before, 0)], 0.0))
    return hop <= n_fft and bool(best.min() >= MARGIN * window.max())


def largest_hop(window: Array) -> int:
    """Return the largest hop in samples at which the window can be undone; every smaller one can be too."""
    return bisect_left(range(1, len(window) + 1), True, key=lambda hop: not reconstructs(window, hop))


def require_hop(name: str, n_fft: int, hop: int) -> None:
    """Refuse a hop at which the transform cannot be undone.

    Raises
    ------
    MistakeError
        Names the hops that are allowed with this window and n_fft.
    """
    largest = largest_hop(window_of(name, n_fft))
    if hop > largest:
        raise mistake(
            "frames this far apart lose parts of the sound: there is no way back",
            parameter="hop",
            given=f"{hop} with a {name} window of {n_fft} samples",
            allowed=f"1 to {largest} samples",
            hint=f"leave hop out to get {default_hop(n_fft)}, a quarter of n_fft",
        )


def default_hop(n_fft: int) -> int:
    """Return a quarter of n_fft, at least one sample."""
    return max(1, n_fft // 4)
