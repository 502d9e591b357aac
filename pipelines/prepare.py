"""From a composed configuration to a plan: everything that `plan`, `why`, `graph` and `render` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.code import CodeDigests
from pipelines.compose import CONF, Composed
from pipelines.files import FileDigests
from pipelines.graph import build_graph
from pipelines.keys import Machine
from pipelines.mistakes import Mistake, MistakeError
from pipelines.plan import Plan, make_plan
from pipelines.registry import Registry
from pipelines.settings import Settings, find_device, read_settings
from pipelines.store import Store


@dataclass(frozen=True)
class Prepared:
    """A checked and planned piece with its settings."""

    composed: Composed
    settings: Settings
    store: Store
    plan: Plan

    def again(self) -> Prepared:
        """Plan again, after a stored result has been set aside."""
        plan = make_plan(self.plan.graph, self.store, self.plan.machine, self.plan.files, self.plan.code)
        return Prepared(self.composed, self.settings, self.store, plan)


def prepare(
    composed: Composed, registry: Registry, config_dirs: Sequence[Path] = (), earlier: Prepared | None = None
) -> Prepared:
    """Check a composed configuration and plan it.

    Jobs of one sweep pass the `earlier` one on: they run the code that was imported once, whatever happens to
    its files meanwhile.

    Raises
    ------
    MistakeError
        With every mistake of settings and piece.
    """
    mistakes: list[Mistake] = []
    try:
        settings = read_settings(composed.config)
        device = find_device(settings.device)
    except MistakeError as error:
        mistakes += error.mistakes
    try:
        graph = build_graph(composed.config.get("piece"), registry, sound_folders(config_dirs))
    except MistakeError as error:
        mistakes += error.mistakes
    if mistakes:
        raise MistakeError(mistakes)
    store = Store(settings.store.folder, settings.store.verify)
    files = earlier.plan.files if earlier else FileDigests(store.folder / "files.json")
    code = earlier.plan.code if earlier else CodeDigests(store.folder / "code.json", files)
    machine = Machine(device, settings.threads)
    return Prepared(composed, settings, store, make_plan(graph, store, machine, files, code))


def sound_folders(config_dirs: Sequence[Path]) -> list[Path]:
    """Return where relative paths of sounds are looked up: here, beside the user's conf, in the project."""
    folders = [
        Path.cwd(),
        *(path for d in config_dirs for path in (d.absolute(), d.absolute().parent)),
        CONF.parent,
    ]
    return list(dict.fromkeys(folders))
