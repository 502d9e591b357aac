"""Settings of a render beside the piece itself: store, folders, executor, tracking, device."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipelines.mistakes import Mistake, MistakeError, listed, nearest, shown
from pipelines.quantities import wrong

_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)\s*(B|KB|MB|GB|TB)?", re.IGNORECASE | re.ASCII)
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def read_size(value: Any) -> int:
    """Return bytes from 2000000 or '50 GB'."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise wrong("a size: 2000000, '500 MB' or '50 GB'")
    return int(float(match[1]) * _BYTES[(match[2] or "B").upper()])


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Part):
    """Where results are kept, up to what size, and how they are trusted."""

    folder: Path
    limit: Annotated[int, BeforeValidator(read_size), Field(ge=0)]
    verify: Literal["always", "once", "never"]


class ExecutorSettings(_Part):
    """How steps are run."""

    name: Literal["serial"]


class TrackingSettings(_Part):
    """The MLflow database or server; `uri` null records nothing there."""

    uri: str | None
    artifacts: Path | None
    experiment: Annotated[str, Field(min_length=1)]


class Settings(_Part):
    """All settings."""

    store: StoreSettings
    renders: Path
    records: Path
    executor: ExecutorSettings
    tracking: TrackingSettings
    device: Literal["auto", "cpu", "cuda"]
    threads: Annotated[int, Field(ge=1, le=256)]
    workers: Annotated[int, Field(ge=0, le=1024)]


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Return the settings in a composed configuration, the piece left out.

    Raises
    ------
    MistakeError
        With every wrong setting.
    """
    given = {key: value for key, value in config.items() if key != "piece"}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise MistakeError(_mistake(item) for item in error.errors(include_url=False)) from None


def _mistake(item: Mapping[str, Any]) -> Mistake:
    place = ".".join(map(str, item["loc"]))
    names = [*Settings.model_fields, "piece"]
    if item["type"] == "extra_forbidden":
        return Mistake(
            "there is no such setting", "", place, shown(item["input"]), listed(names), nearest(place, names)
        )
    allowed = str(item["msg"]).removeprefix("Input should be ")
    return Mistake("the setting does not fit", "", place, shown(item["input"]), allowed)


def find_device(asked: str) -> str:
    """Return 'cuda' or 'cpu' without importing torch: a GPU counts where its driver and a CUDA build are present.

    Raises
    ------
    MistakeError
        Where 'cuda' is asked for and cannot be had.
    """
    present = Path("/dev/nvidiactl").exists() and not _cpu_build()
    if asked == "cuda" and not present:
        raise MistakeError(Mistake("there is no usable GPU", "", "device", asked, "cpu or auto"))
    return "cuda" if present and asked != "cpu" else "cpu"


def _cpu_build() -> bool:
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return True
