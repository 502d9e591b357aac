"""Which nodes there are: ours, those of installed packages, and those of a file named on the command line."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.mistakes import mistake
from pipelines.node import Mark, NodeSpec

GROUP = "resynthesis.nodes"
Registry = Mapping[str, NodeSpec]


def load_registry(files: Sequence[Path] = ()) -> dict[str, NodeSpec]:
    """Return every node by name.

    Parameters
    ----------
    files
        Python files with nodes of the user's own. They are code that runs: only the command line names them.

    Raises
    ------
    MistakeError
        Where a file or a package cannot be imported, or two nodes have one name.
    """
    registry: dict[str, NodeSpec] = {}
    for origin, module in _modules(files):
        for name, function in vars(module).items():
            if isinstance(getattr(function, "__node__", None), Mark) and _belongs(function, module):
                _add(registry, NodeSpec(function.__name__, function, origin), name)
    return registry


def _belongs(function: Any, module: ModuleType) -> bool:
    home = str(function.__module__)
    return home == module.__name__ or home.startswith(f"{module.__name__}.")


def _add(registry: dict[str, NodeSpec], spec: NodeSpec, name: str) -> None:
    if name != spec.name or (spec.name in registry and registry[spec.name].function is spec.function):
        return
    if spec.name in registry:
        raise mistake(
            f"two nodes are called '{spec.name}'",
            given=f"{registry[spec.name].origin} and {spec.origin}",
            hint="rename one of the functions",
        )
    registry[spec.name] = spec


def _modules(files: Sequence[Path]) -> Iterator[tuple[str, ModuleType]]:
    import nodes

    for family in sorted(pkgutil.iter_modules(nodes.__path__), key=lambda item: item.name):
        name = f"nodes.{family.name}.node"
        if family.ispkg and importlib.util.find_spec(name) is not None:
            yield "resynthesis", importlib.import_module(name)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        yield from _entry(point)
    for path in files:
        yield str(path), _import_file(path)


def _entry(point: EntryPoint) -> Iterator[tuple[str, ModuleType]]:
    origin = point.dist.name if point.dist else point.value
    try:
        loaded = point.load()
    except Exception as error:
        raise mistake(
            f"the nodes of the package '{origin}' cannot be imported: {type(error).__name__}: {error}",
            given=f"{GROUP}: {point.name} = {point.value}",
            hint="repair or uninstall the package",
        ) from error
    if not isinstance(loaded, ModuleType):
        raise mistake(
            f"the package '{origin}' announces nodes in a way that is not understood",
            given=point.value,
            allowed="a module that holds functions marked with @node",
        )
    yield origin, loaded


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise mistake("there is no such file of nodes", parameter="--nodes", given=str(path))
    name = path.stem
    if not name.isidentifier() or name in sys.modules:
        known = getattr(sys.modules.get(name), "__file__", None)
        if known and Path(known).resolve() == path.resolve():
            return sys.modules[name]
        raise mistake(
            f"a file of nodes cannot be called '{path.name}'",
            parameter="--nodes",
            given=str(path),
            allowed="a Python name that is not a module already, such as my_nodes.py",
        )
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise mistake(
            f"the file of nodes cannot be imported: {type(error).__name__}: {error}",
            parameter="--nodes",
            given=str(path),
        ) from error
