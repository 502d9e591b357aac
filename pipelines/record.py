"""The record of a render: a JSON file that says what was rendered, from what, how, and what came of it.

It is written before any tracking server is asked, so that nothing depends on one. A record whose name ends in
`.unsent.json` still has to be sent (see `pipelines.tracking`).
"""

from __future__ import annotations

import json
import math
import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.blobs import file_digest
from pipelines.compose import CONF
from pipelines.execute import Execution
from pipelines.files import write_whole
from pipelines.mistakes import mistake
from pipelines.prepare import Prepared
from pipelines.reproduce import node_options
from pipelines.store import Damaged
from pipelines.views import beside

UNSENT = ".unsent.json"


@dataclass(frozen=True)
class Rendered:
    """A finished render, whole or in part."""

    prepared: Prepared
    execution: Execution
    folder: Path
    files: Mapping[str, list[Path]]
    sweep: str
    started: float
    used: Mapping[str, float]
    views: Mapping[str, str]
    pages: Mapping[str, str]


def write_record(rendered: Rendered) -> Path:
    """Write the record of a render; return its path.

    Raises
    ------
    MistakeError
        Where the folder of records cannot be written.
    """
    prepared = rendered.prepared
    record = _record(rendered)
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(rendered.started))
    name = f"{stamp}_{rendered.folder.parent.name}_{rendered.folder.name}_{os.getpid()}_{time.time_ns() % 10**6:06d}"
    tracked = prepared.settings.tracking.uri is not None
    path = prepared.settings.records.absolute() / f"{name}{UNSENT if tracked else '.json'}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise mistake(
            f"the record cannot be written: {error.strerror}", parameter="records", given=str(path)
        ) from error
    return path


def _record(rendered: Rendered) -> dict[str, Any]:
    prepared, execution = rendered.prepared, rendered.execution
    plan = prepared.plan
    steps = _steps(rendered)
    return {
        "title": plan.graph.title or prepared.composed.piece_name,
        "piece": prepared.composed.piece_name,
        "status": "failed" if execution.failures else "finished",
        "sweep": rendered.sweep,
        "started": rendered.started,
        "used": {**rendered.used, "peak_memory": max([rendered.used["peak_memory"], *_peaks(steps)])},
        "options": _options(prepared),
        "overrides": list(prepared.composed.overrides),
        "config": prepared.composed.config,
        "seed": plan.graph.seed,
        "device": plan.machine.device,
        "threads": plan.machine.threads,
        "steps": steps,
        "failures": {path: f"{type(error).__name__}: {error}" for path, error in execution.failures.items()},
        "outputs": _outputs(rendered),
        "views": dict(rendered.views),
        "pages": dict(rendered.pages),
        "versions": versions(),
        "machine": {
            "host": socket.gethostname(),
            "system": platform.platform(),
            "processor": platform.machine(),
        },
    }


def _options(prepared: Prepared) -> list[str]:
    """Return the options of the command that brought in a composer's own pieces and nodes."""
    folders = [word for folder in prepared.composed.config_dirs for word in ("--config-dir", str(folder.absolute()))]
    return [*folders, *node_options(prepared.plan)]


def _peaks(steps: Mapping[str, Any]) -> list[float]:
    """Return the peaks of memory of the steps that ran: each begins to measure anew."""
    return [step["peak_memory"] for step in steps.values() if step["state"] == "ran" and step["peak_memory"]]


def versions() -> dict[str, str]:
    """Return the versions that a render depends on, and the digest of the lock file."""
    lock = CONF.parent / "requirements.lock"
    names = (
        "resynthesis",
        "numpy",
        "scipy",
        "torch",
        "librosa",
        "soundfile",
        "soxr",
        "hydra-core",
    )
    found = {name: version(name) for name in names}
    found["python"] = platform.python_version()
    return found | ({"lock": file_digest(lock)} if lock.is_file() else {})


def _steps(rendered: Rendered) -> dict[str, Any]:
    """Return what is known of every step that the outputs depend on."""
    plan, store = rendered.prepared.plan, rendered.prepared.store
    steps: dict[str, Any] = {}
    for path, step in plan.graph.steps.items():
        try:
            stored = store.record(plan.keys[path]) or {}
        except Damaged:
            stored = {}
        ran = path in rendered.execution.ran
        about = {name: stored.get(name) for name in ("seconds", "cpu_seconds", "peak_memory", "metrics", "notes")}
        if step.decided:
            about["notes"] = [step.decided, *(about["notes"] or [])]
        state = "failed" if path in rendered.execution.failures else "ran" if ran else plan.states[path]
        steps[path] = {"node": step.spec.name, "key": plan.keys[path], "state": state, **about}
    return steps


def _outputs(rendered: Rendered) -> dict[str, Any]:
    plan = rendered.prepared.plan
    outputs: dict[str, Any] = {}
    for name, value in rendered.execution.outputs.items():
        reference = plan.graph.outputs[name]
        outputs[name] = {
            "step": reference.step,
            "output": reference.output,
            "key": plan.keys[reference.step],
            "what": value.describe(),
            "measures": _measures(rendered, name),
            "files": {str(path): file_digest(path) for path in rendered.files.get(name, [])},
        }
    return outputs


def _measures(rendered: Rendered, name: str) -> dict[str, float]:
    """Return the numbers of an output, measured once for each result."""
    reference = rendered.prepared.plan.graph.outputs[name]
    path = beside(rendered.prepared, reference.step, reference.output, "measures.json")
    try:
        found: dict[str, float] = json.loads(path.read_text())
    except (OSError, ValueError):
        measured = rendered.execution.outputs[name].measure()
        found = {key: value for key, value in measured.items() if math.isfinite(value)}
        write_whole(path, json.dumps(found))
    return found


def pinned_keys(records: Path) -> set[str]:
    """Return the keys of the outputs of all recorded renders: the store keeps them."""
    keys: set[str] = set()
    for path in records.glob("*.json"):
        try:
            outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
            keys |= {output["key"] for output in outputs.values()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            print(f"{path}: not a record, left out", file=sys.stderr)
    return keys
