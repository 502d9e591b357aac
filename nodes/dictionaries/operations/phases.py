"""Phases of atoms that move: a tone made of many atoms is to stay one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nodes.dictionaries.book import Book
from pipelines.value import Array


def turned(weights: Array, cycles: Array) -> Array:
    """Return weights, channels × atoms, whose phases are advanced by `cycles`; those of 0 cycles as they are."""
    moved = np.flatnonzero(cycles)
    if not len(moved):
        return weights
    result = weights.copy()
    result[:, moved] = weights[:, moved] * np.exp(2j * np.pi * (cycles[moved] % 1.0))
    return result


def scaled(weights: Array, factors: Array) -> Array:
    """Return weights, channels × atoms, times a real factor each; complex64."""
    return np.asarray((weights * factors).astype(np.complex64))


def moved(book: Book, starts: Array, advanced: bool) -> Book:
    """Return a book whose atoms begin elsewhere.

    Where phases are advanced, by 2πf times the way, atoms of one frequency go on with the tone that they had: b = A
    exp(2πi f t) is so at every start t.
    """
    cycles = book.frequencies * (starts - book.starts) if advanced else np.zeros(book.count)
    return replace(book, starts=starts.astype(np.int64), weights=turned(book.weights, cycles))


def repitched(book: Book, frequencies: Array, cycles: Array | None) -> Book:
    """Return a book with other frequencies, whose atoms keep the phase of their middle, plus `cycles` where given."""
    pivot = (book.frequencies - frequencies) * (book.lengths / 2)
    turns = pivot if cycles is None else pivot + cycles
    return replace(book, frequencies=frequencies, weights=turned(book.weights, turns))
