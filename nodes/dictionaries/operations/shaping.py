"""Shapes of atoms: longer, shorter, of other windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.moving import LONGEST
from nodes.dictionaries.operations.parameters import Kept
from nodes.dictionaries.operations.phases import moved, scaled
from nodes.dictionaries.windows import PEAKS, WINDOWS, window_of
from pipelines.quantities import Envelope
from pipelines.value import Array

MEASURED = 4096
"""Samples of the windows whose peaks are compared."""


def bled(book: Book, factor: Envelope, kept: Kept) -> Book:
    """Return a book whose atoms are longer by a factor, around their peaks, with the energy or amplitude they had."""
    lengths = np.clip(np.rint(book.lengths * factor.at(book.peaks)), 1, LONGEST).astype(np.int32)
    earlier = np.floor((lengths - book.lengths) * np.array(PEAKS)[book.windows]).astype(np.int64)
    result = replace(moved(book, book.starts - earlier, advanced=True), lengths=lengths)
    gains = np.ones(book.count) if kept == "energy" else np.sqrt(lengths / book.lengths)
    return replace(result, weights=scaled(result.weights, gains))


def with_window(book: Book, window: str, kept: Kept) -> Book:
    """Return a book whose atoms have another window at the same peak, with the energy or amplitude that they had."""
    number = WINDOWS.index(window)
    peaks = _peaks()
    gains = np.ones(book.count) if kept == "energy" else peaks[book.windows] / peaks[number]
    earlier = np.rint(book.lengths * (PEAKS[number] - np.array(PEAKS)[book.windows])).astype(np.int64)
    result = moved(book, book.starts - earlier, advanced=True)
    return replace(result, windows=np.full_like(book.windows, number), weights=scaled(result.weights, gains))


def _peaks() -> Array:
    return np.array([window_of(name, MEASURED).max() for name in WINDOWS])
