"""Who sweeps which stretch when, by several threads, and that it changes nothing of what is found."""

import os
import signal
import threading
import time

import numba
import numpy as np
import pytest
from exact_pursuit import sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.pursuit.blocks import Decomposed
from nodes.dictionaries.pursuit.books import THRESHOLD, book_from
from nodes.dictionaries.pursuit.decomposing import Pursuit, pursue
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.schedule import AHEAD, Schedule, begin, end, run, schedule_of, wanted
from nodes.dictionaries.pursuit.searching import STRETCHES, Course, _stretches
from nodes.dictionaries.pursuit.turns import Turns, pursue_in_turns
from pipelines.workers import set_workers, spread

DICTIONARY = dictionary_of((32, 64, 256), "blackman", 4, THRESHOLD)


@pytest.fixture(autouse=True)
def threads():
    yield
    set_workers(0)


@numba.njit(nogil=True)
def walk(schedule: Schedule, seen: np.ndarray, times: np.ndarray, ended: np.ndarray) -> int:
    """Note how far both neighbours are when a stretch begins, and how often it does."""
    while True:
        stretch = begin(schedule)
        if stretch < 0:
            return -1 - stretch
        sweep = schedule.done[stretch]
        times[sweep, stretch] += 1
        seen[sweep, stretch, 0] = schedule.done[stretch - 1] if stretch else -1
        seen[sweep, stretch, 1] = schedule.done[stretch + 1] if stretch + 1 < len(schedule.done) else -1
        for turn in range(1000 * ((7 * stretch + 3 * sweep) % 5)):  # some take longer
            ended[stretch] += turn % 3
        end(schedule, stretch)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 3 * AHEAD), st.integers(1, 4), st.integers(0, 3 * AHEAD))
def test_a_stretch_always_finds_its_neighbours_equally_far(stretches, sweeps, workers, last):
    set_workers(workers)
    schedule, told = schedule_of(stretches), []
    seen, times = np.full((sweeps, stretches, 2), -2), np.zeros((sweeps, stretches), np.int64)
    ended = np.zeros(stretches)

    def complete(sweep: int) -> bool:
        told.append(sweep)
        assert schedule.done.min() > sweep
        assert schedule.begun.max() <= sweep + AHEAD
        return sweep == last

    run(schedule, lambda thread: walk(schedule, seen, times, ended), complete, workers, sweeps)
    assert told == list(range(min(last + 1, sweeps)))
    assert (times[: len(told)] == 1).all()
    assert times.max() == 1
    for sweep, stretch in np.ndindex(*times.shape):
        if times[sweep, stretch]:
            neighbours = seen[sweep, stretch][seen[sweep, stretch] >= 0]
            assert (neighbours == sweep + 1 - stretch % 2).all()
            assert len(neighbours) == (stretch > 0) + (stretch + 1 < stretches)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_ends_all_threads(workers):
    set_workers(workers)
    schedule = schedule_of(4)

    def complete(sweep: int) -> bool:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        run(schedule, lambda thread: walk(schedule, *arrays_of(4)), complete, workers, 100)
    assert schedule.limits[0] == 0


def test_an_error_in_one_thread_ends_the_others_though_a_sweep_is_just_complete():
    set_workers(2)
    schedule, told, inside = schedule_of(6), [], threading.Event()
    arrays = arrays_of(6, 40)

    def complete(sweep: int) -> bool:
        told.append(sweep)
        inside.set()
        time.sleep(0.05)
        return False

    def work(thread: int) -> int:
        if thread and inside.wait(5):
            raise ArithmeticError
        return walk(schedule, *arrays) if not thread else 0

    with pytest.raises(ArithmeticError):
        run(schedule, work, complete, 2, 40)
    assert schedule.limits[0] == 0
    assert len(told) < 10


def arrays_of(stretches: int, sweeps: int = AHEAD) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros((sweeps, stretches, 2), np.int64), np.zeros((sweeps, stretches), np.int64), np.zeros(stretches)


@numba.njit(nogil=True)
def linger(schedule: Schedule) -> int:
    """Begin with a stretch and stay in it as long as its sweep is wanted."""
    if begin(schedule) >= 0:
        while wanted(schedule, 0):
            pass
    return 0


@pytest.mark.skipif(os.name == "nt", reason="no signals to one thread")
def test_whoever_interrupts_does_not_wait_for_the_sweep():
    set_workers(2)
    schedule = schedule_of(4)
    linger(schedule)  # compiled
    main = threading.main_thread().ident
    timer = threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(schedule, lambda thread: linger(schedule), lambda sweep: False, 2, 100)
    timer.join()
    begun = time.perf_counter()
    spread(lambda item: item, range(4))  # needs the threads
    assert time.perf_counter() - begun < 10


def found_by(workers: int, sound: np.ndarray, most: int, course: Course) -> tuple[Pursuit, list[int]]:
    set_workers(workers)
    heard: list[int] = []
    return pursue(sound, DICTIONARY, most, 0.0, course, heard.append), heard


@pytest.mark.parametrize(
    "course", [Course(refresh=10.0), Course(refresh=6.0, grid=3), Course(stretch=9, step=0.3, refresh=6.0)]
)
def test_any_number_of_threads_finds_the_same_and_exactly_as_many_as_wanted(course):
    sound = np.random.default_rng(1).standard_normal((2, 256 * 60))
    sound *= np.exp(-np.arange(sound.shape[1]) / 3000)  # most atoms lie in the first stretches
    sound[:, :256] = sound[:, -256:] = 0
    (one, heard), *others = (found_by(workers, sound, 3001, course) for workers in (1, 2, 3))
    assert len(one.atoms) == sum(heard) == 3001
    assert len(heard) > 1
    book = book_from(Decomposed(*one[:3], False), DICTIONARY, sound.shape[1] - 256, 44100)
    np.testing.assert_allclose(sound_of(book) + one.residual[:, 256:], sound[:, 256:], atol=1e-6)
    for other, told in others:
        assert told == heard
        for part, same in zip(one[:4], other[:4], strict=True):
            np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_any_number_of_threads_finds_the_same_of_two_sounds_in_turns(share):
    sound = np.random.default_rng(2).standard_normal((2, 256 * 40))
    results = []
    for workers in (1, 2, 3):
        set_workers(workers)
        turns = Turns(1, share, (True, share < 1))
        results.append(
            pursue_in_turns(turns, sound, DICTIONARY, 2000, 0.0, Course(refresh=6.0), lambda new: None, 256 * 40)
        )
    for other in results[1:]:
        for part, same in zip(results[0][:4], other[:4], strict=True):
            np.testing.assert_array_equal(part, same)
    assert len(results[0].atoms) == 2000


@given(st.integers(1, 300), st.integers(3, 8), st.sampled_from([32, 64, 512]))
def test_stretches_hold_every_frame_and_every_other_one_is_apart(hops, half, longest):
    stretches = _stretches(hops * longest // 4 + longest, longest, 2 * half)
    for start in range(0, hops * longest // 4, longest // 4):
        assert any(first <= start and start + longest <= last for first, last in stretches)
    assert (stretches[2:, 0] - stretches[:-2, 1] >= 2 * longest).all()


def test_long_sounds_of_short_scales_have_no_more_stretches_than_memory_bears():
    for samples in (10**6, 25 * 10**6):
        stretches = _stretches(samples, 32, 6)
        assert len(stretches) <= STRETCHES + 2
        assert stretches[0, 0] <= 0 and stretches[-1, 1] >= samples
        assert (stretches[2:, 0] - stretches[:-2, 1] >= 2 * 32).all()


def test_silence_and_what_is_all_found_end_a_pursuit():
    silent, heard = found_by(2, np.zeros((1, 256 * 20)), 10, Course())
    assert (len(silent.atoms), heard, silent.stalled) == (0, [], False)
    click = np.zeros((1, 256 * 20))
    click[0, 2000] = 1.0
    found, heard = found_by(2, click, 10**6, Course())
    assert found.stalled
    assert 10 < len(found.atoms) == sum(heard) < 10**6
    assert np.square(found.residual).sum() < 1e-12
