"""Models of Demucs as they lie in folders: a .yaml that names networks, and a file of each. Imports nothing heavy."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes.separation.tensors import SAID, UNREADABLE, read_header
from pipelines.mistakes import MistakeError, listed, mistake
from pipelines.quantities import InputFiles

BAG = ".yaml"
NETWORKS = (".th", ".safetensors")
SIGNATURE = re.compile(r"\w[\w.]*")
CHECKSUM = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True)
class Bag:
    """Networks whose stems are averaged.

    Parameters
    ----------
    files
        The file of each network.
    weights
        How much each network counts in each of its stems; all alike where it is None.
    segment
        Seconds that a network sees at a time, where it can see as many; as many as it was made for where it is None.
    """

    files: tuple[Path, ...]
    weights: tuple[tuple[float, ...], ...] | None = None
    segment: float | None = None


def complete(model: InputFiles) -> InputFiles:
    """Return a model with all its files, the one that names it first: they all count in the key.

    Parameters
    ----------
    model
        What was named: NAME.yaml, a single network, or a folder with one model.

    Raises
    ------
    MistakeError
        Where it is not clear which model is meant, or a file of it is missing.
    """
    bags = [path for path in model.paths if path.suffix == BAG]
    candidates = bags or [path for path in model.paths if path.suffix in NETWORKS]
    if not model.found:  # the first was named, and others are there since this was settled before
        candidates = [path for path in model.paths[:1] if path.suffix in (BAG, *NETWORKS)]
    if len(candidates) != 1:
        raise mistake(
            "it is not clear which model is meant" if candidates else "there is no model of Demucs",
            parameter="model",
            given=f"{model.asked}, with {listed(path.name for path in model.paths)}",
            allowed=f"NAME{BAG} with its networks beside it, or a single network: {' or '.join(NETWORKS)}",
        )
    (first,) = candidates
    return InputFiles(model.asked, (first, *read_bag(first).files) if first.suffix == BAG else (first,))


def read_bag(path: Path) -> Bag:
    """Return the networks that a .yaml names, or the one network that a path is of.

    Raises
    ------
    MistakeError
        Where the .yaml cannot be read, or a network is missing or there more than once.
    """
    if path.suffix != BAG:
        return Bag((path,))
    try:
        said = _read_yaml(path)
        names = [str(name) for name in said["models"]]
        weights = said.get("weights") and tuple(tuple(float(each) for each in row) for row in said["weights"])
        segment = None if said.get("segment") is None else float(said["segment"])
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise _unfit(path, "this is no description of a model of Demucs", "models: [SIGNATURE, …]") from error
    if not names or not _fits(weights, len(names)):
        raise _unfit(path, "the weights do not fit the networks", "a row for each network, a number for each stem")
    if segment is not None and not 0 < segment < 3600:
        raise _unfit(path, "the segment is no length in seconds", "a number above 0")
    return Bag(tuple(_network(path, name) for name in names), weights, segment)


def require_checksum(path: Path) -> None:
    """Refuse a network that is not what its name says: SIGNATURE-CHECKSUM.th ends with the begin of its SHA-256."""
    if path.suffix != ".th" or "-" not in path.stem:
        return
    checksum = path.stem.rpartition("-")[2]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not CHECKSUM.fullmatch(checksum) or not found.startswith(checksum):
        raise mistake(
            "the network does not match the checksum in its name: it is damaged, or another one",
            given=f"{path}, SHA-256 {found}",
            hint="get it again",
        )


def stems_in(path: Path) -> tuple[str, ...] | None:
    """Return the stems of a network by its header; None where only the whole file would tell."""
    if path.suffix != ".safetensors":
        return None
    try:
        about = said_in(path)
        named = json.loads(about["kwargs"]).get("sources") or json.loads(about["args"])[0]
        return tuple(str(name) for name in named)
    except UNREADABLE as error:
        raise _unfit(path, "this is no network of Demucs, or it is damaged") from error


def said_in(path: Path) -> dict[str, str]:
    """Return what the header of a .safetensors file says of the network in it: class, arguments."""
    return dict(read_header(path)[SAID])


def _fits(weights: Any, networks: int) -> bool:
    """Return whether there is a row for each network, and a network that counts for each stem."""
    rows = weights or [(1.0,)] * networks
    alike = len(rows) == networks and len({len(row) for row in rows}) == 1
    return alike and all(sum(column) > 0 and min(column) >= 0 for column in zip(*rows, strict=True))


def _network(bag: Path, signature: str) -> Path:
    if not SIGNATURE.fullmatch(signature):
        raise _unfit(bag, f"'{signature}' cannot be the signature of a network")
    there = [path for path in sorted(bag.parent.iterdir()) if path.suffix in NETWORKS and path.is_file()]
    found = [path for path in there if signature in (path.stem, path.stem.rpartition("-")[0])]
    if len(found) == 1:
        return found[0].absolute()
    raise _unfit(
        bag,
        f"the network '{signature}' is there more than once" if found else f"the network '{signature}' is missing",
        f"one file {signature}-CHECKSUM.th, {signature}.th or {signature}.safetensors beside {bag.name}",
    )


def _read_yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unfit(path, f"the file cannot be read: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _unfit(path: Path, what: str, allowed: str = "") -> MistakeError:
    return mistake(what, parameter="model", given=str(path), allowed=allowed)
