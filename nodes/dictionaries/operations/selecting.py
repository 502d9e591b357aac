"""Which atoms of a book: by what they are, by chance, by strength, by scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from pipelines.mistakes import mistake
from pipelines.quantities import Envelope
from pipelines.value import Array

Choice = Literal["random", "strongest", "weakest"]
Reference = Literal["strongest", "absolute"]

MOST_LAYERS = 64


class Parted(NamedTuple):
    """The atoms that were asked for, and all others; both sound together as the whole book."""

    yes: Book
    no: Book


def parted(book: Book, which: Array) -> Parted:
    """Return the atoms of a mask and the others, both in the order of the book."""
    return Parted(book.taken(which), book.taken(~which))


def ranks(energies: Array) -> Array:
    """Return how many atoms are stronger than each; of equal ones the first in the book counts as stronger."""
    found = np.empty(len(energies), np.int64)
    found[np.argsort(-energies, kind="stable")] = np.arange(len(energies))
    return found


def levels(book: Book, reference: Reference) -> Array:
    """Return the energy of each atom in dB, of the strongest or of 1, which one sample at full scale has."""
    energies = book.energies
    whole = energies.max(initial=0.0) if reference == "strongest" else 1.0
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(energies / (whole or 1.0)))


def within(book: Book, ranges: Mapping[str, Sequence[float | None]], reference: Reference) -> Array:
    """Return the mask of the atoms that lie in all ranges, ends included.

    Parameters
    ----------
    book
        The atoms.
    ranges
        [low, high], None for no end, for any of scale and time (s), samples, frequency (Hz), energy (dB), rank (by
        energy) and order (in the book), both counted from 1.
    reference
        What energies are relative to.
    """
    axes: dict[str, Callable[[], Array]] = {
        "scale": lambda: book.lengths / book.sample_rate,
        "samples": lambda: book.lengths,
        "time": lambda: book.centres,
        "frequency": lambda: book.frequencies * book.sample_rate,
        "energy": lambda: levels(book, reference),
        "rank": lambda: ranks(book.energies) + 1,
        "order": lambda: np.arange(1, book.count + 1),
    }
    which = np.ones(book.count, bool)
    for name, (low, high) in ranges.items():
        values = axes[name]()
        which &= True if low is None else values >= low
        which &= True if high is None else values <= high
    return which


def dense(book: Book, density: Envelope, choice: Choice, generator: np.random.Generator) -> Array:
    """Return the mask of the part of atoms that `density`, over the seconds of their middles, lets stay.

    An atom has one number from 0 to 1 and stays where the density is above it, so that more density adds atoms to those
    that are there: a random one, or the part of all atoms that are stronger (weaker).
    """
    if choice == "random":
        thresholds = generator.random(book.count)
    else:
        sign = 1 if choice == "strongest" else -1
        thresholds = ranks(sign * book.energies) / max(1, book.count)
    return np.asarray(thresholds < density.at(book.centres))


def strongest(book: Book, count: int | None, per_second: Envelope | None) -> Array:
    """Return the mask of the `count` strongest atoms, and of the strongest ones in each second.

    Seconds are counted from the beginning of the sound; what lies before counts to the first, what lies after to the
    last. A last one that is not whole has room for its part, rounded up.
    """
    energies = book.energies
    which = np.ones(book.count, bool) if count is None else ranks(energies) < count
    if per_second is None or not book.count:
        return which
    last = max(0, int(np.ceil(book.duration)) - 1)
    slots = np.clip(np.floor(book.centres), 0, last).astype(np.int64)
    parts = np.clip(book.duration - np.arange(last + 1), 0.0, 1.0)
    room = np.ceil(per_second.at(np.arange(last + 1) + parts / 2) * parts - 1e-9)
    order = np.lexsort((np.arange(book.count), -energies, slots))
    firsts = np.searchsorted(slots[order], np.arange(last + 1))
    places = np.empty(book.count, np.int64)
    places[order] = np.arange(book.count) - firsts[slots[order]]
    return np.asarray(which & (places < room[slots]))


def layers_of(book: Book, edges: Sequence[int] | None) -> list[str]:
    """Return the names of all layers: their lengths in samples, or 'silence' for that of a book without atoms.

    Raises
    ------
    MistakeError
        Where each length is to be a layer and there are more than `MOST_LAYERS`.
    """
    if edges is not None:
        ranges = zip(edges, [edge - 1 for edge in edges[1:]], strict=False)
        return [f"1-{edges[0] - 1}", *(f"{low}-{high}" for low, high in ranges), f"{edges[-1]}-"]
    scales = np.unique(book.lengths)
    if len(scales) > MOST_LAYERS:
        raise mistake(
            f"the atoms have {len(scales)} lengths, too many for a layer each",
            parameter="edges",
            hint="say where layers begin, as edges: [512, 2048, 8192]",
        )
    return [str(scale) for scale in scales] or ["silence"]


def layer_of(book: Book, layer: int, edges: Sequence[int] | None) -> Array:
    """Return the mask of one layer of scales, counted from 1 at the shortest.

    Raises
    ------
    MistakeError
        Where there are fewer layers.
    """
    scales = np.unique(book.lengths)
    count = len(scales) if edges is None else len(edges) + 1
    if layer > count and (edges is not None or book.count):
        text = ", ".join(map(str, scales[:20])) + (", …" if count > 20 else "")
        raise mistake(
            "there are fewer layers",
            parameter="layer",
            given=str(layer),
            allowed=f"1 to {count}" if edges is not None else f"1 to {count}, of {text} samples",
        )
    numbers = np.searchsorted(scales if edges is None else np.asarray(edges), book.lengths, _side(edges))
    return np.asarray(numbers == layer - 1)


def _side(edges: Sequence[int] | None) -> Literal["left", "right"]:
    return "left" if edges is None else "right"
