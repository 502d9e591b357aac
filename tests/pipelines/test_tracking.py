from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from toys import Listening, prepared_of

from pipelines.render import render
from pipelines.settings import TrackingSettings
from pipelines.tracking import TrackingFailed, send, sent_name, unsent

STEPS: dict[str, Any] = {
    "big": {"node": "toy_large", "megabytes": 3},
    "out": {"node": "toy_measure", "grid": "big"},
}


@dataclass
class Sent:
    """Four records, sent to an MLflow database of their own."""

    folder: Path
    settings: TrackingSettings
    records: dict[str, dict[str, Any]]
    runs: dict[str, Any]
    parents: list[Any]
    client: Any
    experiment: str


def record(folder: Path, steps: Any, settings: TrackingSettings, sweep: str = "", **changes: Any) -> dict[str, Any]:
    tracking = {"uri": settings.uri, "artifacts": str(settings.artifacts), "experiment": settings.experiment}
    path = render(prepared_of(folder, steps, tracking=tracking, **changes), Listening(), sweep).record
    assert path is not None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    folder = tmp_path_factory.mktemp("tracking")
    settings = TrackingSettings(
        uri=f"sqlite:///{folder}/ml/flow.db", artifacts=folder / "artifacts", experiment="toys é"
    )
    records = {
        "one": record(folder, STEPS, settings, title="one: é/雨"),
        "sweep 1": record(folder, STEPS, settings, "s1", title="sweep 1", seed=1),
        "sweep 2": record(folder, STEPS, settings, "s1", title="sweep 2", seed=2),
        "failed": record(folder, {"out": {"node": "toy_fail"}}, settings, title="failed"),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done, refused = send(folder / "records", settings)
        assert len(done) == 4 and not refused
        from mlflow.tracking import MlflowClient

        client = MlflowClient(tracking_uri=settings.uri)
        experiment = client.get_experiment_by_name("toys é")
        found = client.search_runs([experiment.experiment_id])
    runs = {name: run for run in found for name in records if run.info.run_name.startswith(records[name]["title"])}
    parents = [run for run in found if "resynthesis.parent" in run.data.tags]
    yield Sent(folder, settings, records, runs, parents, client, experiment.experiment_id)


def artifacts(sent: Sent, name: str, folder: str | None = None) -> set[str]:
    return {item.path for item in sent.client.list_artifacts(sent.runs[name].info.run_id, folder)}


def test_every_record_is_one_run(sent: Sent) -> None:
    assert set(sent.runs) == set(sent.records)
    assert [sent.runs[name].info.status for name in ("one", "failed")] == ["FINISHED", "FAILED"]
    assert unsent(sent.folder / "records") == [] and len(list((sent.folder / "records").glob("*.json"))) == 4


def test_the_config_is_there_as_parameters_and_as_a_file(sent: Sent) -> None:
    parameters = sent.runs["one"].data.params
    assert parameters["piece.steps.big.megabytes"] == "3" and parameters["piece.title"] == "one: é/雨"
    assert parameters["store.verify"] == "always"
    assert {"config.yaml", "record.json"} <= artifacts(sent, "one")


def test_curves_times_and_memory_are_metrics(sent: Sent) -> None:
    run = sent.runs["one"]
    curve = sent.client.get_metric_history(run.info.run_id, "big/row")
    assert [(point.step, point.value) for point in curve] == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert {"seconds/big", "cpu_seconds/big", "peak_memory/big", "render/seconds"} <= run.data.metrics.keys()


def test_what_was_made_is_there(sent: Sent) -> None:
    (text,) = artifacts(sent, "one", "texts")
    local = Path(sent.client.download_artifacts(sent.runs["one"].info.run_id, text))
    assert local.read_text().startswith("(3, 131072)")
    assert artifacts(sent, "failed", "texts") == set()


def test_a_sweep_is_one_parent_with_its_runs(sent: Sent) -> None:
    (parent,) = sent.parents
    assert parent.info.run_name == "sweep s1" and parent.info.status == "FINISHED"
    for name in ("sweep 1", "sweep 2"):
        assert sent.runs[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert "mlflow.parentRunId" not in sent.runs["one"].data.tags


def test_a_record_that_was_half_sent_does_not_become_two_runs(sent: Sent) -> None:
    (path,) = [p for p in (sent.folder / "records").glob("*.json") if json.loads(p.read_text())["title"] == "sweep 2"]
    again = path.with_name(path.name.replace(".json", ".unsent.json"))
    path.rename(again)
    done, refused = send(sent.folder / "records", sent.settings)
    assert refused == {} and done == {again: sent.runs["sweep 2"].info.run_id}
    assert sent_name(again) == path and path.exists()


def test_one_record_that_is_refused_does_not_hold_up_the_others(sent: Sent, tmp_path: Path) -> None:
    good = record(tmp_path, STEPS, sent.settings, title="after the bad one")
    bad = tmp_path / "records" / "0000.unsent.json"
    bad.write_text("{")
    done, refused = send(tmp_path / "records", sent.settings)
    assert list(refused) == [bad] and len(done) == 1 and good["status"] == "finished"
    assert unsent(tmp_path / "records") == [bad]


def test_a_dead_server_keeps_the_record_and_a_living_one_gets_it_later(
    sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    dead = TrackingSettings(uri="http://127.0.0.1:9", artifacts=None, experiment="toys é")
    record(tmp_path, STEPS, sent.settings, title="late")
    (waiting,) = unsent(tmp_path / "records")
    with pytest.raises(TrackingFailed):
        send(tmp_path / "records", dead)
    assert unsent(tmp_path / "records") == [waiting]
    done, _ = send(tmp_path / "records", sent.settings)
    assert list(done) == [waiting] and unsent(tmp_path / "records") == []


@pytest.mark.parametrize(
    "uri", ["sqlite:////proc/nowhere/x.db", "nonsense://x", "sqlite:///FOLDER", "sqlite:///FOLDER/torn.db"]
)
def test_any_fault_of_tracking_is_one_kind_of_error(sent: Sent, tmp_path: Path, uri: str) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\0 but no more" * 100)
    with pytest.raises(TrackingFailed):
        send(
            tmp_path / "records",
            TrackingSettings(uri=uri.replace("FOLDER", str(tmp_path)), artifacts=None, experiment="e"),
        )


def test_pages_of_steps_are_artifacts(sent: Sent, tmp_path: Path) -> None:
    page = tmp_path / "key.html"
    page.write_text("<p>heard")
    found = record(tmp_path, STEPS, sent.settings, title="with a page")
    (path,) = unsent(tmp_path / "records")
    path.write_text(json.dumps({**found, "pages": {"group/stems": str(page), "gone": str(tmp_path / "none.html")}}))
    done, refused = send(tmp_path / "records", sent.settings)
    assert refused == {}
    (artifact,) = sent.client.list_artifacts(done[path], "pages")
    assert artifact.path == "pages/group-stems.html"
    assert Path(sent.client.download_artifacts(done[path], artifact.path)).read_text() == "<p>heard"
