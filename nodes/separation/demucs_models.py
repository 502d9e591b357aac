"""Networks of Demucs from files, with no code out of a file run.

A .th file is a pickle, which Demucs' own reader would let run whatever is in it. Here PyTorch's restricted reader makes
numbers, names and arrays of it. Classes that such a file names by right get a stand-in that does nothing, and whatever
else it names ends the reading. Then the network is made by its class in the package `demucs`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nodes.separation.demucs_files import Bag, require_checksum, said_in
from pipelines.mistakes import MistakeError, listed, mistake

CLASSES = {
    "demucs.demucs.Demucs": "Demucs",
    "demucs.hdemucs.HDemucs": "HDemucs",
    "demucs.wdemucs.WDemucs": "HDemucs",
    "demucs.htdemucs.HTDemucs": "HTDemucs",
}
"""The kinds of network by what files call them."""

ASIDE = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")
"""What may stand in the settings of a training, which are not used."""

RANDOM = ("t_sin_random_shift", "t_sparse_self_attn", "t_sparse_cross_attn")
"""Arguments of networks that draw random numbers in use: none that was published."""

PLAIN = (bool, int, float, str, Fraction, type(None))
CHANNELS = 2


class StandIn:
    """Takes the place of a class that a file names; a file may make one and fill it, and nothing comes of it."""

    def __init__(self, *given: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _stand_in(name: str) -> type:
    module, _, last = name.rpartition(".")
    return type(last, (StandIn,), {"__module__": module})


STAND_INS = {name: _stand_in(name) for name in (*CLASSES, *ASIDE)}


def load_bag(bag: Bag, stems: Sequence[str]) -> Any:
    """Return the networks of a bag, ready to use, as Demucs' own `BagOfModels`.

    Parameters
    ----------
    bag
        Which files.
    stems
        Names of the stems that they must have, in any order.

    Raises
    ------
    MistakeError
        Where a file is damaged, is no network of Demucs, holds more than numbers, or has other stems, or networks do
        not fit each other.
    """
    from demucs.apply import BagOfModels

    models = [load_network(path) for path in bag.files]
    for path, model in zip(bag.files, models, strict=True):
        if sorted(model.sources) != sorted(stems):
            raise mistake(
                "the model is for other stems",
                parameter="stems",
                given=f"{len(stems)}: {listed(stems)}",
                allowed=f"what {path.name} has: {listed(model.sources)}",
            )
    try:
        return BagOfModels(models, bag.weights and [list(row) for row in bag.weights], bag.segment).eval()
    except AssertionError as error:
        raise mistake(
            "the networks do not fit each other", parameter="model", given=listed(path.name for path in bag.files)
        ) from error


def load_network(path: Path) -> Any:
    """Return one network, its file compared with the checksum in its name; errors are those of `load_bag`."""
    try:
        require_checksum(path)
        package = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except OSError as error:
        raise _unusable(path, f"the file cannot be read: {error.strerror or error}") from error
    name, arguments, named, state = (package.get(key) for key in ("klass", "args", "kwargs", "state"))
    if name not in CLASSES or not isinstance(arguments, list | tuple) or not isinstance(named, Mapping):
        raise _unusable(path, "this is no network of Demucs")
    if not _is_plain(arguments) or not _is_plain(named) or not all(isinstance(each, str) for each in named):
        raise _unusable(path, "the network is to be made of more than numbers and names")
    if any(named.get(each) for each in RANDOM):
        raise _unusable(path, f"the network draws random numbers in use ({', '.join(RANDOM)}), which is not supported")
    network = _filled(path, _made(path, CLASSES[name], arguments, named), state)
    if network.audio_channels != CHANNELS:
        raise _unusable(path, f"the network is for {network.audio_channels} channels, not {CHANNELS}")
    return network


def _read_pickle(path: Path) -> dict[str, Any]:
    """Return what a .th file holds, with the class by its name."""
    try:
        with torch.serialization.safe_globals([*STAND_INS.values(), Fraction]):
            package = torch.load(path, "cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        named = str(error).partition("GLOBAL ")[2].split(" ")[0]
        what = f"the file names code, '{named}', which is not run" if named else "this is no network, or it is damaged"
        raise _unusable(path, what) from error
    if not isinstance(package, dict):
        raise _unusable(path, "this is no network of Demucs")
    names = {stand_in: name for name, stand_in in STAND_INS.items()}
    klass = package.get("klass")
    return {**package, "klass": names.get(klass) if isinstance(klass, type) else None}


def _read_safetensors(path: Path) -> dict[str, Any]:
    """Return what a .safetensors file of Demucs holds: class and arguments are in its header."""
    import safetensors

    try:
        about = said_in(path)
        with safetensors.safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        arguments, named = (_decoded(json.loads(about[key])) for key in ("args", "kwargs"))
    except OSError:
        raise
    except Exception as error:
        raise _unusable(path, "this is no network of Demucs, or it is damaged") from error
    if "structure" in about:
        state["__quantized"] = torch.ones(())
    return {"klass": about.get("klass"), "args": arguments, "kwargs": named, "state": state}


def _decoded(item: Any) -> Any:
    """Return what Demucs has written as JSON; fractions are mappings there."""
    if isinstance(item, dict):
        if item.get("_type") == "fraction":
            return Fraction(int(item["numerator"]), int(item["denominator"]))
        return {key: _decoded(each) for key, each in item.items()}
    return [_decoded(each) for each in item] if isinstance(item, list) else item


def _is_plain(item: Any) -> bool:
    if isinstance(item, Mapping):
        return all(map(_is_plain, item.values()))
    return all(map(_is_plain, item)) if isinstance(item, list | tuple) else isinstance(item, PLAIN)


def _made(path: Path, kind: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    maker: Any = {"Demucs": Demucs, "HDemucs": HDemucs, "HTDemucs": HTDemucs}[kind]
    known = inspect.signature(maker).parameters  # what older versions had besides is left out, as Demucs does
    try:
        return maker(*arguments, **{name: value for name, value in named.items() if name in known})
    except Exception as error:
        raise _unusable(path, f"the network cannot be made of its arguments: {error}") from error


def _filled(path: Path, network: nn.Module, state: Any) -> nn.Module:
    if not isinstance(state, Mapping) or "__quantized" in state:
        raise _unusable(path, "the numbers of the network are compressed, which is not supported")
    if not all(isinstance(each, Tensor) and torch.isfinite(each).all() for each in state.values()):
        raise _unusable(path, "the network is damaged: it holds what is not a finite number")
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise _unusable(path, "the numbers do not fit the network") from error
    return network.requires_grad_(False).eval()


def _unusable(path: Path, what: str) -> MistakeError:
    return mistake(what, parameter="model", given=str(path), hint="use a model as Demucs publishes it")
