"""A failing step as a piece of its own, written in the piece language, so that the failure can be had again."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from pipelines.deliver import file_name
from pipelines.keys import step_seed
from pipelines.plan import Plan
from pipelines.prepare import Prepared
from pipelines.quantities import Envelope, InputFiles
from pipelines.scope import Reference


def write_reproduction(prepared: Prepared, path: str, error: Exception, folder: Path) -> Path:
    """Write a piece with the failing step and what leads to it; return the file.

    All other steps are stored already, so rendering the piece runs the failing step alone.
    """
    import yaml

    name = file_name(path.replace("/", "-"))
    target = folder / "piece" / f"{name}.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    said = "".join(traceback.format_exception(error))
    comment = "".join(f"# {line}\n" for line in said.splitlines())
    command = f"resynthesis render --config-dir {folder} piece={name}"
    head = f"# Reproduces the failure of step {path}. Render it with:\n# {command}\n"
    text = yaml.safe_dump(_piece(prepared.plan, path), allow_unicode=True, sort_keys=False)
    target.write_text(f"{head}{comment}{text}", encoding="utf-8")
    return target


def _piece(plan: Plan, path: str) -> dict[str, Any]:
    needed = [path]
    for current in needed:
        needed += [r.step for r in plan.step(current).sources() if r.step not in needed]
    steps = {_flat(step): _step(plan, step) for step in plan.graph.steps if step in set(needed)}
    return {"title": plan.graph.title, "seed": plan.graph.seed, "steps": steps, "output": _flat(path)}


def _step(plan: Plan, path: str) -> dict[str, Any]:
    step = plan.step(path)
    body: dict[str, Any] = {"node": step.spec.name}
    if step.spec.wants_context:
        body["seed"] = step_seed(plan.graph.seed, step)
    for name, references in step.inputs.items():
        texts = [_reference(reference) for reference in references]
        if texts:
            body[name] = texts if step.spec.ports[name].many else texts[0]
    return body | {name: _written(value) for name, value in step.parameters.items() if value is not None}


def _reference(reference: Reference) -> str:
    return f"{_flat(reference.step)}.{reference.output}"


def _flat(path: str) -> str:
    return path.replace("/", "__")


def _written(value: Any) -> Any:
    if isinstance(value, InputFiles):
        return str(value.paths[0]) if len(value.paths) == 1 else value.asked
    if isinstance(value, Envelope):
        return [list(point) for point in value.points]
    if isinstance(value, list | tuple):
        return [_written(part) for part in value]
    if isinstance(value, dict):
        return {key: _written(part) for key, part in value.items()}
    return value
