"""Which backend separates, with which weights, into which stems: decided before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nodes.separation import unet4
from nodes.separation.tensors import header_of, require_whole
from pipelines.mistakes import listed, mistake, shown
from pipelines.models import model_path, require_model
from pipelines.quantities import InputFiles

STEMS: dict[str, dict[int, tuple[str, ...]]] = {
    "spleeter": {
        2: ("vocals", "accompaniment"),
        4: ("vocals", "drums", "bass", "other"),
        5: ("vocals", "piano", "drums", "bass", "other"),
    },
    "unet4": {4: ("vocals", "drums", "bass", "other")},
    "repet": {2: ("vocals", "accompaniment"), 4: ("vocals", "drums", "bass", "other")},
    "hpss": {3: ("harmonic", "percussive", "residual")},
    "demucs": {
        4: ("vocals", "drums", "bass", "other"),
        6: ("vocals", "drums", "bass", "guitar", "piano", "other"),
    },
}
"""Outputs of each backend by their number; those of 'onnx' are named by its files."""

COMPONENTS = ("components", "bases", "activations")
"""Outputs of 'nmf', whatever the number of components."""

NAMES = ("vocals", "accompaniment", "drums", "bass", "piano", "guitar", "other")
"""What a stem of 'onnx' may be called."""

PACKAGES = {"onnx": "onnxruntime", "demucs": "demucs"}
"""What backends need that is installed only where it is asked for, as an extra of the backend's name."""

USUAL = {"spleeter": 2, "unet4": 4, "repet": 4, "hpss": 3, "nmf": 8, "demucs": 4}

FRAMES = {"hpss": 2048, "nmf": 4096}
"""Samples of a frame where none are asked for."""

OWN: dict[str, dict[str, Any]] = {
    "spleeter": {"weights": None, "mask_extension": "zeros", "wiener": False, "to_16_khz": False},
    "unet4": {"weights": None},
    "repet": {"similar": 25, "reach": 15.0, "distance": 0.5, "centre": 0.5},
    "hpss": {
        "harmonic_kernel": 31,
        "percussive_kernel": 31,
        "harmonic_margin": 1.0,
        "percussive_margin": 1.0,
        "power": 2.0,
        "n_fft": None,
        "hop": None,
    },
    "nmf": {"divergence": "kullback_leibler", "iterations": 100, "n_fft": None},
    "onnx": {"model": None, "mask_extension": "zeros", "wiener": False},
    "demucs": {"model": None},
}
"""Parameters that not every backend knows, with their defaults."""

MODELS = {
    "onnx": "a folder or a pattern with one .onnx file a stem, such as vocals.onnx and accompaniment.onnx",
    "demucs": "NAME.yaml with the networks that it names beside it, or a single network (.th, .safetensors)",
}
"""What `model` may name."""

CONVOLUTIONS = 7
"""Convolutions, not transposed ones, of the network of each stem."""

HEADERS = {"spleeter": "resynthesis spleeter 1", "unet4": unet4.HEADER}
"""Under which a file of weights says in its header what it holds, by backend."""


def settled(parameters: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return parameters with backend, weights and number of stems decided, and what was decided, in words.

    Raises
    ------
    MistakeError
        Where a backend has no such stems, its weights or model are not here or of another number of stems, what it
        needs is not installed, or a parameter is given that belongs to another backend.
    """
    backend, stems, weights, model = (parameters[name] for name in ("backend", "stems", "weights", "model"))
    said = ""
    if backend is None:
        backend, said = _chosen(stems, weights, model)
    _refuse_foreign(backend, parameters)
    if backend in PACKAGES:
        model, stems = _modelled(backend, model, stems)
    if backend == "unet4":
        weights = weights or InputFiles(backend, (unet4.SHIPPED,))
        _require_unet4(weights_path(weights))
    if backend == "spleeter":
        weights = _complete(weights) if weights else _kept(stems or USUAL[backend])
        found = stems_in(weights_path(weights))
        if stems not in (None, found):
            raise mistake("the weights are for other stems", parameter="stems", given=str(stems), allowed=str(found))
        stems = found
    stems = USUAL[backend] if stems is None else stems
    if backend in STEMS and stems not in STEMS[backend]:
        raise mistake(
            f"'{backend}' has no such stems",
            parameter="stems",
            given=str(stems),
            allowed=listed(map(str, STEMS[backend])),
        )
    frame = parameters["n_fft"] or FRAMES.get(backend, 0)
    if backend == "nmf" and frame % 4:
        raise mistake(
            "frames overlap by three quarters", parameter="n_fft", given=str(frame), allowed="a multiple of 4"
        )
    return {
        **parameters,
        "backend": backend,
        "stems": stems,
        "weights": weights,
        "model": model,
        "n_fft": frame or None,
    }, said


def outputs_with(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the outputs that there are with settled parameters."""
    if parameters["backend"] == "onnx":
        return tuple(onnx_networks(parameters["model"]))
    if parameters["backend"] == "nmf":
        return COMPONENTS
    return STEMS[parameters["backend"]][parameters["stems"]]


def onnx_networks(model: InputFiles) -> dict[str, Path]:
    """Return the .onnx file of each stem by its name, in the order of `NAMES`."""
    from nodes.separation.onnx_files import networks_in

    return networks_in(model, NAMES)


def weights_path(weights: InputFiles) -> Path:
    """Return the file or folder of weights that a parameter names; of several files none is taken by its name."""
    first = weights.paths[0]
    if len(weights.paths) == 1 and first.suffix == ".safetensors":
        return first
    indices = [path for path in weights.paths if path.suffix == ".index"]
    return indices[0] if len(indices) == 1 else first if weights.one else first.parent


def stems_in(path: Path) -> int:
    """Return how many stems weights are for, by their header or index alone.

    Raises
    ------
    MistakeError
        Where that cannot be read, or is no number of stems that Spleeter has.
    """
    packed = path.is_file() and path.suffix != ".index"
    count = _stems_of_file(path) if packed else _stems_of_checkpoint(path)
    if count not in STEMS["spleeter"]:
        raise mistake(
            "these are no weights of Spleeter",
            parameter="weights",
            given=str(path),
            allowed="a checkpoint of Spleeter, or what `resynthesis models` made of one",
        )
    if packed:
        require_whole(path)
    return count


def _chosen(stems: int | None, weights: InputFiles | None, model: InputFiles | None) -> tuple[str, str]:
    if model is not None:
        backend = "onnx" if any(path.suffix == ".onnx" for path in model.paths) else "demucs"
        return backend, f"{backend}, as a model of its kind is named"
    if weights is not None:
        backend = "unet4" if HEADERS["unet4"] in header_of(weights_path(weights)) else "spleeter"
        return backend, f"{backend}, as weights of its kind are named"
    name = f"spleeter-{stems or USUAL['spleeter']}stems"
    if model_path(name).is_file():
        return "spleeter", f"spleeter, as its weights '{name}' are here"
    if stems == 5:
        require_model(name)
    return "repet", f"repet, as there are no weights '{name}' here (see `resynthesis models`)"


def _refuse_foreign(backend: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what was set for another backend."""
    for names in OWN.values():
        for name, usual in names.items():
            if name not in OWN[backend] and parameters[name] != usual:
                owners = " or ".join(f"'{owner}'" for owner, own in OWN.items() if name in own)
                raise mistake(
                    f"this is a parameter of the backend {owners}",
                    parameter=name,
                    given=f"{shown(getattr(parameters[name], 'asked', parameters[name]))} with '{backend}'",
                    allowed=f"for '{backend}': {', '.join(OWN[backend])}",
                )


def _kept(stems: int) -> InputFiles:
    name = f"spleeter-{stems}stems"
    return InputFiles(name, (require_model(name),))


def _modelled(backend: str, model: InputFiles | None, stems: int | None) -> tuple[InputFiles, int | None]:
    """Return a model of the user's with all its files, and how many stems it has; as many as asked for if unknown."""
    if model is None:
        raise mistake(
            f"'{backend}' needs a model of yours", parameter="model", given="nothing", allowed=MODELS[backend]
        )
    if find_spec(PACKAGES[backend]) is None:
        raise mistake(
            f"the backend '{backend}' needs the package '{PACKAGES[backend]}', which is not installed",
            parameter="backend",
            hint=f"in the folder of resynthesis: .venv/bin/python -m pip install -e '.[{backend}]'",
        )
    model, found = _onnx(model) if backend == "onnx" else _demucs(model)
    if stems not in (None, found) and found is not None:
        raise mistake("the model is for other stems", parameter="stems", given=str(stems), allowed=str(found))
    return model, found or stems


def _onnx(model: InputFiles) -> tuple[InputFiles, int]:
    from nodes.separation.onnx_files import read_layout

    files = onnx_networks(model)
    for path in files.values():
        read_layout(path)
    return InputFiles(model.asked, tuple(files.values()), model.found), len(files)


def _demucs(model: InputFiles) -> tuple[InputFiles, int | None]:
    from nodes.separation.demucs_files import complete, read_bag, stems_in

    model = complete(model)
    named = stems_in(read_bag(model.paths[0]).files[0])
    return model, len(named) if named else None


def _complete(weights: InputFiles) -> InputFiles:
    """Return weights with the data files beside an index that was named alone: they count in the key."""
    path = weights.paths[0]
    if not weights.one or path.suffix != ".index":
        return weights
    return InputFiles(weights.asked, (path, *sorted(path.parent.glob(f"{path.stem}.data-*"))))


def _stems_of_file(path: Path) -> int:
    about = header_of(path).get(HEADERS["spleeter"])
    return len(str(about.get("stems", "")).split()) if isinstance(about, dict) else 0


def _require_unet4(path: Path) -> None:
    if HEADERS["unet4"] not in header_of(path):
        own = path == unet4.SHIPPED
        raise mistake(
            "the weights that come with 'unet4' are missing" if own else "these are no weights of the network 'unet4'",
            parameter="weights",
            given=str(path),
            allowed="a .safetensors file that its training made",
            hint="install resynthesis again" if own else "leave weights out to get those that come with it",
        )
    require_whole(path)


def count_convolutions(names: Iterable[str]) -> int:
    """Return how many of the tensors of a checkpoint are kernels of convolutions that are not transposed."""
    return sum(bool(re.fullmatch(r"conv2d(_\d+)?/kernel", name)) for name in names)


def _stems_of_checkpoint(path: Path) -> int:
    from nodes.separation.spleeter.bundle import prefix_of, read_index

    count, rest = divmod(count_convolutions(read_index(prefix_of(path))[0]), CONVOLUTIONS)
    return 0 if rest else count
