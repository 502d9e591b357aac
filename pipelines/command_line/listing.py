"""`nodes`, `pieces` and `schema`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pipelines.mistakes import mistake, nearest
from pipelines.node import NodeSpec, Parameter
from pipelines.parameters import describe_type
from pipelines.quantities import Envelope
from pipelines.registry import load_registry


def nodes(options: argparse.Namespace) -> None:
    """List the nodes, or describe one."""
    registry = load_registry(options.nodes)
    if options.name is None:
        width = max(map(len, registry))
        for name, spec in sorted(registry.items()):
            origin = "" if spec.origin == "resynthesis" else f"  [{spec.origin}]"
            print(f"{name:<{width}}  {spec.summary}{origin}")
        return
    name = options.name.replace("-", "_")
    if name not in registry:
        raise mistake(f"there is no node '{name}'", given=options.name, hint=nearest(name, registry))
    print("\n".join(_described(registry[name])))


def pieces(options: argparse.Namespace) -> None:
    """List the pieces."""
    from pipelines.compose import pieces as found

    names = found(options.config_dir)
    width = max(map(len, names), default=0)
    for name, comment in names.items():
        print(f"{name:<{width}}  {comment}".rstrip())


def schema(options: argparse.Namespace) -> None:
    """Print the JSON Schema of the piece language."""
    from pipelines.schema import piece_schema

    print(json.dumps(piece_schema(load_registry(options.nodes)), indent=2))


def _described(spec: NodeSpec) -> list[str]:
    lines = [f"{spec.name}: {spec.summary}", ""]
    for paragraph in spec.description:
        lines += [paragraph, ""]
    if spec.ports:
        lines.append("ports (each takes the name of a step)")
        for port in spec.ports.values():
            lines += _entry(port.name, port.kind_names + ("" if port.required else ", optional"), port.doc)
    if spec.parameters:
        lines.append("parameters")
        for parameter in spec.parameters.values():
            lines += _entry(
                parameter.name, f"{describe_type(parameter.annotation)}; {_default(parameter)}", parameter.doc
            )
    lines.append("outputs")
    for name, kind in spec.outputs.items():
        lines += _entry(name if name != "value" else "(the result)", kind.__name__, "")
    return lines


def _entry(name: str, what: str, doc: str) -> list[str]:
    return [f"  {name}: {what}", *([f"      {doc}"] if doc else [])]


def _default(parameter: Parameter) -> str:
    if parameter.setting:
        return f"default: the piece's {parameter.setting}"
    return "required" if parameter.required else f"default: {_written(parameter.default)}"


def _written(value: Any) -> str:
    if isinstance(value, Envelope):
        return str(value.points[0][1]) if value.constant else str(value.points)
    return "none" if value is None else str(value)
