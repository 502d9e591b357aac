from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from toys import PROJECT

from pipelines.locks import locked

HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from pipelines.locks import locked
with locked(Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""

COUNT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from pipelines.locks import locked
counter = Path(sys.argv[3])
for _ in range(60):
    with locked(Path(sys.argv[2])):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, str(PROJECT), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_lock_is_let_go_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "x"
    for _ in range(2):
        with locked(path):
            assert path.exists()
        assert not path.exists()


def test_a_lock_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked(tmp_path / "x"):
        raise KeyboardInterrupt
    with locked(tmp_path / "x"):
        pass


def test_only_one_process_at_a_time_holds_it(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [start(COUNT, tmp_path / "lock", counter) for _ in range(4)]
    for process in processes:
        with process:
            assert process.wait(60) == 0
    assert counter.read_text() == "240"


def test_threads_exclude_each_other_too(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with locked(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80 and max(most) == 1


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    with start(HOLD, tmp_path / "lock", 60) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        begun = time.monotonic()
        os.kill(process.pid, signal.SIGKILL)
        with locked(tmp_path / "lock"):
            assert time.monotonic() - begun < 30


def test_waiting_ends_when_the_holder_is_done(tmp_path: Path) -> None:
    with start(HOLD, tmp_path / "lock", 0.3) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with locked(tmp_path / "lock"):
            process.wait(10)
            assert process.returncode == 0
