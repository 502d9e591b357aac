"""Between two books, and the weights of one on the atoms of another.

N. Collins and B. Sturm (2011), "Sound cross-synthesis and morphing using dictionary-based methods", proposed to morph
sounds by the models that dictionary-based methods find. What is done here, and its names, is our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from nodes.dictionaries.book import Book, empty
from nodes.dictionaries.pairing import LEAST, Distances, pairs_of
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.quantities import Envelope
from pipelines.value import Array

HALVINGS = 48
"""Steps in which the time of an atom is sought where the position moves."""

Exchanged = Literal["magnitudes", "phases", "weights"]


def refuse_rates(books: Sequence[Book]) -> None:
    """Refuse books of several sample rates.

    Raises
    ------
    MistakeError
        Says which they are.
    """
    rates = sorted({book.sample_rate for book in books})
    if len(rates) > 1:
        raise mistake("the books have several sample rates", given=", ".join(f"{rate} Hz" for rate in rates))


def refuse_channels(counts: Iterable[int]) -> None:
    """Refuse several numbers of channels, but for one channel, which goes with any number.

    Raises
    ------
    MistakeError
        Says which they are.
    """
    channels = sorted({*counts} - {1})
    if len(channels) > 1:
        raise mistake("the books have several numbers of channels", given=", ".join(map(str, channels)))


def refuse_beyond(count: int, position: Envelope) -> None:
    """Refuse positions after the last book.

    Raises
    ------
    MistakeError
        Says how far they may go.
    """
    highest = max(value for _, value in position.points)
    if count < 2:
        raise mistake("a morph needs at least two books", parameter="books", given=str(count))
    if highest > count - 1:
        raise mistake(
            "there is no book at this position",
            parameter="position",
            given=f"{highest:g}",
            allowed=f"0, the first of {count} books, to {count - 1}, the last",
        )


def morphed(books: Sequence[Book], position: Envelope, distances: Distances, context: Context) -> Book:
    """Return what lies between books at a position that may move; the parameters are those of the node `dbm_morph`.

    An atom of the result sounds at the time t between those of its pair at which the position is as far between the
    two books: t = (1 - α(t)) t₁ + α(t) t₂.
    """
    wide = max(book.channels for book in books)
    samples = max(book.samples for book in books)
    books = [_widened(book, wide, samples) for book in books]
    times = np.array([time for time, _ in position.points])
    values = position.at(times)
    parts = [
        _between(books[at], books[at + 1], position, at, at == len(books) - 2, distances)
        for at in context.progress(range(len(books) - 1))
        if values.max() >= at and values.min() <= at + 1
    ]
    found = _joined(parts, books[0])
    return found.taken(np.argsort(-found.energies, kind="stable"))


def _widened(book: Book, channels: int, samples: int) -> Book:
    weights = np.broadcast_to(book.weights, (channels, book.count))
    return replace(book, weights=weights, samples=samples)


def _joined(parts: Sequence[Book], like: Book) -> Book:
    parts = [empty(like.channels, like.samples, like.sample_rate), *parts]
    names = ("starts", "lengths", "frequencies", "windows")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return replace(like, **arrays, weights=np.concatenate([part.weights for part in parts], axis=1))


def _between(first: Book, second: Book, position: Envelope, at: int, last: bool, distances: Distances) -> Book:
    """Return the atoms that sound while the position is between two books: those of pairs, and what fades."""
    pairs = pairs_of(first, second, distances)
    one, other = first.taken(pairs[:, 0]), second.taken(pairs[:, 1])
    single = [np.setdiff1d(np.arange(book.count), pairs[:, side]) for side, book in enumerate((first, second))]
    alone = [book.taken(which) for book, which in zip((first, second), single, strict=True)]
    times = _times(one.centres, other.centres, position, at)
    sounding = [_share(position, at, each) for each in (times, alone[0].centres, alone[1].centres)]
    parts = (
        _interpolated(one, other, sounding[0]),
        _weighted(alone[0], np.sqrt(1 - _power(sounding[1]))),
        _weighted(alone[1], np.sqrt(_power(sounding[2]))),
    )
    kept = [
        part.taken(_within(position, at, last, each) & (np.abs(part.weights).max(axis=0, initial=0.0) > 0))
        for part, each in zip(parts, (times, alone[0].centres, alone[1].centres), strict=True)
    ]
    return _joined(kept, first)


def _within(position: Envelope, at: int, last: bool, times: Array) -> Array:
    places = position.at(times)
    return np.asarray((places >= at) & ((places <= at + 1) if last else (places < at + 1)))


def _share(position: Envelope, at: int, times: Array) -> Array:
    """Return how far the position is from one book to the next, 0 to 1."""
    return np.asarray(np.clip(position.at(times) - at, 0.0, 1.0))


def _times(one: Array, other: Array, position: Envelope, at: int) -> Array:
    """Return when the atoms of pairs sound: they get later than the position tells at one end, earlier at the other."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        share = _share(position, at, middle)
        late = middle >= (1 - share) * one + share * other
        low, high = np.where(late, low, middle), np.where(late, middle, high)
    return (low + high) / 2


def _interpolated(one: Book, other: Book, share: Array) -> Book:
    """Return atoms between those of two books, one for each pair; those of a book itself where the share is 0 or 1."""

    def either(first: Array, second: Array, between: Array) -> Array:
        chosen = np.where(share == 0, first, np.where(share == 1, second, between))
        return np.asarray(chosen.astype(first.dtype))

    lengths = np.maximum(1, np.rint(_geometric(one.lengths, other.lengths, share)))
    middles = [book.starts + book.lengths / 2 for book in (one, other)]
    starts = np.rint((1 - share) * middles[0] + share * middles[1] - lengths / 2)
    frequencies = np.clip(_geometric(one.frequencies, other.frequencies, share, LEAST), 0, 0.5)
    turned = [book.weights * np.exp(1j * _turn(book.frequencies, book.lengths)) for book in (one, other)]
    weights = _weights(turned[0], turned[1], share) * np.exp(-1j * _turn(frequencies, lengths))
    return replace(
        one,
        starts=either(one.starts, other.starts, starts),
        lengths=either(one.lengths, other.lengths, lengths),
        frequencies=either(one.frequencies, other.frequencies, frequencies),
        windows=np.where(share < 0.5, one.windows, other.windows),
        weights=either(one.weights, other.weights, weights),
    )


def _turn(frequencies: Array, lengths: Array) -> Array:
    """Return by how much the phase of an atom goes on from its first sample to its middle, in radians."""
    return np.pi * frequencies * lengths


def _geometric(one: Array, other: Array, share: Array, least: float = 0.0) -> Array:
    """Return what is evenly between in octaves; in proportion where one is below `least` or 0."""
    known = (np.minimum(one, other) > 0) & (np.minimum(one, other) >= least)
    logarithms = [np.log(np.where(known, each, 1.0)) for each in (one, other)]
    evenly = np.exp((1 - share) * logarithms[0] + share * logarithms[1])
    return np.asarray(np.where(known, evenly, (1 - share) * one + share * other))


def _weights(one: Array, other: Array, share: Array) -> Array:
    """Return weights with energies between as in a crossfade of equal power, and phases, the short way round."""
    power = _power(share)
    sizes = np.sqrt((1 - power) * np.square(np.abs(one)) + power * np.square(np.abs(other)))
    phases = np.angle(np.where(one == 0, other, one))
    across = np.where((one == 0) | (other == 0), 0.0, np.angle(other * np.conj(one)))
    return np.asarray(sizes * np.exp(1j * (phases + share * across)))


def _power(share: Array) -> Array:
    """Return how much of the energy is the second one's: sin², so that what fades does not end at once."""
    return np.asarray(np.square(np.sin(np.pi / 2 * share)))


def _weighted(book: Book, shares: Array) -> Book:
    return replace(book, weights=(book.weights * shares.astype(np.float32)).astype(book.weights.dtype))


def exchanged(
    book: Book, other: Book, by: Literal["rank", "nearest"], what: Exchanged, distances: Distances
) -> tuple[Book, int]:
    """Return the atoms of a book with weights of another's, and how many atoms of the book found none.

    Parameters
    ----------
    book, other
        Whose atoms, and whose weights.
    by, what, distances
        Those of the node `dbm_exchange`.
    """
    own, theirs = _partners(book, other, by, distances)
    found, lender = book.taken(own), other.taken(theirs)
    weights = found.weights.astype(np.complex128)
    if what != "phases":
        own_strengths = _strengths(found)
        weights *= np.sqrt(_strengths(lender) / np.where(own_strengths > 0, own_strengths, 1.0))
    if what != "magnitudes":
        turns = [_loudest_phase(each) for each in (lender, found)]
        weights *= np.exp(1j * (turns[0] - turns[1]))
    strength = float(np.square(np.abs(weights)).sum())
    weights *= np.sqrt(float(_strengths(book).sum()) / strength) if strength > 0 else 1.0
    return replace(found, weights=weights.astype(np.complex64)), book.count - len(own)


def _partners(book: Book, other: Book, by: str, distances: Distances) -> tuple[Array, Array]:
    """Return indices of atoms of a book, in its order, and of those of the other that go with them."""
    if not (book.count and other.count):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if by == "nearest":
        from scipy.spatial import cKDTree

        nearest = cKDTree(distances.places(other)).query(distances.places(book))[1]
        return np.arange(book.count), np.asarray(nearest)
    ranked = [np.argsort(-_strengths(each), kind="stable")[: min(book.count, other.count)] for each in (book, other)]
    order = np.argsort(ranked[0], kind="stable")
    return ranked[0][order], ranked[1][order]


def _strengths(book: Book) -> Array:
    """Return Σ |b|² of each atom: half its energy, but near 0 Hz, where that of some is next to nothing."""
    return np.asarray(np.square(np.abs(book.weights), dtype=np.float64).sum(0))


def _loudest_phase(book: Book) -> Array:
    """Return the phase of each atom in its middle, in the channel where it is loudest."""
    loudest = np.argmax(np.abs(book.weights), axis=0)
    phases = np.angle(book.weights[loudest, np.arange(book.count)])
    return np.asarray(phases + _turn(book.frequencies, book.lengths))
