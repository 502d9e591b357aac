"""Names inside a piece: what a reference such as `voice`, `loop.3` or `parts.harmonic` stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.mistakes import listed, mistake, nearest


@dataclass(frozen=True)
class Reference:
    """One output of one step of the flat graph; output '' is the step's default output."""

    step: str
    output: str = ""


@dataclass(frozen=True)
class StepName:
    """A name that stands for a step with a node."""

    path: str


@dataclass(frozen=True)
class Group:
    """A name that stands for a sub-graph: its outputs are texts, resolved in the scope inside it."""

    path: str
    inside: Scope
    outputs: dict[str, str]


@dataclass(frozen=True)
class Copies:
    """A name that stands for the copies made by `repeat` (generations) or `each` (one an item)."""

    path: str
    copies: tuple[Entry, ...]
    labels: tuple[str, ...]
    generations: bool

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each label among the copies."""
        return {label: place for place, label in enumerate(self.labels)}


@dataclass(frozen=True)
class Alias:
    """A name that `carry` lends to a generation: a text, resolved in another scope or from an entry."""

    text: str
    scope: Scope
    previous: Entry | None = None


Entry = StepName | Group | Copies | Alias


@dataclass
class Scope:
    """The names of one sub-graph; what is not found here is looked up outside."""

    outer: Scope | None = None
    names: dict[str, Entry] = field(default_factory=dict)

    def visible(self) -> Iterator[str]:
        """Yield every name that can be referred to from here, the inner ones first."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.outer

    def find(self, name: str) -> Entry | None:
        """Return what a name stands for, from here outwards."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None


MOST_HOPS = 250


def resolve(text: str, scope: Scope, hops: int = 0) -> list[Reference]:
    """Return the outputs that a reference stands for: one, or several for `loop.all` and copies of `each`.

    Raises
    ------
    MistakeError
        Where a name is unknown; says the nearest known one.
    """
    name, *rest = text.split(".")
    entry = scope.find(name)
    if entry is None:
        names = sorted(set(scope.visible()))
        raise mistake(
            f"there is no step '{name}'",
            given=text,
            allowed=f"the steps visible from here: {listed(names)}",
            hint=nearest(name, names),
        )
    return follow(entry, rest, text, hops)


def follow(entry: Entry, rest: list[str], text: str, hops: int = 0) -> list[Reference]:
    """Return the outputs that are reached from an entry by the parts after the first dot."""
    if hops > MOST_HOPS:
        raise mistake("the reference leads back to itself", given=text)
    if isinstance(entry, StepName):
        return [_step_output(entry, rest, text)]
    if isinstance(entry, Alias):
        if entry.previous is None:
            return resolve(".".join([entry.text, *rest]), entry.scope, hops + 1)
        return follow(entry.previous, [*([entry.text] if entry.text else []), *rest], text, hops + 1)
    if isinstance(entry, Group):
        return _group_output(entry, rest, text, hops)
    return _copies_output(entry, rest, text, hops)


def _step_output(entry: StepName, rest: list[str], text: str) -> Reference:
    if len(rest) > 1:
        raise mistake(
            f"'{entry.path}' is a single step, nothing lies inside its outputs",
            given=text,
            allowed=f"'{text.split('.')[0]}' or '{text.split('.')[0]}.OUTPUT'",
        )
    return Reference(entry.path, rest[0] if rest else "")


def _group_output(entry: Group, rest: list[str], text: str, hops: int) -> list[Reference]:
    outputs = entry.outputs
    if rest and rest[0] in outputs:
        return resolve(".".join([outputs[rest[0]], *rest[1:]]), entry.inside, hops + 1)
    if len(rest) == 1 and len(outputs) == 1:
        only = next(iter(outputs.values()))
        if "." not in only and rest[0] not in entry.inside.names:
            return resolve(f"{only}.{rest[0]}", entry.inside, hops + 1)
    if rest:
        raise mistake(
            f"the sub-graph '{entry.path}' does not give out '{rest[0]}'",
            given=text,
            allowed=f"its outputs: {listed(outputs)}",
            hint=nearest(rest[0], outputs) or f"name it under '{entry.path}.outputs' to make it visible",
        )
    return resolve(next(iter(outputs.values())), entry.inside, hops + 1)


def _copies_output(entry: Copies, rest: list[str], text: str, hops: int) -> list[Reference]:
    copies, places = entry.copies, entry.places
    which = rest[0] if rest else ""
    if which == "all" or (not entry.generations and which not in places and not which.isdecimal()):
        inner = rest[1:] if which == "all" else rest
        return [reference for copy in copies for reference in follow(copy, inner, text, hops + 1)]
    if which in places:
        return follow(copies[places[which]], rest[1:], text, hops + 1)
    if which.isdecimal():
        if not 1 <= int(which) <= len(copies):
            raise mistake(
                f"'{entry.path}' has {len(copies)} {'generations' if entry.generations else 'copies'}",
                given=text,
                allowed=f"1 to {len(copies)}, or 'all'",
            )
        return follow(copies[int(which) - 1], rest[1:], text, hops + 1)
    return follow(copies[-1], rest, text, hops + 1)
