"""Random one-layer networks: the filters, the same for ever for a seed."""

from __future__ import annotations

import numpy as np

from pipelines.value import Array


def random_filters(seed: int, kernel: tuple[int, int], filters: int) -> Array:
    """Return filters × bands × frames: uniform random numbers without mean, each filter with a norm of 1.

    Without mean a filter is blind to level and colour, which are classes of their own, and sees only change. The
    numbers are drawn from the raw stream of PCG64, which numpy guarantees not to change, and depend on nothing
    but the arguments. A kernel of one single band and frame cannot lose its mean and is all ones.

    Parameters
    ----------
    seed
        Seed of the networks.
    kernel
        Size in bands and frames.
    filters
        Number of filters.
    """
    height, width = kernel
    if height * width == 1:
        return np.ones((filters, 1, 1))
    raw = np.random.PCG64(np.random.SeedSequence([seed, height, width])).random_raw(filters * height * width)
    numbers = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53 - 0.5
    drawn = numbers.reshape(filters, height, width)
    drawn -= drawn.mean((1, 2), keepdims=True)
    return np.asarray(drawn / np.sqrt(np.square(drawn).sum((1, 2), keepdims=True)))
