import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from exact_pursuit import sound_of

from nodes.dictionaries.pursuit import books, sweeping
from nodes.dictionaries.pursuit.blocks import Limits, decompose, energy_in
from nodes.dictionaries.pursuit.books import THRESHOLD, book_of, signal_to_noise
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.kernels import kernels_of
from nodes.dictionaries.pursuit.searching import Course, falling
from pipelines.workers import set_workers

PROJECT = Path(__file__).parents[3]
SOUNDS = PROJECT / "sounds"
FIVE = dictionary_of((512, 1024, 2048, 4096, 8192), "blackman", 4, THRESHOLD)


@pytest.fixture
def two_threads():
    set_workers(2)
    yield
    set_workers(0)


def recording(name: str, seconds: float) -> np.ndarray:
    samples, rate = soundfile.read(SOUNDS / name, always_2d=True, dtype="float32")
    return np.ascontiguousarray(samples[: round(seconds * rate)].T)


def test_two_threads_find_what_one_finds(two_threads):
    sound = recording("breakbeat.flac", 4.0)
    books_of_both = []
    for count in (1, 2):
        set_workers(count)
        residual = np.zeros_like(sound)
        books_of_both.append((book_of(sound, 44100, FIVE, 15_000, 200.0, "together", residual).book, residual))
    one, two = books_of_both
    for name in ("starts", "lengths", "frequencies", "weights"):
        np.testing.assert_array_equal(getattr(one[0], name), getattr(two[0], name))
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("name", ["breakbeat.flac", "narrator.flac"])
def test_sweeps_are_as_good_as_the_exact_order(name):
    sound = recording(name, 2.0)[:1]
    for atoms in (300, 3000, 12_000):
        ratios = []
        for course in (Course(), Course(stretch=None, refresh=6.0)):
            residual = np.zeros_like(sound)
            book_of(sound, 44100, FIVE, atoms, 200.0, "together", residual, course)
            ratios.append(signal_to_noise(sound, residual))
        assert ratios[0] > ratios[1] - 0.1


def test_it_does_not_stall_before_80_db():
    sound = recording("narrator.flac", 0.5)[:1]
    residual = np.zeros((1, sound.shape[1]))
    made = book_of(sound, 44100, FIVE, 10**7, 80.0, "together", residual)
    assert not made.stalled
    assert signal_to_noise(sound, residual) >= 80
    assert signal_to_noise(sound, sound - sound_of(made.book)) == pytest.approx(
        signal_to_noise(sound, residual), abs=0.05
    )


def test_blocks_hang_together():
    dictionary = dictionary_of((64, 256, 1024), "blackman", 4, THRESHOLD)
    sound = recording("breakbeat.flac", 2.0)[:1]
    limits = Limits(10**7, energy_in(sound) * 1e-3)
    results = []
    for block in (None, 2**14):
        residual = np.zeros(sound.shape)
        found = decompose(sound, dictionary, limits, residual, block=block)
        book = books.book_from(found, dictionary, sound.shape[1], 44100)
        np.testing.assert_allclose(sound_of(book) + residual, sound, atol=1e-6)
        results.append((signal_to_noise(sound, residual), book.count))
        assert (np.diff(np.minimum.accumulate(found.gains)) <= 0).all()
    (whole, count), (parted, more) = results
    assert 30 <= whole < 30.3
    assert parted >= 30
    assert more < 1.25 * count


def test_blocks_share_out_atoms_by_time():
    dictionary = dictionary_of((64, 256), "hann", 4, THRESHOLD)
    sound = np.random.default_rng(0).standard_normal((2, 60_000)).astype(np.float32)
    residual = np.zeros_like(sound)
    found = decompose(sound, dictionary, Limits(3000, 0.0), residual, block=2**13)
    starts = found.atoms[:, 1] - dictionary.longest
    shares = np.histogram(starts, [-256, 15_000, 30_000, 45_000, 60_000])[0]
    assert shares.sum() == 3000
    assert (np.abs(shares - 750) < 60).all()


@pytest.mark.parametrize("window", ["blackman", "gamma"])
def test_kernels_are_inner_products(window):
    dictionary = dictionary_of((64, 256), window, 4, 1e-7)
    kernels = kernels_of(dictionary.windows, dictionary.hops, 1e-7)
    generator = np.random.default_rng(0)
    for _ in range(60):
        one, other = generator.integers(0, 2, 2)
        first, second = dictionary.scales[one], dictionary.scales[other]
        frame, place = generator.integers(40, 60), generator.integers(0, first // 2)
        phases = max(1, dictionary.hops[other] // dictionary.hops[one])
        parts = max(1, first // second)
        group = kernels.first_group[one, other] + frame % phases * parts + place % parts
        row = kernels.rows[generator.integers(kernels.group_starts[group], kernels.group_starts[group + 1])]
        other_frame = frame * dictionary.hops[one] // dictionary.hops[other] + row[0]
        lag = other_frame * dictionary.hops[other] - frame * dictionary.hops[one]
        assert lag == row[1]
        inside = generator.integers(0, row[3])
        other_place = place * second // first + row[2] + inside
        times = np.arange(-256, 512)
        atoms = [
            np.where((at := times - start) % 10**6 < scale, dictionary.windows[number][np.clip(at, 0, scale - 1)], 0)
            * np.exp(2j * np.pi * m * at / scale)
            for number, scale, start, m in ((one, first, 0, place), (other, second, lag, other_place))
        ]
        wanted = np.vdot(atoms[1], atoms[0]) * np.exp(-2j * np.pi * place * lag / first)
        at = row[4] + inside
        assert kernels.real[at] + 1j * kernels.imaginary[at] == pytest.approx(wanted, abs=1e-6)


def test_lists_are_merged_by_falling_gain_each_in_its_order():
    order = falling([np.array([5.0, 1.0, 3.0]), np.array([4.0, 2.0]), np.zeros(0)])
    assert order.tolist() == [0, 3, 4, 1, 2]


def test_what_is_older_than_any_source_is_compiled_anew(tmp_path):
    folder = tmp_path / "kept"
    code = (
        "import os; from nodes.dictionaries.pursuit import books, sweeping\n"
        "print(books.compiled_at_hand(), len(sweeping.sweep.stats.cache_path) > 0)\n"
        "if os.environ.get('MAKE'): books.compile_all()"
    )

    def run(**more: str) -> str:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder), **more}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
        ).stdout

    assert run(MAKE="1").startswith("False")
    assert run().startswith("True")
    for path in folder.rglob("sweeping.sweep-*.nbi"):
        os.utime(path, (10**9, 10**9))
    assert run().startswith("False")


def test_each_compiled_function_has_one_signature():
    books.compile_all()
    residual = np.zeros((2, 5000), np.float32)
    sound = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    book_of(sound, 44100, FIVE, 50, 200.0, "apart", residual)
    from nodes.dictionaries.pursuit import refreshing

    for each in (sweeping.sweep, sweeping.measure, refreshing.write_spectra, refreshing.overlap_add):
        assert len(each.signatures) == 1
