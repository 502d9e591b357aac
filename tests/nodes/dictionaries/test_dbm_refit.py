"""Refitted weights beside dense least squares, and what holds of them for any book."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from books import RATE, edge_books, naive, random_book, same
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

import nodes.dictionaries.rebuilding as rebuilding_module
from nodes.dictionaries.book import Book, empty
from nodes.dictionaries.correlating import correlated, support_of
from nodes.dictionaries.node.decomposing import dbm_decompose
from nodes.dictionaries.node.refitting import dbm_refit
from nodes.dictionaries.rebuilding import TILE
from nodes.dictionaries.refitting import dark_energy, refit
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import freeze
from pipelines.workers import set_workers


def noise(book: Book, seed: int = 0) -> np.ndarray:
    shape = (book.channels, book.samples)
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


def energy(sound: np.ndarray) -> float:
    return float(np.sum(np.square(sound, dtype=np.float64)))


def matrix(book: Book) -> np.ndarray:
    """Samples × 2 atoms: each atom with the weights 1 and i."""
    columns = []
    for atom in range(book.count):
        one = replace(book.taken(np.array([atom])), weights=np.ones((1, 1), np.complex64))
        columns += [naive(one)[0], naive(replace(one, weights=1j * one.weights))[0]]
    return np.stack(columns, axis=1)


def fitted(book: Book, sound: np.ndarray, iterations: int = 3000, tolerance: float = 0.0, damping: float = 0.0):
    residual = np.zeros_like(sound)
    goals: list[float] = []
    made = refit(book, sound, residual, iterations, tolerance, damping, lambda at, goal: goals.append(goal))
    return made, residual, goals


@given(st.integers(0, 40), st.integers(1, 3), st.integers(1, 3000), st.integers(0, 99), st.integers(2, 900))
@settings(max_examples=40, deadline=None)
def test_products_are_the_adjoint_of_the_sum(count, channels, samples, seed, longest):
    book, generator = random_book(count, channels, samples, seed, longest), np.random.default_rng(seed)
    weights = generator.standard_normal((channels, count, 2)) @ np.array([1, 1j])
    sound = generator.standard_normal((channels, samples))
    support = support_of(book)
    found = correlated(support, np.zeros_like(weights), sound)
    heard = rebuilding_module.rebuilt(replace(book, weights=weights), np.zeros((channels, samples)))
    there, back = np.sum(heard * sound, axis=1), np.sum((weights.conj() * found.products).real, axis=1)
    scale = np.sqrt(np.sum(np.abs(weights) ** 2) * np.sum(sound**2)) + 1e-300
    np.testing.assert_allclose(there / scale, back / scale, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.energies, np.sum(sound**2, axis=1), rtol=1e-12)
    np.testing.assert_allclose(correlated(support, weights).rebuilt, np.sum(heard**2, axis=1), rtol=1e-9, atol=1e-12)


def test_products_of_interpolated_windows_are_those_of_tabled_ones(monkeypatch):
    book = random_book(60, 2, 90_000, longest=40_000)
    tabled = correlated(support_of(book), book.weights).products
    monkeypatch.setattr(rebuilding_module, "TABLED", 0)
    np.testing.assert_allclose(correlated(support_of(book), book.weights).products, tabled, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (30, 1), (60, 2)])
def test_it_is_dense_least_squares(count, channels):
    book = random_book(count, channels, 900, seed=5, longest=300)
    book = replace(book, starts=np.random.default_rng(1).integers(0, 600, count), lengths=np.maximum(book.lengths, 8))
    sound = noise(book)
    made, residual, _ = fitted(book, sound)
    dense = matrix(book)
    for channel in range(channels):
        wanted = np.linalg.lstsq(dense, sound[channel].astype(float), rcond=None)[0]
        own = np.stack([made.book.weights[channel].real, made.book.weights[channel].imag], axis=1).ravel()
        np.testing.assert_allclose(own, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
        np.testing.assert_allclose(residual[channel], sound[channel] - dense @ wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("damping", [0.01, 1.0])
def test_damped_it_is_dense_least_squares_of_changes(damping):
    book = random_book(40, 1, 900, seed=5, longest=300)
    sound, dense = noise(book), matrix(book)
    begun = np.stack([book.weights[0].real, book.weights[0].imag], axis=1).ravel().astype(float)
    rows = np.concatenate([dense, np.sqrt(2 * damping) * np.eye(dense.shape[1])])
    left = np.concatenate([sound[0] - dense @ begun, np.zeros(dense.shape[1])])
    wanted = begun + np.linalg.lstsq(rows, left, rcond=None)[0]
    own = fitted(book, sound, damping=damping)[0].book.weights[0]
    np.testing.assert_allclose(np.stack([own.real, own.imag], axis=1).ravel(), wanted, rtol=0, atol=1e-5)


@given(st.integers(1, 60), st.integers(1, 3), st.integers(1, 2000), st.integers(0, 99), st.sampled_from([0.0, 0.1]))
@settings(max_examples=25, deadline=None)
def test_what_is_minimised_falls_and_so_does_the_residual(count, channels, samples, seed, damping):
    book = random_book(count, channels, samples, seed)
    sound = noise(book, seed)
    made, residual, goals = fitted(book, sound, iterations=12, damping=damping)
    begin = energy(sound - naive(book))
    assert all(after <= before for before, after in zip([begin * (1 + 1e-9), *goals], goals, strict=False))
    assert energy(residual) <= begin * (1 + 1e-6)
    np.testing.assert_allclose(
        naive(made.book) + residual, sound, rtol=0, atol=1e-5 * (1 + np.abs(made.book.weights).max())
    )


def test_workers_change_nothing():
    book = random_book(500, 2, 4 * TILE + 77, longest=9000)
    sound, results = noise(book), []
    try:
        for count in (1, 2, 5):
            set_workers(count)
            results.append(fitted(book, sound, iterations=4))
    finally:
        set_workers(0)
    for made, residual, _ in results[1:]:
        assert same(made.book, results[0][0].book)
        np.testing.assert_array_equal(residual, results[0][1])


def test_channels_are_fitted_each_by_itself():
    book = random_book(80, 3)
    sound = noise(book)
    sound[1] *= 1e-3
    whole = fitted(book, sound, iterations=60, tolerance=0.01)[0].book
    for channel in range(3):
        row = slice(channel, channel + 1)
        alone = fitted(replace(book, weights=book.weights[row]), sound[row], 60, 0.01)[0].book
        np.testing.assert_array_equal(alone.weights, whole.weights[row])


def test_weights_of_0_stay():
    book = random_book(40, 2)
    weights = book.weights.copy()
    weights[0, ::2] = 0
    made = fitted(replace(book, weights=weights), noise(book), iterations=20)[0].book
    np.testing.assert_array_equal(made.weights == 0, weights == 0)


def test_the_weights_of_a_sound_of_atoms_come_back():
    book = random_book(25, 2, 4000, seed=3)
    sound = naive(book).astype(np.float32)
    far = replace(book, weights=(book.weights * 0.5 + 0.1).astype(np.complex64))
    made, residual, _ = fitted(far, sound)
    assert energy(residual) < 1e-12 * energy(sound)
    inside = (book.starts >= 0) & (book.starts + book.lengths <= book.samples) & (book.lengths > 8)
    np.testing.assert_allclose(made.book.weights[:, inside], book.weights[:, inside], atol=1e-4)


def twins(samples: int = 4000) -> Book:
    """Two atoms, of which one begins a sample after the other."""
    return Book(
        np.array([1000, 1001]),
        np.full(2, 512, np.int32),
        np.full(2, 0.05),
        np.ones(2, np.uint8),
        np.array([[1, 0.1]], np.complex64),
        samples,
        RATE,
    )


def test_damping_trades_residual_for_dark_energy():
    book = twins()
    found = [fitted(book, noise(book), damping=damping)[:2] for damping in (0.0, 1e-3, 1e-2, 0.1, 100.0)]
    left, dark = [energy(residual) for _, residual in found], [made.after for made, _ in found]
    assert left == sorted(left)
    assert dark == sorted(dark, reverse=True)
    assert dark[0] > 10 > 1 > dark[-1]
    np.testing.assert_allclose(found[-1][0].book.weights, book.weights, atol=2e-2)


def test_dark_energy_is_what_atoms_have_over_what_their_sum_has():
    book = replace(twins(), starts=np.array([0, 2000]))
    assert dark_energy(book, energy(naive(book))) == pytest.approx(0, abs=1e-6)
    opposite = replace(twins(), weights=np.array([[1, -0.9]], np.complex64))
    expected = 10 * np.log10(2 * (1 + 0.81) / energy(naive(opposite)))
    assert fitted(opposite, noise(opposite), 1)[0].before == pytest.approx(expected, abs=1e-6)
    assert np.isnan(dark_energy(empty(1, 10, RATE), 0.0))


def plucked(channels: int = 1, length: int = 12_000) -> np.ndarray:
    times, generator = np.arange(length), np.random.default_rng(2)
    sound = 0.02 * generator.standard_normal((channels, length))
    for start in range(500, length, 2500):
        for partial in range(1, 8):
            tone = np.sin(0.031 * partial * (times - start)) * np.exp(-(times - start) / (2000 / partial))
            sound += generator.uniform(0.02, 0.2, (channels, 1)) * tone * (times >= start)
    return sound.astype(np.float32)


@pytest.mark.parametrize("kind", ["together", "apart"])
def test_a_pursuit_is_improved_and_keeps_its_atoms(tmp_path: Path, kind):
    audio = freeze(Audio(plucked(2), 44100))
    found = dbm_decompose(audio, scales=[128, 512, 2048], atoms=400, channels=kind, context=make_context(tmp_path))
    context = make_context(tmp_path)
    made = dbm_refit(freeze(found.book), audio, context=context)
    assert same(replace(made.book, weights=found.book.weights), found.book)
    np.testing.assert_array_equal(made.book.weights == 0, found.book.weights == 0)
    gain = 10 * np.log10(energy(found.residual.samples) / energy(made.residual.samples))
    assert 0.1 < gain < 6
    np.testing.assert_allclose(naive(made.book) + made.residual.samples, audio.samples, atol=1e-6)
    metrics = {(name, at): value for _, name, value, at in context.recorder.metrics}
    assert metrics["snr", 0] == pytest.approx(10 * np.log10(energy(audio.samples) / energy(made.residual.samples)))
    assert metrics["dark_energy", 0] == pytest.approx(0, abs=0.3)  # energy is conserved by a pursuit
    assert metrics["dark_energy", 1] == pytest.approx(
        10 * np.log10(made.book.energies.sum() / energy(naive(made.book))), abs=1e-3
    )
    assert not context.recorder.notes


def test_few_iterations_are_told(tmp_path: Path):
    audio = Audio(plucked(), 44100)
    book = dbm_decompose(audio, scales=[128, 512], atoms=300, context=make_context(tmp_path)).book
    context = make_context(tmp_path)
    dbm_refit(book, audio, iterations=2, context=context)
    assert "after 2 iterations" in context.recorder.notes[0]
    assert ("iterations", 2, 2) in context.recorder.heard


@pytest.mark.parametrize("book", edge_books())
@pytest.mark.parametrize("damping", [0.0, 0.1])
def test_edges(book: Book, damping: float, tmp_path: Path):
    for sound in (noise(book), np.zeros((book.channels, book.samples), np.float32)):
        made = dbm_refit(book, Audio(sound, RATE), iterations=5, damping=damping, context=make_context(tmp_path))
        assert np.isfinite(made.book.weights).all()
        assert energy(made.residual.samples) <= energy(sound - naive(book)) * (1 + 1e-6)


def test_frequencies_of_0_and_of_half_the_rate(tmp_path: Path):
    book = replace(random_book(2, samples=2000, seed=4), frequencies=np.array([0.0, 0.5]), starts=np.array([100, 900]))
    sound = noise(book)
    made = dbm_refit(book, Audio(sound, RATE), tolerance=0, context=make_context(tmp_path))
    dense = matrix(book)
    wanted = np.linalg.lstsq(dense, sound[0].astype(float), rcond=None)[0]
    np.testing.assert_allclose(made.residual.samples[0], sound[0] - dense @ wanted, rtol=0, atol=1e-5)


def test_sounds_of_another_form_are_refused(tmp_path: Path):
    book, context = random_book(5, 2), make_context(tmp_path)
    for samples, rate in ((np.zeros((1, 4000)), RATE), (np.zeros((2, 3999)), RATE), (np.zeros((2, 4000)), 44100)):
        with pytest.raises(MistakeError, match="not of this book's form"):
            dbm_refit(book, Audio(samples.astype(np.float32), rate), context=context)
    samples = np.zeros((2, 4000), np.float32)
    samples[1, 7] = np.nan
    with pytest.raises(MistakeError, match="not a finite number"):
        dbm_refit(book, Audio(samples, RATE), context=context)


def test_other_forms_are_refused_before_anything_is_rendered():
    rule = NodeSpec("dbm_refit", dbm_refit, "").mark.facts
    assert rule is not None
    book = {"sample_rate": 44100, "channels": 2, "duration": 3.0}
    assert rule({"book": book, "audio": {}}, {})["residual"] == book
    for wrong in ({"channels": 1}, {"duration": 3.5}):
        with pytest.raises(MistakeError, match="not of this book's form"):
            rule({"book": book, "audio": {**book, **wrong}}, {})
