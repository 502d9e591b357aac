from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from toys import REGISTRY, Listening, prepared_of

from pipelines.compose import Composed, compose
from pipelines.graph import build_graph
from pipelines.prepare import prepare
from pipelines.quantities import InputFiles
from pipelines.render import render
from pipelines.reproduce import _written as written

STEPS: dict[str, Any] = {
    "words": {"node": "toy_read", "path": "ä b.txt"},
    "all": {"node": "toy_read", "path": "*.txt"},
    "n": {"node": "toy_noise", "rows": 3},
    "big": {"node": "toy_large", "megabytes": 1, "bend": [[0, 1], [2, 0.1]]},
    "a": {
        "repeat": 2, "carry": {"x": "words"},
        "steps": {"s": {"node": "toy_join", "texts": ["x", "all", "m", "k"], "separator": "$generation\n: '"},
                  "m": {"node": "toy_measure", "grid": "n"}, "k": {"node": "toy_measure", "grid": "big"}},
        "output": "s",
    },
    "out": {"node": "toy_fail", "text": "a"},
}  # fmt: skip


@pytest.fixture
def failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that reproduces the failure of the step 'out'."""
    for name in ("ä b.txt", "c.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return render(prepared_of(tmp_path, STEPS, seed=6), Listening()).reproductions["out"]


def test_the_file_is_a_piece_that_runs_the_failing_step_alone(tmp_path: Path, failed: Path) -> None:
    composed = compose([f"piece={failed.stem}"], [failed.parent.parent])
    settings = prepared_of(tmp_path, STEPS).composed.config
    again = prepare(Composed({**settings, "piece": composed.config["piece"]}, "x", ()), REGISTRY)
    assert again.plan.order == ["out"]
    outcome = render(again, Listening())
    assert isinstance(outcome.execution.failures["out"], ZeroDivisionError)


def test_the_file_says_how_to_render_it_and_where_the_error_arose(failed: Path) -> None:
    lines = failed.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Reproduces the failure of step out. Render it with:"
    words = shlex.split(lines[1].removeprefix("# "))
    assert words[:2] == ["resynthesis", "render"] and "piece=out" in words
    assert str(failed.parent.parent) == words[words.index("--config-dir") + 1]
    assert any(word.startswith("store.folder=/") for word in words)
    comment = [line for line in lines if line.startswith("#")]
    assert any("ZeroDivisionError: it went wrong inside" in line for line in comment)
    assert any("toy/node.py" in line for line in comment)


def test_only_what_leads_to_the_step_is_in_it(tmp_path: Path) -> None:
    steps = {**STEPS, "out": {"node": "toy_fail"}}
    path = render(prepared_of(tmp_path, {"out": steps["out"], "n": STEPS["n"]}, {"o": "out", "n": "n"}), Listening())
    piece = yaml.safe_load(path.reproductions["out"].read_text(encoding="utf-8"))
    assert list(piece["steps"]) == ["out"]
    assert build_graph(piece, REGISTRY, []).outputs["output"].step == "out"


def test_every_failure_has_a_file_of_its_own(tmp_path: Path) -> None:
    steps: dict[str, Any] = {
        "a": {"steps": {"b": {"node": "toy_fail"}}, "output": "b"},
        "a__b": {"node": "toy_fail", "how": "mistake"},
        "x" * 300: {"node": "toy_fail"},
    }
    found = render(prepared_of(tmp_path, steps, {"x": "a", "y": "a__b", "z": "x" * 300}), Listening()).reproductions
    assert len(set(found.values())) == 3
    for step, path in found.items():
        assert f"failure of step {step}." in path.read_text(encoding="utf-8")


def test_a_file_is_named_again_without_what_belongs_to_it(tmp_path: Path) -> None:
    paths = tuple(tmp_path / name for name in ("model.yaml", "one.th", "two.th"))
    assert written(InputFiles("model.yaml", paths)) == str(paths[0])
    assert written(InputFiles("models", paths, found=True)) == str(tmp_path)
    assert written(InputFiles("models/*.th", paths[1:], found=True)) == str(tmp_path / "*.th")
