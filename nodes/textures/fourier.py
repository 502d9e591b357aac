"""Spectra of real sequences and squares of complex numbers, with gradients that cost no more than they do."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def spectrum(values: torch.Tensor, samples: int) -> torch.Tensor:
    """Return the bins from 0 to half of `samples` of values that are filled up with zeros, divided by `samples`.

    The gradient of `torch.fft.rfft` is a complex transform of twice the size; here it is a real one.
    """
    found: torch.Tensor = _Spectrum.apply(values, samples)  # type: ignore[no-untyped-call]
    return found


def squared(values: torch.Tensor) -> torch.Tensor:
    """Return squared magnitudes; a sum over both parts as an axis takes five times as long."""
    squares = torch.view_as_real(values).square()
    return squares[..., 0] + squares[..., 1]


class _Spectrum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, samples: int) -> torch.Tensor:
        ctx.length, ctx.samples = values.shape[-1], samples
        found: torch.Tensor = torch.fft.rfft(values, n=samples, norm="forward")
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slopes: torch.Tensor) -> tuple[torch.Tensor, None]:
        once = slopes / 2  # of a real sequence the other half adds as much again
        once[..., 0] *= 2
        if ctx.samples % 2 == 0:
            once[..., -1] *= 2
        return torch.fft.irfft(once, n=ctx.samples)[..., : ctx.length], None
