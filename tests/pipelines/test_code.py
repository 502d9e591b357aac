from __future__ import annotations

import ast
import importlib
import itertools
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import source
from pipelines.code import Code, CodeDigests
from pipelines.files import FileDigests
from pipelines.node import NodeSpec
from pipelines.registry import load_registry
from pipelines.source import file_of

NUMBERS = itertools.count()

NODE = '''
"""The node's module."""
from __future__ import annotations
from typing import TYPE_CHECKING
import math
from PACKAGE.maths import double
from PACKAGE import shared
from PACKAGE.kinds import Kind
from nodes.values import Text
from pipelines.node import node

LIMIT = 3

def helper(x):
    """Help."""
    return double(x) + LIMIT

def stranger(x):
    return x - 1

@node
def work(kind: Kind, *, value: int = 1) -> Text:
    """Work.

    More words.
    """
    from PACKAGE import late
    return Text(str(helper(value) + shared.FACTOR + late.more(value)))

@node
def other(*, value: int = 1) -> Text:
    return Text(str(stranger(value)))
'''

FILES = {
    "__init__.py": "",
    "node.py": NODE,
    "maths.py": "from PACKAGE.deep import base\n\n\ndef double(x):\n    return base(x) * 2\n",
    "deep.py": "def base(x):\n    return x\n",
    "shared.py": "FACTOR = 5\n",
    "late.py": "def more(x):\n    return x\n",
    "apart.py": "def nothing(x):\n    return x\n",
    "kinds.py": """
        from dataclasses import dataclass
        from pipelines.value import Value

        @dataclass(frozen=True, eq=False)
        class Kind(Value):
            text: str

            def describe(self) -> str:
                return 'shown'

            def used(self) -> str:
                return self.text
        """,
}


@dataclass
class Project:
    """A package on disk whose files can be changed."""

    folder: Path
    name: str

    def write(self, file: str, text: str) -> None:
        path = self.folder / self.name / file
        path.write_text(textwrap.dedent(text).replace("PACKAGE", self.name), encoding="utf-8")

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / self.name / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def forget(self) -> None:
        """Forget what is imported, as a new process would."""
        for name in [name for name in sys.modules if name.split(".")[0] == self.name]:
            del sys.modules[name]
        importlib.invalidate_caches()
        file_of.cache_clear()

    def code(self, function: str = "work") -> Code:
        self.forget()
        module = importlib.import_module(f"{self.name}.node")
        files = FileDigests(self.folder / "files.json")
        digests = CodeDigests(self.folder / "code.json", files)
        found = digests(NodeSpec(function, getattr(module, function), "here"))
        digests.keep()
        return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = Project(tmp_path, f"project_{next(NUMBERS)}")
    (tmp_path / made.name).mkdir()
    for file, text in FILES.items():
        made.write(file, text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield made
    made.forget()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("node.py", "return Text(str(helper(value)", "return Text(str(1 + helper(value)"),
        ("node.py", "+ LIMIT", "- LIMIT"),
        ("node.py", "LIMIT = 3", "LIMIT = 4"),
        ("node.py", "value: int = 1) -> Text:\n    \"\"\"Work", "value: int = 2) -> Text:\n    \"\"\"Work"),
        ("node.py", "@node\ndef work", "@node(version=1)\ndef work"),
        ("node.py", "from PACKAGE.maths import double", "from PACKAGE.deep import base as double"),
        ("node.py", "import math\n", "import math\nmath.tau = 6\n"),
        ("node.py", "LIMIT = 3", "LIMIT = 3\nTABLE = {}\nTABLE['x'] = 1"),
        ("node.py", "import math\n", "import math\nif TYPE_CHECKING:\n    pass\nelse:\n    math.tau = 6\n"),
        ("maths.py", "* 2", "* 3"),
        ("maths.py", "def double", "X = 1\ndef double"),
        ("deep.py", "return x", "return -x"),
        ("shared.py", "5", "6"),
        ("late.py", "return x", "return x + 1"),
        ("kinds.py", "return self.text", "return self.text * 2"),
        ("kinds.py", "text: str", "text: str = ''"),
    ],
)  # fmt: skip
def test_a_change_that_can_change_the_result_changes_the_digest(
    project: Project, file: str, old: str, new: str
) -> None:
    before = project.code().digest
    project.change(file, old.replace("PACKAGE", project.name), new.replace("PACKAGE", project.name))
    assert project.code().digest != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("node.py", '"""The node\'s module."""', '"""Another sentence."""'),
        ("node.py", "Work.\n\n    More words.", "Work otherwise."),
        ("node.py", '    """Help."""\n', ""),
        ("node.py", "LIMIT = 3", "# why\nLIMIT  =  ( 3 )  # so\n\n"),
        ("node.py", "return x - 1", "return x - 2"),
        ("node.py", "import math\n", "import math\nif TYPE_CHECKING:\n    import ast\n"),
        ("maths.py", "def double(x):\n", 'def double(x):\n    "Double."\n'),
        ("maths.py", "    return base(x) * 2", "    # twice\n    return (base(x)\n            * 2)"),
        ("apart.py", "return x", "return -x"),
        ("kinds.py", "return 'shown'", "return 'otherwise'"),
    ],
)  # fmt: skip
def test_a_change_that_bears_on_no_result_leaves_the_digest(project: Project, file: str, old: str, new: str) -> None:
    before = project.code().digest
    project.change(file, old, new)
    assert project.code().digest == before


def test_two_nodes_of_a_module_do_not_share_what_only_one_reaches(project: Project) -> None:
    before = project.code("other").digest
    project.change("node.py", "+ LIMIT", "- LIMIT")
    project.change("maths.py", "* 2", "* 3")
    assert project.code("other").digest == before
    project.change("node.py", "return x - 1", "return x - 2")
    assert project.code("other").digest != before


def test_a_package_that_hands_a_name_on_is_followed_to_where_it_is_made(project: Project) -> None:
    project.write("__init__.py", "from PACKAGE.deep import base as handed\nfrom PACKAGE.apart import nothing\n")
    project.write("maths.py", "from PACKAGE import handed\n\n\ndef double(x):\n    return handed(x)\n")
    before = project.code().digest
    project.change("apart.py", "return x", "return -x")
    assert project.code().digest == before
    project.change("deep.py", "return x", "return -x")
    assert project.code().digest != before


def test_relative_imports_and_stars_are_followed(project: Project) -> None:
    project.write(
        "maths.py", "from .deep import *\nfrom . import apart\n\n\ndef double(x):\n    return base(apart.nothing(x))\n"
    )
    for file in ("deep.py", "apart.py"):
        before = project.code().digest
        project.change(file, "return x", "return -x")
        assert project.code().digest != before


def test_modules_that_import_each_other_are_no_matter(project: Project) -> None:
    project.write("deep.py", "import PACKAGE.maths\n\n\ndef base(x):\n    return x\n")
    before = project.code().digest
    project.change("deep.py", "return x", "return -x")
    assert project.code().digest != before


def test_libraries_count_with_their_versions_where_they_are_reached(project: Project) -> None:
    plain = project.code().libraries
    assert plain["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    project.change("late.py", "return x", "import scipy.signal\n    return x")
    found = project.code().libraries
    assert {"scipy", "numpy", "torch"} <= found.keys() and found["scipy"] == importlib.import_module(
        "scipy"
    ).__version__


def test_a_library_that_is_not_installed_is_named_as_absent(project: Project) -> None:
    project.change("late.py", "return x", "import nowhere_at_all\n    return x")
    assert project.code().libraries["nowhere_at_all"] == "absent"


def test_what_was_parsed_is_remembered_by_content_and_a_damaged_memory_is_of_no_matter(project: Project) -> None:
    before = project.code()
    memory = project.folder / "code.json"
    assert memory.is_file()
    memory.write_text("{broken")
    assert project.code() == before
    assert memory.read_text() != "{broken"
    memory.write_text("[]")
    assert project.code() == before
    project.change("deep.py", "return x", "return -x")
    changed = project.code()
    project.change("deep.py", "return -x", "return x")
    assert project.code() == before != changed


def test_sources_are_parsed_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that build syntax trees at once fail in Python before 3.11.8."""
    inside: list[int] = []
    most: list[int] = []
    parse = ast.parse

    def slow(content: bytes) -> ast.Module:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return parse(content)

    monkeypatch.setattr(source.ast, "parse", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: source.parse_source(b"x = 1", Path(f"{n}.py"), "module"), range(8)))
    assert max(most) == 1


def test_pictures_of_a_value_have_no_part_in_what_it_is(tmp_path: Path) -> None:
    """`Value.write` draws, and so every node would come to depend on how its results are drawn."""
    registry = load_registry()
    digests = CodeDigests(tmp_path / "code.json", FileDigests(tmp_path / "files.json"))
    for name in ("scatter", "invert", "metamodulate", "texture_correlate"):
        code = digests(registry[name])
        assert "matplotlib" not in code.libraries, name
        assert not {path.name for path in code.files} & {"drawing.py", "scattergrams.py", "maps.py"}, name
    assert "matplotlib" in digests(registry["scattergram"]).libraries


def test_what_shows_a_step_counts_for_its_views_alone(project: Project) -> None:
    def showing() -> str:
        project.forget()
        shown = importlib.import_module(f"{project.name}.shown").shown
        files = FileDigests(project.folder / "files.json")
        return CodeDigests(project.folder / "code.json", files).showing_by(shown)

    project.write(
        "shown.py", "from PACKAGE.apart import nothing\n\ndef shown(inputs, outputs):\n    return nothing('a')\n"
    )
    project.write("page.html", "<p>")
    before = project.code("other").digest
    project.change(
        "node.py", "@node\ndef other", f"from {project.name}.shown import shown\n\n@node(page=shown)\ndef other"
    )
    marked = project.code("other").digest
    digests = [showing()]
    for file, old, new in (
        ("shown.py", "'a'", "'b'"),
        ("apart.py", "return x", "return -x"),
        ("page.html", "<p>", "<b>"),
    ):
        project.change(file, old, new)
        digests.append(showing())
        assert project.code("other").digest == marked != before
    assert len(set(digests)) == 4
    project.change("node.py", "page=shown", "page=shown, figure=shown")
    assert project.code("other").digest == marked
