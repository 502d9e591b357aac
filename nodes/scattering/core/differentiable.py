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
        """Return the coefficients; keep for the adjoint what it needs, where a gradient will be asked for."""
        samples = samples.detach()  # threads record whatever is done to what needs a gradient
        scattered = transform.forward(samples, ctx.needs_input_grad[0])
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(samples)
            ctx.transform, ctx.scattered = transform, scattered
        return scattered.order1, scattered.order2

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, order1: torch.Tensor, order2: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the gradient with respect to the samples; a second call has to compute the coefficients again."""
        scattered, ctx.scattered = ctx.scattered or ctx.transform.forward(*ctx.saved_tensors), None
        return ctx.transform.adjoint(order1, order2, scattered), None


def scatter(samples: torch.Tensor, transform: Transform | Chunks) -> tuple[torch.Tensor, torch.Tensor]:
    """Return order 1 and order 2 of batch × length samples, each batch × paths × frames."""
    found: tuple[torch.Tensor, torch.Tensor] = Scatter.apply(samples, transform)  # type: ignore[no-untyped-call]
    return found
