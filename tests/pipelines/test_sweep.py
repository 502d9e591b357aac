from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.command_line.main import run


@pytest.fixture
def folder(entry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to render in, with the toy project installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log.txt"))
    before, environment = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}, dict(os.environ)
    yield tmp_path
    for number, handler in before.items():
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environment)


def records(folder: Path) -> list[dict[str, Any]]:
    paths = sorted((folder / "outputs" / "records").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def ran(folder: Path) -> list[str]:
    return [line.rpartition(" ")[0] for line in (folder / "log.txt").read_text().splitlines()]


def test_jobs_of_a_sweep_share_what_is_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", "-m", "piece=sum", "piece.steps.total.times=2,3,4", "tracking=off"]) == 0
    assert sorted(ran(folder)) == ["add"] * 4 + ["number 3", "number 4"]
    said = capsys.readouterr().out
    texts = [(folder / line).read_text() for line in said.splitlines() if line.endswith(".txt")]
    assert texts == ["20", "30", "40"]
    assert "[3/3]" in said and "piece.steps.total.times=4" in said


def test_every_job_has_a_record_of_one_sweep(folder: Path) -> None:
    run(["render", "-m", "piece=sum", "piece.seed=1,2", "tracking=off", "--quiet"])
    found = records(folder)
    assert len(found) == 2 and found[0]["sweep"] == found[1]["sweep"] != ""
    assert [record["config"]["piece"]["seed"] for record in found] == [1, 2]


def test_a_mistake_in_one_job_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", "-m", "piece=sum", "piece.steps.four.value=4,-1,5", "tracking=off", "--quiet"]) == 2
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2 and "four.value: the value does not fit" in said.err


def test_a_fault_in_one_job_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", "-m", "piece=broken,sum", "tracking=off", "--quiet"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_sweep_of_a_sweep_runs_nothing_again(folder: Path) -> None:
    command = ["render", "-m", "piece=sum,sections", "piece.seed=1,2", "tracking=off", "--quiet"]
    assert run(command) == 0
    before = ran(folder)
    assert run(command) == 0 and ran(folder) == before


def test_a_mistake_on_the_command_line_runs_nothing(folder: Path) -> None:
    assert run(["render", "-m", "piece=sum,gone", "tracking=off"]) == 2
    assert not (folder / "log.txt").exists()


@pytest.mark.usefixtures("folder")
def test_several_values_without_m_are_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", "piece=sum", "piece.seed=1,2"]) == 2
    assert "add -m" in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["su?", "glob(su*)", "[s]*m"])
def test_a_pattern_stands_for_all_pieces_that_fit(folder: Path, pattern: str) -> None:
    assert run(["render", "-m", f"piece={pattern}", "tracking=off", "--quiet"]) == 0
    assert [record["piece"] for record in records(folder)] == ["sum"]


def test_a_pattern_that_no_piece_fits_is_a_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", "-m", "piece=none/*", "tracking=off"]) == 2
    said = capsys.readouterr().err
    assert "no piece has such a name" in said and "sum" in said
