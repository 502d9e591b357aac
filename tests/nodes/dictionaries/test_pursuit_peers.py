"""The pursuit and its refit beside orthogonal matching pursuit of scikit-learn, on the same atoms as a dense matrix."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import OrthogonalMatchingPursuit

from nodes.dictionaries.pursuit.books import THRESHOLD, book_of
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.searching import Course
from nodes.dictionaries.refitting import refit
from nodes.dictionaries.windows import window_of

Array = np.ndarray[Any, Any]
SCALES, OVERLAP, LENGTH = (32, 128), 4, 900
COUNTS = (25, 50, 100)


def notes() -> Array:
    """Decaying tones and noise, with next to silence on both sides: scikit-learn takes none for linear dependence."""
    generator, times = np.random.default_rng(3), np.arange(LENGTH - 256)
    sound = 0.03 * generator.standard_normal(len(times)) * np.hanning(len(times))
    for start in range(20, len(times) - 60, 70):
        after = np.maximum(times - start, 0)
        tone = np.sin(generator.uniform(0.1, 2.5) * after) * np.exp(-after / generator.uniform(15, 90))
        sound += generator.uniform(0.2, 1) * tone * np.minimum(1, (len(times) - times) / 60)
    return (np.pad(sound, 128) + 1e-4 * generator.standard_normal(LENGTH)).astype(np.float32)


@cache
def columns() -> tuple[Array, dict[tuple[int, int, int], list[int]]]:
    """Samples × (cosines and sines of unit energy) of all atoms within the sound, and where those of an atom are."""
    found, places = [], {}
    for scale in SCALES:
        for start in range(0, LENGTH - scale + 1, scale // OVERLAP):
            for number in range(scale // 2):
                phase = 2 * np.pi * number * np.arange(scale) / scale
                waves = [np.cos(phase)] + ([np.sin(phase)] if number else [])
                places[scale, start, number] = [len(found) + index for index in range(len(waves))]
                for wave in waves:
                    column = np.zeros(LENGTH)
                    column[start : start + scale] = wave * window_of("blackman", scale)
                    found.append(column / np.sqrt(np.sum(column**2)))
    return np.asfortranarray(np.stack(found, axis=1)), places


def snr(sound: Array, residual: Array) -> float:
    return float(10 * np.log10(np.sum(sound.astype(float) ** 2) / np.sum(residual.astype(float) ** 2)))


def pursued(atoms: int) -> tuple[Any, Array]:
    sound = notes()[None]
    residual = np.zeros_like(sound)
    dictionary = dictionary_of(SCALES, "blackman", OVERLAP, THRESHOLD)
    exact = Course(stretch=None, refresh=3.0)
    return book_of(sound, 44100, dictionary, atoms, 300.0, "together", residual, exact).book, residual[0]


def refitted(atoms: int) -> tuple[Any, Array]:
    sound = notes()[None]
    residual = np.zeros_like(sound)
    return refit(pursued(atoms)[0], sound, residual, 5000, 0.0).book, residual[0]


def orthogonal(weights: int) -> Array:
    dense, sound = columns()[0], notes().astype(float)
    peer = OrthogonalMatchingPursuit(n_nonzero_coefs=weights, fit_intercept=False).fit(dense, sound)
    assert np.count_nonzero(peer.coef_) == weights
    return np.asarray(sound - dense @ peer.coef_)


def columns_of(book: Any) -> list[int]:
    places = columns()[1]
    return [
        column
        for length, start, frequency in zip(book.lengths, book.starts, book.frequencies, strict=True)
        for column in places[int(length), int(start), round(frequency * length)]
    ]


@pytest.mark.parametrize("atoms", [25, 100])
def test_a_refit_leaves_what_dense_least_squares_on_the_same_atoms_leave(atoms):
    book, residual = refitted(atoms)
    dense, sound = columns()[0][:, columns_of(book)], notes().astype(float)
    wanted = sound - dense @ np.linalg.lstsq(dense, sound, rcond=None)[0]
    np.testing.assert_allclose(residual, wanted, rtol=0, atol=1e-5 * np.abs(sound).max())


def test_refits_are_between_the_pursuit_and_orthogonal_matching_pursuit():
    """Of as many real weights; that chooses each atom's cosine and sine by itself, and again after each refit."""
    sound = notes()
    levels = [(snr(sound, pursued(n)[1]), snr(sound, refitted(n)[1]), snr(sound, orthogonal(2 * n))) for n in COUNTS]
    for plain, fitted, peer in levels:
        assert plain < fitted < peer + 0.5
        assert peer - fitted < 6
    assert levels == sorted(levels)


def test_one_atom_is_that_of_orthogonal_matching_pursuit():
    """Of a sound that is a cosine of the dictionary, both find this one."""
    dense, places = columns()
    column = places[128, 384, 20][0]
    sound = (0.5 * dense[:, column]).astype(np.float32)[None]
    residual = np.zeros_like(sound)
    dictionary = dictionary_of(SCALES, "blackman", OVERLAP, THRESHOLD)
    book = book_of(sound, 44100, dictionary, 1, 300.0, "together", residual).book
    peer = OrthogonalMatchingPursuit(n_nonzero_coefs=1, fit_intercept=False).fit(dense, sound[0].astype(float))
    assert np.flatnonzero(peer.coef_).tolist() == [column]
    assert columns_of(book)[0] == column
    assert snr(sound, residual) > 80
