"""Logarithmic compression and normalisation of coefficients, path by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.scattering.value import Scattering

Coefficients = TypeVar("Coefficients", Array, torch.Tensor)

LEAST_MEAN = 1e-6
"""Least mean of a path in either operation, in the greatest one of its order: quieter paths count as that quiet."""

SILENCE = 1e-20
"""Greatest mean of an order that is silent: a quotient by it would not be a number any more in single precision."""


def compressed(target: Scattering, values: Coefficients, reference: Array) -> Coefficients:
    """Return S / μ where the target is normalised, log(1 + S / (ε μ)) where it is compressed, S where it is neither.

    Parameters
    ----------
    target
        Tells which.
    values
        channels × paths × frames.
    reference
        The target's own coefficients of this order, of which μ is taken: the mean over time and channels, path by
        path; where each path is one mean over the sound already, the mean of all paths; 1 in silence.
    """
    return scaled(target, values, scale_of(target, reference))


def scale_of(target: Scattering, reference: Array) -> Array | None:
    """Return 1 / μ or 1 / (ε μ) of each path of a reference, paths × 1; None where the target asks for neither."""
    if target.logarithm is None and not target.normalised:
        return None
    mean = reference.mean((0, 2), dtype=np.float64)
    if not target.design.averaging and mean.size:
        mean = np.full_like(mean, mean.mean())
    greatest = mean.max(initial=0)
    mean = np.maximum(mean, LEAST_MEAN * greatest if greatest > SILENCE else 1.0)[..., None]
    return np.asarray(1 / (mean * (1.0 if target.logarithm is None else target.logarithm)))


def scaled(target: Scattering, values: Coefficients, scale: Array | None) -> Coefficients:
    """Return the values times a scale, under the logarithm if the target is; as they are without a scale."""
    if scale is None:
        return values
    if isinstance(values, torch.Tensor):
        tensor = values * torch.tensor(scale, dtype=values.dtype, device=values.device)
        return tensor if target.logarithm is None else torch.log1p(tensor)
    array: Array = values * scale.astype(values.dtype)
    return array if target.logarithm is None else np.asarray(np.log1p(array))
