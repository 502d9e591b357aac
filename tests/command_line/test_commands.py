"""Every command of the program, run in this process."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from pipelines.command_line.main import run


@dataclass(frozen=True)
class Said:
    """The exit code of a command and what it printed."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]
QUIET = "tracking=off"


@pytest.fixture
def call(
    entry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Calls a command in a temporary folder, with the toy project installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log.txt"))
    before, environment = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}, dict(os.environ)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs behind it

    def called(*arguments: str) -> Said:
        try:
            code = run(list(arguments))
        except SystemExit as error:
            code = int(error.code or 0)
        return Said(code, *capsys.readouterr())

    yield called
    for number, handler in before.items():
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environment)


def test_render_names_its_files_and_what_was_cached(call: Call, tmp_path: Path) -> None:
    first = call("render", "piece=sum", QUIET)
    assert first.code == 0 and first.err == ""
    path, summary = first.out.splitlines()
    assert (tmp_path / path).read_text() == "20" and summary == "4 steps ran, 0 taken from the store"
    again = call("render", "piece=sum", QUIET)
    assert again.out.splitlines() == [path, "0 steps ran, 1 taken from the store"]
    assert call("render", "piece=sum", QUIET, "--quiet").out.splitlines() == [path]
    assert (tmp_path / "log.txt").read_text().count("add") == 2


def test_render_with_an_override(call: Call, tmp_path: Path) -> None:
    said = call("render", QUIET, "piece=sum", "piece.steps.total.times=3", "--quiet")
    assert (tmp_path / said.out.strip()).read_text() == "30"


def test_a_piece_and_nodes_of_ones_own(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine" / "piece").mkdir(parents=True)
    (tmp_path / "mine" / "piece" / "own.yaml").write_text("# Mine.\nsteps: {a: {node: my_shout}}\noutput: a\n")
    (tmp_path / "my_shouting_nodes.py").write_text(
        "from nodes.values import Text\nfrom pipelines.node import node\n\n\n@node\n"
        "def my_shout(*, text: str = 'hey') -> Text:\n"
        '    """Shout."""\n    return Text(text.upper())\n'
    )
    own = ("--config-dir", "mine", "--nodes", "my_shouting_nodes.py")
    said = call("render", "piece=own", QUIET, "--quiet", *own)
    assert said.code == 0 and (tmp_path / said.out.strip()).read_text() == "HEY"
    assert "own" in call("pieces", "--config-dir", "mine").out
    assert "my_shout" in call("nodes", *own).out
    assert "no node 'my_shout'" in call("plan", "piece=own", "--config-dir", "mine").err


EVERYTHING = [
    "titel", "did you mean 'title'?", "a.node", "did you mean 'toy_number'?", "b.value", "given:   -1",
    "a whole number ≥ 0 and ≤ 1000 (apples)", "threads", "4 mistakes; nothing was rendered",
]  # fmt: skip


def test_a_mistake_exits_with_2_and_says_everything_at_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine" / "piece").mkdir(parents=True)
    (tmp_path / "mine" / "piece" / "bad.yaml").write_text(
        "titel: x\nsteps:\n  a: {node: toy_numbr}\n  b: {node: toy_number, value: -1}\noutput: b\n"
    )
    for command in ("render", "plan", "graph"):
        said = call(command, "piece=bad", "threads=0", "--config-dir", "mine")
        assert said.code == 2 and said.out == ""
        for text in EVERYTHING:
            assert text in said.err, text
    assert "Traceback" not in said.err
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("command", [("render",), ("plan",), ("graph",), ("why", "total")])
def test_with_one_mistake_too_it_is_said_that_nothing_was_rendered(call: Call, command: tuple[str, ...]) -> None:
    said = call(*command, "piece=sum", "piece.steps.four.value=-1")
    assert said.code == 2 and said.err.endswith("\n\n1 mistake; nothing was rendered\n")
    assert "nothing was rendered" not in call("nodes", "toy_numbr").err


def test_a_record_that_cannot_be_written_does_not_take_back_the_files(call: Call, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    said = call("render", "piece=sum", QUIET, "records=taken")
    assert said.code == 2 and "the record cannot be written" in said.err and "nothing was rendered" not in said.err
    assert [path.read_text() for path in (tmp_path / "outputs" / "renders").rglob("*.txt")] == ["20"]


def test_a_failing_step_names_step_node_and_a_file_that_reproduces_it(call: Call, tmp_path: Path) -> None:
    said = call("render", "piece=broken", QUIET)
    assert said.code == 1
    assert "middle/bad (toy_fail): ZeroDivisionError: it went wrong inside" in said.err
    assert "after: not run, because middle/bad failed" in said.err
    (good,) = said.out.splitlines()
    assert (tmp_path / good).read_text() == "5", "the other branch comes out"
    file = next(line.split("reproduce: ")[1] for line in said.err.splitlines() if "reproduce" in line)
    again = call("render", f"piece={Path(file).stem}", "--config-dir", str(Path(file).parent.parent), QUIET)
    assert again.code == 1 and "ZeroDivisionError: it went wrong inside" in again.err
    assert (tmp_path / "log.txt").read_text().count("number 5") == 1, "what led to it is in the store"
    assert call("render", "piece=broken", "piece.steps.middle.steps.bad.how=mistake", QUIET).code == 2


def test_plan_shows_every_step(call: Call) -> None:
    assert call("plan", "piece=sum").out.splitlines() == [
        "○ run       three  toy_number",
        "○ run       four   toy_number",
        "· unneeded  spare  toy_number",
        "○ run       seven  toy_add",
        "○ run       total  toy_add",
        "4 to run, 0 cached, 1 not needed",
    ]
    call("render", "piece=sum", QUIET)
    assert call("plan", "piece=sum").out.splitlines()[-1] == "0 to run, 1 cached, 4 not needed"


def test_why_says_what_changed(call: Call) -> None:
    call("render", "piece=sum", QUIET)
    assert call("why", "total", "piece=sum").out == "total: stored\n"
    said = call("why", "total", "piece=sum", "piece.steps.four.value=5")
    assert "total: run\n    'four': value 4 → 5\n" in said.out and "unchanged: code, libraries, parameters" in said.out
    wrong = call("why", "totl", "piece=sum")
    assert wrong.code == 2 and "did you mean 'total'?" in wrong.err


def test_graph_in_three_forms(call: Call) -> None:
    assert "○ total" in call("graph", "piece=sum").out
    assert call("graph", "piece=sum", "--format", "mermaid").out.startswith("flowchart LR\n")
    assert call("graph", "--format=dot", "piece=sum").out.startswith("digraph piece {")
    assert call("graph", "piece=sum", "--format", "svg").code == 2


def test_nodes_lists_and_describes(call: Call) -> None:
    lines = call("nodes").out.splitlines()
    assert any(line.startswith("toy_add ") and line.endswith("Add two numbers.  [toy-nodes]") for line in lines)
    said = call("nodes", "toy-tone").out
    assert said.startswith("toy_tone: Give a sine tone.\n")
    assert "frequency: a frequency ≥ 0 (Hz); default: 440.0" in said and "default: the piece's sample_rate" in said
    assert "left: Text" in call("nodes", "toy_add").out and "right: Text, optional" in call("nodes", "toy_add").out
    assert "second: Text" in call("nodes", "toy_halve").out
    wrong = call("nodes", "toy_ad")
    assert wrong.code == 2 and "did you mean 'toy_add'?" in wrong.err


def test_every_node_can_be_described(call: Call) -> None:
    for line in call("nodes").out.splitlines():
        assert call("nodes", line.split()[0]).code == 0


def test_pieces_lists_with_what_they_are(call: Call) -> None:
    said = call("pieces")
    assert any(line.split() == ["sum", "Adds", "three", "numbers."] for line in said.out.splitlines())


def test_schema_is_a_schema(call: Call) -> None:
    schema = json.loads(call("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "node_toy_add" in schema["$defs"]


def test_store_lists_verifies_and_collects(call: Call, tmp_path: Path) -> None:
    assert call("store", "list").code == 2
    call("render", "piece=sum", QUIET)
    listed = call("store", "list").out.splitlines()
    assert len(listed) == 5 and listed[-1].endswith("outputs/store") and any("toy_add" in line for line in listed)
    assert call("store", "verify").out == "4 results whole, 0 damaged\n"
    record = sorted((tmp_path / "outputs" / "store" / "objects").glob("??/*/record.json"))[0]
    record.write_bytes(record.read_bytes()[:-4])
    said = call("store", "verify")
    assert said.code == 2 and "3 results whole, 1 damaged" in said.out
    assert call("store", "verify").code == 0
    assert call("store", "gc", "--limit", "lots").code == 2
    said = call("store", "gc", "--limit", "0")
    assert said.code == 0 and "results removed" in said.out
    again = call("render", "piece=sum", QUIET)
    assert again.code == 0


def test_gc_keeps_outputs_of_recorded_renders(call: Call) -> None:
    call("render", "piece=sum", QUIET)
    said = call("store", "gc", "--limit", "0 B")
    assert "3 results removed" in said.out and "still above" in said.out
    assert call("render", "piece=sum", QUIET).out.splitlines()[-1] == "0 steps ran, 1 taken from the store"


def test_a_store_elsewhere(call: Call, tmp_path: Path) -> None:
    call("render", "piece=sum", QUIET, f"store.folder={tmp_path}/elsewhere")
    assert call("store", "list", "--folder", "elsewhere").out.count("toy_") == 4


def test_doctor_checks_the_installation(call: Call) -> None:
    said = call("doctor")
    assert said.out.startswith("resynthesis 0.") and "numpy" in said.out and "device: " in said.out
    assert said.code == (2 if "FAIL" in said.out else 0)


@pytest.mark.parametrize("arguments", [[], ["rendr"], ["render", "--nothing"], ["store"], ["store", "sell"], ["why"]])
def test_wrong_arguments_exit_with_2(call: Call, arguments: list[str]) -> None:
    said = call(*arguments)
    assert said.code == 2 and "usage: resynthesis" in said.err


@pytest.mark.parametrize(
    "command", ["render", "plan", "why", "graph", "nodes", "pieces", "schema", "store", "models", "doctor"]
)
def test_every_command_has_help(call: Call, command: str) -> None:
    said = call(command, "--help")
    assert said.code == 0 and f"usage: resynthesis {command}" in said.out
    assert command in call("--help").out


def test_a_fault_of_ours_exits_with_1_and_a_traceback_on_request(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("pipelines.command_line.showing.prepare", fail)
    said = call("plan", "piece=sum")
    assert (
        said.code == 1 and "a fault of resynthesis: ZeroDivisionError: inside" in said.err and "--traceback" in said.err
    )
    with pytest.raises(ZeroDivisionError):
        call("plan", "piece=sum", "--traceback")


def test_ctrl_c_exits_with_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.command_line.showing.prepare", interrupt)
    said = call("plan", "piece=sum")
    assert said.code == 130 and "goes on from there" in said.err


def test_ctrl_c_that_a_library_swallowed_exits_with_130_all_the_same(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swallow(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise AttributeError("half-made") from error

    monkeypatch.setattr("pipelines.command_line.showing.prepare", swallow)
    said = call("plan", "piece=sum")
    assert said.code == 130 and "half-made" not in said.err
