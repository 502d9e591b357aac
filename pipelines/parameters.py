"""Parameters of a step: read, coerced and range-checked by pydantic; mistakes in our own words."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from pipelines.mistakes import Mistake, nearest, shown
from pipelines.node import NodeSpec
from pipelines.quantities import Envelope, InputFiles, Unit

_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}
_WORDS: dict[Any, str] = {
    int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "null",
    Envelope: "a value, a list of [time, value] points, or a .brk file", InputFiles: "a path or a pattern",
}  # fmt: skip

_WRITTEN = {"s": "a time", "dB": "a level", "Hz": "a frequency"}
"""What numbers with these units are called: they can be written with the unit, or as 0:04."""


@cache
def model_of(spec: NodeSpec) -> type[BaseModel]:
    """Return the pydantic model of a node's parameters."""
    fields: dict[str, Any] = {
        parameter.name: (parameter.annotation, ... if parameter.required else parameter.default)
        for parameter in spec.parameters.values()
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, validate_default=True, protected_namespaces=())
    return create_model(spec.name, __config__=config, **fields)


def read_parameters(
    spec: NodeSpec, raw: Mapping[str, Any], settings: Mapping[str, Any], folders: Sequence[Path]
) -> tuple[dict[str, Any], list[Mistake]]:
    """Return the validated parameters of a step, and every mistake in them.

    Parameters
    ----------
    spec
        The step's node.
    raw
        Parameters as written.
    settings
        Top-level settings of the piece, for parameters that fall back on them.
    folders
        Where relative paths are looked up.
    """
    given = dict(raw)
    for parameter in spec.parameters.values():
        if parameter.setting and parameter.name not in given and parameter.setting in settings:
            given[parameter.name] = settings[parameter.setting]
    try:
        model = model_of(spec).model_validate(given, context={"folders": folders})
    except ValidationError as error:
        return {}, _mistakes(spec, given, error)
    values = model.__dict__
    mixed = [name for name, value in given.items() if _bool_as_number(value, values[name])]
    return dict(values), [_wrong(spec, name, given[name]) for name in mixed]


def _bool_as_number(raw: Any, value: Any) -> bool:
    if isinstance(raw, bool):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(raw, list | tuple) and isinstance(value, list | tuple) and len(raw) == len(value):
        return any(_bool_as_number(r, v) for r, v in zip(raw, value, strict=True))
    return False


def _wrong(spec: NodeSpec, name: str, given: Any, allowed: str = "", hint: str = "") -> Mistake:
    annotation = spec.parameters[name].annotation
    return Mistake("the value does not fit", "", name, shown(given), allowed or describe_type(annotation), hint)


def _mistakes(spec: NodeSpec, given: Mapping[str, Any], error: ValidationError) -> list[Mistake]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for item in error.errors(include_url=False, include_input=False):
        found.setdefault(str(item["loc"][0]), []).append(item)
    return [_mistake(spec, name, given.get(name), items) for name, items in found.items()]


def _mistake(spec: NodeSpec, name: str, given: Any, items: Sequence[Mapping[str, Any]]) -> Mistake:
    if name not in spec.parameters:
        known = [*spec.ports, *spec.parameters]
        return Mistake(f"'{spec.name}' has no '{name}'", "", name, shown(given), ", ".join(known), nearest(name, known))
    if items[0]["type"] == "missing" and len(items[0]["loc"]) == 1:
        allowed = describe_type(spec.parameters[name].annotation)
        return Mistake(f"'{spec.name}' needs '{name}'", "", name, "nothing", allowed)
    words = [item["ctx"]["allowed"] for item in items if item["type"] == "quantity"]
    hint = ""
    if isinstance(given, str) and (choices := list(_choices(spec.parameters[name].annotation))):
        hint = nearest(given, choices)
    return _wrong(spec, name, given, " or ".join(dict.fromkeys(words)), hint)


def _choices(annotation: Any) -> typing.Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (str(choice) for choice in get_args(annotation))
    elif not isinstance(annotation, str):
        for part in get_args(annotation):
            yield from _choices(part)


def describe_type(annotation: Any) -> str:
    """Return what an annotation allows, in words: 'a whole number ≥ 1', 'one of hann, hamming'."""
    if hasattr(annotation, "__metadata__"):
        return _describe_annotated(annotation)
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}" if len(parts) > 1 else f"'{parts[0]}'"
    if origin in (Union, types.UnionType):
        return _describe_union(parts)
    if origin in (list, tuple, Sequence):
        return f"a list, each item {describe_type(parts[0])}" if parts else "a list"
    if origin in (dict, Mapping):
        return f"a mapping of names, each to {describe_type(parts[1])}"
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _describe_union(parts: Sequence[Any]) -> str:
    """Return the alternatives; a list of one of them is called that."""
    lists = [part for part in parts if get_origin(_bare(part)) is list]
    words = [describe_type(part) for part in parts if part not in lists]
    for part in lists:
        inner = describe_type(get_args(_bare(part))[0])
        words.append("a list of these" if inner in words else describe_type(part))
    return " or ".join(sorted(words, key=lambda word: word == "null"))


def _bare(annotation: Any) -> Any:
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation


def _describe_annotated(annotation: Any) -> str:
    limits: list[str] = []
    unit = ""
    for note in annotation.__metadata__:
        for limit in note.metadata if isinstance(note, FieldInfo) else [note]:
            for name, sign in _SIGNS.items():
                if getattr(limit, name, None) is not None:
                    limits.append(f"{sign} {_number(getattr(limit, name))}")
        unit = note.name if isinstance(note, Unit) else unit
    limits = [each for each in limits if each[0] != "≥" or f">{each[1:]}" not in limits]  # > 0 is ≥ 0 too
    written = any(isinstance(note, BeforeValidator) for note in annotation.__metadata__)
    base = _WRITTEN.get(unit, "") if written and annotation.__origin__ is float else ""
    base = base or describe_type(annotation.__origin__)
    count = _count(annotation.__metadata__)
    base = base.replace("a list, each item", f"a list of {count}, each", 1) if count else base
    ranged = f"{base} {' and '.join(limits)}" if limits else base
    return f"{ranged} ({unit})" if unit and unit not in ("path", "envelope") else ranged


def _count(notes: Sequence[Any]) -> int | None:
    """Return how many items a list must have, where there is only one number."""
    limits = [limit for note in notes for limit in (note.metadata if isinstance(note, FieldInfo) else [note])]
    least, most = ({getattr(limit, name, None) for limit in limits} - {None} for name in ("min_length", "max_length"))
    return next(iter(least)) if least == most and len(least) == 1 else None


def _number(limit: float) -> str:
    return str(int(limit)) if float(limit).is_integer() else f"{limit:g}"
