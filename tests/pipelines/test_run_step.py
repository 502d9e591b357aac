from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy.grid import Grid
from toys import Listening, plan_of

from nodes.values import Text
from pipelines.context import Context
from pipelines.mistakes import MistakeError
from pipelines.plan import Plan
from pipelines.quantities import InputFiles
from pipelines.run_step import Meter, Task, run_step
from pipelines.store import Store
from pipelines.value import Value


def task_of(plan: Plan, path: str = "out") -> Task:
    step = plan.step(path)
    read = [file for value in step.parameters.values() if isinstance(value, InputFiles) for file in value.paths]
    return Task(step, plan.keys[path], plan.machine.device, "piece", tuple(read), plan.ingredients(path))


def run(
    folder: Path, body: dict[str, Any], inputs: Any = None, listener: Any = None
) -> tuple[dict[str, Value], Store, Plan]:
    plan, store = plan_of(folder, {"t": {"node": "toy_number"}, "out": body})
    return run_step(task_of(plan), inputs or {}, store, listener or Listening(), plan.files), store, plan


def test_the_result_is_stored_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    outputs, store, plan = run(tmp_path, {"node": "toy_large", "megabytes": 1, "bend": 2})
    record = store.record(plan.keys["out"])
    assert record is not None
    assert (record["step"], record["piece"], record["node"]) == ("out", "piece", "toy_large")
    assert record["ingredients"]["parameters"]["megabytes"] == 1
    assert record["metrics"] == {"row": [[0, 0.0]]}
    assert record["seconds"] > 0 and record["cpu_seconds"] >= 0 and record["peak_memory"] > 2**20
    assert time.strptime(record["created"][:10], "%Y-%m-%d")
    assert isinstance(outputs["value"], Grid)


def test_metrics_and_progress_are_heard(tmp_path: Path) -> None:
    heard = Listening()
    run(tmp_path, {"node": "toy_large", "megabytes": 2}, listener=heard)
    assert heard.metrics == [("out", "row", 0.0, 0), ("out", "row", 1.0, 1)]
    assert [word for word, step in heard.heard] == ["0/2", "1/2", "2/2"]
    assert heard.notes == [("out", "it is 2 MB large")]


def test_parts_that_threads_finish_are_counted_together(tmp_path: Path) -> None:
    class Labelled(Listening):
        def progress(self, step: str, done: int, total: int | None, what: str = "") -> None:
            self.heard.append((f"{done}/{total}", what))

    heard = Labelled()
    show = Context("out", "", None, "cpu", tmp_path, heard).tally("first")
    show(0, 400)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: show(1, 400), range(400)))
    assert heard.heard == [(f"{number}/400", "first") for number in range(401)]


def test_what_another_process_stored_meanwhile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    run(tmp_path, {"node": "toy_number", "value": 4})
    outputs, _, _ = run(tmp_path, {"node": "toy_number", "value": 4})
    assert isinstance(outputs["value"], Text) and outputs["value"].text == "4"
    assert (tmp_path / "log").read_text().count("number 4") == 1


def test_two_at_once_compute_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(run, tmp_path, {"node": "toy_slow", "duration": 0.2}) for _ in range(3)]
        assert len({plan.keys["out"] for _, _, plan in (each.result() for each in waiting)}) == 1
    assert (tmp_path / "log").read_text().count("begin slow") == 1


def test_a_file_that_changes_while_it_is_read_is_a_mistake_and_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.txt").write_text("before")
    plan, store = plan_of(tmp_path, {"out": {"node": "toy_read", "path": "x.txt"}})
    read = Path.read_text

    def meanwhile(self: Path, *arguments: Any, **keywords: Any) -> str:
        found = read(self, *arguments, **keywords)
        self.write_text("after, and longer")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", meanwhile)
        with pytest.raises(MistakeError, match="the file changed while the piece was rendered") as caught:
            run_step(task_of(plan), {}, store, Listening(), plan.files)
    assert caught.value.mistakes[0].given == str(tmp_path / "x.txt") and not store.has(plan.keys["out"])


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(122, "Disk quota exceeded")])
def test_a_node_that_finds_the_disk_full_says_so_plainly(
    tmp_path: Path, error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise error

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(MistakeError, match="the disk of the store is full"):
        run(tmp_path, {"node": "toy_large", "on_disk": True})


def test_a_checkpoint_is_taken_up_and_then_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TOY_STOP", "1")
    body = {"node": "toy_steps", "count": 5, "stop": 3}
    with pytest.raises(RuntimeError, match="broken off"):
        run(tmp_path, body)
    monkeypatch.delenv("TOY_STOP")
    outputs, store, plan = run(tmp_path, body)
    steps = [line.rpartition(" ")[0] for line in (tmp_path / "log").read_text().splitlines()]
    assert steps == ["step 0", "step 1", "step 2", "step 3", "step 4"]
    assert isinstance(outputs["value"], Text) and not store.scratch(plan.keys["out"]).exists()


@settings(max_examples=30, deadline=None)
@given(
    harm=st.sampled_from(["cut", "flip", "empty", "other"]),
    place=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_a_damaged_checkpoint_is_a_fresh_start(
    tmp_path_factory: pytest.TempPathFactory, harm: str, place: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("checkpoint")
    context = Context("a", "0" * 64, 0, "cpu", folder, Listening())
    context.save_checkpoint({"loss": np.arange(40.0), "next": np.array(3)})
    path = folder / "checkpoint"
    content = bytearray(path.read_bytes())
    where = int(place * len(content))
    if harm == "flip":
        content[where] ^= 1 << bit
    whole = {"cut": bytes(content[:where]), "flip": bytes(content), "empty": b"", "other": b"another thing"}[harm]
    path.write_bytes(whole)
    assert context.load_checkpoint() is None


def test_a_whole_checkpoint_comes_back_and_the_last_one_counts(tmp_path: Path) -> None:
    context = Context("a", "0" * 64, 0, "cpu", tmp_path / "scratch", Listening())
    assert context.load_checkpoint() is None
    context.save_checkpoint({"loss": np.zeros(3)})
    context.save_checkpoint({"loss": np.arange(3.0), "é": np.array(2, np.int8)})
    found = context.load_checkpoint()
    assert found is not None and found["loss"].tolist() == [0, 1, 2] and found["é"].dtype == np.int8


def test_small_results_stay_in_memory_and_large_ones_are_mapped(tmp_path: Path) -> None:
    small, _, _ = run(tmp_path, {"node": "toy_noise"})
    large, _, _ = run(tmp_path, {"node": "toy_large", "megabytes": 2})
    assert isinstance(small["value"], Grid) and not isinstance(small["value"].numbers, np.memmap)
    assert isinstance(large["value"], Grid) and isinstance(large["value"].numbers, np.memmap)
    for value in (small["value"], large["value"]):
        with pytest.raises(ValueError, match="read-only"):
            value.numbers[0] = 1


def test_the_meter_measures_time_and_memory() -> None:
    meter = Meter()
    held = np.ones(2**22)
    time.sleep(0.02)
    found = meter.read()
    assert found["seconds"] >= 0.02 and found["cpu_seconds"] < found["seconds"] + 1
    assert found["peak_memory"] > held.nbytes
