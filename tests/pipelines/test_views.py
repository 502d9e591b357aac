from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import toys
from toys import Listening, Program, prepared_of

import pipelines.views
from nodes.values import Text
from pipelines.node import NodeSpec, node
from pipelines.painters import Drawn, Painter, Sight, draw
from pipelines.render import Outcome, render
from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Curve(Value):
    """A value that can be seen."""

    numbers: Array

    def draw(self) -> Figure:
        from matplotlib.figure import Figure

        print("this must not come between answers")
        figure = Figure(figsize=(4, 2), layout="constrained")
        axes = figure.add_subplot(xlabel="time")
        axes.plot(self.numbers)
        axes.imshow(np.outer(self.numbers, self.numbers), extent=(0, 9, 0, 1), aspect="auto")
        return figure


@dataclass(frozen=True, eq=False)
class Spoilt(Curve):
    """A value that cannot be drawn."""

    def draw(self) -> Figure:
        raise ValueError(f"no curve of {len(self.numbers)}")


@node
def curve(*, number: int = 0) -> Curve:
    """Give something to see."""
    return Curve(np.random.default_rng(number).normal(size=9))


HIDDEN: list[type[Curve]] = []


@node
def hidden(*, number: int = 0) -> Curve:
    """Give something to see of a kind that no module defines."""
    return HIDDEN[0](np.random.default_rng(number).normal(size=9))


@node
def spoilt(*, size: int = 2) -> Curve:
    """Give something that cannot be seen, though its kind can."""
    return Spoilt(np.zeros(size))


@node
def counted(curves: list[Curve]) -> Text:
    """Count curves."""
    return Text(str(len(curves)))


@pytest.fixture(autouse=True)
def _own_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        function.__name__: NodeSpec(function.__name__, function, "here")
        for function in (curve, hidden, spoilt, counted)
    }
    monkeypatch.setattr(toys, "REGISTRY", {**toys.REGISTRY, **own})


def piece_of(count: int, *more: str) -> dict[str, Any]:
    curves: dict[str, Any] = {f"c{number}": {"node": "curve", "number": number} for number in range(count)}
    others = {name: {"node": "spoilt", "size": size} for size, name in enumerate(more, 3)}
    return {**curves, **others, "out": {"node": "counted", "curves": [*curves, *others]}}


def rendered(folder: Path, steps: Any, workers: int, listening: Listening | None = None) -> Outcome:
    return render(prepared_of(folder, steps, workers=workers), listening or Listening())


def views_of(outcome: Outcome) -> dict[str, bytes]:
    assert outcome.record is not None
    found: dict[str, str] = json.loads(outcome.record.read_text(encoding="utf-8"))["views"]
    return {name: Path(path).read_bytes() for name, path in found.items()}


def kept(folder: Path) -> dict[str, bytes]:
    pictures = (folder / "store" / "views").rglob("[!.]*.png")
    return {path.name: path.read_bytes() for path in pictures}


def until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Drawn | None]]:
    """What other processes drew. This one waits with its first picture until they have answered."""
    answers: list[Drawn | None] = []
    answered = threading.Event()
    original = Painter.draw

    def ask(self: Painter, sight: Sight) -> Drawn | None:
        answers.append(original(self, sight))
        answered.set()
        return answers[-1]

    def wait(*asked: Any) -> Drawn:
        assert answered.wait(60)
        return draw(*asked)

    monkeypatch.setattr(Painter, "draw", ask)
    monkeypatch.setattr(pipelines.views, "draw", wait)
    yield answers
    assert not psutil.Process().children()


def test_processes_draw_the_same_as_one(
    tmp_path: Path, others: list[Drawn | None], capfd: pytest.CaptureFixture[str]
) -> None:
    steps = piece_of(10, "bad", "worse")
    several = rendered(tmp_path / "several", steps, 2)
    errors = capfd.readouterr().err
    assert others and None not in others
    count = len(others)
    alone = rendered(tmp_path / "alone", steps, 1)
    assert len(others) == count
    assert views_of(several) == views_of(alone) and views_of(alone).keys() == {f"c{number}" for number in range(10)}
    assert kept(tmp_path / "several") == kept(tmp_path / "alone")
    assert sum(not picture for picture in kept(tmp_path / "alone").values()) == 3
    told = [f"{name}: cannot be drawn: ValueError: no curve of {size}" for size, name in ((3, "bad"), (4, "worse"))]
    assert [line for line in errors.splitlines() if "cannot" in line] == told
    assert capfd.readouterr().err.splitlines() == told


def test_pictures_are_drawn_while_later_steps_run(tmp_path: Path) -> None:
    def wait(step: str) -> None:
        if step == "out":
            until(lambda: len(kept(tmp_path)) == 12)

    listening = Listening(on_start=wait)
    outcome = rendered(tmp_path, piece_of(12), 2, listening)
    assert len(views_of(outcome)) == 12 and listening.pictures == []


def test_what_a_process_cannot_import_is_drawn_here(tmp_path: Path, others: list[Drawn | None]) -> None:
    @dataclass(frozen=True, eq=False)
    class Hidden(Curve):
        """A kind that only this test makes."""

    HIDDEN.append(Hidden)
    steps = {name: {**step, "node": step["node"].replace("curve", "hidden")} for name, step in piece_of(6).items()}
    outcome = rendered(tmp_path, steps, 2)
    assert len(views_of(outcome)) == 6 and None in others
    assert not any(drawn.picture for drawn in others if drawn is not None)


def test_what_code_drew_that_changed_meanwhile_is_drawn_anew(
    tmp_path: Path, others: list[Drawn | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.files.FileDigests.unchanged", lambda self: False)
    here = []
    monkeypatch.setattr(pipelines.views, "draw", lambda *asked: here.append(asked) or draw(*asked))
    outcome = rendered(tmp_path, piece_of(8), 2)
    assert len(views_of(outcome)) == 8 and len(here) == 9  # the text, of which there is nothing to see, too


def test_a_process_that_dies_costs_no_picture(tmp_path: Path, others: list[Drawn | None]) -> None:
    def kill(step: str) -> None:
        if step == "c3":
            (process,) = psutil.Process().children()
            process.kill()

    outcome = rendered(tmp_path, piece_of(8), 2, Listening(on_start=kill))
    assert len(views_of(outcome)) == 8 and others[-1] is None


def test_where_no_process_can_be_started_all_is_drawn_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "nothing"))
    assert len(views_of(rendered(tmp_path, piece_of(8), 4))) == 8


@pytest.mark.parametrize(("count", "workers"), [(5, 4), (8, 1)])
def test_few_pictures_or_one_worker_start_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, workers: int
) -> None:
    monkeypatch.setattr(pipelines.views, "Painter", None)
    assert len(views_of(rendered(tmp_path, piece_of(count), workers))) == count


def test_nothing_is_started_for_pictures_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = views_of(rendered(tmp_path, piece_of(8), 1))
    monkeypatch.setattr(pipelines.views, "Painter", None)
    monkeypatch.setattr(pipelines.views, "draw", None)
    assert views_of(rendered(tmp_path, piece_of(8), 2)) == first


def test_the_first_that_show_something_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines.views, "MOST_VIEWS", 3)
    outcome = rendered(tmp_path, dict(sorted(piece_of(5, "a", "b").items())), 1)
    assert views_of(outcome).keys() == {"c0", "c1", "c2"} and len(kept(tmp_path)) == 5


def test_steps_with_one_result_have_one_picture(tmp_path: Path) -> None:
    steps = piece_of(2)
    steps["c1"] = steps["c0"]
    views = views_of(rendered(tmp_path, steps, 1))
    assert views["c0"] == views["c1"] and len(kept(tmp_path)) == 2


def test_it_is_told_how_many_are_drawn_where_it_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines.views, "SHOWN_AFTER", 0.0)
    listening = Listening()
    rendered(tmp_path, piece_of(4), 1, listening)
    assert listening.pictures == [(done, 5) for done in range(5)]


def test_the_files_are_named_before_pictures_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listening, seen = Listening(), []
    monkeypatch.setattr(pipelines.views, "draw", lambda *asked: seen.append(listening.files) or draw(*asked))
    outcome = rendered(tmp_path, piece_of(2), 1, listening)
    assert seen == [outcome.files["output"]] * 3 and outcome.files["output"][0].is_file()


def test_a_picture_that_cannot_be_kept_does_not_cost_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "views").write_text("in the way")
    assert views_of(rendered(tmp_path, piece_of(1), 1)) == {}
    assert "c0: cannot be drawn: NotADirectoryError" in capsys.readouterr().err


SLOW = """
import time
from dataclasses import dataclass

from nodes.values import Text
from pipelines.node import node
from pipelines.value import Value


@dataclass(frozen=True, eq=False)
class Slow(Value):
    number: int

    def draw(self):
        from matplotlib.figure import Figure

        time.sleep(0.2)
        return Figure(figsize=(1, 1))


@node
def slow(*, number: int = 0) -> Slow:
    \"\"\"Give what is drawn slowly.\"\"\"
    return Slow(number)


@node
def counted(values: list[Slow]) -> Text:
    \"\"\"Count them.\"\"\"
    return Text(str(len(values)))
"""


@pytest.fixture
def slow_piece(program: Program) -> tuple[str, ...]:
    (program.folder / "slowly.py").write_text(SLOW)
    piece = program.folder / "piece" / "pictures.yaml"
    piece.parent.mkdir(parents=True)
    steps = "".join(f"  s{number}: {{node: slow, number: {number}}}\n" for number in range(20))
    out = f"  out: {{node: counted, values: [{', '.join(f's{number}' for number in range(20))}]}}\n"
    piece.write_text(f"title: pictures\nsteps:\n{steps}{out}output: out\n")
    return "render", "piece=pictures", "tracking=off", "workers=2", "--config-dir", ".", "--nodes", "slowly.py"


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL])
def test_an_interrupted_drawing_leaves_nothing_behind_and_goes_on(
    program: Program, slow_piece: tuple[str, ...], stop: signal.Signals
) -> None:
    process = program.start(*slow_piece)
    views = program.folder / "outputs" / "store" / "views"
    until(lambda: len(list(views.rglob("[!.]*.png"))) > 3 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    painters = psutil.Process(process.pid).children()
    process.send_signal(stop)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-stop if stop == signal.SIGKILL else 130) and "Traceback" not in err
    assert len(painters) == 1
    psutil.wait_procs(painters, timeout=20)
    assert not any(painter.is_running() for painter in painters)
    assert stop == signal.SIGKILL or not list(views.rglob(".*"))
    before = {path: path.stat().st_mtime_ns for path in views.rglob("[!.]*.png")}
    assert 3 < len(before) < 20
    done = program(*slow_piece)
    assert done.returncode == 0, done.stderr
    after = {path: path.stat().st_mtime_ns for path in views.rglob("[!.]*.png") if path.stat().st_size}
    assert len(after) == 20 and before.items() <= after.items()
    (record,) = (program.folder / "outputs" / "records").glob("*.json")
    assert len(json.loads(record.read_text())["views"]) == 20


def test_a_process_ends_when_nobody_asks_any_more(tmp_path: Path) -> None:
    prepared = prepared_of(tmp_path, piece_of(1))
    painter = Painter(prepared.store, 1)
    (process,) = psutil.Process().children()
    painter.close()
    assert process.wait(timeout=30) == 0
    assert painter.draw(Sight("ab" * 32, ("value",))) is None and not painter.alive
    painter.end()
