from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from books import RATE, edge_books, random_book, same
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.book import Book, empty
from nodes.dictionaries.node import dbm_density, dbm_filter, dbm_limit, dbm_split
from nodes.dictionaries.operations.selecting import Parted, within
from nodes.dictionaries.rebuilding import rebuilt
from pipelines.mistakes import MistakeError
from pipelines.quantities import Envelope
from pipelines.value import freeze

Node = Callable[..., Parted]
HALF = Envelope(((0.0, 0.2), (0.5, 0.8)))
SELECTIONS: list[tuple[Node, dict[str, Any]]] = [
    (dbm_filter, {"frequency": [500.0, 2000.0], "time": [0.1, None], "energy": [-20.0, None]}),
    (dbm_filter, {"scale": [None, 0.05], "rank": [2.0, 30.0]}),
    (dbm_filter, {"samples": [100.0, 300.0], "order": [None, 20.0], "energy": [0.0, 6.0], "reference": "absolute"}),
    (dbm_density, {"density": HALF}),
    (dbm_density, {"density": HALF, "choice": "strongest"}),
    (dbm_density, {"density": HALF, "choice": "weakest"}),
    (dbm_limit, {"atoms": 7}),
    (dbm_limit, {"per_second": Envelope(((0.0, 5.0), (1.0, 30.0)))}),
    (dbm_limit, {"atoms": 20, "per_second": Envelope(((0.0, 25.0),))}),
    (dbm_split, {"layer": 2, "edges": [100, 300]}),
    (dbm_split, {"layer": 1}),
]


@pytest.mark.parametrize(("node", "parameters"), SELECTIONS)
@given(count=st.integers(0, 60), channels=st.integers(1, 3), seed=st.integers(0, 9))
@settings(max_examples=8, deadline=None)
def test_yes_and_no_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    node: Node,
    parameters: dict[str, Any],
    count: int,
    channels: int,
    seed: int,
) -> None:
    book = freeze(random_book(count, channels, seed=seed))
    yes, no = node(book, **parameters, context=make_context(tmp_path_factory.mktemp("c"), seed))
    assert yes.count + no.count == book.count
    np.testing.assert_allclose(rebuilt(yes) + rebuilt(no), rebuilt(book), rtol=0, atol=1e-5)


@pytest.mark.parametrize("book", edge_books())
@pytest.mark.parametrize(("node", "parameters"), SELECTIONS)
def test_edges(node: Node, parameters: dict[str, Any], book: Book, tmp_path: Path) -> None:
    yes, no = node(book, **parameters, context=make_context(tmp_path))
    assert yes.count + no.count == book.count
    assert yes.channels == no.channels == book.channels


def test_each_range_is_that_of_its_axis() -> None:
    book = random_book(200, 2)
    energies = book.energies
    expected = {
        "scale": ([0.01, 0.03], book.lengths / RATE),
        "samples": ([100, 200], book.lengths),
        "time": ([0.1, 0.3], (book.starts + book.lengths / 2) / RATE),
        "frequency": ([300, 900], book.frequencies * RATE),
        "energy": ([-12, -3], 10 * np.log10(energies / energies.max())),
        "order": ([5, 9], np.arange(1, 201)),
    }
    for name, (ends, values) in expected.items():
        which = within(book, {name: ends}, "strongest")
        np.testing.assert_array_equal(which, (values >= ends[0]) & (values <= ends[1]), err_msg=name)
        assert which.any(), name
    best = within(book, {"rank": [1, 10]}, "strongest")
    assert best.sum() == 10
    assert energies[best].min() >= energies[~best].max()
    absolute = within(book, {"energy": [3, None]}, "absolute")
    np.testing.assert_array_equal(absolute, energies >= 10**0.3)


def test_ends_are_included_and_ranges_are_combined(tmp_path: Path) -> None:
    book = replace(random_book(4), lengths=np.array([64, 128, 256, 512], np.int32))
    yes, _ = dbm_filter(book, samples=[128.0, 256.0], order=[3.0, None], context=make_context(tmp_path))
    assert yes.lengths.tolist() == [256]


def test_an_empty_part_is_told(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    dbm_filter(random_book(4), samples=[100_000.0, None], context=context)
    dbm_limit(random_book(4), atoms=9, context=context)
    assert ["none of 4" in context.recorder.notes[0], "all 4" in context.recorder.notes[1]] == [True, True]


def test_a_filter_needs_a_range(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="needs a range"):
        dbm_filter(random_book(4), context=make_context(tmp_path))


def test_density_keeps_its_part_and_grows(tmp_path: Path) -> None:
    book = replace(random_book(4000), lengths=np.ones(4000, np.int32))
    kept: list[set[int]] = []
    for density in (0.0, 0.25, 0.7, 1.0):
        book = replace(book, starts=np.arange(4000))
        yes, _ = dbm_density(book, density=Envelope(((0.0, density),)), context=make_context(tmp_path, 3))
        assert abs(yes.count - 4000 * density) < 100
        kept.append(set(yes.starts.tolist()))
    assert kept[0] < kept[1] < kept[2] < kept[3]
    assert len(kept[3]) == 4000


def test_density_follows_its_envelope_and_its_seed(tmp_path: Path) -> None:
    book = random_book(3000)
    ramp = Envelope(((0.0, 0.0), (0.5, 1.0)))
    one, again, other = (dbm_density(book, density=ramp, context=make_context(tmp_path, s)).yes for s in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)
    early, late = np.count_nonzero(one.centres < 0.25), np.count_nonzero(one.centres >= 0.25)
    assert late > 2 * early


def test_density_of_the_strongest(tmp_path: Path) -> None:
    book = random_book(100)
    quarter = Envelope(((0.0, 0.25),))
    strong, rest = dbm_density(book, density=quarter, choice="strongest", context=make_context(tmp_path))
    assert strong.count == 25
    assert strong.energies.min() > rest.energies.max()
    weak, rest = dbm_density(book, density=quarter, choice="weakest", context=make_context(tmp_path))
    assert weak.count == 25
    assert weak.energies.max() < rest.energies.min()


def test_limits(tmp_path: Path) -> None:
    book = replace(random_book(500, samples=20_000), samples=20_000)
    context = make_context(tmp_path)
    yes, no = dbm_limit(book, atoms=40, context=context)
    assert yes.count == 40
    assert yes.energies.min() >= no.energies.max()
    assert dbm_limit(book, atoms=0, context=context).yes.count == 0
    yes, no = dbm_limit(book, per_second=Envelope(((0.0, 20.0),)), context=context)
    slots = np.clip(np.floor(yes.centres), 0, 2)
    assert np.bincount(slots.astype(int)).tolist() == [20, 20, 10]  # the last second is half a one
    others = np.clip(np.floor(no.centres), 0, 2)
    for slot in range(3):
        assert yes.energies[slots == slot].min() >= no.energies[others == slot].max()
    with pytest.raises(MistakeError, match="needs a number"):
        dbm_limit(book, context=context)


def test_layers_are_the_whole(tmp_path: Path) -> None:
    book = replace(random_book(60), lengths=np.array([64, 256, 1024], np.int32)[np.arange(60) % 3])
    context = make_context(tmp_path)
    layers = [dbm_split(book, layer=number, context=context).yes for number in (1, 2, 3)]
    assert [set(layer.lengths.tolist()) for layer in layers] == [{64}, {256}, {1024}]
    edged = [dbm_split(book, layer=number, edges=[256], context=context).yes for number in (1, 2)]
    assert [set(layer.lengths.tolist()) for layer in edged] == [{64}, {256, 1024}]
    with pytest.raises(MistakeError, match="fewer layers") as error:
        dbm_split(book, layer=4, context=context)
    assert "64, 256, 1024" in str(error.value)
    with pytest.raises(MistakeError, match="fewer layers"):
        dbm_split(empty(1, 10, RATE), layer=3, edges=[256], context=context)
    assert dbm_split(empty(1, 10, RATE), layer=3, context=context).yes.count == 0
