from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from toys import prepared_of

from pipelines.command_line.progress import Progress
from pipelines.render import render
from pipelines.store import Damaged

STEPS: dict[str, Any] = {
    "big": {"node": "toy_large", "megabytes": 3},
    "bad": {"node": "toy_fail"},
    "out": {"node": "toy_measure", "grid": "big"},
}


class Watched(Progress):
    """Bars whose state can be read after each word."""

    def __init__(self) -> None:
        super().__init__(plain=False, quiet=False)
        self.seen: list[tuple[str, float, float | None]] = []
        self.whole: list[tuple[float, float | None]] = []

    def delivered(self, files: Sequence[Path]) -> None:
        self.whole = [(task.completed, task.total) for task in self._bars.tasks]
        super().delivered(files)

    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None:
        super().progress(step, done, total, what)
        (task,) = [task for task in self._bars.tasks if task.id == self._step]
        self.seen.append((task.description, task.completed, task.total))


def test_the_bar_of_a_step_follows_its_loop_and_that_of_the_piece_its_steps(tmp_path: Path) -> None:
    bars = Watched()
    prepared = prepared_of(tmp_path, STEPS, {"out": "out", "bad": "bad"})
    with bars.of(prepared.plan):
        render(prepared, bars)
    assert bars.whole == [(3, 3)]
    assert bars.seen == [("  big (toy_large)", number, 3) for number in range(4)]


def test_what_comes_before_the_loop_is_named_and_counted_apart(tmp_path: Path) -> None:
    bars = Watched()
    prepared = prepared_of(tmp_path, STEPS, {"out": "out"})
    with bars.of(prepared.plan):
        bars.started("a", "invert")
        for done, total, what in ((0, 2, "first sound"), (2, 2, "first sound"), (0, 50, "")):
            bars.progress("a", done, total, what)
    named = "  a (invert): first sound"
    assert bars.seen == [(named, 0, 2), (named, 2, 2), ("  a (invert)", 0, 50)]


def test_files_are_named_at_once_and_pictures_counted_on_a_bar_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    bars = Progress(plain=False, quiet=False)
    with bars.of(prepared_of(tmp_path, STEPS, {"out": "out"}).plan):
        bars.delivered([tmp_path / "renders" / "a.wav", Path("/elsewhere/b.wav")])
        assert capsys.readouterr().out.split() == ["renders/a.wav", "/elsewhere/b.wav"]
        bars.drawn(30, 45)
        bars.drawn(31, 45)
        (task,) = bars._bars.tasks
        assert (task.description, task.completed, task.total) == ("pictures", 31, 45)
    assert bars._bars is None


@pytest.mark.parametrize("quiet", [True, False])
def test_without_a_terminal_nothing_is_drawn(tmp_path: Path, quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    bars = Progress(plain=True, quiet=quiet)
    prepared = prepared_of(tmp_path, STEPS, {"out": "out", "bad": "bad"})
    with bars.of(prepared.plan):
        (path,) = render(prepared, bars).files["out"]
        bars.drawn(3, 9)
    assert capsys.readouterr() == (f"{path}\n", "" if quiet else "big: note: it is 3 MB large\n")


def test_a_damaged_result_is_always_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    Progress(plain=True, quiet=True).repeated(Damaged("ab" * 32, "torn"))
    assert capsys.readouterr().err == "stored result abababababab is damaged (torn): it is computed again\n"
