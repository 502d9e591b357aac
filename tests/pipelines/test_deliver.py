from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from toy.grid import Grid

from nodes.values import Text
from pipelines.deliver import deliver, file_name
from pipelines.mistakes import MistakeError
from pipelines.value import Value


@dataclass(frozen=True, eq=False)
class Broken(Value):
    """A value that fails half-way when it is written."""

    def write(self, folder: Path, name: str) -> list[Path]:
        (folder / f"{name}.half").write_text("half")
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("after 1935", "after_1935"),
        ("../../etc/passwd", "etc_passwd"),
        ("Zwölf 雨 / regen", "Zwölf_雨_regen"),
        ("", "untitled"),
        ("///", "untitled"),
        ("\0\n", "untitled"),
        ("x" * 300, "x" * 80),
        (".hidden", "hidden"),
    ],
)
def test_any_title_becomes_a_plain_file_name(text: str, name: str) -> None:
    assert file_name(text) == name


def test_outputs_are_written_under_the_title_and_their_names(tmp_path: Path) -> None:
    outputs: dict[str, Value] = {"output": Text("one"), "b": Text("two")}
    written = deliver(tmp_path / "x", "title", outputs, {"output": "k1", "b": "k2"})
    assert {name: [path.name for path in paths] for name, paths in written.items()} == {
        "output": ["title.txt"], "b": ["title_b.txt"],
    }  # fmt: skip
    assert written["output"][0].read_text() == "one"
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["contents.json", "title.txt", "title_b.txt"]


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    (path,) = deliver(tmp_path, "t", {"output": Text("one")}, {"output": "k"})["output"]
    before = path.stat()
    assert deliver(tmp_path, "t", {"output": Text("one")}, {"output": "k"})["output"] == [path]
    assert path.stat().st_ino == before.st_ino and path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("harm", ["edit", "remove", "manifest", "no manifest", "list", "key"])
def test_what_was_changed_or_lost_is_written_again(tmp_path: Path, harm: str) -> None:
    (path,) = deliver(tmp_path, "t", {"output": Text("one")}, {"output": "k"})["output"]
    manifest = tmp_path / "contents.json"
    if harm == "edit":
        path.write_text("edited")
    elif harm == "remove":
        path.unlink()
    elif harm == "manifest":
        manifest.write_text("{")
    elif harm == "no manifest":
        manifest.unlink()
    elif harm == "list":
        manifest.write_text(json.dumps({"output": ["x"]}))
    written = deliver(tmp_path, "t", {"output": Text("two")}, {"output": "other" if harm == "key" else "k"})
    assert written["output"][0].read_text() == "two"


def test_a_failure_leaves_nothing_half_and_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="cannot be written: No space left") as caught:
        deliver(tmp_path, "t", {"output": Broken()}, {"output": "k"})
    assert "in the store" in caught.value.mistakes[0].hint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_which_nothing_can_be_made_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MistakeError, match="cannot be written"):
        deliver(tmp_path / "file", "t", {"output": Text("x")}, {"output": "k"})


def test_a_value_of_the_projects_own_is_written_as_it_says(tmp_path: Path) -> None:
    (path,) = deliver(tmp_path, "t", {"output": Grid(np.array([1, 2], np.uint8))}, {"output": "k"})["output"]
    assert (path.name, path.read_bytes()) == ("t.grid", b"\x01\x02")


def test_two_outputs_do_not_overwrite_each_other(tmp_path: Path) -> None:
    outputs: dict[str, Value] = {"a": Text("one"), "A-": Text("two"), "a_": Text("three")}
    written = deliver(tmp_path, "t", outputs, {name: name for name in outputs})
    assert [paths[0].read_text() for paths in written.values()] == ["one", "two", "three"]
