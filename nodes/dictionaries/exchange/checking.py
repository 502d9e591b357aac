"""What is refused of a file that shall hold a book."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from pipelines.mistakes import MistakeError, mistake


class Form(NamedTuple):
    """What the head of a file says of its book."""

    channels: int
    samples: int
    sample_rate: int


def broken(path: Path, why: str) -> MistakeError:
    """Return the error for a file that holds no book that can be read."""
    return mistake(
        f"this is no book that can be read: {why}",
        parameter="path",
        given=path.name,
        allowed="a file of dbm_export with format: npz, parquet or mptk, or a book of MPTK",
    )


def checked(path: Path, book: Book) -> Book:
    """Return a book that was read.

    Raises
    ------
    MistakeError
        Where its arrays do not agree, or hold what no atom has.
    """
    for name in ("starts", "lengths", "frequencies", "windows"):
        if getattr(book, name).shape != book.starts.shape or book.starts.ndim != 1:
            raise broken(path, f"its {name} are not one number for each atom")
    if book.weights.ndim != 2 or book.weights.shape[1] != book.count or book.channels < 1:
        raise broken(path, "its weights are not channels × atoms")
    if book.sample_rate < 1 or book.samples < 0:
        raise broken(path, f"it has {book.samples} samples at {book.sample_rate} Hz")
    wrong = {
        "lengths below 1": book.lengths < 1,
        "frequencies that are not within 0 and half the sample rate": ~(
            (book.frequencies >= 0) & (book.frequencies <= 0.5)
        ),
        "NaN or infinity as weights": ~np.isfinite(book.weights).all(axis=0),
    }
    for what, where in wrong.items():
        if where.any():
            raise broken(path, f"it has {what} (first at atom {int(np.argmax(where)) + 1} of {book.count})")
    return book
