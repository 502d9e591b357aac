"""A node is a plain typed function: positional arguments are ports, keyword-only ones are parameters."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, Union, get_args, get_origin, overload

from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.quantities import FromPiece, Unit
from pipelines.value import Value

Function = TypeVar("Function", bound=Callable[..., Any])
Facts = Mapping[str, Any]
FactsRule = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Facts]]
SettleRule = Callable[[Mapping[str, Any]], tuple[Mapping[str, Any], str]]
OutputsRule = Callable[[Mapping[str, Any]], Collection[str]]
ShowingRule = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Mark:
    """What `@node` notes on a function."""

    version: int = 1
    facts: FactsRule | None = None
    settle: SettleRule | None = None
    outputs: OutputsRule | None = None
    figure: ShowingRule | None = None
    page: ShowingRule | None = None


@overload
def node(function: Function, /) -> Function: ...


@overload
def node(
    *,
    version: int = 1,
    facts: FactsRule | None = None,
    settle: SettleRule | None = None,
    outputs: OutputsRule | None = None,
    figure: ShowingRule | None = None,
    page: ShowingRule | None = None,
) -> Callable[[Function], Function]: ...


def node(
    function: Function | None = None,
    *,
    version: int = 1,
    facts: FactsRule | None = None,
    settle: SettleRule | None = None,
    outputs: OutputsRule | None = None,
    figure: ShowingRule | None = None,
    page: ShowingRule | None = None,
) -> Any:
    """Mark a function as a node; the function itself is unchanged.

    Parameters
    ----------
    function
        The node. Its name is the name in a piece.
    version
        Raise it to invalidate stored results when something changed that the code does not show.
    facts
        `facts(inputs, parameters)` returns what is known of each output before anything runs, as
        {output: {'sample_rate': …, 'channels': …}}. `inputs` maps each port to such facts, with the 'kind' of
        value, or to a list of them. Raise `MistakeError` where they cannot work together. Without a rule an
        output knows what all its inputs agree on.
    settle
        `settle(parameters)` returns the parameters with everything decided that a piece may leave open, for what is
        at hand on this machine, and a sentence that says what was decided and why, or ''. The decision is part of
        the key; plan and record show the sentence. Raise `MistakeError` where there is nothing to choose from.
    outputs
        `outputs(parameters)` names the outputs that there are with these (settled) parameters, for a node that
        returns a NamedTuple some of whose fields are `Kind | None`. All, unless given.
    figure
        `figure(inputs, outputs)` returns a Matplotlib figure of the whole step, or None. Both are values by name, an
        input of several as a list. It is drawn as the pictures of single outputs are, after the files of a render
        were written, and stands in the place of a single output's own. No key depends on it. A function of a module.
    page
        `page(inputs, outputs)` returns an HTML page that needs no other file, or None, in the same way.
    """

    for shower in (figure, page):
        if shower is not None and not (inspect.isfunction(shower) and shower.__qualname__.isidentifier()):
            raise TypeError(f"what shows a step must be a function of a module, which others can import: {shower}")

    def mark(marked: Function) -> Function:
        marked.__node__ = Mark(version, facts, settle, outputs, figure, page)  # type: ignore[attr-defined]
        return marked

    return mark(function) if function is not None else mark


@dataclass(frozen=True)
class Port:
    """An argument that takes the result of another step."""

    name: str
    kinds: tuple[type[Value], ...]
    many: bool
    required: bool
    doc: str

    @property
    def kind_names(self) -> str:
        """The kinds of value that the port takes, as shown to a user."""
        names = " or ".join(kind.__name__ for kind in self.kinds)
        return f"list of {names}" if self.many else names


@dataclass(frozen=True)
class Parameter:
    """An argument that takes a value written in the piece."""

    name: str
    annotation: Any
    default: Any
    required: bool
    unit: str
    setting: str
    doc: str

    @property
    def takes_null(self) -> bool:
        """Whether null is a value of the parameter."""
        return type(None) in get_args(self.annotation)


@dataclass(frozen=True)
class NodeSpec:
    """A node as the graph sees it, read from the function's signature and docstring."""

    name: str
    function: Callable[..., Any]
    origin: str

    @property
    def mark(self) -> Mark:
        """What the `@node` decorator noted."""
        found: Mark = self.function.__node__  # type: ignore[attr-defined]
        return found

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The resolved type hints."""
        return typing.get_type_hints(self.function, include_extras=True)

    @cached_property
    def docs(self) -> dict[str, str]:
        """The docstring's text of each parameter."""
        return parameter_docs(inspect.getdoc(self.function) or "")

    @property
    def summary(self) -> str:
        """The docstring's first sentence."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    @property
    def description(self) -> list[str]:
        """The docstring's paragraphs after the first one, up to its sections; lists keep their lines."""
        text = re.split(r"\n\n[A-Z]\w*\n-{3,}\n", inspect.getdoc(self.function) or "")[0]
        paragraphs = text.split("\n\n")[1:]
        return [each if re.search(r"^( |- )", each, re.MULTILINE) else each.replace("\n", " ") for each in paragraphs]

    @cached_property
    def wants_context(self) -> bool:
        """Whether the function asks for a Context."""
        return "context" in self.hints and self.hints["context"] is Context

    @cached_property
    def ports(self) -> dict[str, Port]:
        """Ports by name, in the order of the signature."""
        return {p.name: self._port(p) for p in self._arguments() if p.kind is p.POSITIONAL_OR_KEYWORD}

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Parameters by name, in the order of the signature."""
        return {p.name: self._parameter(p) for p in self._arguments() if p.kind is p.KEYWORD_ONLY}

    @cached_property
    def outputs(self) -> dict[str, type[Value]]:
        """Kind of each output that there may be by name; a single result is 'value'. The first is the default."""
        returned = self.hints.get("return")
        if isinstance(returned, type) and issubclass(returned, tuple) and hasattr(returned, "_fields"):
            return {name: _port_kinds(kind)[0][0] for name, kind in typing.get_type_hints(returned).items()}
        return {"value": _one_kind(returned)}

    def outputs_with(self, parameters: Mapping[str, Any]) -> dict[str, type[Value]]:
        """Kind of each output that there is with some parameters, by name."""
        rule = self.mark.outputs
        present = self.outputs if rule is None else rule(parameters)
        return {name: kind for name, kind in self.outputs.items() if name in present}

    def _arguments(self) -> list[inspect.Parameter]:
        return [p for p in inspect.signature(self.function).parameters.values() if p.name != "context"]

    def _hint(self, argument: inspect.Parameter) -> Any:
        if argument.name not in self.hints:
            raise mistake(f"the argument '{argument.name}' of the node '{self.name}' has no type", given=self.origin)
        return self.hints[argument.name]

    def _port(self, argument: inspect.Parameter) -> Port:
        kinds, many, optional = _port_kinds(self._hint(argument))
        required = not optional and argument.default is argument.empty
        return Port(argument.name, kinds, many, required, self.docs.get(argument.name, ""))

    def _parameter(self, argument: inspect.Parameter) -> Parameter:
        annotation = self._hint(argument)
        notes = list(_notes(annotation))
        return Parameter(
            name=argument.name,
            annotation=annotation,
            default=None if argument.default is argument.empty else argument.default,
            required=argument.default is argument.empty,
            unit=next((note.name for note in notes if isinstance(note, Unit)), ""),
            setting=next((note.setting for note in notes if isinstance(note, FromPiece)), ""),
            doc=self.docs.get(argument.name, ""),
        )


def _notes(annotation: Any) -> typing.Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        if not isinstance(part, str):
            yield from _notes(part)


def _port_kinds(hint: Any) -> tuple[tuple[type[Value], ...], bool, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        optional = len(parts) < len(get_args(hint))
        if len(parts) == 1:
            kinds, many, _ = _port_kinds(parts[0])
            return kinds, many, optional
        return tuple(_one_kind(part) for part in parts), False, optional
    if get_origin(hint) is list:
        kinds, _, _ = _port_kinds(get_args(hint)[0])
        return kinds, True, False
    return (_one_kind(hint),), False, False


def _one_kind(hint: Any) -> type[Value]:
    if not (isinstance(hint, type) and issubclass(hint, Value)):
        raise mistake("a port or output must be annotated with a kind of Value", given=str(hint))
    return hint


def parameter_docs(docstring: str) -> dict[str, str]:
    """Return {parameter: description} from the 'Parameters' section of a numpy-style docstring."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", docstring, re.DOTALL | re.MULTILINE)
    docs: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else []:
        if line and not line[0].isspace():
            names = [name.strip() for name in line.split(":")[0].split(",")]
        elif line.strip():
            docs.update({name: f"{docs.get(name, '')} {line.strip()}".strip() for name in names})
    return docs
