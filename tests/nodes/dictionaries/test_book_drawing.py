"""Pictures of books: where energy is drawn, and that every book has one."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from books import RATE, edge_books, random_book
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.node import dbm_picture
from nodes.dictionaries.wivigrams import grid_of, wivigram
from pipelines.mistakes import MistakeError


def inside(book):
    """The book without atoms that reach beyond the sound."""
    return book.taken((book.starts >= 0) & (book.starts + book.lengths <= book.samples))


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_cells_add_up_to_the_energies_of_the_atoms(seed):
    book = inside(random_book(60, 2, seed=seed))
    assert wivigram(book, grid_of(book)).sum() == pytest.approx(book.energies.sum(), rel=0.02)


@pytest.mark.parametrize(("start", "frequency"), [(200, 300.0), (2500, 1500.0), (3000, 3000.0)])
def test_an_atom_is_drawn_where_it_is(start, frequency):
    one = random_book(1)
    book = replace(
        one,
        starts=np.array([start]),
        lengths=np.array([400], np.int32),
        frequencies=np.array([frequency / RATE]),
        windows=np.array([1], np.uint8),
    )
    grid = grid_of(book)
    found = wivigram(book, grid)
    row, column = np.unravel_index(np.argmax(found), found.shape)
    assert grid.times[column] == pytest.approx(start + 200, abs=8)
    assert grid.frequencies[row] <= frequency * 1.05 and grid.frequencies[row + 1] >= frequency / 1.05


@pytest.mark.parametrize("number", range(5))
def test_every_book_has_a_picture(number, tmp_path):
    book = edge_books()[number]
    figure = book.draw()
    figure.savefig(tmp_path / "book.png")
    plt.close(figure)
    assert (tmp_path / "book.png").stat().st_size > 1000


@pytest.mark.parametrize("kind", ["wivigram", "spikegram", "decay"])
def test_each_kind_is_drawn_as_wide_as_asked(kind, tmp_path):
    colours = [None] if kind == "decay" else [None, "scale", "energy", "phase"]
    for colour in colours:
        value = dbm_picture(random_book(50), kind=kind, colour=colour, width=700, context=make_context(tmp_path))
        figure = value.draw()
        assert figure is not None
        plt.close(figure)


def test_a_decay_has_no_colours():
    from nodes.dictionaries.node.drawing import picture_facts

    with pytest.raises(MistakeError, match="one line"):
        picture_facts({}, {"kind": "decay", "colour": "phase"})
