"""What the network is given of a sound: how loud each band is, left, right, in the middle and at the sides."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nodes.separation.streams.framing import FRAME
from nodes.separation.unet4.bands import banded

LEVEL = (3 / 8 * FRAME) ** 0.5
"""Magnitude of a bin, by the root mean square, of noise whose samples have one of 1."""

FLOOR = 1e-3
"""What is 60 dB below the sound's level is no longer told apart."""


def shared(one: Tensor, other: Tensor) -> Tensor:
    """Return the real part of complex numbers times the conjugates of others: their powers, where they are the same."""
    return torch.addcmul(one.real * other.real, one.imag, other.imag)


def views(found: Tensor, level: Tensor) -> Tensor:
    """Return what the network sees.

    Parameters
    ----------
    found
        Spectra of a sound, … × 2 × frames × bins.
    level
        Root mean square of the sound's samples, shaped … or one for all.

    Returns
    -------
    … × 4 × frames × bands: left, right, middle and sides, about 0 to 1 on a scale of logarithms.
    """
    left, right = found[..., 0, :, :], found[..., 1, :, :]
    middle, sides = (left + right) * 0.5**0.5, (left - right) * 0.5**0.5
    seen = banded(torch.stack([shared(each, each) for each in (left, right, middle, sides)], -3)).clamp_min_(0).sqrt_()
    seen /= (level * LEVEL).clamp_min(1e-12)[..., None, None, None]
    return (seen + FLOOR).log_().sub_(math.log(FLOOR)).mul_(1 / 7)
