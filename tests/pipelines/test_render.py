from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import Listening, prepared_of

from nodes.values import Text
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec, node
from pipelines.registry import Registry
from pipelines.render import Outcome, piece_stem, render, render_folder
from pipelines.value import Array, Value

NOISE: dict[str, Any] = {
    "n": {"node": "toy_noise", "rows": 20},
    "m": {"node": "toy_measure", "grid": "n"},
    "out": {"node": "toy_join", "texts": ["m", "m"]},
}


def rendered(folder: Path, steps: Any = NOISE, output: Any = "out", listener: Any = None, **changes: Any) -> Outcome:
    return render(prepared_of(folder, steps, output, **changes), listener or Listening())


def test_a_render_gives_files_and_a_record(tmp_path: Path) -> None:
    outcome = rendered(tmp_path, output={"out": "out", "grid": "n"})
    assert {name: [path.name for path in paths] for name, paths in outcome.files.items()} == {
        "out": ["a_title_out.txt"], "grid": ["a_title_grid.grid"],
    }  # fmt: skip
    assert outcome.folder.parent == tmp_path / "renders" / "toys_piece"
    assert outcome.record is not None and json.loads(outcome.record.read_text())["status"] == "finished"
    assert outcome.execution.ran == ["n", "m", "out"]


def test_a_second_render_runs_nothing_and_gives_the_same_files(tmp_path: Path) -> None:
    first = rendered(tmp_path)
    stamps = [path.stat().st_mtime_ns for paths in first.files.values() for path in paths]
    second = rendered(tmp_path)
    assert second.execution.ran == [] and second.files == first.files
    assert stamps == [path.stat().st_mtime_ns for paths in second.files.values() for path in paths]
    assert second.record != first.record


def test_renders_are_equal_bit_by_bit_in_another_place(tmp_path: Path) -> None:
    one, two = (rendered(tmp_path / name, output={"out": "out", "n": "n"}) for name in ("one", "two"))
    assert one.prepared.plan.keys == two.prepared.plan.keys
    for name, paths in one.files.items():
        assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in two.files[name]]


def test_a_copied_store_serves_as_well(tmp_path: Path) -> None:
    one = rendered(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "moved")
    two = rendered(tmp_path / "moved")
    assert two.execution.ran == [] and two.prepared.plan.keys == one.prepared.plan.keys


def test_another_seed_is_another_render_beside_the_first(tmp_path: Path) -> None:
    one, two = rendered(tmp_path), rendered(tmp_path, seed=5)
    assert one.folder != two.folder and one.folder.parent == two.folder.parent
    (text_one,), (text_two,) = one.files["output"], two.files["output"]
    assert text_one.read_bytes() != text_two.read_bytes() and text_one.exists()


@pytest.mark.parametrize("file", ["record.json", "value.numbers.npy"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_result_is_said_and_computed_again(tmp_path: Path, harm: str, file: str) -> None:
    first = rendered(tmp_path, output="n")
    (path,) = first.files["output"]
    whole = path.read_bytes()
    plan = first.prepared.plan
    target = first.prepared.store.path(plan.keys["n"]) / file
    content = bytearray(target.read_bytes())
    content[-3] ^= 1
    target.unlink()
    if harm != "remove":
        target.write_bytes(content if harm == "flip" else content[:-3])
    heard = Listening()
    again = rendered(tmp_path, output="n", listener=heard)
    assert [damage.key for damage in heard.damages] == (
        [] if (harm, file) == ("remove", "record.json") else [plan.keys["n"]]
    )
    assert again.files["output"][0].read_bytes() == whole
    assert again.execution.ran == ["n"] and rendered(tmp_path, output="n").execution.ran == []


def test_several_damaged_results_in_one_render(tmp_path: Path) -> None:
    steps = {**NOISE, "k": {"node": "toy_noise", "seed": 4}, "out": {"node": "toy_measure", "grid": "k"}}
    first = rendered(tmp_path, steps, {"m": "m", "out": "out", "n": "n"})
    for path in ("n", "k"):
        target = first.prepared.store.path(first.prepared.plan.keys[path]) / "value.numbers.npy"
        target.write_bytes(target.read_bytes()[:-1])
    heard = Listening()
    again = rendered(tmp_path, steps, {"m": "m", "k": "k", "n": "n"}, heard)
    assert len(heard.damages) == 2 and again.execution.ran and not again.execution.failures


def test_a_failing_step_leaves_the_rest_and_a_piece_that_reproduces_it(tmp_path: Path) -> None:
    steps = {
        "n": {"node": "toy_number", "value": 3},
        "a": {"steps": {"bad": {"node": "toy_fail", "text": "n", "how": "mistake"}}, "output": "bad"},
        "after": {"node": "toy_add", "left": "a"},
    }
    outcome = rendered(tmp_path, steps, {"good": "n", "after": "after"})
    assert list(outcome.files) == ["good"] and outcome.execution.stopped == {"after": "a/bad"}
    assert outcome.record is not None
    record = json.loads(outcome.record.read_text())
    assert record["status"] == "failed" and "of no use" in record["failures"]["a/bad"]
    assert list(outcome.reproductions) == ["a/bad"] and outcome.reproductions["a/bad"].is_file()


@pytest.mark.parametrize("place", ["renders", "records"])
def test_a_folder_that_cannot_be_written_is_a_mistake(tmp_path: Path, place: str) -> None:
    (tmp_path / place).write_text("in the way")
    with pytest.raises(MistakeError, match="cannot be written"):
        rendered(tmp_path)
    (tmp_path / place).unlink()
    assert rendered(tmp_path).execution.ran == [], "the results are in the store"


def test_titles_become_names_of_files(tmp_path: Path) -> None:
    assert piece_stem(prepared_of(tmp_path, NOISE, title="Zwölf / 雨")) == "Zwölf_雨"
    assert piece_stem(prepared_of(tmp_path, NOISE, title="")) == "toys_piece"
    folder = render_folder(prepared_of(tmp_path, NOISE, title="../../x"))
    assert tmp_path / "renders" in folder.parents


def test_a_store_over_its_limit_is_brought_down_after_the_render(tmp_path: Path) -> None:
    steps: dict[str, Any] = {"big": {"node": "toy_large"}, "out": {"node": "toy_measure", "grid": "big"}}
    prepared = prepared_of(
        tmp_path, steps, store={"folder": str(tmp_path / "store"), "limit": "1 MB", "verify": "always"}
    )
    outcome = render(prepared, Listening())
    assert not outcome.prepared.store.has(outcome.prepared.plan.keys["big"])
    assert outcome.prepared.store.has(outcome.prepared.plan.keys["out"]), "outputs of recorded renders stay"


@dataclass(frozen=True, eq=False)
class Forgetful(Value):
    """A kind with a fault: what it was made of it does not take back."""

    numbers: Array

    def __post_init__(self) -> None:
        if isinstance(self.numbers, np.memmap):
            raise TypeError("not from disk")


@node
def forgetful() -> Forgetful:
    """Give a value that cannot be read back."""
    return Forgetful(np.zeros(2**18))


def test_a_result_that_can_never_be_read_back_does_not_go_round_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toys

    registry: Registry = {**toys.REGISTRY, "forgetful": NodeSpec("forgetful", forgetful, "here")}
    monkeypatch.setattr(toys, "REGISTRY", registry)
    with pytest.raises(RuntimeError, match="though it was computed again"):
        rendered(tmp_path, {"out": {"node": "forgetful"}})


def test_texts_are_delivered_as_they_are(tmp_path: Path) -> None:
    value = rendered(tmp_path, {"out": {"node": "toy_number", "value": 12}}).execution.outputs["output"]
    assert isinstance(value, Text) and value.text == "12"


def test_a_sound_becomes_a_file_that_others_can_read(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    steps: dict[str, Any] = {
        "low": {"node": "toy_tone", "frequency": "1 kHz", "duration": "250 ms", "level": "-20 dB"},
        "high": {"node": "toy_tone", "frequency": 3000, "duration": 0.25, "level": "-26 dB"},
        "out": {"node": "toy_blend", "sounds": ["low", "high"], "gains": [[0, "-3 dB"], ["0:01", -6]]},
    }
    outcome = rendered(tmp_path, steps, sample_rate=48000)
    (path,) = outcome.files["output"]
    samples, rate = soundfile.read(path)
    assert path.suffix == ".wav" and rate == 48000 and samples.shape[0] == 12000
    spectrum = np.abs(np.fft.rfft(samples)) / 6000
    assert spectrum[250] == pytest.approx(0.1, abs=1e-4) and spectrum[750] == pytest.approx(0.05, abs=1e-3)
    assert outcome.record is not None
    record = json.loads(outcome.record.read_text())
    assert record["outputs"]["output"]["measures"] and set(record["views"]) == {"low", "high", "out"}
