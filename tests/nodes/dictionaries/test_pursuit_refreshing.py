"""Sounds less atoms, coefficients measured anew, and when that is done."""

import numpy as np
import pytest
from exact_pursuit import sound_of

from nodes.dictionaries.pursuit import books
from nodes.dictionaries.pursuit.blocks import Decomposed
from nodes.dictionaries.pursuit.books import THRESHOLD, book_of
from nodes.dictionaries.pursuit.decomposing import pursue
from nodes.dictionaries.pursuit.dictionary import dictionary_of, empty_state
from nodes.dictionaries.pursuit.refreshing import analyse, subtract
from nodes.dictionaries.pursuit.searching import LAST, Course, energy_of
from nodes.dictionaries.pursuit.simd import LANES, STRIDE
from pipelines.workers import set_workers

DICTIONARY = dictionary_of((32, 64, 256), "gamma", 4, THRESHOLD)


@pytest.fixture(params=[1, 2])
def threads(request):
    set_workers(request.param)
    yield
    set_workers(0)


def some_atoms(count: int, samples: int, seed: int, grid: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    scales = generator.integers(0, 3, count)
    lengths = np.array(DICTIONARY.scales)[scales]
    starts = generator.integers(0, (samples - lengths) // grid + 1) * grid
    bins = np.where(generator.random(count) < 0.2, 0, generator.integers(0, lengths // 2))
    return np.stack([scales, starts, bins], axis=1)


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (7, 3), (500, 2)])
@pytest.mark.parametrize("grid", [64, 1])
def test_atoms_are_subtracted_as_a_book_defines_them(threads, count, channels, grid):
    samples = 256 * 11
    atoms = some_atoms(count, samples, count, grid)
    atoms[count // 2] = atoms[0]  # the same one again
    generator = np.random.default_rng(0)
    weights = generator.standard_normal((2, count, channels)).astype(np.float32)
    weights = weights[0] + 1j * weights[1]
    sound = generator.standard_normal((channels, samples))
    residual = sound.copy()
    subtract(residual, atoms, weights, DICTIONARY)
    book = books.book_from(Decomposed(atoms, weights, np.zeros(count), False), DICTIONARY, samples - 256, 44100)
    np.testing.assert_allclose((sound - residual)[:, 256:], sound_of(book), atol=1e-11)


def test_coefficients_are_inner_products_with_all_atoms(threads):
    channels, samples = 3, 256 * 9
    sound = np.random.default_rng(0).standard_normal((channels, samples))
    layout = DICTIONARY.layout(samples - 256, channels)
    state = empty_state(layout)
    analyse(sound, DICTIONARY, layout, state)
    for scale, (window, hop) in enumerate(zip(DICTIONARY.windows, DICTIONARY.hops, strict=True)):
        shape = int(layout.frames[scale]), int(layout.blocks[scale]), channels, 2, LANES
        first, last = layout.first_coefficient[scale : scale + 2]
        parts = state.coefficients[first:last].reshape(shape)
        views = np.lib.stride_tricks.sliding_window_view(sound, len(window), axis=1)[:, ::hop][:, : shape[0]]
        wanted = np.fft.fft(views * window, axis=2)[:, :, : len(window) // 2]
        found = np.moveaxis(parts[:, :, :, 0] + 1j * parts[:, :, :, 1], 2, 0).reshape(wanted.shape)
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        middle = np.square(np.abs(wanted)).sum(0).reshape(shape[0], shape[1], LANES)[:, 1:-1].max(2, initial=0)
        first_block = int(layout.first_block[scale])
        best = state.best_in_block[first_block : first_block + shape[0] * shape[1]].reshape(shape[:2])
        np.testing.assert_allclose(best[:, 1:-1], middle, rtol=1e-5)
        first_frame = int(layout.first_frame[scale])
        np.testing.assert_array_equal(state.best_in_frame[first_frame : first_frame + shape[0]], best.max(1))


def test_coefficients_begin_on_a_cache_line():
    for each in empty_state(DICTIONARY.layout(2048, 1)):
        assert each.ctypes.data % (4 * LANES) == 0
    assert STRIDE % LANES == 0


def test_the_last_eighth_of_the_atoms_is_found_without_another_refresh():
    sound = np.random.default_rng(0).standard_normal((1, 256 * 16))
    refreshes = []
    found = pursue(sound, DICTIONARY, 400, 0.0, Course(refresh=0.1), refreshes.append)
    begun = np.cumsum([0, *refreshes])[:-1]
    assert len(found.atoms) == 400
    assert len(begun) > 4
    assert begun[-1] < (1 - LAST) * 400
    assert energy_of(found.residual) == pytest.approx(energy_of(sound) - found.gains.sum(), rel=1e-3)


def test_the_second_thread_takes_what_the_first_has_not_begun():
    sound = np.random.default_rng(0).standard_normal((2, 60_000)).astype(np.float32)
    both = []
    for count in (1, 2, 3):
        set_workers(count)
        residual = np.zeros_like(sound)
        book = book_of(sound, 44100, DICTIONARY, 20_000, 200.0, "together", residual).book
        both.append((book.starts, book.frequencies, book.weights, residual))
    set_workers(0)
    for other in both[1:]:
        for one, two in zip(both[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
