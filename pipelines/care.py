"""Looking after the store: what is in it, bringing it down to size, verifying it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.blobs import parse_record
from pipelines.record import pinned_keys
from pipelines.store import Damaged, Store

STALE_SECONDS = 24 * 3600
"""Half-written results and scratch of steps older than this belong to no running render."""


@dataclass(frozen=True)
class Entry:
    """One stored result."""

    key: str
    step: str
    node: str
    size: int
    used: float
    seconds: float


def entries(store: Store) -> Iterator[Entry]:
    """Yield every stored result whose record can be read."""
    for path in sorted((store.folder / "objects").glob("??/*/record.json")):
        try:
            record = parse_record(path.read_bytes())
            used = path.stat().st_mtime
        except (OSError, ValueError):
            continue
        size = sum(about["size"] for about in record["files"].values()) + path.stat().st_size
        yield Entry(record["key"], record["step"], record["node"], size, used, record["seconds"])


def collect(store: Store, limit: int, pinned: set[str]) -> list[Entry]:
    """Remove the least recently used results until the store is no larger than `limit` bytes; return them.

    Outputs of recorded renders (`pinned`) stay. Results set aside as damaged, and what dead renders left
    behind, go first.
    """
    _sweep_out(store)
    known = sorted(entries(store), key=lambda entry: entry.used)
    size = sum(entry.size for entry in known)
    removed: list[Entry] = []
    for entry in known:
        if size <= limit:
            break
        if entry.key not in pinned:
            with store.lock(entry.key):
                _remove(store, entry.key)
            removed.append(entry)
            size -= entry.size
    return removed


def keep_to_limit(store: Store, limit: int, records: Path, written: int) -> list[Entry]:
    """Bring the store down to its limit after a render that wrote `written` bytes, where that can matter.

    The whole store is looked through once a day, and whenever a render wrote a hundredth of the limit.
    """
    mark = store.folder / "looked-through"
    if written == 0 or (written < limit / 100 and mark.exists() and _age(mark) < STALE_SECONDS):
        return []
    mark.touch()
    return collect(store, limit, pinned_keys(records))


def verify(store: Store) -> Iterator[tuple[str, Damaged | None]]:
    """Compare every file of every result with its digest; yield each key, and the damage where there is one."""
    for path in sorted((store.folder / "objects").glob("??/*")):
        if path.name.startswith("."):
            continue
        key = path.parent.name + path.name
        try:
            if store.record(key) is None:
                raise store.set_aside(key, "no record.json")
            store.verify_files(key)
            yield key, None
        except Damaged as damage:
            yield key, damage


def _remove(store: Store, key: str) -> None:
    """Take a result out of sight in one step, then delete it."""
    gone = store.path(key).with_name(f".{key[2:]}.removed")
    with suppress(FileNotFoundError):
        store.path(key).rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    for view in (store.folder / "views" / key[:2]).glob(f"{key[2:]}.*"):
        view.unlink(missing_ok=True)


def _sweep_out(store: Store) -> None:
    shutil.rmtree(store.folder / "damaged", ignore_errors=True)
    scratch = [path for path in (store.folder / "partial").glob("*") if not store.is_locked(path.name)]
    for path in [*(store.folder / "objects").glob("??/.*"), *scratch]:
        if _age(path) > STALE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _age(path: Path) -> float:
    """Return the seconds since a file, or the newest file of a folder, was written."""
    try:
        newest = max(item.stat().st_mtime for item in [path, *path.rglob("*")])
    except OSError:
        return 0.0
    return time.time() - newest
