"""A failing step as a piece of its own, written in the piece language, so that the failure can be had again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.deliver import flat_names
from pipelines.keys import step_seed
from pipelines.plan import Plan
from pipelines.prepare import Prepared
from pipelines.quantities import Envelope, InputFiles


def write_reproduction(prepared: Prepared, path: str, trace: str, folder: Path) -> Path:
    """Write a piece with the failing step and what leads to it; return the file.

    All other steps are stored already, so rendering the piece runs the failing step alone.

    Parameters
    ----------
    prepared
        The plan that was executed.
    path
        The failing step.
    trace
        Where in the code the error arose; it becomes a comment.
    folder
        The piece becomes `piece/STEP.yaml` in it.
    """
    import yaml

    names = flat_names(prepared.plan.graph.steps)
    name = names[path]
    target = folder / "piece" / f"{name}.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"Reproduces the failure of step {path}. Render it with:",
        _command(prepared, folder, name),
        *trace.split("\n"),
    ]
    text = yaml.safe_dump(_piece(prepared.plan, path, names), allow_unicode=True, sort_keys=False)
    target.write_text("".join(f"# {line}".rstrip() + "\n" for line in lines) + text, encoding="utf-8")
    return target


def _command(prepared: Prepared, folder: Path, name: str) -> str:
    """Return the command, with the same store, device and threads, and the files of nodes."""
    settings = prepared.settings
    overrides = [f"piece={name}", f"store.folder={settings.store.folder.absolute()}"]
    overrides += [f"device={prepared.plan.machine.device}", f"threads={settings.threads}"]
    return shlex.join(["resynthesis", "render", "--config-dir", str(folder), *node_options(prepared.plan), *overrides])


def node_options(plan: Plan) -> list[str]:
    """Return the options that bring in the files of a composer's own nodes."""
    files = dict.fromkeys(step.spec.origin for step in plan.graph.steps.values())
    return [word for file in files if file.endswith(".py") for word in ("--nodes", file)]


def _piece(plan: Plan, path: str, names: Mapping[str, str]) -> dict[str, Any]:
    needed = [path]
    for current in needed:
        needed += [r.step for r in plan.step(current).sources() if r.step not in needed]
    steps = {names[step]: _step(plan, step, names) for step in plan.graph.steps if step in set(needed)}
    return {"title": plan.graph.title, "seed": plan.graph.seed, "steps": steps, "output": names[path]}


def _step(plan: Plan, path: str, names: Mapping[str, str]) -> dict[str, Any]:
    step = plan.step(path)
    body: dict[str, Any] = {"node": step.spec.name}
    if step.spec.wants_context:
        body["seed"] = step_seed(plan.graph.seed, step)
    for name, references in step.inputs.items():
        texts = [f"{names[reference.step]}.{reference.output}" for reference in references]
        if texts:
            body[name] = texts if step.spec.ports[name].many else texts[0]
    return body | {name: _written(value) for name, value in step.parameters.items()}


def _written(value: Any) -> Any:
    if isinstance(value, InputFiles):
        return _escaped(_located(value))
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, Envelope):
        return [list(point) for point in value.points]
    if isinstance(value, list | tuple):
        return [_written(part) for part in value]
    if isinstance(value, dict):
        return {key: _written(part) for key, part in value.items()}
    return value


def _escaped(text: str) -> str:
    return text.replace("${", "\\${")


def _located(files: InputFiles) -> str:
    """Return the file, folder or pattern with its place, so that it is found from anywhere."""
    folder = files.paths[0].parent
    if len(files.paths) == 1 or not files.found:  # the first was named, what belongs to it follows
        return str(files.paths[0])
    if any(path.parent != folder for path in files.paths):
        return files.asked
    return str(folder / Path(files.asked).name) if any(sign in files.asked for sign in "*?[") else str(folder)
