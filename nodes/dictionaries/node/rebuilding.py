"""The sound of a book as a node."""

from typing import Annotated

import numpy as np
from pydantic import Field

from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.facts import layers_facts, refuse_layers, same_form
from nodes.values.audio import Audio, Takes
from pipelines.context import Context, release
from pipelines.mistakes import mistake
from pipelines.node import node
from pipelines.quantities import Unit

Edges = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=64), Unit("samples")]


@node(facts=same_form)
def dbm_rebuild(book: Book, *, context: Context) -> Audio:
    """Add the atoms of a book up: the way back from `dbm_decompose`.

    The book of a sound and the residual of its decomposition make the sound again. Any book can be heard, whatever has
    become of its atoms; what reaches beyond the beginning or the end of the sound is cut off. Nothing is scaled.

    Parameters
    ----------
    book
        The atoms.
    """
    from nodes.dictionaries.rebuilding import TILE, rebuilding

    sound = context.array((book.channels, book.samples), np.float32)
    tiles = -(-book.samples // TILE)
    for _ in context.progress(rebuilding(book, sound, tiles=32), total=-(-tiles // 32)):
        release(sound)
    return Audio(sound, book.sample_rate)


@node(facts=layers_facts)
def dbm_layers(book: Book, residual: Audio | None = None, *, edges: Edges | None = None, context: Context) -> Takes:
    """Rebuild each scale of a book as a take of its own: stems from clicks to tones, which add up to the whole.

    The takes are named by the lengths of their atoms in samples, from the shortest, and 'residual'. `dbm_split` has the
    layers as books, for operations on each.

    Parameters
    ----------
    book
        The atoms.
    residual
        What the decomposition left, as a last take; its form is that of the book.
    edges
        Lengths at which a new layer begins: [1024, 4096] makes three layers, below 1024, from 1024 to 4095, and from
        4096 samples on. Each length of the book is a layer unless given, at most 64.

    Raises
    ------
    MistakeError
        Where edges do not rise, there are more than 64 layers, or the residual has another form.
    """
    from nodes.dictionaries.operations.selecting import layer_of, layers_of
    from nodes.dictionaries.rebuilding import rebuilding

    refuse_layers(edges, None)
    form = (book.channels, book.samples)
    if residual is not None and residual.samples.shape != form:
        raise mistake(
            "the residual is not of this book",
            parameter="residual",
            given=f"{residual.channels} ch × {residual.length} samples",
            allowed=f"{form[0]} ch × {form[1]} samples",
        )
    names = layers_of(book, edges)
    takes = []
    for number, _ in enumerate(context.progress(names), 1):
        sound = context.array(form, np.float32)
        for _ in rebuilding(book.taken(layer_of(book, number, edges)), sound):
            release(sound)
        takes.append(sound)
    rest = {} if residual is None else {"residual": residual.samples}
    return Takes((*takes, *rest.values()), book.sample_rate, (*names, *rest))
