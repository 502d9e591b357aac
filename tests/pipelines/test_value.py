from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from toy.grid import FineGrid, Grid

from pipelines.value import Value, arrays_of, freeze, kind_name, pack, unpack


@dataclass(frozen=True, eq=False)
class Nested(Value):
    """A value of everything that a value may hold."""

    grid: Grid | None
    parts: tuple[Any, ...]
    named: dict[str, Any]
    number: float = 0.0


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
TREES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text().filter(lambda key: not key.startswith("$")), inner, max_size=3)
    ),
    max_leaves=8,
)


def again(value: Value) -> Any:
    tree, arrays = pack(value)
    return unpack(json.loads(json.dumps(tree)), arrays)


@given(tree=TREES, name=st.text(min_size=1).filter(lambda key: not key.startswith("$")))
def test_whatever_is_packed_comes_back_through_json(tree: Any, name: str) -> None:
    found = again(Nested(None, (tree, 1), {name: tree}, 0.5))
    assert found.parts == (tree, 1)
    assert found.named == {name: tree}
    assert type(found.parts[1]) is int and type(found.number) is float


@given(
    numbers=hnp.arrays(
        st.sampled_from([np.float32, np.int16, np.complex64, np.bool_]), hnp.array_shapes(min_dims=0, min_side=0)
    )
)
def test_arrays_come_back_as_they_are(numbers: np.ndarray[Any, Any]) -> None:
    found = again(Nested(Grid(numbers), (), {"a.b": np.arange(3), "a": {"b": np.arange(4)}}))
    assert found.grid.numbers.dtype == numbers.dtype
    np.testing.assert_array_equal(found.grid.numbers, numbers)


def test_kinds_come_back_as_themselves() -> None:
    found = again(Nested(FineGrid(np.zeros(1)), (Grid(np.ones(2), notes={"a": 1.5}),), {}))
    assert type(found.grid) is FineGrid
    assert type(found.parts[0]) is Grid
    assert found.parts[0].notes == {"a": 1.5}
    assert kind_name(Grid) == "toy.grid.Grid"


def test_scalars_of_numpy_become_plain_numbers() -> None:
    found = again(Nested(None, (np.float32(0.5), np.int64(3), np.bool_(True)), {}))
    assert [type(part) for part in found.parts] == [float, int, bool]


@pytest.mark.parametrize("item", [object(), {1, 2}, b"bytes", {1: 2}, {"$kind": 1}, 1j, Path("x")])
def test_what_would_need_pickling_is_refused_with_its_place(item: Any) -> None:
    with pytest.raises(TypeError, match=r"^parts\.0: "):
        pack(Nested(None, (item,), {}))


def test_an_array_of_objects_is_refused() -> None:
    with pytest.raises(TypeError, match="Python objects"):
        pack(Grid(np.array([{}, []], dtype=object)))


def test_keys_with_dots_do_not_run_into_each_other() -> None:
    value = Nested(None, (), {"a.b": np.array([1]), "a": {"b": np.array([2])}})
    found = again(value)
    assert found.named["a.b"].tolist() == [1]
    assert found.named["a"]["b"].tolist() == [2]


def test_a_frozen_value_cannot_be_written_to() -> None:
    value = Nested(Grid(np.zeros(2)), (np.zeros(3),), {"x": np.zeros(4)})
    freeze(value)
    assert len(arrays_of(value)) == 3
    for array in arrays_of(value):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_an_unknown_kind_is_said() -> None:
    with pytest.raises(KeyError, match=r"gone\.Kind"):
        unpack({"$kind": "gone.Kind", "fields": {}}, {})


def test_a_value_without_a_picture_writes_nothing(tmp_path: Path) -> None:
    value = Nested(None, (), {})
    assert value.write(tmp_path, "x") == []
    assert value.describe() == "Nested"
    assert value.measure() == {} and value.sound() is None


@pytest.mark.parametrize("key", ["../../escape", "a/b", "é\x00 ", "x" * 400, ".", ""])
def test_arrays_have_names_that_a_file_can_have(key: str, tmp_path: Path) -> None:
    value = Nested(None, (), {key: np.array([7])})
    (name,) = pack(value)[1]
    (tmp_path / f"value.{name}.npy").touch()
    assert (tmp_path / f"value.{name}.npy").parent == tmp_path and "/" not in name
    assert again(value).named[key].tolist() == [7]
