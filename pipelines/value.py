"""What flows between steps: frozen dataclasses around arrays, stored as `.npy` and JSON, never pickled."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

Array = np.ndarray[Any, Any]


class Value:
    """Base of every kind of value: subclass it as a frozen dataclass (`frozen=True, eq=False`).

    A field may be an array, a number, a text, a truth value, None, another value, or a tuple or a dict
    (with texts as keys) of these. Everything else is refused when the value is stored.
    """

    kinds: ClassVar[dict[str, type[Value]]] = {}
    agrees: ClassVar[tuple[str, ...]] = ()
    """Facts, such as the sample rate, in which all inputs of one step must agree."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Value.kinds[kind_name(cls)] = cls

    def describe(self) -> str:
        """Return one line that says what this is: kind, shape, duration."""
        return type(self).__name__

    def draw(self) -> MatplotlibFigure | None:
        """Return a figure of the value, or None where there is nothing to see."""
        return None

    def sound(self) -> tuple[Array, int] | None:
        """Return (channels × samples, sample rate) where the value can be heard, else None."""
        return None

    def measure(self) -> dict[str, float]:
        """Return numbers worth recording of a finished piece, such as levels."""
        return {}

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write what a person opens (audio file, text, picture) into `folder`; return the paths."""
        figure = self.draw()
        if figure is None:
            return []
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=110)
        return [path]


def kind_name(kind: type) -> str:
    """Return the name under which a kind of value is stored."""
    return f"{kind.__module__}.{kind.__qualname__}"


def pack(value: Value) -> tuple[dict[str, Any], dict[str, Array]]:
    """Split a value into a JSON tree and named arrays.

    Raises
    ------
    TypeError
        Where a field holds something that cannot be stored without pickling.
    """
    arrays: dict[str, Array] = {}
    return _pack(value, "", arrays), arrays


def unpack(tree: Mapping[str, Any], arrays: Mapping[str, Array]) -> Value:
    """Rebuild the value that `pack` split.

    Raises
    ------
    KeyError
        Where the kind is not known to this process, or an array is missing.
    """
    value = _unpack(tree, arrays)
    assert isinstance(value, Value)
    return value


def as_stored(value: Value) -> Value:
    """Return a value as it will come back from the store, so that it does not matter where a step got it."""
    tree, arrays = pack(value)
    return unpack(tree, {n: a if a.flags.c_contiguous else np.ascontiguousarray(a) for n, a in arrays.items()})


def arrays_of(value: Value) -> list[Array]:
    """Return every array in a value."""
    return list(pack(value)[1].values())


def freeze(value: Value) -> Value:
    """Make every array of a value read-only, so that no step can change what another one reads."""
    for array in arrays_of(value):
        array.flags.writeable = False
    return value


def _pack(item: Any, place: str, arrays: dict[str, Array]) -> Any:
    if isinstance(item, Value):
        fields = dataclasses.fields(item)  # type: ignore[arg-type]
        tree = {f.name: _pack(getattr(item, f.name), _join(place, f.name), arrays) for f in fields}
        return {"$kind": kind_name(type(item)), "fields": tree}
    if isinstance(item, np.ndarray):
        if item.dtype.hasobject:
            raise TypeError(f"{place}: an array of Python objects cannot be stored")
        name = _free_name(place, arrays)
        arrays[name] = item
        return {"$array": name}
    if isinstance(item, np.generic):
        return item.item()
    if item is None or isinstance(item, bool | int | float | str):
        return item
    if isinstance(item, tuple | list):
        return [_pack(part, _join(place, str(index)), arrays) for index, part in enumerate(item)]
    if isinstance(item, Mapping) and all(isinstance(k, str) and not k.startswith("$") for k in item):
        return {key: _pack(part, _join(place, key), arrays) for key, part in item.items()}
    raise TypeError(f"{place}: {type(item).__name__} cannot be stored; use arrays, numbers, texts, tuples, dicts")


def _unpack(tree: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(tree, list):
        return tuple(_unpack(part, arrays) for part in tree)
    if not isinstance(tree, Mapping):
        return tree
    if "$array" in tree:
        return arrays[tree["$array"]]
    if "$kind" in tree:
        fields = {name: _unpack(part, arrays) for name, part in tree["fields"].items()}
        return Value.kinds[tree["$kind"]](**fields)
    return {key: _unpack(part, arrays) for key, part in tree.items()}


def _free_name(place: str, taken: Mapping[str, Any]) -> str:
    """Return the place of an array as a name that a file can have and that no other array has."""
    base = re.sub(r"[^A-Za-z0-9_.-]", "_", place)[:100]
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
