from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from books import FIELDS, RATE, edge_books, naive, random_book, same
from contexts import RecordedContext, make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.book import Book
from nodes.dictionaries.morphing import exchanged, morphed
from nodes.dictionaries.node import dbm_exchange, dbm_morph
from nodes.dictionaries.node.morphing import morph_facts
from nodes.dictionaries.pairing import Distances, pairs_of
from pipelines.mistakes import MistakeError
from pipelines.node import Facts
from pipelines.quantities import Envelope

WIDE = Distances(reach=1000.0)


def at(value: float) -> Envelope:
    return Envelope(((0.0, value),))


def atoms(book: Book) -> set[tuple[Any, ...]]:
    rows = zip(*(getattr(book, name).tolist() for name in FIELDS[:-1]), book.weights.T.tolist(), strict=True)
    return {(*row[:-1], tuple(row[-1])) for row in rows}


@pytest.fixture
def context(tmp_path: Path) -> RecordedContext:
    return make_context(tmp_path)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 30), min_size=2, max_size=4),
    channels=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
    reach=st.sampled_from([0.1, 4.0, 1000.0]),
)
def test_at_each_book_the_atoms_are_its_own(
    sizes: list[int], channels: int, seed: int, reach: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    books = [random_book(size, channels, seed=seed + number) for number, size in enumerate(sizes)]
    context = make_context(tmp_path_factory.getbasetemp())
    for number, book in enumerate(books):
        found = dbm_morph(books, position=at(number), reach=reach, context=context)
        assert found.count == book.count
        assert atoms(found) == atoms(book)
        assert found.weights.dtype == np.complex64
        assert [getattr(found, name).dtype for name in FIELDS] == [getattr(book, name).dtype for name in FIELDS]


def one(start: int, length: int, frequency: float, weight: complex, window: int = 0) -> Book:
    arrays = [np.array([start]), np.array([length], np.int32), np.array([frequency]), np.array([window], np.uint8)]
    return Book(*arrays, np.array([[weight]], np.complex64), 4000, RATE)


def test_halfway_is_in_the_middle(context: RecordedContext) -> None:
    first, second = one(1000, 256, 0.05, 0.1), one(1400, 1024, 0.2, 0.4j, 1)
    found = morphed([first, second], at(0.5), WIDE, context)
    assert found.count == 1
    assert (int(found.lengths[0]), int(found.windows[0])) == (512, 1)
    assert found.starts[0] + 256 == pytest.approx((1128 + 1912) / 2, abs=0.5)
    assert found.frequencies[0] == pytest.approx(0.1)
    assert abs(found.weights[0, 0]) ** 2 == pytest.approx((0.1**2 + 0.4**2) / 2)
    middles = [np.angle(book.weights[0, 0]) + np.pi * book.frequencies[0] * book.lengths[0] for book in (first, second)]
    middle = np.angle(found.weights[0, 0]) + np.pi * found.frequencies[0] * found.lengths[0]
    across = np.angle(np.exp(1j * (middles[1] - middles[0])))
    assert np.exp(1j * middle) == pytest.approx(np.exp(1j * (middles[0] + across / 2)), abs=1e-6)


def test_what_finds_no_partner_fades(context: RecordedContext) -> None:
    first, second = one(1000, 256, 0.05, 0.1), one(3000, 256, 0.4, 0.4)
    found = dbm_morph([first, second], position=at(0.25), reach=1.0, context=context)
    np.testing.assert_allclose(
        np.abs(found.weights[0]) ** 2, [np.sin(np.pi / 8) ** 2 * 0.4**2, np.cos(np.pi / 8) ** 2 * 0.1**2], rtol=1e-5
    )
    assert found.starts.tolist() == [3000, 1000]


def test_a_moving_position_begins_with_the_first_and_ends_with_the_second(context: RecordedContext) -> None:
    books = [random_book(300, samples=8 * RATE, seed=seed) for seed in (1, 2, 3)]
    position = Envelope(((0.0, 0.0), (2.0, 0.0), (3.0, 1.0), (5.0, 1.0), (6.0, 2.0), (8.0, 2.0)))
    found = dbm_morph(books, position=position, context=context)
    for number, (start, stop) in enumerate([(0, 2), (3, 5), (6, 8)]):
        parts = [book.taken((book.centres > start) & (book.centres < stop)) for book in (found, books[number])]
        assert atoms(parts[0]) == atoms(parts[1])
    assert found.samples == 8 * RATE


def test_the_morph_of_a_book_with_itself_is_itself(context: RecordedContext) -> None:
    book = random_book(80, 2)
    found = dbm_morph([book, book], position=at(0.3), context=context)
    np.testing.assert_allclose(naive(found), naive(book), atol=1e-5)


def test_pairs_are_optimal_and_single() -> None:
    """Against all permutations of a few atoms of one scale."""
    from itertools import permutations

    books = [replace(random_book(6, seed=seed), lengths=np.full(6, 256, np.int32)) for seed in (4, 5)]
    places = [WIDE.places(book) for book in books]
    costs = np.square(places[0][:, None] - places[1][None]).sum(2)
    best = min(sum(costs[row, column] for row, column in enumerate(order)) for order in permutations(range(6)))
    pairs = pairs_of(*books, WIDE)
    assert costs[pairs[:, 0], pairs[:, 1]].sum() == pytest.approx(best)


def test_many_atoms_are_paired_once_within_reach() -> None:
    first, second = random_book(3000, samples=40_000, seed=1), random_book(2000, samples=40_000, seed=2)
    distances = Distances(reach=3.0)
    pairs = pairs_of(first, second, distances)
    assert all(len(np.unique(pairs[:, side])) == len(pairs) for side in (0, 1))
    apart = distances.places(first)[pairs[:, 0]] - distances.places(second)[pairs[:, 1]]
    assert np.square(apart).sum(1).max() <= 9.0
    assert len(pairs) > 1500
    np.testing.assert_array_equal(pairs, pairs_of(first, second, distances))


def test_many_atoms_are_paired_as_by_a_dense_assignment() -> None:
    """Against SciPy's, in which a pair may be of any two atoms, and an atom alone costs the square of the reach."""
    from scipy.optimize import linear_sum_assignment

    distances = Distances(reach=3.0)
    first, second = (
        replace(random_book(300, samples=40_000, seed=seed), lengths=np.full(300, 64, np.int32)) for seed in (1, 2)
    )
    places = [distances.places(book) for book in (first, second)]
    costs = np.square(places[0][:, None] - places[1][None]).sum(2)
    rows, columns = linear_sum_assignment(np.minimum(costs, 9.0))
    pairs = pairs_of(first, second, distances)
    found = costs[pairs[:, 0], pairs[:, 1]].sum() + 9.0 * (300 - len(pairs))
    assert found == pytest.approx(np.minimum(costs, 9.0)[rows, columns].sum(), rel=0.01)


def test_pairs_do_not_stop_at_a_moment() -> None:
    """One book is even in time, the other in bursts: around each the even one gives what it has, and no more."""
    rng = np.random.default_rng(0)
    even, bursts = (
        replace(random_book(4000, samples=10 * RATE, seed=seed), lengths=np.full(4000, 64, np.int32)) for seed in (1, 2)
    )
    even = replace(even, starts=np.sort(rng.integers(0, 10 * RATE, 4000)))
    bursts = replace(
        bursts, starts=np.rint((rng.integers(0, 10, 4000) + rng.normal(0.5, 0.05, 4000)) * RATE).astype(np.int64)
    )
    pairs = pairs_of(even, bursts, Distances(time=0.05, frequency=5.0, reach=4.0))
    all_of_them, paired = (
        np.bincount((centres * 20).astype(int), minlength=200)[:200].reshape(10, 20).sum(0)
        for centres in (even.centres, even.centres[pairs[:, 0]])
    )
    share = paired / all_of_them
    assert share[8:12].min() > 0.9 and np.r_[share[:3], share[-3:]].max() < 0.3


def test_many_atoms_at_one_place_are_paired() -> None:
    first, second = (replace(random_book(1000, seed=seed), starts=np.zeros(1000, np.int64)) for seed in (1, 2))
    first, second = (
        replace(book, frequencies=np.full(1000, 0.1), lengths=np.full(1000, 64, np.int32)) for book in (first, second)
    )
    assert len(pairs_of(first, second, WIDE)) >= 16


def test_the_loudness_goes_evenly_from_one_to_the_other(context: RecordedContext) -> None:
    """Energies of atoms lie between those of the books, in proportion: there is no dip halfway."""
    books = [random_book(3000, samples=40_000, seed=seed) for seed in (1, 2)]
    ends = [book.energies.sum() for book in books]
    for place in (0.25, 0.5, 0.75):
        found = dbm_morph(books, position=at(place), context=context)
        share = np.sin(np.pi / 2 * place) ** 2
        assert found.energies.sum() == pytest.approx((1 - share) * ends[0] + share * ends[1], rel=0.02)
        assert (np.diff(found.energies) <= 0).all()


def test_one_channel_goes_with_several_and_the_longest_counts(context: RecordedContext) -> None:
    found = dbm_morph([random_book(5), random_book(7, 3, samples=9000)], position=at(0.5), context=context)
    assert (found.channels, found.samples) == (3, 9000)


@pytest.mark.parametrize("book", edge_books())
def test_every_book_morphs_and_exchanges(book: Book, context: RecordedContext) -> None:
    other = random_book(10, seed=3)
    assert np.isfinite(dbm_morph([book, other], position=at(0.4), context=context).weights).all()
    for by in ("rank", "nearest"):
        found = dbm_exchange(book, other, by=by, what="weights", context=context)  # type: ignore[arg-type]
        assert np.isfinite(found.weights).all()
        assert found.channels == book.channels


def test_what_cannot_be_morphed_is_refused(context: RecordedContext) -> None:
    book = random_book(3)
    with pytest.raises(MistakeError, match="at least two"):
        dbm_morph([book], position=at(0), context=context)
    with pytest.raises(MistakeError, match="no book at this position"):
        dbm_morph([book, book], position=at(1.5), context=context)
    with pytest.raises(MistakeError, match="sample rates"):
        dbm_morph([book, replace(book, sample_rate=44100)], position=at(0), context=context)
    with pytest.raises(MistakeError, match="numbers of channels"):
        dbm_morph([random_book(3, 2), random_book(3, 3)], position=at(0), context=context)
    with pytest.raises(MistakeError, match="sample rates"):
        dbm_exchange(book, replace(book, sample_rate=44100), context=context)


def test_a_plan_refuses_channels_that_differ_and_tells_the_form() -> None:
    def told(*known: Facts | None) -> Facts:
        return morph_facts({"books": list(known)}, {"position": at(1)})["value"]

    assert told({"channels": 1, "duration": 2.0}, {"channels": 3, "duration": 1.0}) == {"channels": 3, "duration": 2.0}
    assert told({"channels": 2}, None) == {}
    with pytest.raises(MistakeError, match="numbers of channels"):
        told({"channels": 2}, None, {"channels": 3})


def test_exchange_by_rank_keeps_energy_and_the_order_of_the_other() -> None:
    book, other = random_book(40, 2, seed=1), random_book(60, 3, seed=2)
    found, lost = exchanged(book, other, "rank", "magnitudes", WIDE)
    assert lost == 0
    own, lent, kept = (np.square(np.abs(each.weights)).sum(0) for each in (book, other, found))
    assert kept.sum() == pytest.approx(own.sum(), rel=1e-5)
    ratio = np.sort(kept)[::-1] / np.sort(lent)[::-1][:40]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    np.testing.assert_array_equal(np.argsort(kept), np.argsort(own))
    np.testing.assert_allclose(np.angle(found.weights), np.angle(book.weights), atol=1e-5)
    for name in FIELDS[:-1]:
        np.testing.assert_array_equal(getattr(found, name), getattr(book, name))


def test_fewer_atoms_leave_out_the_weakest(context: RecordedContext) -> None:
    book = random_book(40, seed=1)
    found = dbm_exchange(book, random_book(10, seed=2), context=context)
    strongest = np.sort(np.argsort(-book.energies)[:10])
    np.testing.assert_array_equal(found.starts, book.starts[strongest])
    assert "30 atoms of 40" in context.recorder.notes[0]


def test_a_book_exchanged_with_itself_is_itself(context: RecordedContext) -> None:
    book = random_book(30, 2)
    for by in ("rank", "nearest"):
        for what in ("magnitudes", "phases", "weights"):
            found = dbm_exchange(book, book, by=by, what=what, context=context)  # type: ignore[arg-type]
            np.testing.assert_allclose(found.weights, book.weights, atol=1e-5)


def test_the_nearest_lends_its_weight(context: RecordedContext) -> None:
    book, other = random_book(2, seed=1), random_book(30, seed=2)
    found = dbm_exchange(book, other, by="nearest", context=context)
    places = [Distances().places(each) for each in (book, other)]
    nearest = np.square(places[0][:, None] - places[1][None]).sum(2).argmin(1)
    ratio = found.energies / other.energies[nearest]
    assert ratio[0] == pytest.approx(ratio[1], rel=1e-5)


def test_no_atoms_from_no_books(context: RecordedContext) -> None:
    nothing = edge_books()[0]
    assert same(dbm_morph([nothing, nothing], position=at(0.5), context=context), nothing)
