"""The modulus of planes of real and imaginary parts, and its adjoint."""

from __future__ import annotations

import torch


def modulus(planes: torch.Tensor) -> torch.Tensor:
    """Return √(re² + im²) of batch × 2 × rows × samples: batch × rows × samples."""
    real, imaginary = planes[:, 0], planes[:, 1]
    return real.square().addcmul_(imaginary, imaginary).sqrt_()


def modulus_adjoint(gradient: torch.Tensor, planes: torch.Tensor, moduli: torch.Tensor) -> torch.Tensor:
    """Return g z / |z|, 0 where z is 0, in the place of the planes; the moduli are overwritten as well."""
    tiny = torch.finfo(moduli.dtype).tiny
    return planes.mul_(gradient.div_(moduli.clamp_min_(tiny))[:, None])
