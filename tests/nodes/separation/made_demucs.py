"""Small networks of Demucs with random numbers, in files as Demucs itself writes them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf

SOURCES = ["drums", "bass", "other", "vocals"]
SETTINGS = {"epochs": 3, "dset": {"segment": 11}}
RATE = 44100


def small(kind: str, seed: int = 0, **how: Any) -> Any:
    """Return a network of each kind that sees a second or so at a time."""
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    how = {"sources": SOURCES, **how}
    if kind == "Demucs":
        network = Demucs(channels=4, depth=3, segment=1, **how)
    elif kind == "HDemucs":
        network = HDemucs(channels=8, segment=1, **how)
    else:
        network = HTDemucs(channels=8, t_layers=2, t_heads=2, segment=Fraction(6, 5), **how)
    return network.eval()


def write_pickle(folder: Path, signature: str, network: Any, half: bool = False, **other: Any) -> Path:
    """Write a network as Demucs' training does, with a checksum in the name."""
    from demucs.states import save_with_checksum, serialize_model

    folder.mkdir(parents=True, exist_ok=True)
    package = serialize_model(network, OmegaConf.create(SETTINGS), half=half) | other
    save_with_checksum(package, folder / f"{signature}.th")
    (path,) = folder.glob(f"{signature}-*.th")
    return path


def write_safetensors(folder: Path, signature: str, network: Any) -> Path:
    """Write a network in the form of those that Demucs gets from its hub."""
    import safetensors.torch

    def plain(item: Any) -> Any:
        if isinstance(item, Fraction):
            return {"_type": "fraction", "numerator": item.numerator, "denominator": item.denominator}
        return item

    arguments, named = network._init_args_kwargs
    kind = type(network)
    about = {
        "klass": f"{kind.__module__}.{kind.__name__}",
        "args": json.dumps([plain(each) for each in arguments]),
        "kwargs": json.dumps({name: plain(each) for name, each in named.items()}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{signature}.safetensors"
    state = {name: each.contiguous() for name, each in network.state_dict().items()}
    safetensors.torch.save_file(state, path, about)
    return path


def music(seconds: float, rate: int = RATE, channels: int = 2) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(0).normal(0, 0.05, (channels, len(time)))
    tones = 0.3 * np.sin(2 * np.pi * np.arange(110, 110 * (channels + 1), 110)[:, None] * time * (1 + 0.1 * time))
    return (noise + tones + 0.01).astype(np.float32)
