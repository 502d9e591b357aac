"""Pictures and pages of whole steps: what a node's `figure` and `page` make of its inputs and outputs."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import toys
from toys import Listening, prepared_of

import pipelines.views
from nodes.values import Text
from pipelines.deliver import place_pages
from pipelines.node import NodeSpec, node
from pipelines.painters import Painter
from pipelines.render import Outcome, render
from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Row(Value):
    """Numbers that can be seen."""

    numbers: Array

    def draw(self) -> Figure:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 1))
        figure.add_subplot().plot(self.numbers)
        return figure


class Halves(NamedTuple):
    """What is below and above a limit."""

    low: Row
    high: Row


def seen(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Figure:
    figure: Figure = inputs["row"].draw()
    figure.axes[0].plot(outputs["low"].numbers)
    return figure


def heard(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    if 13 in inputs["row"].numbers[:1]:
        raise ValueError("unlucky")
    names = ", ".join(f"{name} {value.numbers.sum():g}" for name, value in outputs.items())
    return f"<p>{inputs['row'].numbers.sum():g} is {names}" if len(inputs["row"].numbers) else None


def joined(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    return f"{len(inputs['rows'])} rows, {'limit' in inputs}, {outputs['value'].numbers.sum():g}"


@node
def row(*, first: int = 0, length: int = 5) -> Row:
    """Give numbers."""
    return Row(np.arange(first, first + length))


@node(figure=seen, page=heard)
def halves(row: Row, *, limit: int = 3) -> Halves:
    """Split numbers."""
    return Halves(Row(np.minimum(row.numbers, limit)), Row(np.maximum(row.numbers, limit)))


@node(page=joined)
def join(rows: list[Row], limit: Row | None) -> Row:
    """Join numbers."""
    return Row(np.concatenate([row.numbers for row in rows]))


@node(figure=seen)
def single(row: Row) -> Row:
    """Hand numbers on: its figure fails, as there is no output 'low'."""
    return row


@node
def said(rows: list[Row]) -> Text:
    """Count numbers."""
    return Text(str(sum(len(row.numbers) for row in rows)))


@pytest.fixture(autouse=True)
def _own_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        function.__name__: NodeSpec(function.__name__, function, "here")
        for function in (row, halves, join, single, said)
    }
    monkeypatch.setattr(toys, "REGISTRY", {**toys.REGISTRY, **own})


STEPS: dict[str, Any] = {
    "a": {"node": "row"},
    "group": {"steps": {"h": {"node": "halves", "row": "a"}}, "outputs": {"low": "h.low", "high": "h.high"}},
    "j": {"node": "join", "rows": ["group.low", "a"]},
    "out": {"node": "said", "rows": ["group.low", "group.high", "j"]},
}


def rendered(folder: Path, steps: Any = STEPS, **changes: Any) -> tuple[Outcome, dict[str, Any]]:
    outcome = render(prepared_of(folder, steps, **{"workers": 1, **changes}), Listening())
    assert outcome.record is not None
    return outcome, json.loads(outcome.record.read_text(encoding="utf-8"))


def test_a_step_is_seen_as_a_whole_and_by_its_outputs(tmp_path: Path) -> None:
    outcome, record = rendered(tmp_path)
    assert list(record["views"]) == ["a", "group/h", "group/h.low", "group/h.high", "j"]
    assert len({Path(path).read_bytes() for path in record["views"].values()}) == 5
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in record["views"].values())
    assert {step: Path(page).read_text() for step, page in record["pages"].items()} == {
        "group/h": "<p>10 is low 9, high 16",
        "j": "2 rows, False, 19",
    }
    assert {step: path.name for step, path in outcome.pages.items()} == {
        "group/h": "a_title_group__h.html",
        "j": "a_title_j.html",
    }
    assert all(path.parent == outcome.folder and path.read_text() for path in outcome.pages.values())
    assert sorted(path.name for path in outcome.folder.iterdir() if path.name.startswith(".")) == []


def test_they_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, record = rendered(tmp_path)
    monkeypatch.setattr(pipelines.views, "draw", None)
    again, second = rendered(tmp_path)
    assert (second["views"], second["pages"]) == (record["views"], record["pages"]) and again.pages == first.pages


def test_processes_make_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, alone = rendered(tmp_path / "alone")
    original, answers = Painter.draw, []
    monkeypatch.setattr(Painter, "draw", lambda *asked: answers.append(original(*asked)) or answers[-1])
    monkeypatch.setattr(pipelines.views, "FEWEST", 1)

    def wait(step: str) -> None:
        ends = time.monotonic() + 60
        while step == "out" and len(answers) < 7:
            assert time.monotonic() < ends
            time.sleep(0.02)

    outcome = render(prepared_of(tmp_path / "several", STEPS, workers=2), Listening(on_start=wait))
    assert outcome.record is not None
    several = json.loads(outcome.record.read_text(encoding="utf-8"))
    assert len(answers) >= 7 and None not in answers
    for kind in ("views", "pages"):
        contents = [{name: Path(path).read_bytes() for name, path in found[kind].items()} for found in (alone, several)]
        assert contents[0] == contents[1]


def test_a_page_that_cannot_be_made_says_why_and_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome, record = rendered(tmp_path, {**STEPS, "a": {"node": "row", "first": 13}})
    assert record["status"] == "finished" and set(record["pages"]) == {"j"} == set(outcome.pages)
    assert "group/h.html: cannot be drawn: ValueError: unlucky" in capsys.readouterr().err


def test_where_there_is_nothing_there_is_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, record = rendered(tmp_path, {**STEPS, "a": {"node": "row", "length": 0}})
    assert set(record["pages"]) == {"j"} and "group/h" in record["views"]
    assert capsys.readouterr().err == ""


def test_the_figure_of_a_step_stands_for_its_only_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = {"a": {"node": "row"}, "s": {"node": "single", "row": "a"}, "out": {"node": "said", "rows": ["s"]}}
    _, record = rendered(tmp_path, steps)
    assert set(record["views"]) == {"a"} and "s: cannot be drawn: KeyError: 'low'" in capsys.readouterr().err


def test_what_went_in_may_be_gone(tmp_path: Path) -> None:
    first, record = rendered(tmp_path)
    shutil.rmtree(first.prepared.store.path(first.prepared.plan.keys["a"]))
    _, kept = rendered(tmp_path)
    assert kept["pages"] == record["pages"] and "group/h" in kept["views"]
    for page in record["pages"].values():
        Path(page).unlink()
    assert rendered(tmp_path)[1]["pages"] == {}


def test_pages_lie_where_they_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>")
    monkeypatch.setattr(Path, "hardlink_to", lambda self, target: (_ for _ in ()).throw(OSError("another disk")))
    (placed,) = place_pages(tmp_path / "new", "x", {"s": str(page)}).values()
    assert placed.read_text() == "<p>" and placed == tmp_path / "new" / "x_s.html"
    page.unlink()
    assert place_pages(tmp_path / "new", "x", {"s": str(page)}) == {}
    assert "s: its page cannot be written: No such file" in capsys.readouterr().err and placed.read_text() == "<p>"


def test_pages_of_steps_whose_names_are_alike_have_names_of_their_own(tmp_path: Path) -> None:
    pages = {step: tmp_path / f"{number}.html" for number, step in enumerate(("a/b", "a-b", "a__b__2", "a__b"))}
    for step, page in pages.items():
        page.write_text(step)
    placed = place_pages(tmp_path / "new", "x", {step: str(page) for step, page in pages.items()})
    assert {step: path.read_text() for step, path in placed.items()} == {step: step for step in pages}


@pytest.mark.parametrize("shower", [lambda inputs, outputs: "", "text", Halves])
def test_what_other_processes_cannot_import_is_refused(shower: Any) -> None:
    with pytest.raises(TypeError, match="must be a function of a module"):
        node(page=shower)
