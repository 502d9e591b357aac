"""The modulus of planes of real and imaginary parts, and its adjoint."""

from __future__ import annotations

import math

import torch


def modulus(planes: torch.Tensor) -> torch.Tensor:
    """Return √(re² + im²) of batch × 2 × rows × samples: batch × rows × samples."""
    real, imaginary = planes[:, 0], planes[:, 1]
    return real.square().addcmul_(imaginary, imaginary).sqrt_()


def modulus_adjoint(gradient: torch.Tensor, planes: torch.Tensor, moduli: torch.Tensor) -> torch.Tensor:
    """Return g z / |z|, 0 where z is 0, in the place of the planes; the moduli are overwritten as well.

    Where |z| is so small that its square is lost, less than g is returned, never more.
    """
    least = math.sqrt(torch.finfo(moduli.dtype).tiny)
    return planes.mul_(gradient.div_(moduli.clamp_min_(least))[:, None])
