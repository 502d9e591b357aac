"""Random one-layer networks: the filters, the same for ever for a seed."""

from __future__ import annotations

import numpy as np

from pipelines.value import Array


def random_filters(seed: int, kernel: tuple[int, int], filters: int, planes: int = 1) -> Array:
    """Return filters × planes × bands × frames: uniform random numbers, each filter with a norm of 1.

    A filter of a single plane has no mean: it is blind to level and colour, which are classes of their own, and sees
    only change; where it is one single band and frame it cannot lose its mean and is 1. Real and imaginary parts,
    two planes, have no mean themselves. The numbers are drawn from the raw stream of PCG64, which numpy guarantees
    not to change, and depend on nothing but the arguments.

    Parameters
    ----------
    seed
        Seed of the networks.
    kernel
        Size in bands and frames.
    filters
        Number of filters.
    planes
        Number of spectrograms that a filter sees at once.
    """
    height, width = kernel
    shape = (filters, planes, height, width)
    if planes * height * width == 1:
        return np.ones(shape)
    raw = np.random.PCG64(np.random.SeedSequence([seed, height, width])).random_raw(int(np.prod(shape)))
    drawn = ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53 - 0.5).reshape(shape)
    if planes == 1:
        drawn -= drawn.mean((1, 2, 3), keepdims=True)
    return np.asarray(drawn / np.sqrt(np.square(drawn).sum((1, 2, 3), keepdims=True)))
