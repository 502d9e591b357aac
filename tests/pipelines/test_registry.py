from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import toy.node

from pipelines import registry as module
from pipelines.mistakes import MistakeError
from pipelines.registry import load_registry

NODE = """
from nodes.values import Text
from pipelines.node import node

@node
def {name}(*, value: int = 1) -> Text:
    "Give a text."
    return Text(str(value))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for files of nodes; what is imported from it is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(path: Path, *names: str) -> Path:
    path.write_text("".join(NODE.format(name=name) for name in names), encoding="utf-8")
    return path


def test_a_file_of_nodes_adds_its_nodes(folder: Path) -> None:
    path = write(folder / "my_own_nodes.py", "my_first", "my_second")
    found = load_registry([path])
    assert {"my_first", "my_second"} <= found.keys()
    assert found["my_first"].origin == str(path)
    assert found["my_first"].function(value=3).text == "3"
    assert load_registry([path])["my_first"].function is found["my_first"].function


def test_a_file_of_nodes_may_import_what_lies_beside_it(folder: Path) -> None:
    (folder / "my_maths.py").write_text("def double(x): return 2 * x\n")
    text = "from my_maths import double\n" + NODE.format(name="my_double").replace("str(value)", "str(double(value))")
    (folder / "my_file.py").write_text(text)
    assert load_registry([folder / "my_file.py"])["my_double"].function(value=4).text == "8"


def test_what_a_file_imports_from_elsewhere_is_not_its_own(folder: Path) -> None:
    path = write(folder / "my_borrowing.py", "my_own")
    path.write_text("from toy.node import toy_add\n" + path.read_text() + "alias = my_own\n")
    found = load_registry([path])
    assert "my_own" in found and "toy_add" not in found and "alias" not in found


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("gone.py", None, "no such file of nodes"),
        ("my-nodes.py", "", "cannot be called 'my-nodes.py'"),
        ("numpy.py", "", "cannot be called 'numpy.py'"),
        ("my_syntax.py", "def", "cannot be imported: SyntaxError"),
        ("my_import.py", "import nowhere_at_all", "cannot be imported: ModuleNotFoundError"),
        ("my_error.py", "1 / 0", "cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_mistake(folder: Path, name: str, text: str | None, what: str) -> None:
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(MistakeError) as caught:
        load_registry([folder / name])
    (said,) = caught.value.mistakes
    assert what in said.what and said.parameter == "--nodes" and name in said.given


def test_two_nodes_of_one_name_are_a_mistake(folder: Path) -> None:
    files = [write(folder / "my_one.py", "my_same"), write(folder / "my_two.py", "my_same")]
    with pytest.raises(MistakeError, match="two nodes are called 'my_same'") as caught:
        load_registry(files)
    assert all(str(file) in caught.value.mistakes[0].given for file in files)


@pytest.mark.usefixtures("entry")
def test_packages_announce_nodes_by_an_entry_point() -> None:
    found = load_registry()
    assert found["toy_add"].origin == "toy-nodes"
    assert found["toy_add"].function is toy.node.toy_add


@pytest.mark.parametrize(
    ("value", "what"), [("nowhere_at_all.node", "cannot be imported"), ("json:dumps", "a way that is not understood")]
)
def test_a_package_that_cannot_be_used_is_a_mistake(value: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("x", value, "resynthesis.nodes")
    monkeypatch.setattr(module, "entry_points", lambda group: [point])
    with pytest.raises(MistakeError, match=what):
        load_registry()


def test_our_own_nodes_are_ours() -> None:
    found = load_registry()
    own = [spec for spec in found.values() if spec.origin == "resynthesis"]
    assert own and all(spec.function.__module__.startswith("nodes.") for spec in own)
    assert all(name == spec.name == spec.function.__name__ for name, spec in found.items())


def test_every_node_can_be_read_as_one() -> None:
    for spec in load_registry().values():
        assert spec.outputs
        assert spec.summary.endswith("."), spec.name
        assert not spec.ports.keys() & spec.parameters.keys()
