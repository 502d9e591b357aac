"""The network's weights: those that come with the project, and files of other ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from nodes.separation.filling import filled, numbers_of
from nodes.separation.tensors import halved, packed, read_tensors, unusable
from nodes.separation.unet4 import HEADER, SHIPPED
from nodes.separation.unet4.network import STEMS, UNet4
from pipelines.value import Array


def stored(network: UNet4) -> dict[str, Array]:
    """Return a network's weights as they are stored: kernels in float16, the few other numbers in float32."""
    return {name: halved(tensor.detach().float().cpu().numpy()) for name, tensor in numbers_of(network).items()}


def file_of(tensors: Mapping[str, Array]) -> bytes:
    """Return the content of a .safetensors file of stored weights."""
    return packed(tensors, HEADER, {"stems": " ".join(STEMS)})


def network_of(tensors: Mapping[str, Array], device: str = "cpu") -> UNet4:
    """Return the network that stored weights make.

    Raises
    ------
    ValueError
        Where tensors are missing, left over, of other shapes or not finite; says which.
    """
    with torch.device("meta"):
        network = UNet4()
    wanted = numbers_of(network)
    if (names := set(wanted)) != set(tensors):
        raise ValueError(f"lack {sorted(names - set(tensors))[:3]} and hold {sorted(set(tensors) - names)[:3]} besides")
    for name, tensor in tensors.items():
        if tensor.shape != tuple(wanted[name].shape) or not np.isfinite(tensor).all():
            raise ValueError(f"do not fit: '{name}' has the shape {tensor.shape}, or numbers that are not finite")
    numbers = {name: torch.tensor(tensor.astype(np.float32)) for name, tensor in tensors.items()}
    return filled(network, numbers).to(device).eval()


def load_network(path: Path | None = None, device: str = "cpu") -> UNet4:
    """Return the network of a file, or the one that comes with the project.

    Raises
    ------
    MistakeError
        Where the file is missing, damaged or of another network.
    """
    path = path or SHIPPED
    about, tensors = read_tensors(path, HEADER)
    if about.get("stems") != " ".join(STEMS):
        raise unusable(path, "are of another network")
    try:
        return network_of(tensors, device)
    except ValueError as error:
        raise unusable(path, str(error)) from error
