from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy.grid import Grid
from toys import APP, PROJECT

from nodes.values import Text
from pipelines import blobs
from pipelines import store as module
from pipelines.blobs import file_digest, format_record, parse_record
from pipelines.context import Context
from pipelines.mistakes import MistakeError
from pipelines.store import Damaged, Store
from pipelines.value import Value

KEY = "ab" + "0" * 62
ABOUT = {"step": "a", "node": "n", "seconds": 0.0, "ingredients": {"node": "n"}}


def filled(folder: Path, value: Value | None = None, **about: Any) -> Store:
    """Return a store with one result in it."""
    store = Store(folder)
    store.save(KEY, {"value": value or Grid(np.arange(12.0).reshape(3, 4), notes={"é": 1.5})}, {**ABOUT, **about})
    return store


def test_a_result_comes_back_as_it_was_and_cannot_be_written_to(tmp_path: Path) -> None:
    store = filled(tmp_path)
    value = store.load(KEY, "value")
    assert isinstance(value, Grid) and value.notes == {"é": 1.5}
    np.testing.assert_array_equal(value.numbers, np.arange(12.0).reshape(3, 4))
    with pytest.raises(ValueError, match="read-only"):
        value.numbers[0] = 1
    assert isinstance(value.numbers, np.memmap)


@pytest.mark.parametrize(
    "numbers",
    [
        np.zeros((0, 3), np.float32),
        np.zeros((2, 0)),
        np.array(3.5),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(10)[::-2],
        np.array([1 + 2j], np.complex64),
        np.array([True, False]),
        np.array(["é", "ab"]),
        np.array([np.nan, -np.inf, -0.0]),
        np.arange(3, dtype=">i4"),
    ],
    ids=str,
)
def test_arrays_of_every_shape_and_type_come_back(tmp_path: Path, numbers: np.ndarray[Any, Any]) -> None:
    found = filled(tmp_path, Grid(numbers)).load(KEY, "value")
    assert isinstance(found, Grid)
    assert found.numbers.dtype == numbers.dtype and found.numbers.shape == numbers.shape
    assert np.ascontiguousarray(found.numbers).tobytes() == np.ascontiguousarray(numbers).tobytes()


def test_files_are_plain_npy_and_json(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert sorted(path.name for path in store.path(KEY).iterdir()) == ["record.json", "value.numbers.npy"]
    assert np.load(store.path(KEY) / "value.numbers.npy", allow_pickle=False).shape == (3, 4)
    record = json.loads((store.path(KEY) / "record.json").read_bytes())["record"]
    assert record["key"] == KEY and record["node"] == "n"
    about = record["files"]["value.numbers.npy"]
    assert about["digest"] == file_digest(store.path(KEY) / "value.numbers.npy")


def test_several_outputs_are_kept_apart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(KEY, {"first": Grid(np.ones(1)), "firs": Grid(np.zeros(1)), "text": Text("x")}, ABOUT)
    assert [store.load(KEY, name).describe() for name in ("first", "firs")] == ["Grid, 1", "Grid, 1"]
    first, other = (store.load(KEY, name) for name in ("first", "firs"))
    assert isinstance(first, Grid) and isinstance(other, Grid)
    assert (first.numbers[0], other.numbers[0]) == (1, 0)


@pytest.mark.parametrize("verify", ["always", "once"])
@pytest.mark.parametrize("file", ["record.json", "value.numbers.npy"])
@settings(max_examples=40, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_returned(
    tmp_path_factory: pytest.TempPathFactory, verify: Any, file: str, place: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    path = filled(folder).path(KEY) / file
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(Damaged):
        Store(folder, verify).load(KEY, "value")
    assert not Store(folder).has(KEY), "what is damaged must be made again"
    assert [path.name.split(".")[0] for path in (folder / "damaged").iterdir()] == [KEY]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARM: list[Callable[[Path], None]] = [cut, empty, lengthen, Path.unlink, folder_instead]


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_array_is_refused_and_set_aside(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    store = filled(tmp_path)
    harm(store.path(KEY) / "value.numbers.npy")
    with pytest.raises(Damaged, match=KEY[:12]):
        store.load(KEY, "value")
    assert not store.has(KEY)


@pytest.mark.parametrize("harm", [cut, empty, lengthen, Path.unlink, folder_instead])
def test_a_damaged_record_is_refused_and_set_aside(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    store = filled(tmp_path)
    harm(store.path(KEY) / "record.json")
    with pytest.raises(Damaged):
        store.load(KEY, "value")
    assert not store.has(KEY)


def test_a_record_of_another_key_or_schema_is_refused(tmp_path: Path) -> None:
    store = filled(tmp_path)
    other = "cd" + "1" * 62
    store.path(other).parent.mkdir()
    shutil.copytree(store.path(KEY), store.path(other))
    with pytest.raises(Damaged, match="another key"):
        store.load(other, "value")
    record = parse_record((store.path(KEY) / "record.json").read_bytes())
    (store.path(KEY) / "record.json").write_bytes(format_record({**record, "schema": 0}))
    with pytest.raises(Damaged, match="another key"):
        store.record(KEY)


def test_what_is_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert not store.has(KEY) and store.record(KEY) is None
    with pytest.raises(Damaged, match="no output 'value'"):
        store.load(KEY, "value")
    with pytest.raises(Damaged, match="no output 'other'"):
        filled(tmp_path).load(KEY, "other")


def test_a_kind_that_is_gone_is_said_and_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path)
    monkeypatch.delitem(Value.kinds, "toy.grid.Grid")
    with pytest.raises(Damaged, match="cannot be rebuilt"):
        store.load(KEY, "value")


def test_verification_once_and_never(tmp_path: Path) -> None:
    def flip(folder: Path, verify: Any) -> Store:
        store = filled(folder)
        reader = Store(folder, verify)
        reader.load(KEY, "value")
        path = store.path(KEY) / "value.numbers.npy"
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        return reader

    with pytest.raises(Damaged):
        flip(tmp_path / "always", "always").load(KEY, "value")
    assert flip(tmp_path / "once", "once").load(KEY, "value")
    assert flip(tmp_path / "never", "never").load(KEY, "value")
    flip(tmp_path / "again", "never")
    with pytest.raises(Damaged):
        Store(tmp_path / "again", "once").load(KEY, "value")


def test_a_half_written_result_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stop(BaseException):
        pass

    def stop(*_: Any) -> None:
        raise Stop

    store = Store(tmp_path)
    monkeypatch.setattr(module, "_into_place", stop)
    with pytest.raises(Stop):
        store.save(KEY, {"value": Grid(np.zeros(3))}, ABOUT)
    assert not store.has(KEY) and list((tmp_path / "objects" / "ab").iterdir()) == []
    monkeypatch.undo()
    half = store.path(KEY)
    half.mkdir(parents=True)
    (half / "value.numbers.npy").write_bytes(b"half")
    assert not store.has(KEY)
    filled(tmp_path)
    assert store.load(KEY, "value").describe() == "Grid, 3×4"


def test_a_process_that_was_killed_while_it_wrote_is_of_no_matter(tmp_path: Path) -> None:
    left = Store(tmp_path).path(KEY).with_name(f".{KEY[2:]}.{os.getpid()}.partial")
    left.mkdir(parents=True)
    (left / "value.numbers.npy").write_bytes(b"left over")
    store = filled(tmp_path)
    assert store.load(KEY, "value").describe() == "Grid, 3×4"


def test_the_first_of_two_equal_results_stays(tmp_path: Path) -> None:
    store = filled(tmp_path, Grid(np.zeros(1)))
    inode = (store.path(KEY) / "record.json").stat().st_ino
    filled(tmp_path, Grid(np.zeros(1)))
    assert (store.path(KEY) / "record.json").stat().st_ino == inode
    assert [path.name for path in store.path(KEY).parent.iterdir()] == [KEY[2:]]


def test_costly_results_are_flushed_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    filled(tmp_path / "cheap", seconds=0.001)
    assert not flushed
    filled(tmp_path / "costly", seconds=2.0)
    assert len(flushed) == 3  # the array, the record, the folder


def test_arrays_made_on_disk_are_moved_and_the_scratch_goes(tmp_path: Path) -> None:
    class Silent:
        def progress(self, step: str, done: int, total: int | None, what: str = "") -> None: ...
        def metric(self, step: str, name: str, value: float, at: int) -> None: ...

        def note(self, step: str, text: str) -> None: ...

    store = Store(tmp_path)
    array = Context("a", KEY, 0, "cpu", store.scratch(KEY), Silent()).array((4, 5), np.float32)
    array[:] = 7
    inode = (store.scratch(KEY) / "array-0.npy").stat().st_ino
    store.save(KEY, {"value": Grid(array)}, ABOUT)
    path = store.path(KEY) / "value.numbers.npy"
    assert path.stat().st_ino == inode and not store.scratch(KEY).exists()
    found = Store(tmp_path).load(KEY, "value")
    assert isinstance(found, Grid) and found.numbers.shape == (4, 5) and (found.numbers == 7).all()


@pytest.mark.parametrize("part", [np.s_[1:3], np.s_[:, ::2], np.s_[::-1], np.s_[0]])
def test_a_part_of_an_array_on_disk_is_stored_as_that_part(tmp_path: Path, part: Any) -> None:
    array = np.lib.format.open_memmap(tmp_path / "array-0.npy", mode="w+", dtype=np.float64, shape=(4, 5))
    array[:] = np.arange(20).reshape(4, 5)
    found = filled(tmp_path / "store", Grid(array[part])).load(KEY, "value")
    assert isinstance(found, Grid)
    np.testing.assert_array_equal(found.numbers, np.arange(20.0).reshape(4, 5)[part])


def test_the_time_of_use_is_kept(tmp_path: Path) -> None:
    store = filled(tmp_path)
    record = store.path(KEY) / "record.json"
    os.utime(record, (1, 1))
    store.load(KEY, "value")
    assert record.stat().st_mtime > 1


def test_a_full_disk_is_a_mistake_and_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs, "_write_array", full)
    with pytest.raises(MistakeError, match="the disk of the store is full") as caught:
        filled(tmp_path)
    assert "store gc" in caught.value.mistakes[0].hint
    assert not Store(tmp_path).has(KEY) and not list((tmp_path / "objects" / "ab").iterdir())


LIMITED = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import numpy as np
from pathlib import Path
from toy.grid import Grid
from pipelines.mistakes import MistakeError
from pipelines.store import Store
store = Store(Path(sys.argv[3]))
try:
    store.save("ab" * 32, {"value": Grid(np.zeros(2**18))}, {"seconds": 1.0})
except MistakeError as error:
    print(error)
print(store.has("ab" * 32), [p.name for p in (store.folder / "objects" / "ab").iterdir()])
"""


def test_a_real_limit_of_room_is_a_mistake_too(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(APP), str(PROJECT), str(tmp_path)],
        preexec_fn=limit, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the disk of the store is full" in done.stdout
    assert done.stdout.splitlines()[-1] == "False []"


def test_a_real_full_disk(tmp_path: Path) -> None:
    mount = (
        f"mount -t tmpfs -o size=1m none {tmp_path} && exec {sys.executable} -c '{LIMITED}' {APP} {PROJECT} {tmp_path}"
    )
    done = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this system lets nobody mount a small disk")
    assert done.returncode == 0, done.stderr
    assert "the disk of the store is full" in done.stdout and done.stdout.splitlines()[-1] == "False []"


def test_a_store_that_cannot_be_written_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file in the way")
    with pytest.raises(MistakeError, match="the store cannot be written") as caught:
        filled(tmp_path)
    assert "store.folder" in caught.value.mistakes[0].hint


def test_too_many_open_files_do_no_harm_to_a_result(tmp_path: Path) -> None:
    store = filled(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[Any] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
        with pytest.raises(OSError):
            while True:
                taken.append(open(os.devnull))  # noqa: PTH123, SIM115
        with pytest.raises(MistakeError, match="Too many open files"):
            store.load(KEY, "value")
    finally:
        for file in taken:
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert isinstance(store.load(KEY, "value"), Grid)
