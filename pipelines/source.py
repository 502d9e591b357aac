"""The source of a module, cut into parts: what each definition says, which names it uses, what it imports."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from blake3 import blake3

from pipelines.value import Value, kind_name

_PARSING = threading.Lock()
"""Python before 3.11.8 counts the depth of syntax trees across threads, and fails where two parse at once."""
RANDOM = frozenset({"seed", "generator"})
"""What a node uses of its context where its result is random."""
SHOWING = frozenset({"describe", "draw", "sound", "measure", "write"})
"""Methods by which a value shows itself; they count for a node only where its code calls one of that name."""
SHOWERS = frozenset({"figure", "page"})
"""Arguments of `@node` that name what shows a step; they never count for it."""


@dataclass(frozen=True)
class Part:
    """Some top-level statements of a module.

    Parameters
    ----------
    digest
        Of the statements without docstrings.
    names
        Names that they use.
    imports
        What they import, each as `module` or `module:name`.
    calls
        Which of the attributes in SHOWING and RANDOM they use.
    """

    digest: str
    names: frozenset[str]
    imports: frozenset[str]
    calls: frozenset[str]

    def to_json(self) -> list[Any]:
        """Return the part as plain lists."""
        return [self.digest, sorted(self.names), sorted(self.imports), sorted(self.calls)]

    @staticmethod
    def from_json(item: list[Any]) -> Part:
        """Return the part that `to_json` wrote."""
        return Part(item[0], *map(frozenset, item[1:]))


@dataclass(frozen=True)
class Source:
    """A module's syntax tree, cut up.

    Parameters
    ----------
    definitions
        Functions, classes and constants by name.
    shown
        Methods by which a value shows itself, as `Class.method`; they are left out of the definitions.
    bound
        What each name bound by an import stands for; '*' for star imports.
    rest
        All other statements.
    """

    definitions: dict[str, Part]
    shown: dict[str, Part]
    bound: dict[str, frozenset[str]]
    rest: Part

    @property
    def only_hands_on(self) -> bool:
        """Whether the module is nothing but imports, as a package's `__init__` that re-exports."""
        return self.definitions.keys() <= {"__all__"} and self.rest.digest == hash_text("") and "*" not in self.bound

    def whole(self) -> Part:
        """Return the module as one part."""
        parts = [*self.definitions.values(), self.rest]
        text = "".join(f"{name}:{part.digest};" for name, part in sorted(self.definitions.items()))
        bound = "".join(f"{name}={sorted(targets)};" for name, targets in sorted(self.bound.items()))
        imports = frozenset().union(*(part.imports for part in parts), *self.bound.values())
        calls = frozenset().union(*(part.calls for part in parts))
        return Part(hash_text(text + self.rest.digest + bound), frozenset(), imports, calls)

    def to_json(self) -> list[Any]:
        """Return the source as plain lists and dicts."""
        definitions = {name: part.to_json() for name, part in self.definitions.items()}
        shown = {name: part.to_json() for name, part in self.shown.items()}
        return [definitions, shown, {name: sorted(found) for name, found in self.bound.items()}, self.rest.to_json()]

    @staticmethod
    def from_json(item: list[Any]) -> Source:
        """Return the source that `to_json` wrote."""
        definitions, shown, bound, rest = item
        return Source(
            {name: Part.from_json(part) for name, part in definitions.items()},
            {name: Part.from_json(part) for name, part in shown.items()},
            {name: frozenset(found) for name, found in bound.items()},
            Part.from_json(rest),
        )


@cache
def file_of(module: str) -> Path | None:
    """Return the source file of a module without importing anything, or None."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded:
        return Path(loaded) if loaded.endswith(".py") else None
    top, *rest = module.split(".")
    try:
        found = None if top in sys.stdlib_module_names else importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if found is None:
        return None
    if rest:
        return _file_below(found.submodule_search_locations or [], rest)
    return Path(found.origin) if found.origin and found.origin.endswith(".py") else None


def _file_below(folders: Iterable[str], names: list[str]) -> Path | None:
    for folder in folders:
        base = Path(folder, *names)
        for candidate in (base.with_suffix(".py"), base / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def parse_source(content: bytes, path: Path, module: str) -> Source:
    """Parse a source file into its parts."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    definitions: dict[str, list[ast.stmt]] = {}
    shown: dict[str, list[ast.stmt]] = {}
    rest: list[ast.stmt] = []
    bound: dict[str, frozenset[str]] = {}
    with _PARSING:
        tree = ast.parse(content)
    for statement in _without_docstring(tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for name, target in _imports(statement, package):
                bound[name] = bound.get(name, frozenset()) | {target}
        elif _runs(statement):
            shown |= _take_showing(statement, module)
            for name in _bound_names(statement):
                definitions.setdefault(name, []).append(statement)
            if not _bound_names(statement):
                rest.append(statement)
    parts = {name: _part(statements, bound, package) for name, statements in definitions.items()}
    showing = {name: _part(statements, bound, package) for name, statements in shown.items()}
    return Source(parts, showing, bound, _part(rest, bound, package))


def _part(statements: list[ast.stmt], bound: dict[str, frozenset[str]], package: str) -> Part:
    names: set[str] = {"*"} if statements else set()
    imports: set[str] = set()
    calls: set[str] = set()
    for statement in statements:
        _strip_docstrings(statement)
        _strip_showers(statement)
        for item in ast.walk(statement):
            if isinstance(item, ast.Name):
                names.add(item.id)
            elif isinstance(item, ast.Attribute):
                calls |= {item.attr} & (SHOWING | RANDOM)
            elif isinstance(item, ast.Constant) and isinstance(item.value, str):
                names.update(re.findall(r"[^\W\d]\w*", item.value[:200]))  # forward references in quotes
            elif isinstance(item, ast.Import | ast.ImportFrom):
                imports.update(target for _, target in _imports(item, package))
    used = sorted(names & bound.keys())
    imports.update(target for name in used for target in bound[name])
    text = [ast.dump(statement) for statement in statements]
    text += [f"{name}={sorted(bound[name])}" for name in used]
    return Part(hash_text("\n".join(text)), frozenset(names), frozenset(imports), frozenset(calls))


def _strip_docstrings(statement: ast.stmt) -> None:
    for item in ast.walk(statement):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            item.body = _without_docstring(item.body) or [ast.Pass()]


def _strip_showers(statement: ast.stmt) -> None:
    """Take out of `@node(…)` what only shows a step."""
    for decorator in getattr(statement, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] == "node":
            decorator.keywords = [keyword for keyword in decorator.keywords if keyword.arg not in SHOWERS]


def _take_showing(statement: ast.stmt, module: str) -> dict[str, list[ast.stmt]]:
    """Take the methods by which a value shows itself out of its class; return them."""
    kinds = {*Value.kinds, kind_name(Value)}
    if not isinstance(statement, ast.ClassDef) or f"{module}.{statement.name}" not in kinds:
        return {}
    methods = [item for item in statement.body if isinstance(item, ast.FunctionDef) and item.name in SHOWING]
    statement.body = [item for item in statement.body if item not in methods] or [ast.Pass()]
    return {f"{statement.name}.{method.name}": [method] for method in methods}


def _runs(statement: ast.stmt) -> bool:
    """Return whether a statement runs; of `if TYPE_CHECKING` only the else branch does, and is left."""
    if isinstance(statement, ast.If) and isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING":
        statement.body = [ast.Pass()]
        return bool(statement.orelse)
    return True


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body


def _bound_names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        targets = [item for target in statement.targets for item in ast.walk(target)]
        if any(isinstance(item, ast.Attribute | ast.Subscript) for item in targets):
            return []  # it changes something that may lie elsewhere
        return [item.id for item in targets if isinstance(item, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def _imports(statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """Yield (bound name, `module` or `module:name`)."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0], alias.name
        return
    base = statement.module or ""
    if statement.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - statement.level + 1], *([base] if base else [])])
    for alias in statement.names:
        yield alias.asname or alias.name, base if alias.name == "*" else f"{base}:{alias.name}"


def hash_text(text: str) -> str:
    """Return the BLAKE3 digest of a text."""
    return str(blake3(text.encode()).hexdigest())
