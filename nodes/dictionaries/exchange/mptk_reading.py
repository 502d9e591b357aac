"""Books of MPTK read, with atoms as text or as bytes."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, fromstring

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.exchange.checking import Form, broken, checked
from nodes.dictionaries.exchange.mptk import LEAD, MOST_CHANNELS, MOST_SAMPLES, TAIL, Atom, Head, gabor
from nodes.dictionaries.windows import WINDOWS

_BOOK = re.compile(rb"<book\b([^>]*)>[ \t]*\r?\n?")
_END = re.compile(rb"</book>\s*</mptkbook>\s*\Z")
_LINE = re.compile(rb"([A-Za-z_][\w-]{0,39})[ \t]*\r?\n")
LONGEST_END = 64
"""Bytes that the end of a file may have."""
LONGEST_START = 2**20
"""Bytes in which `<book>` must begin, after the dictionary."""


class Found(NamedTuple):
    """A book, and for each reason how many atoms were left out."""

    book: Book
    left_out: Mapping[str, int]


def from_mptk(path: Path) -> Found:
    """Return the book of a file of MPTK, and what it has that no book of ours does.

    Left out are atoms of other types than gabor, those that chirp or are elsewhere in other channels, and those with
    other windows.

    Raises
    ------
    MistakeError
        Where the file is no book of MPTK, or a broken one.
    """
    data = path.read_bytes()
    match = _book_tag(path, data)
    head = _head(path, match[1])
    end = _END.search(data, max(match.end(), len(data) - LONGEST_END))
    if end is None:
        raise broken(path, "its end is missing, so that atoms are lost")
    atoms = list(_in_bytes(path, data[match.end() : end.start()], head) if head.binary else _in_text(path, data))
    left_out, lacking = Counter(atom.left_out for atom in atoms if atom.left_out), head.atoms - len(atoms)
    if lacking < 0 or (lacking and not (head.binary and left_out)):
        raise broken(path, f"it has {len(atoms)} atoms and says that it has {head.atoms}")
    if lacking:
        left_out["what follows atoms of other types"] = lacking
    return Found(checked(path, _book(path, [atom for atom in atoms if not atom.left_out], head)), left_out)


def form_of_mptk(path: Path) -> Form:
    """Return what a file of MPTK says of its book, without its atoms.

    Raises
    ------
    MistakeError
        Where the file is no book of MPTK.
    """
    with path.open("rb") as file:
        data = file.read(LONGEST_START)
    head = _head(path, _book_tag(path, data)[1])
    return Form(head.channels, head.samples - head.lead - head.tail, head.sample_rate)


def _book_tag(path: Path, data: bytes) -> re.Match[bytes]:
    match = _BOOK.search(data)
    if b"<mptkbook" not in data[:4096] or match is None:
        raise broken(path, "it is no NumPy archive, no Parquet file and no book of MPTK")
    return match


def _head(path: Path, text: bytes) -> Head:
    found = dict(re.findall(r"(\w+)\s*=\s*[\"']([^\"']*)[\"']", text.decode("utf-8", "replace")))
    names = ("nAtom", "numChans", "numSamples", "sampleRate")
    if found.get("format") not in ("bin", "txt"):
        raise broken(path, f"its format is '{found.get('format', '')}', not bin or txt")
    try:
        atoms, channels, samples, rate, lead, tail = (
            int(found[name]) if name in names else int(found.get(name, 0)) for name in (*names, LEAD, TAIL)
        )
    except (KeyError, ValueError) as error:
        raise broken(path, f"<book> needs whole numbers as {', '.join(names)}") from error
    if min(atoms, lead, tail, samples - lead - tail) < 0 or samples > MOST_SAMPLES or not 0 < channels <= MOST_CHANNELS:
        raise broken(path, f"<book> has {channels} channels, {atoms} atoms and {samples} samples")
    return Head(atoms, channels, samples, rate, found["format"] == "bin", lead, tail)


def _book(path: Path, atoms: list[Atom], head: Head) -> Book:
    for atom in atoms:
        if len(atom.weights) != head.channels:
            raise broken(path, f"an atom has {len(atom.weights)} channels, and the book {head.channels}")
        if not (0 <= atom.start <= MOST_SAMPLES and 0 <= atom.length < 2**31):
            raise broken(path, f"an atom has {atom.length} samples from {atom.start} on")
    with np.errstate(over="ignore"):
        weights = np.array([atom.weights for atom in atoms], np.complex64).reshape(len(atoms), head.channels)
    return Book(
        np.array([atom.start for atom in atoms], np.int64) - head.lead,
        np.array([atom.length for atom in atoms], np.int32),
        np.array([atom.frequency for atom in atoms], np.float64),
        np.array([WINDOWS.index(atom.window) for atom in atoms], np.uint8),
        np.ascontiguousarray(weights.T),
        head.samples - head.lead - head.tail,
        head.sample_rate,
    )


def _in_text(path: Path, data: bytes) -> Iterator[Atom]:
    try:
        tree = fromstring(data)
    except ParseError as error:
        raise broken(path, f"its XML is damaged ({error})") from error
    for number, element in enumerate(tree.iterfind("book/atom"), 1):
        kind = element.get("type", "")
        if kind != "gabor":
            yield Atom(left_out=f"type '{kind}'")
            continue
        try:
            yield _atom_of(element)
        except (ValueError, TypeError, KeyError) as error:
            raise broken(path, f"atom {number} lacks numbers or has wrong ones") from error


def _atom_of(element: Element) -> Atom:
    supports = sorted(element.iterfind("support"), key=_channel)
    window = element.find("window")
    option = "0" if window is None else window.get("opt", "0")
    return gabor(
        [(int(each.findtext("p", "")), int(each.findtext("l", ""))) for each in supports],
        "" if window is None else window.get("type", ""),
        float(option),
        float(element.findtext("par[@type='freq']", "")),
        float(element.findtext("par[@type='chirp']", "0")),
        _each(element, "amp", len(supports)),
        _each(element, "phase", len(supports)),
    )


def _channel(element: Element) -> int:
    return int(element.get("chan", "0"))


def _each(element: Element, name: str, channels: int) -> list[float]:
    found = {_channel(par): par.text for par in element.iterfind(f"par[@type='{name}']")}
    return [float(found[channel] or "") for channel in range(channels)]


def _in_bytes(path: Path, data: bytes, head: Head) -> Iterator[Atom]:
    at, number = 0, 0
    while at < len(data) and number < head.atoms:
        number += 1
        atom, after = _read(data, at, head.channels)
        if after is None:
            raise broken(path, f"its bytes at atom {number} of {head.atoms} are no atom")
        yield atom
        at = after
    if data[at:].strip():
        raise broken(path, f"it goes on after its {head.atoms} atoms")


def _read(data: bytes, at: int, channels: int) -> tuple[Atom, int | None]:
    """Return the atom at a place and where the next begins, or None there where nothing can be read."""
    kind = _LINE.match(data, at)
    if kind is None:
        return Atom(), None
    if kind[1] != b"gabor":
        return Atom(left_out=f"type '{kind[1].decode()}'"), _next(data, kind.end(), channels)
    try:
        return _gabor(data, kind.end(), channels)
    except (struct.error, LookupError):
        return Atom(), None


def _next(data: bytes, at: int, channels: int) -> int:
    """Return where the next Gabor atom begins, as nobody tells how long one of another type is; the end if none."""
    sign = b"gabor\n" + struct.pack("<H", channels)
    found = data.find(sign, at)
    return found if found >= 0 else len(data)


def _supports(data: bytes, at: int, channels: int) -> tuple[list[tuple[int, int]], int]:
    (count,) = struct.unpack_from("<H", data, at)
    if count != channels:
        raise LookupError(f"{count} channels")
    numbers = struct.unpack_from(f"<{2 * count}I", data, at + 2)
    return list(zip(numbers[::2], numbers[1::2], strict=True)), at + 2 + 8 * count


def _window(data: bytes, at: int) -> tuple[str, int]:
    match = _LINE.match(data, at)
    if match is None:
        raise LookupError("no window")
    return match[1].decode(), match.end()


def _gabor(data: bytes, at: int, channels: int) -> tuple[Atom, int]:
    supports, at = _supports(data, at, channels)
    amplitudes = list(struct.unpack_from(f"<{channels}d", data, at))
    window, at = _window(data, at + 8 * channels)
    option, frequency, chirp, *phases = struct.unpack_from(f"<{3 + channels}d", data, at)
    return gabor(supports, window, option, frequency, chirp, amplitudes, phases), at + 8 * (3 + channels)
