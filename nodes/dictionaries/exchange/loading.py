"""Books read from files of any kind that is known, or only what their heads say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nodes.dictionaries.book import Book
from nodes.dictionaries.exchange.checking import Form, broken
from pipelines.node import Facts

KINDS = {b"PK": "archive", b"PA": "parquet"}
"""First bytes of files; all others are taken for books of MPTK."""


def book_facts(path: Path) -> Facts:
    """Return the sample rate, channels and duration of the book in a file, of which only the head is read.

    Raises
    ------
    MistakeError
        Where the head is none of a book.
    """
    form = _form(path)
    if form.channels < 1 or form.samples < 0 or form.sample_rate < 1:
        raise broken(path, f"it has {form.channels} channels and {form.samples} samples at {form.sample_rate} Hz")
    return {
        "sample_rate": form.sample_rate,
        "channels": form.channels,
        "duration": form.samples / form.sample_rate,
    }


def loaded(path: Path, note: Callable[[str], None]) -> Book:
    """Return the book in a file; `note` hears what is not in it as it was written.

    Raises
    ------
    MistakeError
        Where the file is no book, or a damaged one.
    """
    kind = _kind(path)
    if kind == "archive":
        from nodes.dictionaries.exchange.archives import from_archive

        return from_archive(path)
    if kind == "parquet":
        from nodes.dictionaries.exchange.parquet import from_parquet

        found = from_parquet(path)
        if found.changed:
            note("the atoms are not those that dbm_export wrote: they were changed since")
        return found.book
    from nodes.dictionaries.exchange.mptk_reading import from_mptk

    book, left_out = from_mptk(path)
    if left_out:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in left_out.items())
        note(f"{sum(left_out.values())} atoms of {book.count + sum(left_out.values())} left out ({reasons})")
    return book


def _form(path: Path) -> Form:
    kind = _kind(path)
    if kind == "archive":
        from nodes.dictionaries.exchange.archives import form_of_archive

        return form_of_archive(path)
    if kind == "parquet":
        from nodes.dictionaries.exchange.parquet import form_of_parquet

        return form_of_parquet(path)
    from nodes.dictionaries.exchange.mptk_reading import form_of_mptk

    return form_of_mptk(path)


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        return KINDS.get(file.read(2), "mptk")
