"""Two books and more: `dbm_morph`, `dbm_exchange`."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from nodes.dictionaries.book import Book
from nodes.dictionaries.morphing import exchanged, morphed, refuse_beyond, refuse_channels, refuse_rates
from nodes.dictionaries.operations.facts import FORM, same_form
from nodes.dictionaries.pairing import Distances
from nodes.values.envelopes import AsEnvelope
from pipelines.context import Context
from pipelines.node import Facts, node
from pipelines.quantities import Envelope, Unit, envelope_of, plain

Position = Annotated[Envelope, envelope_of(plain, 0.0, math.inf, ""), Unit("number of the book, envelope"), AsEnvelope]
Octaves = Annotated[float, Field(ge=0.01, le=20), Unit("octaves")]
Seconds = Annotated[float, Field(ge=0.001, le=60), Unit("s")]
Reach = Annotated[float, Field(gt=0, le=1000), Unit("distances")]


def morph_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse positions without a book and channels that differ; tell the form of the result as far as it is known."""
    known = [each or {} for each in inputs["books"]]
    refuse_channels(each["channels"] for each in known if "channels" in each)
    refuse_beyond(len(known), parameters["position"])
    names = [name for name in FORM if all(name in each for each in known)]
    return {"value": {name: max(each[name] for each in known) for name in names}}


@node(facts=morph_facts)
def dbm_morph(
    books: list[Book],
    *,
    position: Position,
    time: Seconds = 0.1,
    frequency: Octaves = 0.5,
    scale: Octaves = 1.0,
    reach: Reach = 4.0,
    context: Context,
) -> Book:
    """Make a sound between those of several books: atoms of one move to those of the next.

    Each atom of a book is paired with one of the next, or with none, so that the sum of their squared distances in
    time, frequency and scale is least, where none counts as the reach does: among the 8 nearest either way, first among
    atoms of one scale, then among those that are left. In a pair go evenly from one to the other: time, frequency and
    length in octaves, and the phase in the middle of the atom, the short way round; the window changes halfway.
    Energies go as in a crossfade of equal power, and atoms that find none fade out, and in, likewise, so that the
    loudness goes from one to the other. At position 0 the atoms are those of the first book, at 1 those of the second,
    exactly.

    Sounds have been morphed by dictionary-based models by Collins and Sturm (2011); this pairing, and the names, are
    our own, and not a published method.

    Parameters
    ----------
    books
        Two or more, of one sample rate. Those of one channel go with those of several. The result is as long as the
        longest.
    position
        Which book: 0 is the first, 1 the second, 0.5 halfway; a number or an envelope over the seconds of the result,
        as [[0, 0], [60, 2]], which goes from the first to the third in a minute.
    time, frequency, scale
        What counts as one distance: the smaller one of them, the more it counts, and the less atoms move in it.
    reach
        How many distances the atoms of a pair are apart at most: small, and most atoms fade; large, and most move.

    Raises
    ------
    MistakeError
        Where there are fewer than two books, the position is beyond the last, or the books are of several sample
        rates or numbers of channels.
    """
    refuse_beyond(len(books), position)
    refuse_rates(books)
    refuse_channels(book.channels for book in books)
    return morphed(books, position, Distances(time, frequency, scale, reach), context)


@node(facts=same_form)
def dbm_exchange(
    book: Book,
    other: Book,
    *,
    by: Literal["rank", "nearest"] = "rank",
    what: Literal["magnitudes", "phases", "weights"] = "magnitudes",
    time: Seconds = 0.1,
    frequency: Octaves = 0.5,
    scale: Octaves = 1.0,
    context: Context,
) -> Book:
    """Give the atoms of a book the weights of those of another: its times and pitches, with the other's loudness.

    The balance between channels stays that of the book, and the sum of the atoms' energies too, so that it is about as
    loud. The method and its name are our own, and not a published one.

    Parameters
    ----------
    book
        Whose atoms are taken: times, lengths, frequencies, windows.
    other
        Whose weights are taken.
    by
        'rank': the strongest atom gets the weight of the other's strongest, and so on; where the other has fewer, the
        weakest are left out, and a note tells how many. 'nearest': each gets that of the nearest of the other's, which
        may lend to several.
    what
        'magnitudes'; 'phases', those in the middle of the atoms; 'weights', both.
    time, frequency, scale
        What counts as one distance for 'nearest'.

    Raises
    ------
    MistakeError
        Where the books have several sample rates.
    """
    refuse_rates([book, other])
    found, lost = exchanged(book, other, by, what, Distances(time, frequency, scale))
    if lost:
        context.note(f"{lost} atoms of {book.count} are left out, as the other book has {other.count}")
    return found
