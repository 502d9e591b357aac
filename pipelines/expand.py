"""From the piece as it is written to a flat list of steps: sub-graphs, `repeat` and `each` unrolled."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from pipelines.mistakes import Mistake, MistakeError, listed, nearest, shown
from pipelines.scope import Alias, Copies, Entry, Group, Scope, StepName

MOST_STEPS = 500_000
_NAME = re.compile(r"[^\W\d][\w-]*|\d+")
_VARIABLE = re.compile(r"\$(\w+)")
_WORDS = ("repeat", "carry", "each")
_GROUP_WORDS = ("steps", "output", "outputs", *_WORDS)
_STEP_WORDS = ("node", "seed", *_WORDS)


@dataclass(frozen=True)
class Step:
    """A step of the flat graph, not yet checked against its node."""

    path: str
    node: str
    arguments: dict[str, Any]
    scope: Scope
    seed: int | None = None


@dataclass
class Expansion:
    """The flat steps in the order of the piece, the outermost names, and the mistakes met on the way."""

    scope: Scope = field(default_factory=Scope)
    steps: list[Step] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def expand(steps: Any) -> Expansion:
    """Unroll the `steps` of a piece."""
    expansion = Expansion()
    try:
        _expand_steps(steps, "", expansion.scope, expansion)
    except RecursionError:
        raise MistakeError(Mistake("the steps are nested too deeply", parameter="steps")) from None
    return expansion


def _expand_steps(steps: Any, path: str, scope: Scope, out: Expansion) -> None:
    if not isinstance(steps, Mapping):
        out.mistakes.append(
            Mistake(
                "steps must be a mapping of names to steps",
                path,
                "steps",
                shown(steps),
                "{name: {node: …}, …}",
            )
        )
        return
    for name, body in steps.items():
        name = str(name)
        inner = f"{path}/{name}" if path else name
        if not _NAME.fullmatch(name):
            out.mistakes.append(
                Mistake(f"'{name}' cannot be the name of a step", inner, allowed="letters, digits, '_' and '-'")
            )
        elif not isinstance(body, Mapping):
            out.mistakes.append(
                Mistake(
                    "a step must be a mapping",
                    inner,
                    given=shown(body),
                    allowed="{node: NAME, …} or {steps: …}",
                )
            )
        elif (entry := _expand_copies(inner, {str(k): v for k, v in body.items()}, scope, out)) is not None:
            scope.names[name] = entry


def _expand_copies(path: str, body: dict[str, Any], scope: Scope, out: Expansion) -> Entry | None:
    if body.get("each") is not None:
        return _expand_each(path, body, scope, out)
    if body.get("repeat") is not None:
        return _expand_repeat(path, body, scope, out)
    if body.get("carry"):
        out.mistakes.append(Mistake("'carry' needs 'repeat'", path, "carry", hint="add repeat: N beside it"))
    return _expand_one(path, body, scope, out)


def _expand_each(path: str, body: dict[str, Any], scope: Scope, out: Expansion) -> Entry | None:
    written = body["each"]
    each = {name: _items(items) for name, items in written.items()} if isinstance(written, Mapping) else {}
    if not each or not all(each.values()):
        allowed = f"{{name: [item, …]}}, or {{name: n}} for the numbers 1 to n ≤ {MOST_STEPS}; use it as $name"
        out.mistakes.append(Mistake("'each' names lists of items", path, "each", shown(written), allowed))
        return None
    lengths = {str(name): len(items) for name, items in each.items()}
    if len(set(lengths.values())) > 1:
        out.mistakes.append(Mistake("the lists of 'each' must be equally long", path, "each", shown(lengths)))
        return None
    rest = {key: value for key, value in body.items() if key != "each"}
    copies: list[Entry] = []
    labels: dict[str, None] = {}
    for number in range(next(iter(lengths.values()))):
        items = {str(name): values[number] for name, values in each.items()}
        label = _label(next(iter(items.values())), number + 1, labels.keys())
        entry = _expand_copies(f"{path}/{label}", _substitute(rest, items), scope, out)
        if entry is None:
            return None
        copies.append(entry)
        labels[label] = None
    return Copies(path, tuple(copies), tuple(labels), generations=False)


def _items(written: Any) -> list[Any]:
    """Return the items of an 'each': those of a list, or the numbers from 1 on; nothing for anything else."""
    if isinstance(written, int) and not isinstance(written, bool) and written <= MOST_STEPS:
        return list(range(1, written + 1))
    return list(written) if isinstance(written, list | tuple) else []


def _label(item: Any, number: int, taken: Set[str]) -> str:
    """Return the name of a copy: its item where that is a name, else its number, which no item can take."""
    named = isinstance(item, str) and _NAME.fullmatch(item) and not item.isdecimal()
    return str(item) if named and item not in taken and item != "all" else str(number)


def _expand_repeat(path: str, body: dict[str, Any], scope: Scope, out: Expansion) -> Entry | None:
    count, carry = body["repeat"], body.get("carry") or {}
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_STEPS:
        out.mistakes.append(
            Mistake("'repeat' is a number of generations", path, "repeat", shown(count), f"1 to {MOST_STEPS}")
        )
        return None
    if not isinstance(carry, Mapping) or not all(isinstance(first, str) for first in carry.values()):
        out.mistakes.append(
            Mistake(
                "'carry' names what each generation takes over",
                path,
                "carry",
                shown(carry),
                "{name: FIRST_STEP}",
            )
        )
        return None
    rest = {key: value for key, value in body.items() if key not in ("repeat", "carry")}
    copies: list[Entry] = []
    for generation in range(1, count + 1):
        inside = Scope(scope)
        previous = copies[-1] if copies else None
        for name, first in carry.items():
            inside.names[str(name)] = _carried(str(name), first, scope, previous)
        entry = _expand_one(f"{path}/{generation}", _substitute(rest, {"generation": generation}), inside, out)
        if entry is None:
            return None
        if len(carry) > 1 and not (isinstance(entry, Group) and carry.keys() <= entry.outputs.keys()):
            outputs = listed(entry.outputs) if isinstance(entry, Group) else "one"
            out.mistakes.append(
                Mistake(
                    "each of several carried names needs an output of that name", path, "carry", listed(carry),
                    f"the outputs here: {outputs}", "add outputs: {" + ", ".join(f"{n}: …" for n in carry) + "}",
                )
            )  # fmt: skip
            return None
        copies.append(entry)
    return Copies(path, tuple(copies), (), generations=True)


def _carried(name: str, first: str, scope: Scope, previous: Entry | None) -> Alias:
    if previous is None:
        return Alias(first, scope)
    if not isinstance(previous, Group) or name not in previous.outputs:
        return Alias("", scope, previous)
    handed_on = previous.inside.find(previous.outputs[name])  # unchanged through a generation, perhaps through all
    return handed_on if isinstance(handed_on, Alias) else Alias(name, scope, previous)


def _expand_one(path: str, body: dict[str, Any], scope: Scope, out: Expansion) -> Entry | None:
    if len(out.steps) >= MOST_STEPS:
        raise MistakeError(Mistake("the piece has too many steps", path, allowed=f"at most {MOST_STEPS}"))
    _refuse_variables(body, path, out)
    if "steps" in body and "node" in body:
        out.mistakes.append(Mistake("a step has a node or steps, not both", path, "node", shown(body["node"])))
        return None
    if "steps" in body:
        return _expand_group(path, body, scope, out)
    return _expand_node(path, body, scope, out)


def _expand_node(path: str, body: dict[str, Any], scope: Scope, out: Expansion) -> Entry:
    node, seed = body.get("node"), body.get("seed")
    if not isinstance(node, str):
        given = shown(node) if "node" in body else f"keys: {listed(body)}"
        siblings = [other for other in scope.names if other != path.rpartition("/")[2]]
        hint = (
            nearest("node", body) or nearest(path.rpartition("/")[2], siblings) or "every step needs a node, or steps"
        )
        out.mistakes.append(Mistake("the step names no node", path, "node", given, "the name of a node", hint))
        node = ""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        out.mistakes.append(Mistake("a seed is a whole number from 0 on", path, "seed", shown(seed)))
        seed = None
    arguments = {key: value for key, value in body.items() if key not in _STEP_WORDS}
    out.steps.append(Step(path, node.replace("-", "_"), arguments, scope, seed))
    return StepName(path)


def _expand_group(path: str, body: dict[str, Any], scope: Scope, out: Expansion) -> Entry | None:
    for key in body:
        if key not in _GROUP_WORDS:
            out.mistakes.append(
                Mistake(
                    f"a sub-graph has no '{key}'", path, key, shown(body[key]),
                    listed(_GROUP_WORDS), nearest(key, _GROUP_WORDS),
                )
            )  # fmt: skip
    inside = Scope(scope)
    _expand_steps(body["steps"], path, inside, out)
    outputs = named_outputs(body, path, out.mistakes)
    return Group(path, inside, outputs) if outputs else None


def named_outputs(body: Mapping[str, Any], path: str, mistakes: list[Mistake]) -> dict[str, str]:
    """Return {name: reference} from `output: step` or `outputs: {name: step}`; note mistakes."""
    single, several = body.get("output"), body.get("outputs")
    if isinstance(single, str) and several is None:
        return {"output": single}
    if single is None and isinstance(several, Mapping) and several:
        wrong = {str(k): v for k, v in several.items() if not isinstance(v, str) or not _NAME.fullmatch(str(k))}
        if not wrong:
            return {str(name): reference for name, reference in several.items()}
        mistakes.append(Mistake("each output names a step", path, "outputs", shown(wrong), "{name: STEP}"))
        return {}
    if single is None and several is None:
        mistakes.append(Mistake("nothing is given out", path, "output", hint="add output: STEP"))
    else:
        given = shown(single if several is None else {"output": single, "outputs": several})
        mistakes.append(Mistake("what is given out", path, "output", given, "output: STEP or outputs: {name: STEP}"))
    return {}


def _substitute(item: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(item, str):
        whole = _VARIABLE.fullmatch(item)
        if whole and whole[1] in variables:
            return variables[whole[1]]
        return _VARIABLE.sub(lambda m: str(variables[m[1]]) if m[1] in variables else m[0], item)
    if isinstance(item, Mapping):
        return {key: _substitute(value, variables) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_substitute(value, variables) for value in item]
    return item


def _refuse_variables(body: Mapping[str, Any], path: str, out: Expansion) -> None:
    for key, value in body.items():
        if key == "steps":
            continue
        left = _VARIABLE.search(value) if isinstance(value, str) else None
        if left:
            out.mistakes.append(
                Mistake(
                    f"'{left[0]}' stands for nothing here",
                    path,
                    key,
                    value,
                    "$NAME of an 'each' around this step",
                )
            )
