"""The transform as a function of PyTorch, through which gradients flow."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from nodes.scattering.core.chunks import Chunks
from nodes.scattering.core.transform import Transform


class Scatter(torch.autograd.Function):
    """batch × length samples → order 1 and order 2, each batch × paths × frames."""

    @staticmethod
    def forward(ctx: Any, samples: torch.Tensor, transform: Transform | Chunks) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the coefficients; the adjoint needs nothing but the samples."""
        samples = samples.detach()  # threads record whatever is done to what needs a gradient
        ctx.save_for_backward(samples)
        ctx.transform = transform
        return transform.forward(samples)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, order1: torch.Tensor, order2: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the gradient with respect to the samples."""
        return ctx.transform.adjoint(order1, order2, *ctx.saved_tensors), None


def scatter(samples: torch.Tensor, transform: Transform | Chunks) -> tuple[torch.Tensor, torch.Tensor]:
    """Return order 1 and order 2 of batch × length samples, each batch × paths × frames."""
    found: tuple[torch.Tensor, torch.Tensor] = Scatter.apply(samples, transform)  # type: ignore[no-untyped-call]
    return found
