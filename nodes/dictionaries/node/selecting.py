"""Some atoms of a book and the others, as nodes."""

from typing import Annotated

from pydantic import Field

from nodes.dictionaries.book import Book
from nodes.dictionaries.node.rebuilding import Edges
from nodes.dictionaries.operations.facts import (
    asked_ranges,
    filter_facts,
    limit_facts,
    parted_facts,
    refuse_layers,
    refuse_no_limit,
    split_facts,
)
from nodes.dictionaries.operations.parameters import (
    AtomsEnvelope,
    FrequencyRange,
    LevelRange,
    RankRange,
    SampleRange,
    ShareEnvelope,
    TimeRange,
)
from nodes.dictionaries.operations.selecting import (
    Choice,
    Parted,
    Reference,
    dense,
    layer_of,
    parted,
    strongest,
    within,
)
from pipelines.context import Context
from pipelines.node import node


@node(facts=filter_facts)
def dbm_filter(
    book: Book,
    *,
    scale: TimeRange | None = None,
    samples: SampleRange | None = None,
    time: TimeRange | None = None,
    frequency: FrequencyRange | None = None,
    energy: LevelRange | None = None,
    reference: Reference = "strongest",
    rank: RankRange | None = None,
    order: RankRange | None = None,
    context: Context,
) -> Parted:
    """Take the atoms that lie in all of some ranges: `yes`, and all others: `no`.

    What is heard of both together is what is heard of the book. Without short atoms a sound loses its attacks, without
    long ones its tones. Each range is [low, high], ends included, and null is no end: `frequency: [2 kHz, null]`. Atoms
    that were made to correct others are heard where these are filtered out.

    Parameters
    ----------
    book
        The atoms.
    scale
        Length of atoms in time, as [null, 20 ms].
    samples
        The same in samples, as [512, 512].
    time
        Where the middle of atoms lies.
    frequency
        Frequency of atoms.
    energy
        Energy of atoms over all channels, as [-40 dB, null].
    reference
        What energies are relative to: the 'strongest' atom of the book, or 'absolute', where 0 dB is the energy of one
        sample at full scale.
    rank
        Place by energy, from 1: [1, 500] are the 500 strongest.
    order
        Place in the book, from 1: [1, 500] are the first 500 that were found.

    Raises
    ------
    MistakeError
        Where there is no range.
    """
    names = ("scale", "samples", "time", "frequency", "energy", "rank", "order")
    given = (scale, samples, time, frequency, energy, rank, order)
    return _told(parted(book, within(book, asked_ranges(dict(zip(names, given, strict=True))), reference)), context)


@node(facts=parted_facts)
def dbm_density(book: Book, *, density: ShareEnvelope, choice: Choice = "random", context: Context) -> Parted:
    """Let a part of all atoms stay, `yes`, which may change in time: coalescence where it grows, else disintegration.

    The others are in `no`; both together sound as the book. With the same seed and choice more density adds atoms to
    those that are there, so that a sound comes together or falls apart once, and not anew with each value.

    Parameters
    ----------
    book
        The atoms.
    density
        Part of all atoms that stays, over the seconds of the book, taken at the middle of each atom: [[0, 0],
        [0:10, 1]].
    choice
        'random', by the step's seed; or the 'strongest' or the 'weakest' of the whole book stay longest.
    """
    return parted(book, dense(book, density, choice, context.generator))


@node(facts=limit_facts)
def dbm_limit(
    book: Book,
    *,
    atoms: Annotated[int, Field(ge=0)] | None = None,
    per_second: AtomsEnvelope | None = None,
    context: Context,
) -> Parted:
    """Take no more than a number of atoms, the strongest, `yes`; the others are in `no`.

    Both together sound as the book.

    Parameters
    ----------
    book
        The atoms.
    atoms
        Most atoms in all.
    per_second
        Most atoms in each second, counted by their middles from the beginning of the book; over its seconds, taken in
        the middle of each. With `atoms` both limits hold.

    Raises
    ------
    MistakeError
        Where there is no limit.
    """
    refuse_no_limit(atoms, per_second)
    return _told(parted(book, strongest(book, atoms, per_second)), context)


@node(facts=split_facts)
def dbm_split(
    book: Book, *, layer: Annotated[int, Field(ge=1)], edges: Edges | None = None, context: Context
) -> Parted:
    """Take one layer of a book by the length of its atoms, `yes`; the others are in `no`.

    Layers count from 1 at the shortest atoms. All of them, each a book of its own, come by `each`:

        layers: {each: {layer: 5}, node: dbm_split, book: book, layer: $layer}

    where `layers.3` is one of them, and `layers` in a port that takes a list is all; they add up to the book.
    `dbm_layers` has them as sounds.

    Parameters
    ----------
    book
        The atoms.
    layer
        Number of the layer.
    edges
        Lengths at which a new layer begins: [1024, 4096] makes three layers, below 1024, from 1024 to 4095, and from
        4096 samples on. Each length of the book is a layer unless given.

    Raises
    ------
    MistakeError
        Where edges do not rise or there are fewer layers.
    """
    refuse_layers(edges, layer)
    return _told(parted(book, layer_of(book, layer, edges)), context)


def _told(parts: Parted, context: Context) -> Parted:
    """Say where one of both parts is empty."""
    if parts.no.count and not parts.yes.count:
        context.note(f"none of {parts.no.count} atoms is in 'yes': it is silent")
    if parts.yes.count and not parts.no.count:
        context.note(f"all {parts.yes.count} atoms are in 'yes', 'no' is silent")
    return parts
