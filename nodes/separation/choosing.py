"""Which backend separates, with which weights, into which stems: decided before anything runs."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.mistakes import listed, mistake, shown
from pipelines.models import model_path, require_model
from pipelines.quantities import InputFiles

STEMS: dict[str, dict[int, tuple[str, ...]]] = {
    "spleeter": {
        2: ("vocals", "accompaniment"),
        4: ("vocals", "drums", "bass", "other"),
        5: ("vocals", "piano", "drums", "bass", "other"),
    },
    "repet": {2: ("vocals", "accompaniment"), 4: ("vocals", "drums", "bass", "other")},
    "hpss": {3: ("harmonic", "percussive", "residual")},
}
"""Outputs of each backend by their number."""

USUAL = {"spleeter": 2, "repet": 4, "hpss": 3}

OWN: dict[str, dict[str, Any]] = {
    "spleeter": {"weights": None, "mask_extension": "zeros", "wiener": False, "to_16_khz": False},
    "repet": {"similar": 25, "reach": 15.0, "distance": 0.5, "centre": 0.5},
    "hpss": {
        "harmonic_kernel": 31,
        "percussive_kernel": 31,
        "harmonic_margin": 1.0,
        "percussive_margin": 1.0,
        "power": 2.0,
        "n_fft": 2048,
        "hop": None,
    },
}
"""Parameters that only one backend knows, with their defaults."""

CONVOLUTIONS = 7
"""Convolutions, not transposed ones, of the network of each stem."""

HEADER = "resynthesis spleeter 1"
"""Under which a file of weights says in its header what it holds."""


def settled(parameters: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return parameters with backend, weights and number of stems decided, and what was decided, in words.

    Raises
    ------
    MistakeError
        Where a backend has no such stems, its weights are not here or of another number of stems, or a parameter is
        given that belongs to another backend.
    """
    backend, stems, weights = (parameters[name] for name in ("backend", "stems", "weights"))
    said = ""
    if backend is None:
        backend, said = _chosen(stems, weights)
    _refuse_foreign(backend, parameters)
    if backend == "spleeter":
        weights = _complete(weights) if weights else _kept(stems or USUAL[backend])
        found = stems_in(weights_path(weights))
        if stems not in (None, found):
            raise mistake("the weights are for other stems", parameter="stems", given=str(stems), allowed=str(found))
        stems = found
    stems = USUAL[backend] if stems is None else stems
    if stems not in STEMS[backend]:
        raise mistake(
            f"'{backend}' has no such stems",
            parameter="stems",
            given=str(stems),
            allowed=listed(map(str, STEMS[backend])),
        )
    return {**parameters, "backend": backend, "stems": stems, "weights": weights}, said


def outputs_with(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the outputs that there are with settled parameters."""
    return STEMS[parameters["backend"]][parameters["stems"]]


def weights_path(weights: InputFiles) -> Path:
    """Return the file or folder of weights that a parameter names."""
    first = weights.paths[0]
    if first.suffix == ".safetensors":
        return first
    indices = [path for path in weights.paths if path.suffix == ".index"]
    return indices[0] if len(indices) == 1 else first.parent


def stems_in(path: Path) -> int:
    """Return how many stems weights are for, by their header or index alone.

    Raises
    ------
    MistakeError
        Where that cannot be read, or is no number of stems that Spleeter has.
    """
    count = _stems_of_file(path) if path.suffix == ".safetensors" else _stems_of_checkpoint(path)
    if count not in STEMS["spleeter"]:
        raise mistake(
            "these are no weights of Spleeter",
            parameter="weights",
            given=str(path),
            allowed="a checkpoint of Spleeter, or what `resynthesis models` made of one",
        )
    return count


def _chosen(stems: int | None, weights: InputFiles | None) -> tuple[str, str]:
    if weights is not None:
        return "spleeter", "spleeter, as weights are named"
    name = f"spleeter-{stems or USUAL['spleeter']}stems"
    if model_path(name).is_file():
        return "spleeter", f"spleeter, as its weights '{name}' are here"
    if stems == 5:
        require_model(name)
    return "repet", f"repet, as there are no weights '{name}' here (see `resynthesis models`)"


def _refuse_foreign(backend: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what was set for another backend."""
    for owner, names in OWN.items():
        for name, usual in names.items():
            if owner != backend and parameters[name] != usual:
                raise mistake(
                    f"this is a parameter of the backend '{owner}'",
                    parameter=name,
                    given=f"{shown(parameters[name])} with '{backend}'",
                    allowed=f"for '{backend}': {', '.join(OWN[backend])}",
                )


def _kept(stems: int) -> InputFiles:
    name = f"spleeter-{stems}stems"
    return InputFiles(name, (require_model(name),))


def _complete(weights: InputFiles) -> InputFiles:
    """Return weights with the data files beside an index that was named alone: they count in the key."""
    path = weights.paths[0]
    if not weights.one or path.suffix != ".index":
        return weights
    return InputFiles(weights.asked, (path, *sorted(path.parent.glob(f"{path.stem}.data-*"))))


def _stems_of_file(path: Path) -> int:
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(size, 1 << 24)))
        return len(json.loads(header["__metadata__"][HEADER])["stems"].split())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return 0


def count_convolutions(names: Iterable[str]) -> int:
    """Return how many of the tensors of a checkpoint are kernels of convolutions that are not transposed."""
    return sum(bool(re.fullmatch(r"conv2d(_\d+)?/kernel", name)) for name in names)


def _stems_of_checkpoint(path: Path) -> int:
    from nodes.separation.spleeter.bundle import prefix_of, read_index

    count, rest = divmod(count_convolutions(read_index(prefix_of(path))[0]), CONVOLUTIONS)
    return 0 if rest else count
