from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from books import RATE, edge_books, naive, random_book, tone_book
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

import nodes.dictionaries.rebuilding as rebuilding_module
from nodes.dictionaries.book import Book, empty
from nodes.dictionaries.node import dbm_layers, dbm_rebuild
from nodes.dictionaries.rebuilding import TILE, rebuilt
from nodes.dictionaries.windows import WINDOWS
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.value import freeze
from pipelines.workers import set_workers


def exact(book: Book) -> np.ndarray:
    return rebuilt(book, np.zeros((book.channels, book.samples)))


@given(st.integers(0, 40), st.integers(1, 3), st.integers(1, 3000), st.integers(0, 99), st.integers(2, 900))
@settings(max_examples=40, deadline=None)
def test_it_is_what_the_definition_says(count: int, channels: int, samples: int, seed: int, longest: int) -> None:
    book = random_book(count, channels, samples, seed, longest)
    np.testing.assert_allclose(exact(book), naive(book), rtol=0, atol=1e-12 * (1 + count))


@pytest.mark.parametrize("window", range(len(WINDOWS)))
def test_long_atoms_keep_their_phase(window: int) -> None:
    length = 150_000
    book = Book(
        np.array([-20_000, 70_000]),
        np.full(2, length, np.int32),
        np.array([0.123456789, 0.4999]),
        np.full(2, window, np.uint8),
        np.array([[30 + 40j, 50]], np.complex64),
        200_000,
        RATE,
    )
    np.testing.assert_allclose(exact(book), naive(book), rtol=0, atol=1e-9)


@pytest.mark.parametrize("book", edge_books())
def test_edges(book: Book) -> None:
    assert rebuilt(book).dtype == np.float32
    np.testing.assert_allclose(rebuilt(book), naive(book), rtol=0, atol=1e-5)


def test_ends_of_frequency() -> None:
    book = replace(random_book(2), frequencies=np.array([0.0, 0.5]))
    np.testing.assert_allclose(exact(book), naive(book), rtol=0, atol=1e-11)


def test_windows_of_too_many_lengths_are_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    book = random_book(60, 2, 90_000, longest=40_000)
    tabled = exact(book)
    monkeypatch.setattr(rebuilding_module, "TABLED", 0)
    np.testing.assert_allclose(exact(book), tabled, rtol=0, atol=1e-8)


def test_short_windows_are_interpolated_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    book = random_book(300, longest=12)
    tabled = exact(book)
    monkeypatch.setattr(rebuilding_module, "TABLED", 0)
    np.testing.assert_allclose(exact(book), tabled, rtol=0, atol=1e-8)


def test_workers_change_nothing() -> None:
    book = random_book(500, 2, 5 * TILE + 77, longest=9000)
    results = []
    try:
        for count in (1, 2, 5):
            set_workers(count)
            results.append(rebuilt(book))
    finally:
        set_workers(0)
    assert results[0].any()
    assert all(np.array_equal(results[0], result) for result in results)


def test_what_lies_outside_is_not_heard() -> None:
    book = replace(random_book(3), starts=np.array([-600, 4000, 10**12]), lengths=np.full(3, 600, np.int32))
    assert not rebuilt(book).any()


def test_it_is_linear_in_books() -> None:
    book = random_book(100, 2)
    half = np.arange(100) % 2 == 0
    whole = exact(book)
    np.testing.assert_allclose(exact(book.taken(half)) + exact(book.taken(~half)), whole, rtol=0, atol=1e-12)


def test_a_tone_of_atoms_is_a_tone() -> None:
    sound = rebuilt(tone_book(441.3))[0]
    expected = 0.5 * np.cos(2 * np.pi * 441.3 * np.arange(len(sound)) / RATE)
    np.testing.assert_allclose(sound, expected, atol=1e-6)


def test_the_node_leaves_the_sound_on_disk(tmp_path: Path) -> None:
    book = freeze(random_book(50, 2, 40 * TILE))
    context = make_context(tmp_path)
    audio = dbm_rebuild(book, context=context)
    assert audio.sample_rate == RATE
    np.testing.assert_array_equal(audio.samples, rebuilt(book))
    assert context.recorder.heard[-1] == ("step", 2, 2)


@pytest.mark.parametrize("book", edge_books())
def test_the_node_takes_edges(book: Book, tmp_path: Path) -> None:
    assert dbm_rebuild(book, context=make_context(tmp_path)).samples.shape == (book.channels, book.samples)


def test_layers_add_up(tmp_path: Path) -> None:
    book = random_book(60, 2)
    book = replace(book, lengths=np.array([64, 256, 1024], np.int32)[np.arange(60) % 3])
    residual = Audio(np.full((2, 4000), 0.25, np.float32), RATE)
    takes = dbm_layers(book, residual, context=make_context(tmp_path))
    assert takes.labels == ("64", "256", "1024", "residual")
    np.testing.assert_allclose(sum(takes.samples), rebuilt(book) + 0.25, atol=1e-5)
    grouped = dbm_layers(book, edges=[256, 2000], context=make_context(tmp_path))
    assert grouped.labels == ("1-255", "256-1999", "2000-")
    assert not grouped.samples[2].any()


def test_layers_of_silence(tmp_path: Path) -> None:
    takes = dbm_layers(empty(2, 100, RATE), context=make_context(tmp_path))
    assert takes.labels == ("silence",)
    assert not takes.samples[0].any()


def test_layers_refuse_what_does_not_fit(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    with pytest.raises(MistakeError, match="too many for a layer each"):
        dbm_layers(random_book(500), context=context)
    with pytest.raises(MistakeError, match="must rise"):
        dbm_layers(random_book(5), edges=[512, 512], context=context)
    with pytest.raises(MistakeError, match="not of this book"):
        dbm_layers(random_book(5), Audio(np.zeros((2, 4000), np.float32), RATE), context=context)
