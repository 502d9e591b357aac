from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_onnx import SHAPE, attribute, field, model, node, outside, scaling, tensor

from nodes.separation.choosing import NAMES
from nodes.separation.onnx_files import Layout, layout_of, networks_in, read_layout
from nodes.separation.wire import fields_of
from pipelines.mistakes import MistakeError
from pipelines.quantities import InputFiles

WHERE = Path("vocals.onnx")
ONES = np.ones(1024, np.float32)
WHOLE = scaling(ONES)


def files(*names: str) -> InputFiles:
    return InputFiles("folder", tuple(Path("folder", name) for name in names), found=True)


def test_stems_are_called_as_their_files_in_the_order_of_outputs() -> None:
    found = networks_in(files("accompaniment.fp16.onnx", "notes.txt", "vocals.fp16.onnx"), NAMES)
    assert {stem: path.name for stem, path in found.items()} == {
        "vocals": "vocals.fp16.onnx",
        "accompaniment": "accompaniment.fp16.onnx",
    }
    assert list(found) == ["vocals", "accompaniment"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["vocals.onnx"], "two networks are needed"),
        (["model.th"], "two networks are needed"),
        (["vocals.onnx", "kazoo.onnx"], "'kazoo' is the name of no stem"),
        (["other.onnx", "other.int8.onnx"], "both of the stem 'other'"),
    ],
)
def test_sets_that_do_not_fit_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        networks_in(files(*names), NAMES)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        (SHAPE, Layout(1024, True, False)),
        (("num_splits", 2, 512, 1024), Layout(1024, False, False)),
        ((2, 1, 512, 1536), Layout(1536, True, False)),
        ((1, 2, 512, 1024), Layout(1024, False, False)),
        ((2, -1, "t", "f"), Layout(1024, True, False)),
    ],
)
def test_axes_are_found_from_the_shape(shape: tuple[int | str, ...], layout: Layout) -> None:
    assert layout_of(scaling(ONES, shape=shape, made=shape), WHERE) == layout
    assert layout_of(scaling(ONES, shape=shape, made=None), WHERE) == layout


def test_files_are_read_without_the_numbers(tmp_path: Path) -> None:
    (tmp_path / "half.onnx").write_bytes(scaling(ONES.astype(np.float16), kind="float16"))
    assert read_layout(tmp_path / "half.onnx") == Layout(1024, True, True)
    with pytest.raises(MistakeError, match="cannot be read"):
        read_layout(tmp_path / "none.onnx")
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(MistakeError, match="no network in the ONNX format"):
        read_layout(tmp_path / "empty.onnx")


def test_numbers_that_an_older_file_lists_as_inputs_are_none() -> None:
    graph = dict(fields_of(WHOLE))[7]
    listed = field(11, field(1, "f") + field(2, field(1, field(1, 1))))
    assert layout_of(field(7, graph + listed), WHERE) == Layout(1024, True, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (scaling(ONES, names=("audio", "y")), "other inputs or outputs"),
        (scaling(ONES, names=("x", "sources")), "other inputs or outputs"),
        (scaling(ONES, shape=(2, 2, 512, 1024)), "of another shape"),
        (scaling(ONES, shape=("b", 2, 352800)), "of another shape"),
        (scaling(ONES, shape=(2, "n", 256, 1024)), "of another shape"),
        (scaling(ONES, made=(2, "n", 512, 1025)), "of another shape"),
        (scaling(ONES, shape=(), made=()), "of another shape"),
        (scaling(ONES, kind="int64"), "other numbers"),
        (b"no network", "no network in the ONNX format"),
        (WHOLE[:-9], "no network in the ONNX format"),
        (WHOLE + WHOLE, "no network in the ONNX format"),
        (field(7, 3), "no network in the ONNX format"),
    ],
)
def test_other_networks_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        layout_of(content, WHERE)


FAR = outside("f", (1024,), "../../secret")


@pytest.mark.parametrize(
    "content",
    [
        model([node("Mul", ["x", "f"], "y")], [FAR]),
        model([node("Mul", ["x", "f"], "y")], [tensor("f", ONES) + field(14, 1)]),
        model([node("Constant", [], "f") + field(5, field(1, "value") + field(5, FAR)), node("Mul", ["x", "f"], "y")]),
        model([node("If", [], "y") + field(5, field(1, "then_branch") + field(6, field(5, FAR)))]),
        model([node("If", [], "y") + field(5, attribute("a", 1) + field(11, field(15, field(1, FAR))))]),
        WHOLE + field(25, field(7, node("Constant", [], "f") + field(5, field(10, FAR)))),
    ],
)
def test_networks_with_numbers_in_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(MistakeError, match="numbers in other files"):
        layout_of(content, WHERE)


def test_endless_nesting_is_refused() -> None:
    inner = b""
    for _ in range(3000):
        inner = field(1, field(5, field(6, inner)))
    with pytest.raises(MistakeError, match="no network in the ONNX format"):
        layout_of(field(7, inner), WHERE)


@given(st.data())
def test_damage_is_a_mistake_or_harmless(data: st.DataObject) -> None:
    small = scaling(np.ones(3, np.float32))
    at = data.draw(st.integers(0, len(small) - 1))
    damaged = small[:at] + bytes([data.draw(st.integers(0, 255))]) + small[at + 1 :]
    with suppress(MistakeError):
        assert layout_of(damaged, WHERE).bins in (1024, 1536)
