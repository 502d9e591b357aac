"""Code digests: what a node's result depends on in our own and the user's code, and the libraries reached.

Comments, docstrings and formatting do not count: the digest is taken of the syntax tree. In the node's own
module only the definitions count that the node reaches by name; of every other first-party module that is
reached through imports, the whole counts.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from pipelines.files import FileDigests, write_whole
from pipelines.node import NodeSpec
from pipelines.source import Part, Source, file_of, hash_text, parse_source

NUMERICAL = ("numpy", "scipy", "torch", "librosa", "kymatio", "soundfile", "soxr", "numba")
ENGINE = frozenset({"pipelines.node", "pipelines.context", "pipelines.mistakes"})
"""Modules that every node imports and that carry no result; the store's schema stands for them."""


@dataclass(frozen=True)
class Code:
    """The code that a node depends on: one digest, and the versions of the libraries reached."""

    digest: str
    libraries: dict[str, str]


class CodeDigests:
    """Code digests of nodes.

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
        self._sources: dict[str, Source] = {}
        self._header = [sys.version, file_digest_of_parser(files)]
        self._known: dict[str, list[Any]] = self._read()
        self._new: dict[str, list[Any]] = {}

    def __call__(self, spec: NodeSpec) -> Code:
        """Return the digest of a node's code and of every first-party module that it reaches."""
        if spec not in self._codes:
            self._codes[spec] = self._code(spec.function.__module__, spec.function.__name__)
        return self._codes[spec]

    def keep(self) -> None:
        """Write the parsed sources down for the next run."""
        if self._new:
            write_whole(self._memory, json.dumps([self._header, {**self._known, **self._new}]))
            self._new = {}

    def _code(self, module: str, function: str) -> Code:
        parts = _reached(self._source(module), function)
        targets = {target for part in parts.values() for target in part.imports}
        modules, libraries = self._closure(targets, module)
        lines = [f"{name}:{part.digest}" for name, part in sorted(parts.items())]
        lines += [f"{name}:{self._source(name).whole().digest}" for name in sorted(modules - {module})]
        return Code(hash_text("\n".join(lines)), _versions(libraries))

    def _source(self, module: str) -> Source:
        if module not in self._sources:
            path = file_of(module)
            assert path is not None, f"the source of {module} cannot be found"
            mark = f"{module}:{self._files(path)}"
            if mark not in self._known:
                self._known[mark] = self._new[mark] = parse_source(path.read_bytes(), path, module).to_json()
            self._sources[module] = Source.from_json(self._known[mark])
        return self._sources[module]

    def _closure(self, targets: Iterable[str], home: str) -> tuple[set[str], set[str]]:
        """Follow imports; return first-party modules and the names of third-party top-level packages."""
        first: set[str] = set()
        third: set[str] = set()
        seen: set[str] = set()
        waiting = list(targets)
        while waiting:
            target = waiting.pop()
            module, _, name = target.partition(":")
            top = module.partition(".")[0]
            if target in seen or top in sys.stdlib_module_names or module in ENGINE:
                continue
            seen.add(target)
            path = file_of(module)
            if path is None or not _first_party(path, top, home):
                third.add(top)
            elif name in self._source(module).bound:  # a package that hands a name on from elsewhere
                waiting += self._source(module).bound[name]
            elif name and file_of(f"{module}.{name}") is not None:
                waiting.append(f"{module}.{name}")
            else:
                first.add(module)
                waiting += self._source(module).whole().imports
        return first, third

    def _read(self) -> dict[str, list[Any]]:
        try:
            header, known = json.loads(self._memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if header == self._header else {}


def file_digest_of_parser(files: FileDigests) -> str:
    """Return the digest of the parser's own source: what another parser remembered is of no use."""
    return files(Path(sys.modules[parse_source.__module__].__file__ or ""))


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
        found = packages_distributions().get(package, [])
        return version(found[0]) if found else "unknown"


def _versions(packages: set[str]) -> dict[str, str]:
    """Return versions of the reached packages; one that computes brings all numerical libraries with it."""
    names = packages | set(NUMERICAL) if packages & set(NUMERICAL) else packages
    names -= {"pydantic", "pydantic_core", "matplotlib", "blake3"}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **{name: _distribution_version(name) for name in sorted(names)}}
