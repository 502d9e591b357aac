"""What the tests of the engine share: the toy project as its user has it, and short ways to graphs and plans."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import toy.node

from pipelines.code import CodeDigests
from pipelines.compose import Composed
from pipelines.files import FileDigests
from pipelines.graph import Graph, build_graph
from pipelines.keys import Machine
from pipelines.mistakes import Mistake, MistakeError
from pipelines.node import Mark, NodeSpec
from pipelines.plan import Plan, make_plan
from pipelines.prepare import Prepared, prepare
from pipelines.store import Damaged, Store

APP = Path(__file__).resolve().parent
PROJECT = APP.parent.parent
CONF = APP / "toy" / "conf"
REGISTRY = {
    name: NodeSpec(name, function, "toy")
    for name, function in vars(toy.node).items()
    if isinstance(getattr(function, "__node__", None), Mark)
}


@cache
def _installed() -> Path:
    """Install the toy project as a user would, into a folder of its own; return the folder."""
    root = Path(tempfile.mkdtemp(prefix="toy-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    shutil.copytree(APP, root / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    pip += ["--disable-pip-version-check", "--target", str(root / "site"), str(root / "source")]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return root / "site"


@pytest.fixture(scope="session")
def installed() -> Iterator[Path]:
    """The folder into which the toy project is installed."""
    yield _installed()


@pytest.fixture
def entry(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process find the toy project through its entry points."""
    monkeypatch.syspath_prepend(installed)


@dataclass
class Program:
    """The program in a folder of its own, with the toy project installed beside it."""

    folder: Path
    site: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def ran(self) -> list[str]:
        """Return what the toy nodes said that they did, in order."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line.rpartition(" ")[0] for line in lines]

    def variables(self) -> dict[str, str]:
        paths = os.pathsep.join([str(self.site), str(PROJECT)])
        return {
            **os.environ, "PYTHONPATH": paths, "TOY_LOG": str(self.log), "OMP_NUM_THREADS": "1", **self.environment,
        }  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        call = "from pipelines.command_line.main import main; main()"
        return [sys.executable, "-c", call, *arguments]

    def __call__(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.variables(), capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the program and return at once; Ctrl-C reaches it even where the tests' shell ignores it."""
        return subprocess.Popen(
            self.command(*arguments), cwd=self.folder, env=self.variables(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
        )  # fmt: skip


@pytest.fixture
def program(installed: Path, tmp_path: Path) -> Program:
    """The real program, to be run in a temporary folder."""
    return Program(tmp_path, installed)


def leave_canary(path: str) -> str:
    """Leave a file, so that it shows where a piece could run code."""
    Path(path).touch()
    return path


@dataclass
class Listening:
    """Hears a render and remembers."""

    heard: list[tuple[str, str]] = field(default_factory=list)
    metrics: list[tuple[str, str, float, int]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, Exception] = field(default_factory=dict)
    damages: list[Damaged] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    pictures: list[tuple[int, int]] = field(default_factory=list)
    on_start: Callable[[str], None] = lambda step: None

    def started(self, step: str, node: str) -> None:
        self.heard.append(("started", step))
        self.on_start(step)

    def finished(self, step: str) -> None:
        self.heard.append(("finished", step))

    def failed(self, step: str, error: Exception) -> None:
        self.heard.append(("failed", step))
        self.errors[step] = error

    def repeated(self, damage: Damaged) -> None:
        self.damages.append(damage)

    def delivered(self, files: Sequence[Path]) -> None:
        self.files = list(files)

    def drawn(self, done: int, total: int) -> None:
        self.pictures.append((done, total))

    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None:
        self.heard.append((f"{done}/{total}", step))

    def metric(self, step: str, name: str, value: float, at: int) -> None:
        self.metrics.append((step, name, value, at))

    def note(self, step: str, text: str) -> None:
        self.notes.append((step, text))

    def order(self) -> list[str]:
        return [step for word, step in self.heard if word == "started"]


def graph_of(steps: Any, output: Any = "out", folders: Sequence[Path] = (), **settings: Any) -> Graph:
    """Return the graph of a piece of toy nodes."""
    named = {"outputs": output} if isinstance(output, Mapping) else {"output": output}
    return build_graph({"steps": steps, **named, **settings}, REGISTRY, list(folders))


def mistakes_of(steps: Any, output: Any = "out", folders: Sequence[Path] = (), **settings: Any) -> list[Mistake]:
    """Return every mistake that is found in a piece of toy nodes."""
    with pytest.raises(MistakeError) as caught:
        graph_of(steps, output, folders, **settings)
    return list(caught.value.mistakes)


def mistake_of(steps: Any, output: Any = "out", folders: Sequence[Path] = (), **settings: Any) -> Mistake:
    """Return the only mistake in a piece of toy nodes."""
    found = mistakes_of(steps, output, folders, **settings)
    assert len(found) == 1, found
    return found[0]


def prepared_of(folder: Path, steps: Any, output: Any = "out", **changes: Any) -> Prepared:
    """Return a prepared piece of toy nodes that renders into `folder`; settings and keys of the piece can be given."""
    named = {"outputs": output} if isinstance(output, Mapping) else {"output": output}
    piece = {"title": "a title", "steps": steps, **named}
    config: dict[str, Any] = {
        "store": {"folder": str(folder / "store"), "limit": "1 GB", "verify": "always"},
        "renders": str(folder / "renders"),
        "records": str(folder / "records"),
        "executor": {"name": "serial"},
        "tracking": {"uri": None, "artifacts": None, "experiment": "toys"},
        "device": "cpu",
        "threads": 1,
        "workers": 0,
    }
    for name, value in changes.items():
        (config if name in config else piece)[name] = value
    return prepare(Composed({**config, "piece": piece}, "toys/piece", ("piece=toys/piece",)), REGISTRY, [folder])


def plan_of(folder: Path, steps: Any, output: Any = "out", **settings: Any) -> tuple[Plan, Store]:
    """Return the plan of a piece of toy nodes and the store in `folder` that it counts on."""
    store = Store(folder / "store")
    graph = graph_of(steps, output, [folder], **settings)
    files = FileDigests(folder / "files.json")
    return make_plan(graph, store, Machine(), files, CodeDigests(folder / "code.json", files)), store
