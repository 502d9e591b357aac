"""Code digests: what a node's result depends on in our own and the user's code, and the libraries reached.

Comments, docstrings and formatting do not count: the digest is taken of the syntax tree. In the node's own
module only the definitions count that the node reaches by name; of every other first-party module that is
reached through imports, the whole counts.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from blake3 import blake3

from pipelines.node import NodeSpec
from pipelines.value import Value

NUMERICAL = ("numpy", "scipy", "torch", "librosa", "kymatio", "soundfile", "soxr", "numba")
ENGINE = frozenset({"pipelines.node", "pipelines.context", "pipelines.mistakes"})
"""Modules that every node imports and that carry no result; the store's schema stands for them."""
SHOWING = frozenset({"describe", "draw", "sound", "measure", "write"})
"""Methods by which a value shows itself; nodes do not call them, so they bear on no result."""


@dataclass(frozen=True)
class Part:
    """Some top-level statements of a module: their digest, the names they use, what they import.

    An import is written `module` or `module:name`.
    """

    digest: str
    names: frozenset[str]
    imports: frozenset[str]


@dataclass(frozen=True)
class Source:
    """A module's syntax tree, cut up: definitions by name, what imports bind, and all other statements."""

    definitions: dict[str, Part]
    bound: dict[str, frozenset[str]]
    rest: Part

    def whole(self) -> Part:
        """Return the module as one part."""
        parts = [*self.definitions.values(), self.rest]
        text = "".join(f"{name}:{part.digest};" for name, part in sorted(self.definitions.items()))
        bound = "".join(f"{name}={sorted(targets)};" for name, targets in sorted(self.bound.items()))
        imports = frozenset().union(*(part.imports for part in parts), *self.bound.values())
        return Part(_hash(text + self.rest.digest + bound), frozenset(), imports)


@dataclass(frozen=True)
class Code:
    """The code that a node depends on: one digest, and the versions of the libraries reached."""

    digest: str
    libraries: dict[str, str]


@cache
def code_of(spec: NodeSpec) -> Code:
    """Return the digest of a node's code and of every first-party module that it reaches."""
    module = spec.function.__module__
    parts = _reached(_source(module), spec.function.__name__)
    targets = {target for part in parts.values() for target in part.imports}
    modules, libraries = _closure(targets, module)
    lines = [f"{name}:{part.digest}" for name, part in sorted(parts.items())]
    lines += [f"{name}:{_source(name).whole().digest}" for name in sorted(modules - {module})]
    return Code(_hash("\n".join(lines)), _versions(libraries))


def _hash(text: str) -> str:
    return str(blake3(text.encode()).hexdigest(32))


def _source(module: str) -> Source:
    path = _file_of(module)
    assert path is not None, f"the source of {module} cannot be found"
    return source_of(path, module)


def _reached(source: Source, name: str) -> dict[str, Part]:
    """Return the definitions that a function reaches by name inside its module, and all loose statements."""
    reached: dict[str, Part] = {"": source.rest}
    waiting = [name, *source.rest.names]
    while waiting:
        current = waiting.pop()
        if current in source.definitions and current not in reached:
            reached[current] = source.definitions[current]
            waiting += source.definitions[current].names
    return reached


def _closure(targets: Iterable[str], home: str) -> tuple[set[str], set[str]]:
    """Follow imports; return first-party modules and the names of third-party top-level packages."""
    first: set[str] = set()
    third: set[str] = set()
    seen: set[str] = set()
    waiting = list(targets)
    while waiting:
        target = waiting.pop()
        module = target.partition(":")[0]
        top = module.partition(".")[0]
        if target in seen or top in sys.stdlib_module_names or module in ENGINE:
            continue
        seen.add(target)
        path = _file_of(module)
        if path is None or not _first_party(path, top, home):
            third.add(top)
            continue
        waiting += _next(target, path)
        if not _passes_on(target, path):
            first.add(module)
    return first, third


def _passes_on(target: str, path: Path) -> bool:
    """Whether a target is a name that a package merely hands on from elsewhere, or a module in it."""
    module, _, name = target.partition(":")
    return bool(name) and (name in source_of(path, module).bound or _file_of(f"{module}.{name}") is not None)


def _next(target: str, path: Path) -> Iterable[str]:
    module, _, name = target.partition(":")
    source = source_of(path, module)
    if _passes_on(target, path):
        return source.bound.get(name, frozenset({f"{module}.{name}"}))
    return source.whole().imports


def _first_party(path: Path, top: str, home: str) -> bool:
    return top in ("nodes", "pipelines", home.partition(".")[0]) or not str(path).startswith(_library_folders())


@lru_cache(maxsize=1)
def _library_folders() -> tuple[str, ...]:
    return tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@cache
def _file_of(module: str) -> Path | None:
    """Return the source file of a module without importing it (its parents excepted), or None."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded:
        return Path(loaded) if loaded.endswith(".py") else None
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return None
    try:
        found = importlib.util.find_spec(top if top not in sys.modules else module)
        if found is not None and found.name != module:
            return _file_below(found.submodule_search_locations or [], module.split(".")[1:])
    except (ImportError, ValueError, AttributeError):
        return None
    origin = (found.origin or "") if found is not None else ""
    return Path(origin) if origin.endswith(".py") else None


def _file_below(folders: Iterable[str], names: list[str]) -> Path | None:
    for folder in folders:
        base = Path(folder, *names)
        for candidate in (base.with_suffix(".py"), base / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


@cache
def source_of(path: Path, module: str) -> Source:
    """Parse a source file into its parts."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    definitions: dict[str, list[ast.stmt]] = {}
    rest: list[ast.stmt] = []
    bound: dict[str, frozenset[str]] = {}
    for statement in _without_docstring(ast.parse(path.read_bytes()).body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for name, target in _imports(statement, package):
                bound[name] = bound.get(name, frozenset()) | {target}
        elif names := _bound_names(statement):
            for name in names:
                definitions.setdefault(name, []).append(statement)
        elif not _for_type_checkers(statement):
            rest.append(statement)
    parts = {name: _part(statements, bound, package, module) for name, statements in definitions.items()}
    return Source(parts, bound, _part(rest, bound, package, module))


def _part(statements: list[ast.stmt], bound: dict[str, frozenset[str]], package: str, module: str) -> Part:
    names: set[str] = set()
    imports: set[str] = set()
    for statement in statements:
        _strip(statement, module)
        for item in ast.walk(statement):
            if isinstance(item, ast.Name):
                names.add(item.id)
            elif isinstance(item, ast.Constant) and isinstance(item.value, str):
                names.update(re.findall(r"[^\W\d]\w*", item.value[:200]))  # forward references in quotes
            elif isinstance(item, ast.Import | ast.ImportFrom):
                imports.update(target for _, target in _imports(item, package))
    used = sorted(names & bound.keys())
    imports.update(target for name in used for target in bound[name])
    text = [ast.dump(statement) for statement in statements]
    text += [f"{name}={sorted(bound[name])}" for name in used]
    return Part(_hash("\n".join(text)), frozenset(names), frozenset(imports))


def _strip(statement: ast.stmt, module: str) -> None:
    """Take out what does not bear on results: docstrings, and how a value shows itself."""
    for item in ast.walk(statement):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            item.body = _without_docstring(item.body) or [ast.Pass()]
        if isinstance(item, ast.ClassDef) and f"{module}.{item.name}" in Value.kinds:
            item.body = [s for s in item.body if not (isinstance(s, ast.FunctionDef) and s.name in SHOWING)]


def _for_type_checkers(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body


def _bound_names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [item.id for target in statement.targets for item in ast.walk(target) if isinstance(item, ast.Name)]
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


@cache
def _distribution_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        found = packages_distributions().get(package, [])
        return version(found[0]) if found else "unknown"


def _versions(packages: set[str]) -> dict[str, str]:
    """Return versions of the reached packages; one that computes brings all numerical libraries with it."""
    names = packages | set(NUMERICAL) if packages & set(NUMERICAL) else packages
    names -= {"pydantic", "pydantic_core", "matplotlib", "blake3"}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **{name: _distribution_version(name) for name in sorted(names)}}
