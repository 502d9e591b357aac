import threading
import time

import pytest

from pipelines.workers import set_workers, spread, workers


@pytest.fixture(autouse=True)
def two_workers():
    set_workers(2)
    yield
    set_workers(0)


def test_results_come_in_the_order_of_the_items():
    def late_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert spread(late_first, range(5)) == [0, 1, 4, 9, 16]
    assert spread(late_first, []) == []


def test_parts_run_at_once_and_their_own_parts_one_after_the_other():
    meeting = threading.Barrier(2, timeout=10)

    def part(number):
        meeting.wait()  # fails unless both parts are there at once
        return workers(), spread(lambda _: threading.current_thread().name, range(2))

    for count, names in spread(part, range(2)):
        assert count == 1
        assert len(set(names)) == 1


def test_one_worker_stays_in_the_calling_thread():
    set_workers(1)
    assert spread(lambda _: threading.current_thread(), range(2)) == [threading.current_thread()] * 2


def test_the_error_of_a_part_is_raised():
    with pytest.raises(ZeroDivisionError):
        spread(lambda number: 1 // number, [1, 0, 2])


def test_all_parts_have_ended_when_an_error_is_raised():
    ended = []

    def part(number):
        if number == 0:
            raise ValueError
        time.sleep(0.1)
        ended.append(number)

    with pytest.raises(ValueError):
        spread(part, range(3))
    assert sorted(ended) == [1, 2]
