"""`dbm_decompose` and `dbm_interlink` with a grid that moves, a refit at the end, or scales that are far apart."""

import numpy as np
import pytest
from contexts import make_context
from exact_pursuit import Exact, sound_of

from nodes.dictionaries.node import dbm_decompose, dbm_interlink, dbm_refit
from nodes.dictionaries.node.decomposing import refuse_scales
from nodes.dictionaries.pursuit import books
from nodes.dictionaries.pursuit.blocks import Limits, decompose
from nodes.dictionaries.pursuit.books import book_of, signal_to_noise
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.searching import Course, course_of
from nodes.dictionaries.pursuit.sizes import THRESHOLD
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers

TEN = [64 << number for number in range(10)]


def plucked(channels: int, length: int, seed: int = 0) -> np.ndarray:
    generator, times = np.random.default_rng(seed), np.arange(length)
    sound = 0.003 * generator.standard_normal((channels, length))
    for start in range(100, length, 1700):
        after = np.maximum(times - start, 0)
        tone = np.sin(generator.uniform(0.02, 1.5) * after) * np.exp(-after / 900)
        sound += generator.uniform(0.1, 0.5, (channels, 1)) * tone
    return sound.astype(np.float32)


def decomposed(sound: np.ndarray, tmp_path, **parameters):
    context = make_context(tmp_path)
    return dbm_decompose(Audio(sound, 44100), context=context, **parameters), context.recorder


def same(one, other) -> bool:
    names = ("starts", "lengths", "frequencies", "weights")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_a_number_gives_the_same_book_and_another_number_another(tmp_path, channels):
    sound = plucked(2, 12_000)
    made = []
    for grid, workers in ((None, 1), (3, 1), (3, 2), (4, 1)):
        set_workers(workers)
        made.append(decomposed(sound, tmp_path, scales=[64, 512], atoms=600, grid=grid, channels=channels)[0])
    set_workers(0)
    fixed, one, again, other = made
    assert same(one.book, again.book)
    np.testing.assert_array_equal(one.residual.samples, again.residual.samples)
    assert not same(one.book, other.book)
    assert not (fixed.book.starts % 16).any()
    assert (one.book.starts % 16).any()
    assert len(np.unique(one.book.starts % 16)) > 1  # the grid moved more than once
    for each in (one, other):
        np.testing.assert_allclose(sound_of(each.book) + each.residual.samples, sound, atol=1e-6)
        ratios = [signal_to_noise(sound, found.residual.samples) for found in (fixed, each)]
        assert abs(ratios[1] - ratios[0]) < 1.5


def test_atoms_on_a_moved_grid_are_each_the_best_there_is():
    sound = plucked(1, 1500)
    scales, residual = (64, 256), np.zeros((1, 1500), np.float32)
    dictionary = dictionary_of(scales, "hann", 4, 1e-6)
    course = Course(stretch=None, refresh=200.0, grid=7)
    book = book_of(sound, 44100, dictionary, 60, 200.0, "together", residual, course).book
    origin = int(np.random.default_rng(7).integers(64))
    exact = Exact(sound.astype(np.float64), scales, "hann", 4)
    exact.starts = {scale: starts[:-4] + origin for scale, starts in exact.starts.items()}
    for atom in range(book.count):
        scale, start = int(book.lengths[atom]), int(book.starts[atom])
        best = exact.best()
        gain, weight = exact.take_out(scale, start, round(book.frequencies[atom] * scale))
        assert gain == pytest.approx(best, rel=1e-3)
        np.testing.assert_allclose(book.weights[:, atom], weight, atol=1e-4 * np.abs(book.weights).max())


def test_blocks_of_a_moving_grid_hang_together():
    sound = np.random.default_rng(0).standard_normal((1, 40_000)).astype(np.float32)
    dictionary = dictionary_of((64, 256), "hann", 2, THRESHOLD)
    made = []
    for _ in range(2):
        residual = np.zeros(sound.shape)
        found = decompose(sound, dictionary, Limits(4000, 0.0), residual, course_of(1), block=2**13)
        book = books.book_from(found, dictionary, sound.shape[1], 44100)
        np.testing.assert_allclose(sound_of(book) + residual, sound, atol=1e-6)
        assert book.count == 4000
        made.append(book)
    assert same(*made)


def test_two_sounds_move_on_one_grid(tmp_path):
    a, b = plucked(1, 6000, 1), plucked(2, 5000, 2)
    found = dbm_interlink(
        Audio(a, 44100),
        Audio(b, 44100),
        scales=[64, 512],
        atoms=300,
        grid=1,
        oversampling=2,
        context=make_context(tmp_path),
    )
    assert (found.a.starts % 16).any()
    np.testing.assert_array_equal(found.a.starts, found.b.starts)
    for sound, book, residual in ((a, found.a, found.residual_a), (b, found.b, found.residual_b)):
        np.testing.assert_allclose(sound_of(book) + residual.samples, sound, atol=1e-6)


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_a_refit_is_that_of_the_node(tmp_path, channels):
    sound = plucked(2, 9000)
    plain, _ = decomposed(sound, tmp_path, scales=[64, 512], atoms=300, channels=channels)
    fitted, recorder = decomposed(sound, tmp_path, scales=[64, 512], atoms=300, channels=channels, refit=True)
    wanted = dbm_refit(plain.book, Audio(sound, 44100), context=make_context(tmp_path))
    assert same(fitted.book, wanted.book)
    np.testing.assert_array_equal(fitted.residual.samples, wanted.residual.samples)
    ratios = [signal_to_noise(sound, each.residual.samples) for each in (plain, fitted)]
    assert ratios[1] > ratios[0] + 0.1
    assert [value for _, _, value, _ in recorder.metrics] == pytest.approx(ratios)
    assert [at for _, _, _, at in recorder.metrics] == [0, 1]


@pytest.mark.parametrize("sound", [np.zeros((1, 0)), np.zeros((2, 500)), np.eye(1, 300, 9)])
def test_a_refit_of_next_to_nothing(tmp_path, sound):
    found, _ = decomposed(sound.astype(np.float32), tmp_path, scales=[64], atoms=3, refit=True)
    np.testing.assert_allclose(sound_of(found.book) + found.residual.samples, sound, atol=1e-6)


@pytest.mark.parametrize(
    ("scales", "overlap", "oversampling"), [([32, 65536], 4, 1), (TEN, 16, 1), (TEN, 4, 8), ([32, *TEN, 65536], 2, 1)]
)
def test_scales_too_far_apart_are_refused_in_the_plan(scales, overlap, oversampling):
    rule = dbm_decompose.__node__.facts
    parameters = {"scales": scales, "overlap": overlap, "window": "blackman", "oversampling": oversampling}
    with pytest.raises(MistakeError, match=f"{min(scales)} to {max(scales)}: .* GB"):
        rule({"audio": {}}, parameters)


@pytest.mark.parametrize("window", ["blackman", "hann", "gauss", "gamma", "reversed_gamma"])
@pytest.mark.parametrize(
    ("scales", "overlap", "oversampling"), [(TEN, 4, 1), (TEN[:6], 16, 1), ([512, 1024, 2048, 4096, 8192], 16, 8)]
)
def test_scales_that_fit_are_not(scales, overlap, oversampling, window):
    refuse_scales(scales, overlap, window, oversampling)
