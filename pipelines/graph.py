"""The graph of a piece: steps bound to nodes, edges typed, every mistake found before a sound is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.expand import Step, expand, named_outputs
from pipelines.facts import spread_facts
from pipelines.mistakes import Mistake, MistakeError, listed, nearest, shown
from pipelines.node import Facts, NodeSpec, Port
from pipelines.parameters import read_parameters
from pipelines.registry import Registry
from pipelines.scope import Reference, Scope, resolve
from pipelines.value import Value

PIECE_KEYS = ("title", "description", "sample_rate", "seed", "steps", "output", "outputs")
Inputs = dict[str, tuple[Reference, ...]]


@dataclass(frozen=True)
class BoundStep:
    """A checked step.

    Parameters
    ----------
    path
        Its name, with those of the groups that it is in.
    spec
        Its node.
    inputs
        The outputs that each port takes.
    parameters
        Validated, with everything decided that the piece leaves open.
    seed
        Its own, if the piece gives one.
    outputs
        Kind of each output that it has, by name.
    decided
        What was decided, and why, in a sentence; or ''.
    """

    path: str
    spec: NodeSpec
    inputs: Inputs
    parameters: dict[str, Any]
    seed: int | None
    outputs: dict[str, type[Value]]
    decided: str = ""

    def sources(self) -> Iterable[Reference]:
        """Yield every output that the step takes, port by port."""
        for references in self.inputs.values():
            yield from references


@dataclass(frozen=True)
class Graph:
    """A checked piece: steps in an order in which they can run, and the outputs that are asked for."""

    title: str
    seed: int
    steps: dict[str, BoundStep]
    outputs: dict[str, Reference]
    facts: dict[str, dict[str, Facts]] = field(default_factory=dict)


def build_graph(piece: Any, registry: Registry, folders: Sequence[Path]) -> Graph:
    """Check a whole piece and return its graph.

    Parameters
    ----------
    piece
        The piece as plain dicts, lists and scalars.
    registry
        The nodes by name.
    folders
        Where relative paths of files are looked up.

    Raises
    ------
    MistakeError
        With every mistake of the piece in one go.
    """
    if not isinstance(piece, Mapping):
        raise MistakeError(Mistake("a piece must be a mapping", given=shown(piece), allowed=listed(PIECE_KEYS)))
    mistakes = _top_level(piece)
    expansion = expand(piece.get("steps", {}))
    mistakes += expansion.mistakes
    names = named_outputs(piece, "", mistakes)
    wrong = any(mistake.parameter == "sample_rate" for mistake in mistakes)
    settings = {"sample_rate": 44100 if wrong else piece.get("sample_rate") or 44100}
    binder = _Binder(registry, folders, settings, {step.path: step for step in expansion.steps}, mistakes)
    bound = {step.path: found for step in expansion.steps if (found := binder.bind(step)) is not None}
    outputs = binder.outputs(names, expansion.scope)
    mistakes += _absent_outputs(bound, outputs)
    ordered = _in_order(bound, mistakes)
    if not mistakes:
        facts = spread_facts(ordered, mistakes)
    if mistakes:
        raise MistakeError(mistakes)
    return Graph(str(piece.get("title") or ""), int(piece.get("seed") or 0), ordered, outputs, facts)


def _top_level(piece: Mapping[str, Any]) -> list[Mistake]:
    mistakes = [
        Mistake(
            f"a piece has no '{key}'",
            "",
            str(key),
            shown(value),
            listed(PIECE_KEYS),
            nearest(str(key), PIECE_KEYS),
        )
        for key, value in piece.items()
        if key not in PIECE_KEYS
    ]
    if not piece.get("steps"):
        mistakes.append(Mistake("the piece has no steps", parameter="steps", hint="add steps: {name: {node: …}}"))
    for key, low, high in (("sample_rate", 1000, 768_000), ("seed", 0, 2**63 - 1)):
        value = piece.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high):
            mistakes.append(Mistake("not a whole number in range", "", key, shown(value), f"{low} to {high}"))
    for key in ("title", "description"):
        if not isinstance(piece.get(key, ""), str | int | float | None):
            mistakes.append(Mistake("must be a text", "", key, shown(piece[key])))
    return mistakes


@dataclass
class _Binder:
    registry: Registry
    folders: Sequence[Path]
    settings: Mapping[str, Any]
    steps: Mapping[str, Step]
    mistakes: list[Mistake]

    def bind(self, step: Step) -> BoundStep | None:
        spec = self.registry.get(step.node)
        if spec is None:
            if step.node:
                self.note(
                    step.path, f"there is no node '{step.node}'", "node", step.node,
                    "see `resynthesis nodes`; a file of your own is named with --nodes",
                    nearest(step.node, self.registry),
                )  # fmt: skip
            return None
        before = len(self.mistakes)
        inputs = {name: self.port(step, port) for name, port in spec.ports.items()}
        raw = {
            name: value
            for name, value in step.arguments.items()
            if name not in spec.ports and not _absent(spec, name, value)
        }
        parameters, wrong = read_parameters(spec, raw, self.settings, self.folders)
        self.mistakes += [mistake.at(step.path) for mistake in wrong]
        if len(self.mistakes) > before:
            return None
        try:
            settled, decided = spec.mark.settle(parameters) if spec.mark.settle else (parameters, "")
        except MistakeError as error:
            self.mistakes += error.at(step.path).mistakes
            return None
        return BoundStep(step.path, spec, inputs, dict(settled), step.seed, spec.outputs_with(settled), decided)

    def port(self, step: Step, port: Port) -> tuple[Reference, ...]:
        given = step.arguments.get(port.name)
        if given is None:
            if port.required:
                self.note(step.path, f"'{step.node}' needs '{port.name}'", port.name, "nothing", self.allowed(port))
            return ()
        texts = list(given) if isinstance(given, list | tuple) else [given]
        if not all(isinstance(text, str) for text in texts) or (isinstance(given, list | tuple) and not port.many):
            self.note(step.path, "a port takes the name of a step", port.name, shown(given), self.allowed(port))
            return ()
        found = [reference for text in texts for reference in self.resolve(text, step.scope, step.path, port.name)]
        checked = [r for reference in found if (r := self.typed(reference, port.kinds, step.path, port)) is not None]
        if not port.many and len(checked) > 1:
            self.note(
                step.path, f"'{port.name}' takes one input, '{texts[0]}' stands for {len(checked)}",
                port.name, shown(given), self.allowed(port), f"name one of them: '{texts[0].split('.')[0]}.1'",
            )  # fmt: skip
        if port.many and port.required and not found and not texts:
            self.note(step.path, f"'{port.name}' is empty", port.name, "[]", self.allowed(port))
        return tuple(checked)

    def outputs(self, names: Mapping[str, str], scope: Scope) -> dict[str, Reference]:
        outputs: dict[str, Reference] = {}
        for name, text in names.items():
            found = self.resolve(text, scope, "", "output" if name == "output" else f"outputs.{name}")
            for number, reference in enumerate(found, 1):
                label = name if len(found) == 1 else f"{name}_{number}"
                if label in outputs:
                    self.note("", f"two outputs would be called '{label}'", "outputs", text, "names that differ")
                if (checked := self.typed(reference, (), "", None)) is not None:
                    outputs[label] = checked
        return outputs

    def resolve(self, text: str, scope: Scope, path: str, parameter: str) -> list[Reference]:
        try:
            return resolve(text, scope)
        except MistakeError as error:
            self.mistakes += error.at(path, parameter).mistakes
        except RecursionError:
            self.note(path, "the reference leads through too many generations", parameter, text)
        return []

    def typed(self, reference: Reference, kinds: tuple[type, ...], path: str, port: Port | None) -> Reference | None:
        spec = self.registry.get(self.steps[reference.step].node)
        if spec is None:
            return None
        output = reference.output or next(iter(spec.outputs))
        name = port.name if port else "output"
        if output not in spec.outputs:
            self.note(
                path, f"'{reference.step}' ({spec.name}) has no output '{output}'", name,
                f"{reference.step}.{output}", f"its outputs: {listed(spec.outputs)}", nearest(output, spec.outputs),
            )  # fmt: skip
            return None
        kind = spec.outputs[output]
        if port and not issubclass(kind, kinds) and not any(issubclass(k, kind) for k in kinds):
            fitting = [f"{reference.step}.{name}" for name, k in spec.outputs.items() if issubclass(k, kinds)]
            self.note(
                path, f"'{reference.step}' gives {kind.__name__}, '{port.name}' takes {port.kind_names}",
                port.name, reference.step, self.allowed(port), f"did you mean '{fitting[0]}'?" if fitting else "",
            )  # fmt: skip
            return None
        return Reference(reference.step, output)

    @staticmethod
    def allowed(port: Port) -> str:
        names = "names of steps that give" if port.many else "the name of a step that gives"
        return f"{names} {port.kind_names}"

    def note(self, path: str, what: str, parameter: str, given: str, allowed: str = "", hint: str = "") -> None:
        self.mistakes.append(Mistake(what, path, parameter, given, allowed, hint))


def _absent_outputs(steps: Mapping[str, BoundStep], outputs: Mapping[str, Reference]) -> list[Mistake]:
    """Return a mistake for each reference to an output that a step lacks with the parameters that it has."""
    taken = [(path, port, r) for path, step in steps.items() for port, found in step.inputs.items() for r in found]
    taken += [("", "output", reference) for reference in outputs.values()]
    return [
        Mistake(
            f"'{r.step}' ({steps[r.step].spec.name}) has no output '{r.output}' with its parameters", path, port,
            f"{r.step}.{r.output}", f"its outputs: {listed(steps[r.step].outputs)}",
            nearest(r.output, steps[r.step].outputs),
        )
        for path, port, r in taken
        if r.step in steps and r.output not in steps[r.step].outputs
    ]  # fmt: skip


def _absent(spec: NodeSpec, name: str, value: Any) -> bool:
    """Whether a null says 'not given', so that a piece can drop what a section gives; else it is a value."""
    return value is None and not (name in spec.parameters and spec.parameters[name].takes_null)


def _in_order(steps: dict[str, BoundStep], mistakes: list[Mistake]) -> dict[str, BoundStep]:
    """Return the steps so that each comes after what it takes (Kahn), in the order of the piece otherwise."""
    waiting = {path: {r.step for r in step.sources() if r.step in steps} for path, step in steps.items()}
    users: dict[str, list[str]] = {path: [] for path in steps}
    for path, sources in waiting.items():
        for source in sources:
            users[source].append(path)
    ready = [path for path, sources in waiting.items() if not sources]
    ordered: dict[str, BoundStep] = {}
    for path in ready:
        ordered[path] = steps[path]
        for user in users[path]:
            waiting[user].discard(path)
            if not waiting[user]:
                ready.append(user)
    left = {path: waiting[path] for path in steps if path not in ordered}
    if left:
        loop = _cycle(left)
        mistakes.append(
            Mistake(
                "the steps form a cycle", loop[0], given=" → ".join(loop),
                hint="use repeat and carry to feed a result back",
            )
        )  # fmt: skip
    return ordered


def _cycle(waiting: Mapping[str, set[str]]) -> list[str]:
    path = [next(iter(waiting))]
    while path.count(path[-1]) == 1:
        path.append(next(source for source in sorted(waiting[path[-1]]) if source in waiting))
    return path[path.index(path[-1]) :]
