from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from toy.grid import Grid

from pipelines.care import collect, entries, keep_to_limit, verify
from pipelines.record import pinned_keys
from pipelines.store import Store

KEYS = [f"{number:02x}" + "0" * 62 for number in range(4)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with four results of 8 kB, the first one the least recently used."""
    made = Store(tmp_path / "store")
    for number, key in enumerate(KEYS):
        made.save(key, {"value": Grid(np.arange(1000.0))}, {"step": f"s{number}", "node": "n", "seconds": 0.5})
        os.utime(made.path(key) / "record.json", (1000 + number, 1000 + number))
    return made


def sizes(store: Store) -> list[int]:
    return [entry.size for entry in entries(store)]


def test_everything_stored_is_listed(store: Store) -> None:
    found = list(entries(store))
    assert [(entry.key, entry.step, entry.node, entry.seconds, entry.used) for entry in found] == [
        (key, f"s{number}", "n", 0.5, 1000 + number) for number, key in enumerate(KEYS)
    ]
    assert all(entry.size == sum(f.stat().st_size for f in store.path(entry.key).iterdir()) for entry in found)
    (store.path(KEYS[0]) / "record.json").write_bytes(b"damaged")
    assert len(list(entries(store))) == 3
    assert list(entries(Store(store.folder / "none"))) == []


def test_the_least_recently_used_go_until_the_rest_fits(store: Store) -> None:
    limit = sum(sizes(store)[2:])
    assert [entry.key for entry in collect(store, limit, set())] == KEYS[:2]
    assert [store.has(key) for key in KEYS] == [False, False, True, True]
    assert collect(store, limit, set()) == []


def test_using_a_result_keeps_it(store: Store) -> None:
    store.load(KEYS[0], "value")
    assert [entry.key for entry in collect(store, sum(sizes(store)[2:]), set())] == KEYS[1:3]


def test_outputs_of_recorded_renders_stay(store: Store) -> None:
    assert [entry.key for entry in collect(store, 0, {KEYS[0], KEYS[2]})] == [KEYS[1], KEYS[3]]
    assert store.has(KEYS[0]) and store.has(KEYS[2])


def test_what_dead_renders_left_goes_and_what_lives_stays(store: Store) -> None:
    folders = {
        "dead": store.path(KEYS[0]).with_name(".dead.1.partial"),
        "alive": store.path(KEYS[0]).with_name(".alive.2.partial"),
        "old scratch": store.scratch("old"),
        "new scratch": store.scratch("new"),
        "scratch that is written to": store.scratch("written"),
        "damaged": store.folder / "damaged" / "x.1",
    }
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        (folder / "file").touch()
        if name in ("dead", "old scratch"):
            for path in (folder / "file", folder):
                os.utime(path, (time.time() - 100_000,) * 2)
    os.utime(store.scratch("written"), (1, 1))
    collect(store, 10**9, set())
    assert [name for name, folder in folders.items() if folder.exists()] == [
        "alive", "new scratch", "scratch that is written to",
    ]  # fmt: skip


def test_pictures_of_a_result_go_with_it(store: Store) -> None:
    view = store.folder / "views" / KEYS[0][:2] / f"{KEYS[0][2:]}.value.png"
    view.parent.mkdir(parents=True)
    view.touch()
    collect(store, 0, set(KEYS[1:]))
    assert not view.exists()


def test_verify_finds_every_damage_and_sets_it_aside(store: Store) -> None:
    assert [(key, damage) for key, damage in verify(store)] == [(key, None) for key in KEYS]
    array = store.path(KEYS[0]) / "value.numbers.npy"
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    (store.path(KEYS[1]) / "record.json").write_bytes(b"{}")
    (store.path(KEYS[2]) / "record.json").unlink()
    found = {key: damage for key, damage in verify(store) if damage}
    assert set(found) == set(KEYS[:3])
    assert "its content is not what was stored" in str(found[KEYS[0]])
    assert [key for key, damage in verify(store)] == [KEYS[3]]
    assert len(list((store.folder / "damaged").iterdir())) == 3


def test_records_pin_their_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = {
        "a.json": {"outputs": {"x": {"key": "1"}, "y": {"key": "2"}}},
        "b.unsent.json": {"outputs": {"x": {"key": "3"}}},
    }
    for name, record in records.items():
        (tmp_path / name).write_text(json.dumps(record))
    assert pinned_keys(tmp_path) == {"1", "2", "3"}
    (tmp_path / "c.json").write_text("{")
    (tmp_path / "d.json").write_text("[]")
    (tmp_path / "e.json").write_text('{"outputs": {"x": {}}}')
    assert pinned_keys(tmp_path) == {"1", "2", "3"}
    assert capsys.readouterr().err.count("not a record") == 3
    assert pinned_keys(tmp_path / "none") == set()


def test_a_render_looks_through_the_store_only_where_that_can_matter(store: Store, tmp_path: Path) -> None:
    limit = sum(sizes(store)[2:])
    assert keep_to_limit(store, limit, tmp_path / "records", written=0) == []
    assert len(keep_to_limit(store, limit, tmp_path / "records", written=1)) == 2
    assert keep_to_limit(store, 0, tmp_path / "records", written=0) == []
    assert keep_to_limit(store, 1000, tmp_path / "records", written=1) == []
    assert len(keep_to_limit(store, 1000, tmp_path / "records", written=500)) == 2
