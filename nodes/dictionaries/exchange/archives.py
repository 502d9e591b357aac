"""Books as NumPy archives (.npz), without pickles.

The arrays of an archive, all little-endian:

======================  ================  ===============================================================
``starts``              int64, atoms      first sample of each atom, may be below 0
``lengths``             int32, atoms      samples
``frequencies``         float64, atoms    cycles per sample, 0 to 0.5
``windows``             uint8, atoms      number in ``window_names``
``weights``             complex64,        atom k is 2 Re(b w(t - start) exp(2πi f (t - start))), w of unit energy
                        channels × atoms
``window_names``        text              see `nodes.dictionaries.windows` for their formulas
``samples``             int64             length of the sound
``sample_rate``         int64             samples a second
``version``             int64             1
======================  ================  ===============================================================
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.exchange.checking import Form, broken, checked
from nodes.dictionaries.windows import WINDOWS
from pipelines.value import Array

VERSION = 1
KINDS = {"starts": "<i8", "lengths": "<i4", "frequencies": "<f8", "windows": "u1", "weights": "<c8"}
NUMBERS = ("samples", "sample_rate", "version")
SMALL = 1024
"""Most bytes of an array that holds one number."""


def archived(book: Book) -> bytes:
    """Return the archive of a book; the same book gives the same bytes."""
    arrays: dict[str, Any] = {name: np.asarray(getattr(book, name), kind) for name, kind in KINDS.items()}
    arrays |= {"samples": book.samples, "sample_rate": book.sample_rate, "version": VERSION}
    file = io.BytesIO()
    np.savez(file, **arrays, window_names=np.array(WINDOWS))
    return file.getvalue()


def from_archive(path: Path) -> Book:
    """Return the book of an archive, exactly as it was.

    Raises
    ------
    MistakeError
        Where the file is no archive of a book, is damaged, or holds numbers that no book has.
    """
    found = _arrays(path)
    lacking = [name for name in (*KINDS, *NUMBERS, "window_names") if name not in found]
    if lacking:
        raise broken(path, f"it lacks {', '.join(lacking)}")
    if found["window_names"].dtype.kind != "U" or found["window_names"].ndim != 1:
        raise broken(path, "its window_names are not a list of texts")
    samples, sample_rate, version = (_number(path, name, found[name]) for name in NUMBERS)
    if version != VERSION:
        raise broken(path, f"it is of version {version}, and this program reads version {VERSION}")
    for name, kind in KINDS.items():
        if found[name].dtype.kind != np.dtype(kind).kind:
            raise broken(path, f"its {name} are {found[name].dtype}, and should be {np.dtype(kind)}")
    windows = _windows(path, found["windows"], [str(name) for name in found["window_names"]])
    arrays = {name: found[name].astype(kind.lstrip("<"), copy=False) for name, kind in KINDS.items()}
    for name in ("starts", "lengths"):
        if not np.array_equal(arrays[name], found[name]):
            raise broken(path, f"its {name} are too large")
    return checked(path, Book(**{**arrays, "windows": windows}, samples=samples, sample_rate=sample_rate))


def form_of_archive(path: Path) -> Form:
    """Return what an archive says of its book, without its atoms.

    Raises
    ------
    MistakeError
        Where the file is no archive of a book.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            samples, sample_rate = (_small(archive, name) for name in ("samples", "sample_rate"))
            with archive.open("weights.npy") as member:
                shape = _shape(member)
    except Exception as error:  # as in `_arrays`
        raise broken(path, f"it is no archive of a book, or a damaged one ({str(error)[:80]})") from error
    if len(shape) != 2:
        raise broken(path, "its weights are not channels × atoms")
    return Form(shape[0], _number(path, "samples", samples), _number(path, "sample_rate", sample_rate))


def _small(archive: zipfile.ZipFile, name: str) -> Array:
    """Return an array of an archive that holds one number."""
    if archive.getinfo(f"{name}.npy").file_size > SMALL:
        raise ValueError(f"{name} is not one number")
    with archive.open(f"{name}.npy") as member:
        return np.asarray(np.lib.format.read_array(member, allow_pickle=False))


def _shape(member: IO[bytes]) -> tuple[int, ...]:
    """Return the shape of an array by its header."""
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    return read[np.lib.format.read_magic(member)[0]](member)[0]


def _arrays(path: Path) -> Mapping[str, Array]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # of a damaged archive zipfile, zlib and numpy raise almost anything
        raise broken(path, f"it is no NumPy archive, or a damaged one ({str(error)[:80]})") from error


def _number(path: Path, name: str, found: Array) -> int:
    if found.shape != () or found.dtype.kind not in "iu":
        raise broken(path, f"its {name} is not one whole number")
    return int(found)


def _windows(path: Path, numbers: Array, names: list[str]) -> Array:
    """Return the windows by the numbers that they have here."""
    used = np.unique(numbers)
    for number in used:
        if number >= len(names) or names[number] not in WINDOWS:
            name = f"'{names[number]}'" if number < len(names) else f"number {number}"
            raise broken(path, f"it has a window {name}; known are {', '.join(WINDOWS)}")
    table = np.zeros(256, np.uint8)
    table[used] = [WINDOWS.index(names[number]) for number in used]
    return table[numbers]
