from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from books import RATE, Array, edge_books, random_book
from contexts import make_context

from nodes.dictionaries.book import Book
from nodes.dictionaries.drawing import decay_of, draw_kinds
from nodes.dictionaries.node import dbm_picture
from nodes.dictionaries.windows import WINDOWS, window_of
from nodes.dictionaries.wivigrams import Grid, grid_of, wivigram
from pipelines.mistakes import MistakeError


def one_atom(kind: str, start: int = 900, length: int = 512, frequency: float = 0.17, samples: int = 4000) -> Book:
    return Book(
        np.array([start]),
        np.array([length], np.int32),
        np.array([frequency]),
        np.array([WINDOWS.index(kind)], np.uint8),
        np.array([[0.6 - 0.2j]], np.complex64),
        samples,
        RATE,
    )


def wigner_ville(signal: Array, points: int) -> Array:
    """samples × points: the discrete distribution of an analytic signal at frequencies 0 … 0.5, by its definition."""
    count = len(signal)
    found = np.zeros((count, points))
    lags = np.arange(-(count // 2), count // 2)
    frequencies = (np.arange(points) + 0.5) / points / 2
    turns = np.exp(-4j * np.pi * np.outer(lags, frequencies))
    padded = np.pad(signal, count)
    for time in range(count):
        products = padded[count + time + lags] * np.conj(padded[count + time - lags])
        found[time] = np.real(products @ turns)
    return found


def test_a_gaussian_atom_is_its_wigner_ville_distribution() -> None:
    """Against the definition, computed directly."""
    length, points = 64, 100
    book = one_atom("gauss", start=20, length=length, frequency=0.2 + 0.25 / points, samples=100)
    signal = np.zeros(100, complex)
    signal[20:84] = window_of("gauss", length) * np.exp(2j * np.pi * book.frequencies[0] * np.arange(length))
    direct = wigner_ville(signal, points)
    direct *= book.energies[0] / direct.sum()
    evenly = Grid(np.arange(101.0), np.linspace(0, RATE / 2, points + 1), RATE)
    evenly.frequencies[0] = 1e-9
    found = wivigram(book, evenly).T
    assert np.abs(found - direct).max() < 0.06 * direct.max()
    np.testing.assert_allclose(found.sum(1), direct.sum(1), atol=0.02 * direct.sum(1).max())


@pytest.mark.parametrize("kind", WINDOWS)
def test_all_energy_is_in_the_picture(kind: str) -> None:
    book = one_atom(kind)
    found = wivigram(book, grid_of(book, columns=200))
    assert found.sum() == pytest.approx(book.energies[0], rel=1e-6)
    assert found.min() > -1e-9 * found.max()


def test_an_atom_is_where_it_sounds() -> None:
    book = one_atom("hann")
    grid = grid_of(book, columns=100)
    row, column = np.unravel_index(np.argmax(wivigram(book, grid)), (grid.rows, grid.columns))
    assert abs(column - (900 + 256) / 40) <= 1
    assert grid.frequencies[row - 1] <= 0.17 * RATE <= grid.frequencies[row + 2]


def test_pictures_of_two_books_add_up_without_cross_terms() -> None:
    one, other = one_atom("hann"), one_atom("hann", start=2000, frequency=0.03)
    both = replace(one, **{
        name: np.concatenate([getattr(one, name), getattr(other, name)], axis=-1)
        for name in ("starts", "lengths", "frequencies", "windows", "weights")
    })  # fmt: skip
    grid = grid_of(one)
    np.testing.assert_allclose(wivigram(both, grid), wivigram(one, grid) + wivigram(other, grid), atol=1e-9)


def test_atoms_longer_than_the_sound_show_the_part_within() -> None:
    book = one_atom("rectangular", start=-1000, length=4000, samples=1000)
    assert wivigram(book, grid_of(book)).sum() == pytest.approx(book.energies[0] / 4, rel=1e-6)


def test_decay_is_of_the_energies_in_order() -> None:
    book = random_book(50, 2)
    energies = book.energies
    expected = [10 * np.log10(energies[k:].sum() / energies.sum()) for k in range(50)]
    np.testing.assert_allclose(decay_of(book), expected, atol=1e-9)


@pytest.mark.parametrize("book", edge_books())
def test_every_book_can_be_drawn(book: Book, tmp_path: Path) -> None:
    kinds = [(kind, colour) for kind in ("wivigram", "spikegram") for colour in ("scale", "energy", "phase")]
    draw_kinds(book, [*kinds, ("decay", "energy")]).savefig(tmp_path / "all.png", dpi=20)
    book.draw().savefig(tmp_path / "book.png", dpi=20)


def test_the_spikegram_has_a_dot_for_each_atom_up_to_most() -> None:
    axes = draw_kinds(random_book(300), [("spikegram", "scale")]).axes[0]
    assert len(axes.collections[0].get_offsets()) == 300  # type: ignore[arg-type]
    many = draw_kinds(random_book(20_100), [("spikegram", "scale")]).axes[0]
    assert len(many.collections[0].get_offsets()) == 20_000  # type: ignore[arg-type]
    assert many.collections[0].get_rasterized()


@pytest.mark.parametrize("kind", ["wivigram", "spikegram", "decay"])
def test_the_node_gives_pixels(kind: str, tmp_path: Path) -> None:
    picture = dbm_picture(random_book(30), kind=kind, width=400, context=make_context(tmp_path))  # type: ignore[arg-type]
    again = dbm_picture(random_book(30), kind=kind, width=400, context=make_context(tmp_path))  # type: ignore[arg-type]
    assert picture.pixels.shape[1:] == (400, 3)
    assert picture.pixels.std() > 1
    np.testing.assert_array_equal(picture.pixels, again.pixels)


def test_colours_of_the_decay_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="one line"):
        dbm_picture(random_book(3), kind="decay", colour="phase", context=make_context(tmp_path))
