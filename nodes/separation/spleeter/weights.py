"""From files to networks: safetensors of our own, and checkpoints.

Our files name tensors by stem and place, and say in their header which model they hold; shapes would not tell. The
digest of all tensors there is compared at every reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nodes.separation.choosing import HEADERS
from nodes.separation.filling import filled, numbers_of
from nodes.separation.spleeter.checkpoints import HINT, Weights, read_checkpoint, require_names, unusable
from nodes.separation.spleeter.network import ARCHITECTURES, BINS, FILTERS, WIDE_BINS, Architecture, Networks, UNet
from nodes.separation.tensors import halved, read_tensors, write_tensors
from pipelines.mistakes import listed, mistake

HEADER = HEADERS["spleeter"]
SUFFIX = ".safetensors"


def load_networks(
    path: Path,
    *,
    stems: int | None = None,
    bins: int = BINS,
    device: str = "cpu",
    filters: Sequence[int] = FILTERS,
) -> Networks:
    """Return the networks whose weights a file or folder holds.

    Parameters
    ----------
    path
        A .safetensors file of `convert`, a folder with a checkpoint, or a checkpoint's path without `.index`.
    stems
        How many stems are expected; whatever the file has where it is None.
    bins
        Bins that the networks shall see: 1024 (11 kHz) or 1536 (16.5 kHz).
    device
        'cpu' or 'cuda'.
    filters
        Channels after each convolution; Spleeter's own but for tests.

    Raises
    ------
    MistakeError
        Where the file is missing, damaged, of another model, or holds what does not fit.
    """
    if bins not in (BINS, WIDE_BINS):
        raise mistake(
            "networks of so many bins are not known",
            parameter="bins",
            given=str(bins),
            allowed=f"{BINS} or {WIDE_BINS}",
        )
    weights = read_weights(path, stems, filters)
    each = tuple(_network(weights, stem, filters).to(device) for stem in weights.architecture.stems)
    return Networks(weights.architecture, each, bins, device)


def read_weights(path: Path, stems: int | None = None, filters: Sequence[int] = FILTERS) -> Weights:
    """Return the weights in a file or folder, checked; parameters and errors are those of `load_networks`."""
    weights = _read_file(path) if path.suffix == SUFFIX else read_checkpoint(path, filters)
    found = len(weights.architecture.stems)
    if stems not in (None, found):
        raise mistake(
            "these are the weights of another model",
            parameter="stems",
            given=f"{stems}, with weights of {found} stems in {path}",
            allowed=f"{found}: {listed(weights.architecture.stems)}",
        )
    _require_layout(path, weights, filters)
    return weights


def layout(architecture: Architecture, filters: Sequence[int] = FILTERS) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a model by name, for all stems."""
    shapes = {name: tuple(tensor.shape) for name, tensor in numbers_of(_empty(architecture, filters)).items()}
    return {f"{stem}.{name}": shape for stem in architecture.stems for name, shape in shapes.items()}


def _network(weights: Weights, stem: str, filters: Sequence[int]) -> UNet:
    own = {name.removeprefix(f"{stem}."): v for name, v in weights.tensors.items() if name.startswith(f"{stem}.")}
    return filled(_empty(weights.architecture, filters), {name: torch.tensor(tensor) for name, tensor in own.items()})


def _empty(architecture: Architecture, filters: Sequence[int]) -> UNet:
    """Return a network without numbers: none are drawn only to be replaced."""
    with torch.device("meta"):
        return UNet(architecture, filters)


def convert(source: Path, target: Path, stems: int | None = None, filters: Sequence[int] = FILTERS) -> Weights:
    """Write the weights of a checkpoint as .safetensors: kernels in float16, the few other numbers in float32.

    The separated sound is that of the checkpoint up to some -72 dB.

    Parameters
    ----------
    source
        A folder with a checkpoint, or a checkpoint's path without `.index`.
    target
        The file to make; it appears whole or not at all.
    stems, filters
        As in `load_networks`.

    Returns
    -------
    The weights as they were read.
    """
    weights = read_weights(source, stems, filters)
    about = {
        "stems": " ".join(weights.architecture.stems),
        "activations": weights.architecture.activations,
        "source": weights.source,
    }
    write_tensors(target, {name: halved(tensor) for name, tensor in weights.tensors.items()}, HEADER, about)
    return weights


def _read_file(path: Path) -> Weights:
    about, tensors = read_tensors(path, HEADER, HINT)
    named = {" ".join(each.stems): each for each in ARCHITECTURES.values()}
    if about.get("stems") not in named:
        raise unusable(path, "are not weights that this program has converted")
    architecture = named[about["stems"]]
    if about.get("activations") != architecture.activations:
        raise unusable(path, f"are of a network with {about.get('activations')}, not {architecture.activations}")
    return Weights(architecture, {n: v.astype(np.float32) for n, v in tensors.items()}, about.get("source", ""))


def _require_layout(path: Path, weights: Weights, filters: Sequence[int]) -> None:
    wanted = layout(weights.architecture, filters)
    require_names(path, set(weights.tensors), set(wanted))
    for name, tensor in weights.tensors.items():
        if tensor.shape != wanted[name]:
            raise unusable(path, f"do not fit: '{name}' has the shape {tensor.shape}, not {wanted[name]}")
        if not np.isfinite(tensor).all():
            raise unusable(path, f"are damaged: '{name}' holds what is not a finite number")
