from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import toys
from toys import Listening, prepared_of

from nodes.values import Text
from pipelines.blobs import file_digest
from pipelines.node import NodeSpec, node
from pipelines.record import versions
from pipelines.render import Outcome, render
from pipelines.value import Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS: dict[str, Any] = {
    "n": {"node": "toy_number", "value": 3},
    "big": {"node": "toy_large", "megabytes": 2},
    "m": {"node": "toy_measure", "grid": "big"},
    "out": {"node": "toy_join", "texts": ["n", "m"]},
    "spare": {"node": "toy_number"},
}


@dataclass(frozen=True, eq=False)
class Drawn(Value):
    """A value that can be seen and measured."""

    size: float

    def draw(self) -> Figure:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(self.size, 1))
        figure.add_subplot().plot([0, 1])
        return figure

    def measure(self) -> dict[str, float]:
        return {"size": self.size, "level": float("-inf")}


@dataclass(frozen=True, eq=False)
class Undrawable(Value):
    """A value that cannot be drawn."""

    size: float

    def draw(self) -> Figure:
        raise ValueError("nothing to draw here")


@node
def drawn(*, size: float = 2.0) -> Drawn:
    """Give something to see."""
    return Drawn(size)


@node
def undrawable(*, size: float = 2.0) -> Undrawable:
    """Give something that cannot be seen."""
    return Undrawable(size)


@node
def weighed(thing: Undrawable) -> Text:
    """Say how large it is."""
    return Text(str(thing.size))


@pytest.fixture(autouse=True)
def _own_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        function.__name__: NodeSpec(function.__name__, function, "here") for function in (drawn, undrawable, weighed)
    }
    monkeypatch.setattr(toys, "REGISTRY", {**toys.REGISTRY, **own})


def record_of(outcome: Outcome) -> dict[str, Any]:
    assert outcome.record is not None
    found: dict[str, Any] = json.loads(outcome.record.read_text(encoding="utf-8"))
    return found


def rendered(folder: Path, steps: Any = STEPS, output: Any = "out", **changes: Any) -> dict[str, Any]:
    return record_of(render(prepared_of(folder, steps, output, **changes), Listening()))


def test_the_record_says_what_was_rendered_from_what_and_how(tmp_path: Path) -> None:
    outcome = render(prepared_of(tmp_path, STEPS, seed=4), Listening(), sweep="s1")
    record = record_of(outcome)
    plan = outcome.prepared.plan
    assert (record["title"], record["piece"], record["status"]) == ("a title", "toys/piece", "finished")
    assert (record["seed"], record["device"], record["sweep"]) == (4, "cpu", "s1")
    assert record["config"] == outcome.prepared.composed.config and record["overrides"] == ["piece=toys/piece"]
    assert {path: step["key"] for path, step in record["steps"].items()} == plan.keys
    assert record["steps"]["n"]["state"] == "ran" and record["steps"]["spare"]["state"] == "unneeded"
    assert record["steps"]["big"]["metrics"] == {"row": [[0, 0.0], [1, 1.0]]}
    assert record["steps"]["big"]["notes"] == ["it is 2 MB large"] and record["steps"]["m"]["notes"] == []
    assert record["steps"]["big"]["seconds"] > 0 and record["steps"]["big"]["peak_memory"] > 0
    assert record["used"]["seconds"] > 0


def test_outputs_are_named_with_key_and_digests_of_their_files(tmp_path: Path) -> None:
    outcome = render(prepared_of(tmp_path, STEPS), Listening())
    output = record_of(outcome)["outputs"]["output"]
    assert (output["step"], output["output"], output["key"]) == ("out", "value", outcome.prepared.plan.keys["out"])
    (path,) = outcome.files["output"]
    assert output["files"] == {str(path): file_digest(path)} and output["what"].startswith("Text, 1 lines")


def test_measures_are_taken_once_and_finite(tmp_path: Path) -> None:
    first = rendered(tmp_path, {"out": {"node": "drawn"}})
    assert first["outputs"]["output"]["measures"] == {"size": 2.0}
    assert rendered(tmp_path, {"out": {"node": "drawn"}})["outputs"]["output"]["measures"] == {"size": 2.0}


def test_what_can_be_seen_is_drawn_once(tmp_path: Path) -> None:
    views = rendered(tmp_path, {"out": {"node": "drawn"}})["views"]
    picture = Path(views["out"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    stamp = picture.stat().st_mtime_ns
    assert rendered(tmp_path, {"out": {"node": "drawn"}})["views"] == views and picture.stat().st_mtime_ns == stamp
    assert rendered(tmp_path, STEPS)["views"] == {}


def test_a_value_that_cannot_be_drawn_does_not_cost_the_record(tmp_path: Path) -> None:
    record = rendered(tmp_path, {"a": {"node": "undrawable"}, "out": {"node": "weighed", "thing": "a"}})
    assert record["status"] == "finished" and record["views"] == {}


def test_a_cached_render_is_recorded_with_the_numbers_of_the_first(tmp_path: Path) -> None:
    first, second = rendered(tmp_path), rendered(tmp_path)
    assert (
        second["steps"]["out"]["state"] == "cached"
        and second["steps"]["out"]["seconds"] == first["steps"]["out"]["seconds"]
    )
    assert second["steps"]["big"]["metrics"] == first["steps"]["big"]["metrics"]


def test_a_record_that_is_to_be_sent_says_so_in_its_name(tmp_path: Path) -> None:
    tracking = {"uri": "sqlite:///x.db", "artifacts": None, "experiment": "e"}
    tracked = render(prepared_of(tmp_path, STEPS, tracking=tracking), Listening()).record
    plain = render(prepared_of(tmp_path, STEPS), Listening()).record
    assert tracked is not None and tracked.name.endswith(".unsent.json")
    assert plain is not None and not plain.name.endswith(".unsent.json")
    assert not list((tmp_path / "records").glob("*.partial"))


def test_versions_of_everything_that_bears_on_results_are_there() -> None:
    found = versions()
    assert {"python", "numpy", "torch", "resynthesis"} <= found.keys() and all(found.values())


def test_nothing_in_the_record_is_lost_in_json(tmp_path: Path) -> None:
    record = rendered(tmp_path, {"out": {"node": "toy_join", "texts": "n", "separator": "é\n\"'雨"}, "n": STEPS["n"]})
    assert record["config"]["piece"]["steps"]["out"]["separator"] == "é\n\"'雨"
