"""Weights of Spleeter from TensorFlow's checkpoints, whose layers have names of a kind and a number.

Those of all stems stand in one row: the seven convolutions of stem n are conv2d_{7n} to conv2d_{7n+6}, its transposed
ones conv2d_transpose_{6n} and on, its normalisations batch_normalization_{12n} and on; a number of 0 is not written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nodes.separation import tensors
from nodes.separation.choosing import count_convolutions
from nodes.separation.spleeter.bundle import prefix_of, read_bundle
from nodes.separation.spleeter.network import ARCHITECTURES, Architecture
from pipelines.mistakes import MistakeError, listed
from pipelines.value import Array

NORM = (
    ("weight", "gamma"),
    ("bias", "beta"),
    ("running_mean", "moving_mean"),
    ("running_var", "moving_variance"),
)
"""Parameters of a normalisation, as PyTorch and as Keras call them."""

ASIDE = re.compile(r"global_step|beta[12]_power|.*/Adam(_1)?")
"""Tensors that only training needs."""

HINT = "`resynthesis models get spleeter-2stems` gets the published ones of two stems"

KERNEL = (3, 2, 0, 1)
"""Axes of TensorFlow's kernels in PyTorch's order; for both kinds of convolution."""


@dataclass(frozen=True)
class Weights:
    """The numbers of a model, and where they came from.

    Parameters
    ----------
    architecture
        Which model.
    tensors
        By name, `vocals.convolutions.0.weight`; float32.
    source
        SHA-256 of the checkpoint's data files.
    """

    architecture: Architecture
    tensors: Mapping[str, Array]
    source: str


def read_checkpoint(path: Path, filters: Sequence[int]) -> Weights:
    """Return the weights of a checkpoint.

    Parameters
    ----------
    path
        Its folder, or its path with or without `.index`.
    filters
        Channels after each convolution; their number says how many layers there are.

    Raises
    ------
    MistakeError
        Where it is damaged, or a tensor is missing or one too many.
    """
    prefix = prefix_of(path)
    tensors = {name: tensor for name, tensor in read_bundle(prefix).items() if not ASIDE.fullmatch(name)}
    kernels = count_convolutions(tensors)
    count, rest = divmod(kernels, len(filters) + 1)
    if rest or count not in ARCHITECTURES:
        raise unusable(prefix, f"are of no Spleeter: it has {kernels} convolutions, not 14, 28 or 35")
    architecture = ARCHITECTURES[count]
    names = dict(tensor_names(architecture, len(filters)))
    unused = {
        _numbered("batch_normalization", 2 * len(filters) * n + len(filters) - 1) + "/" + name
        for n in range(count)
        for _, name in NORM
    }  # the innermost convolution's, which no output depends on
    require_names(prefix, tensors.keys() - unused, set(names.values()))
    found = {}
    for name, theirs in names.items():
        tensor = tensors[theirs]
        turned = tensor.transpose(KERNEL) if tensor.ndim == 4 else tensor
        found[name] = np.ascontiguousarray(turned, np.float32)
    return Weights(architecture, found, _source(prefix))


def tensor_names(architecture: Architecture, depth: int) -> Iterator[tuple[str, str]]:
    """Yield our name and the checkpoint's of every tensor."""
    for number, stem in enumerate(architecture.stems):
        for layer in range(depth):
            convolution = _numbered("conv2d", (depth + 1) * number + layer)
            transposed = _numbered("conv2d_transpose", depth * number + layer)
            for ours, theirs in (("weight", "kernel"), ("bias", "bias")):
                yield f"{stem}.convolutions.{layer}.{ours}", f"{convolution}/{theirs}"
                yield f"{stem}.transposed.{layer}.{ours}", f"{transposed}/{theirs}"
            first = 2 * depth * number + layer
            for ours, theirs in NORM:
                if layer < depth - 1:
                    yield f"{stem}.norms.{layer}.{ours}", f"{_numbered('batch_normalization', first)}/{theirs}"
                after = _numbered("batch_normalization", first + depth)
                yield f"{stem}.transposed_norms.{layer}.{ours}", f"{after}/{theirs}"
        last = _numbered("conv2d", (depth + 1) * number + depth)
        yield f"{stem}.last.weight", f"{last}/kernel"
        yield f"{stem}.last.bias", f"{last}/bias"


def _numbered(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind


def _source(prefix: Path) -> str:
    hasher = hashlib.sha256()
    for path in sorted(prefix.parent.glob(f"{prefix.name}.data-*")):
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                hasher.update(block)
    return hasher.hexdigest()


def require_names(path: Path, found: AbstractSet[str], wanted: AbstractSet[str]) -> None:
    """Refuse tensors that are missing, and ones beside those wanted; `path` is for the message."""
    missing, unexpected = sorted(wanted - found), sorted(found - wanted)
    if missing or unexpected:
        lists = {"missing": missing, "beside": unexpected}
        texts = (f"{what}: {listed(names, 6)}" for what, names in lists.items() if names)
        raise unusable(path, f"do not fit; {'; '.join(texts)}")


def unusable(path: Path, why: str) -> MistakeError:
    """Return the error for weights that cannot be used; `why` goes on after 'these weights'."""
    return tensors.unusable(path, why, HINT)
