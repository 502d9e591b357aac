"""Networks and their numbers by name: what PyTorch counts in training is none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)

COUNTER = "num_batches_tracked"
"""Ending of the names of PyTorch's counters."""


def numbers_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a network by name."""
    return {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(COUNTER)}


def filled(network: Net, numbers: Mapping[str, Tensor]) -> Net:
    """Return a network without numbers of its own with those that are given, in the layout that is fastest."""
    counters = {name: torch.zeros((), dtype=torch.long) for name in network.state_dict() if name.endswith(COUNTER)}
    network.load_state_dict(counters | dict(numbers), assign=True)
    return network.to(memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload,no-any-return]
