"""Code digests: what a node's result depends on in our own and the user's code, and the libraries reached.

Comments, docstrings and formatting do not count: the digest is taken of the syntax tree. In the node's own
module only the definitions count that the node reaches by name; of every other first-party module that is
reached through imports, the whole counts.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from pipelines.blobs import file_digest
from pipelines.files import FileDigests, stamp_of, write_whole
from pipelines.mistakes import mistake
from pipelines.node import NodeSpec
from pipelines.source import RANDOM, Part, Source, file_of, hash_text, parse_source

NUMERICAL = frozenset({"numpy", "scipy", "torch", "librosa", "soundfile", "soxr", "numba"})
TEMPLATES = frozenset({".html", ".css", ".js"})
"""Files beside the code of a page that are parts of it."""
ENGINE = frozenset({"pipelines.node", "pipelines.context", "pipelines.mistakes"})
"""Modules of the engine that every node imports; where a change in them changes results, raise the SCHEMA."""


@dataclass(frozen=True)
class Code:
    """The code that a node depends on: its digest, source files, libraries, and whether it uses the step's seed."""

    digest: str
    libraries: dict[str, str]
    files: tuple[Path, ...]
    random: bool


@dataclass
class _Reach:
    """What is reached from some code: first-party modules, showing methods, third-party packages."""

    modules: set[str] = field(default_factory=set)
    shown: dict[str, Part] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)


class CodeDigests:
    """Code digests of nodes, as of the making of this object: make it when all nodes have been imported.

    Parameters
    ----------
    memory
        JSON file in which parsed sources are kept, addressed by their content.
    files
        Digests of the source files.
    """

    def __init__(self, memory: Path, files: FileDigests) -> None:
        self._memory = memory
        self._files = files
        self._codes: dict[NodeSpec, Code] = {}
        self._showing: dict[type, str] = {}
        self._sources: dict[str, Source] = {}
        self._imported = _stamps_of_imported()
        self._header = [sys.version, files(Path(sys.modules[parse_source.__module__].__file__ or ""))]
        self._known: dict[str, list[Any]] = self._read()
        self._new: dict[str, list[Any]] = {}

    def __call__(self, spec: NodeSpec) -> Code:
        """Return the digest of a node's code and of every first-party module that it reaches.

        Raises
        ------
        MistakeError
            Where a source file is no longer the one that was imported, or a library has no version.
        """
        if spec not in self._codes:
            self._codes[spec] = self._code(spec.function.__module__, spec.function.__name__)
        return self._codes[spec]

    def showing(self, kind: type) -> str:
        """Return a digest of the code by which a kind of value shows itself: draws, measures, writes."""
        if kind not in self._showing:
            homes = [(cls.__module__, cls.__qualname__) for cls in kind.__mro__ if cls.__module__ != "builtins"]
            parts = {
                f"{home}:{name}": part
                for home, cls in homes
                if file_of(home) is not None
                for name, part in self._source(home).shown.items()
                if name.partition(".")[0] == cls
            }
            self._showing[kind] = self._digest(parts, self._follow(parts.values(), ""))
        return self._showing[kind]

    def showing_by(self, function: Callable[..., Any]) -> str:
        """Return a digest of the code by which a function shows a step, with the templates beside that code."""
        home = function.__module__
        parts = _reached(self._source(home), function.__name__)
        reach = self._follow(parts.values(), home)
        paths = [file_of(module) for module in reach.modules | {home}]
        beside = {other for path in paths if path for other in path.parent.iterdir() if other.suffix in TEMPLATES}
        return hash_text("\n".join([self._digest(parts, reach), *(self._files(path) for path in sorted(beside))]))

    def keep(self) -> None:
        """Write the parsed sources down for the next run."""
        if self._new:
            write_whole(self._memory, json.dumps([self._header, {**self._known, **self._new}]))
            self._new = {}

    def _code(self, module: str, function: str) -> Code:
        parts = _reached(self._source(module), function)
        reach = self._follow(parts.values(), module)
        files = [file_of(name) for name in sorted(reach.modules | {module})]
        return Code(
            self._digest(parts, reach),
            _versions(reach.packages),
            tuple(path for path in files if path),
            bool(reach.calls & RANDOM),
        )

    def _digest(self, parts: Mapping[str, Part], reach: _Reach) -> str:
        lines = [f"{name}:{part.digest}" for name, part in sorted({**parts, **reach.shown}.items())]
        lines += [f"{name}:{self._source(name).whole().digest}" for name in sorted(reach.modules)]
        return hash_text("\n".join(lines))

    def _source(self, module: str) -> Source:
        if module not in self._sources:
            path = file_of(module)
            assert path is not None, f"the source of {module} cannot be found"
            if path in self._imported and self._imported[path] != stamp_of(path):
                raise mistake("the code changed since the program started", given=str(path), hint="start it again")
            mark = f"{module}:{self._files(path)}"
            if mark not in self._known:
                self._known[mark] = self._new[mark] = parse_source(path.read_bytes(), path, module).to_json()
            self._sources[module] = Source.from_json(self._known[mark])
        return self._sources[module]

    def _follow(self, parts: Iterable[Part], home: str) -> _Reach:
        """Follow imports, and calls of showing methods, as far as they lead."""
        reach = _Reach()
        seen: set[str] = set()
        fresh = list(parts)
        while fresh:
            reach.calls |= {name for part in fresh for name in part.calls}
            waiting = [target for part in fresh for target in part.imports]
            fresh = []
            while waiting:
                target = waiting.pop()
                if target not in seen:
                    seen.add(target)
                    waiting += self._step(target, home, reach, fresh)
            fresh += self._newly_shown(reach, home)
        return reach

    def _step(self, target: str, home: str, reach: _Reach, fresh: list[Part]) -> Iterable[str]:
        """Take in one import; return what it hands on to."""
        module, _, name = target.partition(":")
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or module in ENGINE:
            return ()
        path = file_of(module)
        submodule = [f"{module}.{name}"] if name and file_of(f"{module}.{name}") is not None else []
        if path is None or not _first_party(path, top, home):
            if not submodule or path is not None:
                reach.packages.add(top)
            return submodule if path is None else ()
        source = self._source(module)
        if name and source.only_hands_on and (name in source.bound or submodule):
            return [*submodule, *source.bound.get(name, ())]
        if module not in reach.modules:
            reach.modules.add(module)
            fresh.append(source.whole())
        parent = module.rpartition(".")[0]
        runs = bool(parent) and file_of(parent) is not None and not self._source(parent).only_hands_on
        return [*submodule, *([parent] if runs else [])]

    def _newly_shown(self, reach: _Reach, home: str) -> list[Part]:
        found: list[Part] = []
        for module in sorted(reach.modules | ({home} if home else set())):
            for name, part in self._source(module).shown.items():
                mark = f"{module}:{name}"
                if name.rpartition(".")[2] in reach.calls and mark not in reach.shown:
                    reach.shown[mark] = part
                    found.append(part)
        return found

    def _read(self) -> dict[str, list[Any]]:
        try:
            header, known = json.loads(self._memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if header == self._header else {}


def _stamps_of_imported() -> dict[Path, list[int]]:
    """Return the stamps of all first-party sources that this process has imported."""
    loaded = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    own = [Path(file) for file in loaded if file.endswith(".py") and not file.startswith(_library_folders())]
    return {path: stamp_of(path) for path in own if path.is_file()}


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


def _first_party(path: Path, top: str, home: str) -> bool:
    return top in ("nodes", "pipelines", home.partition(".")[0]) or not str(path).startswith(_library_folders())


@lru_cache(maxsize=1)
def _library_folders() -> tuple[str, ...]:
    return tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@cache
def _distribution_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        if found := packages_distributions().get(package):
            return version(found[0])
    try:
        installed = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        installed = None
    if installed is None:
        return "absent"
    if installed.origin and Path(installed.origin).is_file():
        return file_digest(Path(installed.origin))
    raise mistake(
        f"the version of the package '{package}' cannot be found", hint="install it as a package with a version"
    )


def _versions(packages: set[str]) -> dict[str, str]:
    """Return versions of the reached packages; one that computes brings all numerical libraries with it."""
    names = packages | NUMERICAL if packages & NUMERICAL else packages
    names -= {"pydantic", "pydantic_core", "blake3"}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **{name: _distribution_version(name) for name in sorted(names)}}
