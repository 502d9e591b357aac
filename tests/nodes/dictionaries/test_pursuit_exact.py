"""The pursuit beside an exact one, written independently: see `exact_pursuit`."""

import numpy as np
import pytest
from exact_pursuit import Exact, sound_of

from nodes.dictionaries.book import Book
from nodes.dictionaries.pursuit.books import THRESHOLD, book_of
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.searching import Course

EXACT = Course(stretch=None, refresh=3.0)


def tones(channels: int, length: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    times = np.arange(length)
    sound = 0.02 * generator.standard_normal((channels, length))
    for _ in range(12):
        start, frequency, decay = (
            generator.integers(length),
            generator.uniform(0.0005, 0.499),
            generator.uniform(30, 900),
        )
        envelope = np.exp(-(times - start) / decay) * (times >= start)
        sound += generator.uniform(0.1, 1, (channels, 1)) * envelope * np.sin(2 * np.pi * frequency * times)
    return (sound / np.abs(sound).max()).astype(np.float32)


def found(sound, scales, window, overlap, atoms: int, course: Course, threshold=THRESHOLD, oversampling=1) -> tuple:
    residual = np.zeros_like(sound)
    dictionary = dictionary_of(scales, window, overlap, threshold, oversampling)
    return book_of(sound, 44100, dictionary, atoms, 200.0, "together", residual, course).book, residual


def places(book: Book, oversampling: int) -> list[tuple[int, int, int]]:
    bins = np.round(book.frequencies * book.lengths * oversampling).astype(int)
    return list(zip(book.lengths.tolist(), book.starts.tolist(), bins.tolist(), strict=True))


CASES = [
    (1, (64, 256, 512), "blackman", 4, 3000, 1),
    (2, (32, 128, 256), "hann", 4, 1500, 1),
    (1, (128, 512), "gauss", 8, 2000, 1),
    (1, (64, 256), "gamma", 4, 1000, 1),
    (1, (64, 128), "reversed_gamma", 2, 900, 1),
    (1, (64, 256), "rectangular", 4, 800, 1),
    (3, (64,), "blackman", 2, 700, 1),
    (1, (32, 64, 256), "blackman", 4, 1500, 2),
    (2, (64, 256), "hann", 2, 900, 4),
    (1, (32, 128), "gauss", 4, 700, 8),
    (1, (64, 256), "gamma", 4, 700, 4),
    (1, (32, 64), "rectangular", 4, 400, 8),
]


@pytest.mark.parametrize(("channels", "scales", "window", "overlap", "length", "oversampling"), CASES)
def test_each_of_the_first_atoms_is_the_best_there_is(channels, scales, window, overlap, length, oversampling):
    sound = tones(channels, length, 1)
    book, residual = found(sound, scales, window, overlap, 200, EXACT, 1e-6, oversampling)
    exact = Exact(sound.astype(np.float64), scales, window, overlap, oversampling)
    loudest = np.abs(book.weights).max()
    for place, weights in zip(places(book, oversampling), book.weights.T, strict=True):
        best = exact.best()
        gain, wanted = exact.take_out(*place)
        assert gain == pytest.approx(best, rel=1e-4)  # the same atom, or one as good within rounding
        np.testing.assert_allclose(weights, wanted, atol=1e-5 * loudest)
    inside = exact.residual[:, max(scales) : max(scales) + length]
    np.testing.assert_allclose(residual, inside, atol=1e-5)
    np.testing.assert_allclose(sound_of(book) + residual, sound, atol=1e-6)
