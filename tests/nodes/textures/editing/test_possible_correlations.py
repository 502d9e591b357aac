"""Correlations of some pairs of bands: left alone where a sound can have them, else brought near."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.auditory.model import NEAR_PAIRS, PAIRS, pairs_of
from nodes.textures.editing import correlations
from nodes.textures.editing.correlations import TOLERANCE, Pairs, cycle_of, matrices_of, nearest_possible


def pairs(bands: int, distances: tuple[int, ...]) -> Pairs:
    first, second = pairs_of(bands, distances)
    return Pairs(np.arange(len(first)), first, second, bands)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 24), st.sampled_from([PAIRS, NEAR_PAIRS]), st.floats(0, 3))
def test_entries_of_a_correlation_matrix_stay_to_the_bit(
    seed: int, bands: int, distances: tuple[int, ...], common: float
) -> None:
    generator = np.random.default_rng(seed)
    signals = generator.standard_normal((bands, 400)) + common * generator.standard_normal(400)
    known = pairs(bands, distances)
    entries = np.asarray(np.corrcoef(signals))[known.first, known.second][None]
    np.testing.assert_array_equal(nearest_possible(entries, known), entries)


def test_three_bands_that_exclude_each_other_come_to_the_known_limit() -> None:
    known = pairs(3, (1, 2))
    found = nearest_possible(np.full((1, 3), -0.9), known)
    np.testing.assert_allclose(found, -0.5, atol=1e-6)  # the least that three can all have with each other


def test_with_all_entries_known_it_is_near_the_nearest_correlation_matrix() -> None:
    bands = 4
    known = pairs(bands, (1, 2, 3))
    wanted = {(0, 1): -1.0, (1, 2): -1.0, (2, 3): -1.0}
    given_entries = np.array([[wanted.get((i, j), 0.0) for i, j in zip(known.first, known.second, strict=True)]])
    found = nearest_possible(given_entries, known)[0]
    matrix = np.eye(bands)
    matrix[known.first, known.second] = matrix[known.second, known.first] = found
    assert np.linalg.eigvalsh(matrix)[0] > -1e-9
    # Higham (2002), the 4 × 4 tridiagonal example: its nearest correlation matrix is 2.1339 away
    target = np.eye(bands)
    target[known.first, known.second] = target[known.second, known.first] = given_entries[0]
    assert np.linalg.norm(matrix - target) < 1.25 * 2.1339


def test_what_is_found_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    known = pairs(10, PAIRS)
    wild = generator.uniform(-1, 1, (5, len(known.first)))
    found = nearest_possible(wild, known)
    assert np.abs(found - wild).max() > 0.1
    monkeypatch.setattr(correlations, "ROUNDS", 5000)  # on the very border projections need long to see it
    assert np.abs(nearest_possible(found, known) - found).max() <= TOLERANCE


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 14), st.floats(0, 3))
def test_coherences_of_channels_stay_to_the_bit(seed: int, channels: int, common: float) -> None:
    generator = np.random.default_rng(seed)
    noises = generator.standard_normal((2, channels + 1, 400))
    signals = noises[0, 1:] + 1j * noises[1, 1:] + common * (noises[0, 0] + 1j * noises[1, 0])
    known = cycle_of(channels)
    matrix = signals @ signals.conj().T
    matrix /= np.sqrt(np.outer(*[np.diagonal(matrix).real] * 2))
    entries = matrix[known.first, known.second][None]
    assert len(entries[0]) == (1 if channels == 2 else channels)
    np.testing.assert_array_equal(nearest_possible(entries, known), entries)


def test_coherences_beyond_one_and_those_of_three_that_exclude_each_other_come_to_the_known_limits() -> None:
    (two,) = nearest_possible(np.array([[1.2 * np.exp(0.7j)]]), cycle_of(2))
    np.testing.assert_allclose(two, np.exp(0.7j), atol=1e-5)
    turns = np.exp(2j * np.pi * np.array([0.1, 0.3, -0.4]))  # of no sum: what is left is that of all -0.9
    three = nearest_possible(-0.9 * turns[None], cycle_of(3))[0]
    np.testing.assert_allclose(three, -0.5 * turns, atol=1e-6)
    same = nearest_possible(0.9 * turns[None], cycle_of(3))[0]
    np.testing.assert_array_equal(same, 0.9 * turns)


def test_matrices_are_found_by_rate_and_only_without_lag() -> None:
    frequency, other = np.array([1.0, 1, 2] * 2), np.array([2.0, 3, 3] * 2)
    assert len(matrices_of({"frequency": frequency, "other": other, "rate": np.repeat([4.0, 8.0], 3)})) == 2
    (at_once,) = matrices_of({"frequency": frequency, "other": other, "lag": np.repeat([0.0, 0.1], 3)})
    assert at_once.paths.tolist() == [0, 1, 2]
    assert at_once.bands == 3


@pytest.mark.parametrize("axes", [{"frequency": np.arange(3.0)}, {"frequency": np.ones(2), "other": np.full(2, 2.0)}])
def test_what_is_no_matrix_is_left(axes: dict[str, np.ndarray]) -> None:
    assert matrices_of(axes) == []
