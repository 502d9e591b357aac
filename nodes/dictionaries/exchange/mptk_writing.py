"""Books in the form of MPTK's."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.exchange.mptk import LEAD, MOST_CHANNELS, MOST_SAMPLES, NAMES, OPTIONS, TAIL
from nodes.dictionaries.windows import WINDOWS
from pipelines.mistakes import mistake

Row = tuple[int, int, float, str, list[float], list[float]]


def as_mptk(book: Book, binary: bool) -> bytes:
    """Return the file of a book; see `nodes.dictionaries.exchange.mptk` for its form.

    Where atoms begin before the sound or go on after it, silence is put around it, and two attributes of `<book>`,
    leadIn and tailOut, tell how many samples.

    Parameters
    ----------
    book
        Any book of windows that MPTK has.
    binary
        Whether the atoms are bytes, else text.

    Raises
    ------
    MistakeError
        Where a window is not one of MPTK's, or the book has more channels or samples than its numbers hold.
    """
    _refuse_windows(book)
    lead, tail = beyond(book)
    length = lead + book.samples + tail
    if length > MOST_SAMPLES or book.channels > MOST_CHANNELS:
        raise mistake("MPTK has no books so large", given=book.describe(), hint="format: npz")
    around = "".join(f' {name}="{value}"' for name, value in ((LEAD, lead), (TAIL, tail)) if value)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<mptkbook formatVersion="1">\n<dict>\n</dict>\n'
        f'<book nAtom="{book.count}" numChans="{book.channels}" numSamples="{length}" '
        f'sampleRate="{book.sample_rate}" libVersion="{version("resynthesis")}" '
        f'format="{"bin" if binary else "txt"}"{around}>\n'
    )
    write = _in_bytes if binary else _in_text
    return b"".join([head.encode(), *(write(*row) for row in _rows(book, lead)), b"</book>\n</mptkbook>\n"])


def beyond(book: Book) -> tuple[int, int]:
    """Return by how many samples atoms begin before the sound, and go on after it."""
    if not book.count:
        return 0, 0
    ends = book.starts + book.lengths
    return max(0, -int(book.starts.min())), max(0, int(ends.max()) - book.samples)


def _refuse_windows(book: Book) -> None:
    used = [WINDOWS[number] for number in np.unique(book.windows)]
    lacking = [name for name in used if name not in NAMES]
    if lacking:
        raise mistake(
            f"MPTK has no window {', '.join(lacking)}",
            parameter="format",
            given="mptk",
            allowed=f"atoms with windows {', '.join(NAMES)}",
            hint="give the atoms another one with dbm_window, or write format: npz",
        )


def _rows(book: Book, lead: int) -> Iterator[Row]:
    weights = np.asarray(book.weights.T, np.complex128)
    columns: tuple[Any, ...] = (
        (book.starts + lead).tolist(),
        book.lengths.tolist(),
        book.frequencies.tolist(),
        [WINDOWS[number] for number in book.windows],
        (2 * np.abs(weights)).tolist(),
        np.angle(weights).tolist(),
    )
    return zip(*columns, strict=True)


def _in_bytes(start: int, length: int, frequency: float, window: str, amplitudes: list[float], phases: list[float]) -> (
    bytes
):  # fmt: skip
    count = len(amplitudes)
    return b"".join((
        b"gabor\n",
        struct.pack(f"<H{2 * count}I{count}d", count, *((start, length) * count), *amplitudes),
        f"{NAMES[window]}\n".encode(),
        struct.pack(f"<{3 + count}d", OPTIONS.get(window, 0.0), frequency, 0.0, *phases),
    ))  # fmt: skip


def _in_text(start: int, length: int, frequency: float, window: str, amplitudes: list[float], phases: list[float]) -> (
    bytes
):  # fmt: skip
    supports = "".join(
        f'<support chan="{channel}"><p>{start}</p><l>{length}</l></support>\n' for channel in range(len(amplitudes))
    )
    amps, turns = (
        "".join(f'<par type="{name}" chan="{channel}">{value!r}</par>\n' for channel, value in enumerate(values))
        for name, values in (("amp", amplitudes), ("phase", phases))
    )
    return (
        f'<atom type="gabor">\n<par type="numChans">{len(amplitudes)}</par>\n{supports}{amps}'
        f'<window type="{NAMES[window]}" opt="{OPTIONS.get(window, 0.0)!r}"></window>\n'
        f'<par type="freq">{frequency!r}</par>\n<par type="chirp">0</par>\n{turns}</atom>\n'
    ).encode()
