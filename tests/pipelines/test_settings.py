from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines import settings as module
from pipelines.compose import compose
from pipelines.mistakes import Mistake, MistakeError
from pipelines.settings import find_device, read_settings, read_size

WHOLE: dict[str, Any] = {
    "store": {"folder": "s", "limit": "50 GB", "verify": "always"},
    "renders": "r",
    "records": "c",
    "executor": {"name": "serial"},
    "tracking": {"uri": None, "artifacts": None, "experiment": "e"},
    "device": "auto",
    "threads": 1,
    "workers": 0,
}


def wrong(**settings: Any) -> list[Mistake]:
    with pytest.raises(MistakeError) as caught:
        read_settings({**WHOLE, **settings})
    return list(caught.value.mistakes)


def test_settings_are_read_and_the_piece_is_left_alone() -> None:
    found = read_settings({**WHOLE, "piece": {"anything": 1}})
    assert found.store.limit == 50 * 10**9 and found.store.folder == Path("s")
    assert found.tracking.uri is None and found.threads == 1


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"threads": 0}, "threads"),
        ({"workers": -1}, "workers"),
        ({"device": "tpu"}, "device"),
        ({"store": {**WHOLE["store"], "limit": "lots"}}, "store.limit"),
        ({"store": {**WHOLE["store"], "limit": -1}}, "store.limit"),
        ({"store": {**WHOLE["store"], "verify": "maybe"}}, "store.verify"),
        ({"store": 3}, "store"),
        ({"executor": {"name": "magic"}}, "executor.name"),
        ({"tracking": {**WHOLE["tracking"], "experiment": ""}}, "tracking.experiment"),
        ({"renders": None}, "renders"),
    ],
)
def test_a_wrong_setting_is_said_with_its_place(settings: Any, place: str) -> None:
    (said,) = wrong(**settings)
    assert said.parameter == place and said.what == "the setting does not fit" and said.allowed


def test_an_unknown_setting_says_the_nearest() -> None:
    (said,) = wrong(thread=2)
    assert said.what == "there is no such setting" and said.hint == "did you mean 'threads'?"


def test_every_wrong_setting_is_said_in_one_go() -> None:
    assert {said.parameter for said in wrong(threads=0, device=3, nothing=1)} == {"threads", "device", "nothing"}


@pytest.mark.parametrize(
    ("text", "size"),
    [("2000000", 2_000_000), (7, 7), ("1 kB", 1000), ("1.5MB", 1_500_000), ("2 TB", 2 * 10**12), ("0", 0)],
)
def test_sizes(text: Any, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "1.2.3 GB", "GB", None, True, [1], "-1", "1 XB", ".", "٣ GB"])
def test_what_is_no_size(text: Any) -> None:
    with pytest.raises(ValueError, match="a size: "):
        read_size(text)


def test_a_device_is_found_without_importing_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_cpu_build", lambda: True)
    assert find_device("auto") == find_device("cpu") == "cpu"
    with pytest.raises(MistakeError, match="no usable GPU"):
        find_device("cuda")


@pytest.mark.usefixtures("entry")
def test_the_configuration_that_comes_with_the_program_is_whole() -> None:
    found = read_settings(compose(["piece=sum"]).config)
    assert found.store.verify == "always" and found.executor.name == "serial" and found.threads == 1
    assert found.tracking.uri == "sqlite:///outputs/mlflow.db" and found.store.limit == 50 * 10**9
