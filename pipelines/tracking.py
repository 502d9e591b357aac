"""Sending records to MLflow: one run a render, one parent run a sweep. Imported late, by one process only.

A record that cannot be sent stays as it is and is sent after the next render.
"""

from __future__ import annotations

import getpass
import json
import logging
import math
import os
import re
import shlex
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pipelines.locks import locked
from pipelines.record import UNSENT
from pipelines.settings import TrackingSettings

LONGEST_PARAMETER = 6000
_FOLDERS = dict.fromkeys((".wav", ".flac", ".mp3"), "audio") | dict.fromkeys((".png", ".gif"), "pictures")
_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]")


class TrackingFailed(Exception):
    """The tracking server could not be reached or refused; the record is kept."""


def unsent(records: Path) -> list[Path]:
    """Return the records that still have to be sent, oldest first."""
    return sorted(records.glob(f"*{UNSENT}"))


def send(folder: Path, settings: TrackingSettings) -> tuple[dict[Path, str], dict[Path, str]]:
    """Send all unsent records of a folder; return the MLflow run of each, and why others were refused.

    A record that was sent loses the `.unsent` in its name. One process sends at a time.

    Raises
    ------
    TrackingFailed
        Where the server cannot be reached at all.
    """
    sent: dict[Path, str] = {}
    refused: dict[Path, str] = {}
    with locked(folder / ".sending"):
        try:
            client = _Client(settings)
        except Exception as error:  # any fault of a server or of MLflow must leave the render as it is
            raise TrackingFailed(_first_line(error)) from error
        for path in unsent(folder):
            try:
                sent[path] = client.send(path)
            except Exception as error:  # one record that cannot be sent must not hold up the others
                refused[path] = _first_line(error)
    return sent, refused


def _first_line(error: Exception) -> str:
    said = str(error).splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def sent_name(record: Path) -> Path:
    """Return the name of a record after it was sent."""
    return record.with_name(record.name.replace(UNSENT, ".json"))


class _Client:
    def __init__(self, settings: TrackingSettings) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow.tracking import MlflowClient

            for name in ("mlflow", "mlflow.store.db.utils", "alembic", "alembic.runtime.migration"):
                logging.getLogger(name).setLevel(logging.ERROR)
            uri, database = _absolute(str(settings.uri))
            with locked(database.with_suffix(".lock")) if database else _no_lock():
                if database:
                    _refuse_unusable(database)
                self.client = MlflowClient(tracking_uri=uri)
                self.experiment = self._experiment(settings)

    def _experiment(self, settings: TrackingSettings) -> str:
        found = self.client.get_experiment_by_name(settings.experiment)
        if found is not None:
            return str(found.experiment_id)
        location = settings.artifacts.absolute().as_uri() if settings.artifacts else None
        tags = {"mlflow.experimentKind": "custom_model_development"}  # the page then opens with the list of runs
        return str(self.client.create_experiment(settings.experiment, artifact_location=location, tags=tags))

    def send(self, path: Path) -> str:
        record = json.loads(path.read_text(encoding="utf-8"))
        run = self._run(record, path.name.removesuffix(UNSENT))
        self._values(run, record)
        self._artifacts(run, record, path)
        self.client.set_terminated(run, "FAILED" if record["status"] == "failed" else "FINISHED")
        path.rename(sent_name(path))
        return run

    def _run(self, record: Mapping[str, Any], name: str) -> str:
        """Begin the run of a record, or take up the one that an earlier, broken attempt began."""
        tags = {
            "resynthesis.record": name,
            "resynthesis.piece": record["piece"],
            "mlflow.source.name": "resynthesis",
            "mlflow.user": getpass.getuser(),
            "mlflow.note.content": _note(record),
        }
        if found := self._find("resynthesis.record", name):
            return found
        if record["sweep"]:
            tags |= {"mlflow.parentRunId": self._parent(record), "resynthesis.sweep": record["sweep"]}
        overrides = " ".join(o for o in record["overrides"] if not o.startswith("piece="))
        tags["mlflow.runName"] = f"{record['title']} {overrides}".strip()[:200]
        started = int(record["started"] * 1000)
        return str(self.client.create_run(self.experiment, start_time=started, tags=tags).info.run_id)

    def _parent(self, record: Mapping[str, Any]) -> str:
        if found := self._find("resynthesis.parent", record["sweep"]):
            return found
        tags = {"resynthesis.parent": record["sweep"], "mlflow.runName": f"sweep {record['sweep']}"}
        started = int(record["started"] * 1000)
        run = str(self.client.create_run(self.experiment, start_time=started, tags=tags).info.run_id)
        self.client.set_terminated(run, "FINISHED")
        return run

    def _find(self, tag: str, value: str) -> str:
        found = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{value}'", max_results=1)
        return str(found[0].info.run_id) if found else ""

    def _values(self, run: str, record: Mapping[str, Any]) -> None:
        from mlflow.entities import Metric, Param

        parameters = [Param(_named(k), str(v)[:LONGEST_PARAMETER]) for k, v in _flat("", record["config"])]
        stamp = int(record["started"] * 1000)
        metrics = [Metric(_named(k), v, stamp, int(at)) for k, v, at in _metrics(record) if math.isfinite(v)]
        for start in range(0, len(parameters), 100):
            self.client.log_batch(run, params=parameters[start : start + 100])
        for start in range(0, len(metrics), 1000):
            self.client.log_batch(run, metrics=metrics[start : start + 1000])

    def _artifacts(self, run: str, record: Mapping[str, Any], path: Path) -> None:
        self.client.log_dict(run, record["config"], "config.yaml")
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "record.json"
            copy.write_bytes(path.read_bytes())
            self.client.log_artifact(run, str(copy))
            for step, picture in record["views"].items():
                group, _, name = step.rpartition("/")
                target = Path(folder) / f"{name}.png"
                if Path(picture).is_file():
                    target.write_bytes(Path(picture).read_bytes())
                    self.client.log_artifact(run, str(target), f"figures/{group}".rstrip("/"))
            for step, page in record.get("pages", {}).items():
                target = Path(folder) / f"{step.replace('/', '-')}.html"
                if Path(page).is_file():
                    target.write_bytes(Path(page).read_bytes())
                    self.client.log_artifact(run, str(target), "pages")
        for output in record["outputs"].values():
            for file in output["files"]:
                if Path(file).is_file():
                    self.client.log_artifact(run, file, _FOLDERS.get(Path(file).suffix, "texts"))


def _note(record: Mapping[str, Any]) -> str:
    """Return what the run's page says first: the command, what came out, what failed."""
    command = shlex.join(["resynthesis", "render", *record.get("options", ()), *record["overrides"]])
    lines = [f"`{command}`", ""]
    for name, output in record["outputs"].items():
        measures = ", ".join(f"{key} {value:.1f}" for key, value in output["measures"].items())
        lines.append(f"- **{name}**: {output['what']}" + (f"; {measures}" if measures else ""))
    lines += [f"- {path}: {note}" for path, step in record["steps"].items() for note in step.get("notes") or ()]
    return "\n".join(lines + [f"- {path} failed: {why}" for path, why in record["failures"].items()])


def _metrics(record: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    for name, value in record["used"].items():
        yield f"render/{name}", value, 0
    for path, step in record["steps"].items():
        for name in ("seconds", "cpu_seconds", "peak_memory"):
            if step.get(name) is not None:
                yield f"{name}/{path}", step[name], 0
        for name, points in (step.get("metrics") or {}).items():
            for at, value in points:
                yield f"{path}/{name}", value, at
    for name, output in record["outputs"].items():
        for measure, value in output["measures"].items():
            yield f"{name}/{measure}", value, 0


def _flat(name: str, item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(item, dict) and item:
        for key, value in item.items():
            yield from _flat(f"{name}.{key}" if name else str(key), value)
    else:
        yield name, item


def _named(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:250].rstrip("/") or "_"


def _absolute(uri: str) -> tuple[str, Path | None]:
    """Return the address with an absolute path, and the path of the database where it is a file."""
    if not uri.startswith("sqlite:///"):
        return uri, None
    path = Path(uri.removeprefix("sqlite:///")).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path}", path


def _refuse_unusable(database: Path) -> None:
    """Raise at once where a database cannot be written: MLflow would try again for minutes."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("BEGIN IMMEDIATE")


def _no_lock() -> Any:
    from contextlib import nullcontext

    return nullcontext()
