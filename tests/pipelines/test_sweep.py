from __future__ import annotations

import json
import os
import signal
import sys
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


SCORES = """
from dataclasses import dataclass

from nodes.values import Text
from pipelines.node import node
from pipelines.value import Value


@dataclass(frozen=True, eq=False)
class SweepScore(Value):
    height: float

    def measure(self) -> dict[str, float]:
        none = {} if self.height > 3 else {"low": 0.123456}
        return {"height": self.height, **none, **{f"number_{place}_of_many": 0.0 for place in range(9)}}


@node
def sweep_score(text: Text, *, factor: float = 1.0) -> SweepScore:
    return SweepScore(factor * len(text.text))
"""

PIECE = """
steps:
  hum: {node: toy_tone}
  text: {node: toy_number, value: 7}
  score: {node: sweep_score, text: text}
outputs: {hum: hum, score: score}
"""


@pytest.fixture
def scored(folder: Path) -> Iterator[list[str]]:
    """The arguments of a sweep of a piece that gives scores."""
    (folder / "mine" / "piece").mkdir(parents=True)
    (folder / "mine" / "piece" / "scored.yaml").write_text(PIECE)
    (folder / "sweep_scores.py").write_text(SCORES)
    yield ["render", "-m", "piece=scored", "tracking=off", "--config-dir", "mine", "--nodes", "sweep_scores.py"]
    sys.modules.pop("sweep_scores", None)


def test_a_sweep_ends_with_a_table_of_scores(scored: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*scored, "piece.steps.score.factor=2.5,4321.5"]) == 0
    head, *rows = lines = capsys.readouterr().out.splitlines()[-3:]
    assert head.split()[:3] == ["height", "low", "number_0_of_many"] and len(head.split()) <= 8
    assert [row.split()[:4] for row in rows] == [
        ["[1]", "steps.score.factor=2.5", "2.5", "0.123"], ["[2]", "steps.score.factor=4321.5", "4.32e+03", "-"]
    ]  # fmt: skip
    assert len({len(line) for line in lines}) == 1 and len(head) <= 120
    assert run([*scored, "piece.steps.score.factor=2.5,4", "--quiet"]) == 0
    assert "height" not in capsys.readouterr().out


def test_the_label_of_a_job_is_cut_to_its_end(scored: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    long = f"piece.title={'very-' * 20}long,short"
    assert run([*scored, long, "piece.steps.score.factor=2"]) == 0
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert first.startswith("[1] …") and first.split()[1].endswith("very-long")
    assert second.startswith("[2] title=short ")
    assert len(first) == len(second) <= 120


def test_a_sweep_of_nothing_but_sounds_has_no_table(scored: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*scored, "piece.steps.score.factor=2,3", "~piece.outputs.score"]) == 0
    assert "height" not in (said := capsys.readouterr().out) and said.splitlines()[-1].endswith("from the store")
