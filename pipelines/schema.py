"""A JSON Schema of the piece language with all nodes, for completion and checking in editors."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError

from pipelines.node import NodeSpec, Parameter
from pipelines.parameters import describe_type
from pipelines.registry import Registry

NAME = {"type": "string", "description": "the name of a step, or step.output"}


def piece_schema(registry: Registry) -> dict[str, Any]:
    """Return the schema of a piece file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a piece of resynthesis",
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "description": {"type": "string"},
            "sample_rate": {"type": "integer", "minimum": 1000, "maximum": 768000},
            "seed": {"type": "integer", "minimum": 0},
            "defaults": {"type": "array", "description": "sections to build on (Hydra's defaults list)"},
            "steps": {"$ref": "#/$defs/steps"},
            "output": NAME,
            "outputs": {"type": "object", "additionalProperties": NAME},
        },
        "additionalProperties": False,
        "$defs": {
            "steps": {"type": "object", "additionalProperties": {"$ref": "#/$defs/step"}},
            "step": _step(registry),
            "group": _group(),
            **{f"node_{name}": _node(spec) for name, spec in sorted(registry.items())},
        },
    }


def _copies() -> dict[str, Any]:
    return {
        "repeat": {"type": "integer", "minimum": 1, "description": "unroll so many generations"},
        "carry": {
            "type": "object",
            "additionalProperties": NAME,
            "description": "what a generation takes over",
        },
        "each": {
            "type": "object",
            "additionalProperties": {"anyOf": [{"type": "array"}, {"type": "integer", "minimum": 1}]},
            "description": "one copy an item, or for each number from 1 on",
        },
    }


def _names(name: str) -> list[str]:
    return sorted({name, name.replace("_", "-")})


def _step(registry: Registry) -> dict[str, Any]:
    """Return the schema of a step: what it may hold follows from its node, so that mistakes are said precisely."""
    chosen = [
        {
            "if": {"required": ["node"], "properties": {"node": {"enum": _names(name)}}},
            "then": {"$ref": f"#/$defs/node_{name}"},
        }
        for name in sorted(registry)
    ]
    known = [name for spec in sorted(registry) for name in _names(spec)]
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {"node": {"enum": known}},
        "allOf": [*chosen, {"if": {"not": {"required": ["node"]}}, "then": {"$ref": "#/$defs/group"}}],
    }


def _group() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "a sub-graph, or what differs from the step of a section",
        "properties": {
            "steps": {"$ref": "#/$defs/steps"},
            "output": NAME,
            "outputs": {"type": "object", "additionalProperties": NAME},
            **_copies(),
        },
    }


def _node(spec: NodeSpec) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "node": {"enum": _names(spec.name), "description": spec.summary},
        "seed": {"type": "integer", "minimum": 0, "description": "seed of this step's randomness"},
        **_copies(),
    }
    for port in spec.ports.values():
        what = {"description": f"{port.kind_names}: {port.doc}".rstrip(": ")}
        properties[port.name] = {"type": ["string", "array"], "items": NAME, **what} if port.many else {**NAME, **what}
    for parameter in spec.parameters.values():
        properties[parameter.name] = _parameter(parameter)
    required = [p.name for p in spec.ports.values() if p.required]
    required += [p.name for p in spec.parameters.values() if p.required]
    settled = [p.name for p in spec.parameters.values() if p.setting]
    return {
        "type": "object",
        "properties": properties,
        "required": ["node", *(name for name in required if name not in settled)],
        "additionalProperties": False,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    said: dict[str, Any] = {"description": f"{parameter.doc} ({describe_type(parameter.annotation)})".strip()}
    if not parameter.required and isinstance(parameter.default, str | int | float | bool | None):
        said["default"] = parameter.default
    try:
        found = TypeAdapter(parameter.annotation).json_schema()
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
        found = {}  # what JSON Schema cannot say is left to `resynthesis plan`
    variable = {"type": "string", "pattern": r"^\$\w+$", "description": "an item of an 'each'"}
    return {"anyOf": [found, variable], **said}
