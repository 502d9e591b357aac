"""More bins than samples of a window, and how large the tables become."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from exact_pursuit import sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.pursuit import books, refreshing, sweeping
from nodes.dictionaries.pursuit.blocks import Limits, block_span, decompose, energy_in
from nodes.dictionaries.pursuit.books import book_of, signal_to_noise
from nodes.dictionaries.pursuit.dictionary import Dictionary, dictionary_of, empty_state
from nodes.dictionaries.pursuit.kernels import kernels_of
from nodes.dictionaries.pursuit.refreshing import analyse
from nodes.dictionaries.pursuit.simd import LANES
from nodes.dictionaries.pursuit.sizes import THRESHOLD, ZEROS, kernel_bytes
from pipelines.workers import set_workers

SOUNDS = Path(__file__).parents[3] / "sounds"


def recording(name: str, seconds: float) -> np.ndarray:
    samples, rate = soundfile.read(SOUNDS / name, always_2d=True, dtype="float32")
    return np.ascontiguousarray(samples[: round(seconds * rate), :1].T)


def pursued(sound: np.ndarray, dictionary: Dictionary, atoms: int, snr: float = 200.0):
    residual = np.zeros_like(sound)
    return book_of(sound, 44100, dictionary, atoms, snr, "together", residual).book, residual


@settings(max_examples=10, deadline=None)
@given(
    length=st.integers(1, 2500),
    channels=st.integers(1, 3),
    window=st.sampled_from(["blackman", "hann", "gauss", "gamma", "rectangular"]),
    scales=st.sampled_from([(32,), (64, 256), (32, 128, 1024)]),
    oversampling=st.sampled_from([2, 4, 8]),
    seed=st.integers(0, 9),
)
def test_book_and_residual_are_the_sound(length, channels, window, scales, oversampling, seed):
    sound = np.random.default_rng(seed).uniform(-1, 1, (channels, length)).astype(np.float32)
    book, residual = pursued(sound, dictionary_of(scales, window, 4, THRESHOLD, oversampling), 80)
    assert book.count == 80
    np.testing.assert_allclose(sound_of(book) + residual, sound, atol=1e-6)
    bins = book.frequencies * book.lengths * oversampling
    np.testing.assert_allclose(bins, np.round(bins), atol=1e-9)
    cycles = book.frequencies * book.lengths
    assert ((cycles == 0) | ((cycles >= 1) & (cycles <= book.lengths / 2 - 1))).all()


@pytest.mark.parametrize("between", [0.25, 0.5])
def test_a_tone_between_bins_takes_fewer_atoms_and_leaves_less(between):
    frequency = (100 + between) / 1024
    sound = np.sin(2 * np.pi * frequency * np.arange(20_000))[None].astype(np.float32)
    dictionaries = [dictionary_of((1024,), "blackman", 4, THRESHOLD, number) for number in (1, round(1 / between))]
    (_, plain), (_, fine) = (pursued(sound, each, 60) for each in dictionaries)
    assert signal_to_noise(sound, fine) > signal_to_noise(sound, plain) + 1
    (more, _), (fewer, _) = (pursued(sound, each, 10**6, 25.0) for each in dictionaries)
    assert fewer.count < 0.9 * more.count
    np.testing.assert_allclose(fewer.frequencies[:20], frequency)


@pytest.mark.parametrize("name", ["breakbeat.flac", "narrator.flac"])
def test_more_bins_leave_less_of_recordings(name):
    sound = recording(name, 1.5)
    ratios = []
    for oversampling in (1, 2, 4):
        dictionary = dictionary_of((512, 2048, 8192), "blackman", 4, THRESHOLD, oversampling)
        ratios.append(signal_to_noise(sound, pursued(sound, dictionary, 1500)[1]))
    assert ratios[0] + 0.1 < ratios[1] < ratios[2] < ratios[1] + 0.5


@pytest.mark.parametrize("window", ["blackman", "gamma"])
def test_coefficients_and_kernels_are_inner_products(window):
    dictionary = dictionary_of((64, 256), window, 4, 1e-6, 4)
    layout = dictionary.layout(1024, 1)
    state = empty_state(layout)
    scale, frame, number = 0, 20, 33
    times = np.arange(1280) - frame * 16
    inside = (times >= 0) & (times < 64)
    atom = np.where(inside, dictionary.windows[0][np.clip(times, 0, 63)], 0) * np.exp(2j * np.pi * number * times / 256)
    products = []
    for part in (atom.real, atom.imag):
        analyse(part[None], dictionary, layout, state)
        first, last = layout.first_coefficient[1:3]
        found = state.coefficients[first:last].reshape(int(layout.frames[1]), -1, 2, LANES)
        products.append((found[:, :, 0] + 1j * found[:, :, 1]).reshape(len(found), -1))
    wanted = products[0] + 1j * products[1]  # frames × bins of scale 256
    kernels = kernels_of(dictionary.windows, dictionary.hops, 1e-6, 4)
    group = kernels.first_group[scale, 1] + frame % 4
    made = np.zeros_like(wanted)
    for frames, lag, low, count, at in kernels.rows[kernels.group_starts[group] : kernels.group_starts[group + 1]]:
        bins = number * 4 + low + np.arange(count)
        real = (bins >= 0) & (bins < wanted.shape[1])
        turn = np.exp(2j * np.pi * number * lag / 256)
        values = (kernels.real + 1j * kernels.imaginary)[at : at + count]
        made[frame // 4 + frames, bins[real]] = turn * values[real]
    np.testing.assert_allclose(made, wanted, atol=1e-5)


def test_blocks_hang_together_and_hold_fewer_samples():
    dictionary = dictionary_of((64, 256, 1024), "blackman", 4, THRESHOLD, 2)
    sound = recording("breakbeat.flac", 1.0)
    residual = np.zeros(sound.shape)
    found = decompose(sound, dictionary, Limits(10**7, energy_in(sound) * 1e-2), residual, block=2**14)
    book = books.book_from(found, dictionary, sound.shape[1], 44100)
    np.testing.assert_allclose(sound_of(book) + residual, sound, atol=1e-6)
    assert signal_to_noise(sound, residual) >= 20
    plain = dictionary_of((64, 256, 1024), "blackman", 4, THRESHOLD)
    assert block_span(dictionary, 2) == pytest.approx(block_span(plain, 2) / 2, rel=0.01)


def test_threads_change_nothing():
    sound = np.random.default_rng(0).standard_normal((2, 20_000)).astype(np.float32)
    dictionary = dictionary_of((64, 256), "hann", 4, THRESHOLD, 4)
    results = []
    for count in (1, 2):
        set_workers(count)
        book, residual = pursued(sound, dictionary, 3000)
        results.append((book.starts, book.frequencies, book.weights, residual))
    set_workers(0)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_it_is_compiled_once_for_any_oversampling():
    sound = np.random.default_rng(0).standard_normal((1, 3000)).astype(np.float32)
    for oversampling in (1, 2, 8):
        pursued(sound, dictionary_of((64, 256), "hann", 4, THRESHOLD, oversampling), 20)
    for each in (sweeping.sweep, sweeping.measure, refreshing.write_spectra, refreshing.overlap_add):
        assert len(each.signatures) == 1


@pytest.mark.parametrize(
    ("scales", "window", "overlap", "oversampling"),
    [((32, 2048), "blackman", 4, 1), ((64, 4096), "gamma", 4, 2), ((32, 512, 1024), "rectangular", 8, 1)],
)
def test_the_size_of_kernels_is_known_beforehand(scales, window, overlap, oversampling):
    dictionary = Dictionary(scales, window, overlap, THRESHOLD, oversampling)
    kernels = dictionary.kernels
    kept = kernels.rows.nbytes + kernels.real.nbytes + kernels.imaginary.nbytes
    assert kept < kernel_bytes(list(scales), window, overlap, oversampling) < 5 * kept
    assert ZEROS == LANES
