"""Pictures of books: `dbm_picture`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from nodes.dictionaries.book import Book
from nodes.values import Figure
from nodes.values.pages import PAGE
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit


def picture_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse colours of what has none."""
    if parameters["kind"] == "decay" and parameters["colour"] is not None:
        raise mistake(
            "the decay is one line", parameter="colour", given=parameters["colour"], allowed="null with kind: decay"
        )
    return {"value": {}}


@node(facts=picture_facts)
def dbm_picture(
    book: Book,
    *,
    kind: Literal["wivigram", "spikegram", "decay"] = "wivigram",
    colour: Literal["scale", "energy", "phase"] | None = None,
    width: Annotated[int, Field(ge=400, le=8000), Unit("pixels")] = 1650,
    context: Context,
) -> Figure:
    """Draw a book by time and frequency, or how its energy falls from atom to atom.

    Parameters
    ----------
    book
        Any book.
    kind
        'wivigram': the sum of the Wigner-Ville distributions of the atoms, without the cross terms that those of a
        sound have between its parts. 'spikegram': a dot for each of the strongest 20 000 atoms, larger where it is
        stronger. 'decay': how much is left of the energies of all atoms after the first, the second, …; an estimate,
        as atoms overlap, and one of the book alone: what it leaves of the sound is not in it.
    colour
        'scale': the length of the atoms. 'energy': their level in dB below the strongest, in a wivigram that of each
        place. 'phase': that of the loudest channel in the middle of the atom. Of a wivigram the colour is the mean
        of what lies at a place. null for energy in a wivigram and scale in a spikegram.
    width
        Width of the picture.

    Raises
    ------
    MistakeError
        Where the decay, which is one line, shall have colours.
    """
    from nodes.dictionaries.drawing import draw_kinds
    from nodes.scattering.multiples import own_style, pixels_of

    picture_facts({}, {"kind": kind, "colour": colour})
    if not book.count:
        context.note("the book has no atoms: the picture is empty")
    with own_style():
        figure = draw_kinds(book, [(kind, colour or ("scale" if kind == "spikegram" else "energy"))])
        return Figure(pixels_of(figure, width / PAGE))
