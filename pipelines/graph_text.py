"""The graph as text, as a Mermaid chart or in Graphviz' language, coloured by what a render would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipelines.plan import Plan

COLOURS = {"cached": "#b7e1cd", "run": "#fce8b2", "unneeded": "#e8eaed"}
ANSI = {"cached": "32", "run": "33", "unneeded": "90"}
SIGNS = {"cached": "●", "run": "○", "unneeded": "·"}


def as_text(plan: Plan, colour: bool) -> str:
    """Return the steps in order, each with its inputs."""
    return "\n".join(_text_lines(plan, colour)) + "\n"


def as_mermaid(plan: Plan) -> str:
    """Return a Mermaid flowchart."""
    names = _names(plan)
    lines = ["flowchart LR"]
    for path, step in plan.graph.steps.items():
        lines.append(f'    {names[path]}["{path}<br/><i>{step.spec.name}</i>"]:::{plan.states[path]}')
    for source, target, label in _edges(plan):
        lines.append(f"    {names[source]} -->|{label}| {names[target]}")
    for number, (name, reference) in enumerate(plan.graph.outputs.items()):
        lines.append(f'    out{number}(["{name}"])')
        lines.append(f"    {names[reference.step]} ==> out{number}")
    lines += [f"    classDef {state} fill:{colour},stroke:#777,color:#000" for state, colour in COLOURS.items()]
    return "\n".join(lines) + "\n"


def as_dot(plan: Plan) -> str:
    """Return a Graphviz digraph."""
    names = _names(plan)
    lines = [
        "digraph piece {",
        "    rankdir=LR;",
        '    node [shape=box, style=filled, fontname="sans-serif"];',
    ]
    for path, step in plan.graph.steps.items():
        label = f"{path}\\n{step.spec.name}"
        lines.append(f'    {names[path]} [label="{label}", fillcolor="{COLOURS[plan.states[path]]}"];')
    lines += [f'    {names[source]} -> {names[target]} [label="{label}"];' for source, target, label in _edges(plan)]
    for number, (name, reference) in enumerate(plan.graph.outputs.items()):
        lines.append(f'    out{number} [label="{name}", shape=oval, fillcolor=white];')
        lines.append(f"    {names[reference.step]} -> out{number} [penwidth=2];")
    return "\n".join([*lines, "}"]) + "\n"


FORMATS: dict[str, Callable[[Plan], str]] = {"mermaid": as_mermaid, "dot": as_dot}


def _text_lines(plan: Plan, colour: bool) -> Iterator[str]:
    width = max((len(path) for path in plan.graph.steps), default=0)
    kind = max((len(step.spec.name) for step in plan.graph.steps.values()), default=0)
    for path, step in plan.graph.steps.items():
        state = plan.states[path]
        inputs = ", ".join(f"{label} ← {source}" for source, target, label in _inputs(plan, path))
        line = f"{SIGNS[state]} {path:<{width}}  {step.spec.name:<{kind}}  {inputs}".rstrip()
        yield f"\033[{ANSI[state]}m{line}\033[0m" if colour else line
    for name, reference in plan.graph.outputs.items():
        yield f"⇒ {name} ← {reference.step}.{reference.output}"
    yield "  ".join(f"{sign} {state}" for state, sign in SIGNS.items())


def _names(plan: Plan) -> dict[str, str]:
    return {path: f"s{number}" for number, path in enumerate(plan.graph.steps)}


def _inputs(plan: Plan, path: str) -> Iterator[tuple[str, str, str]]:
    step = plan.step(path)
    for port, references in step.inputs.items():
        for reference in references:
            default = reference.output == next(iter(plan.step(reference.step).outputs))
            yield reference.step, path, port if default else f"{port}: {reference.output}"


def _edges(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for path in plan.graph.steps:
        yield from _inputs(plan, path)
