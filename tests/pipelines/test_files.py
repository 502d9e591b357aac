from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from blake3 import blake3

from pipelines import files as module
from pipelines.blobs import file_digest
from pipelines.files import FileDigests, write_whole
from pipelines.mistakes import MistakeError


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file that was written an hour ago."""
    path = tmp_path / "ä sound.wav"
    path.write_bytes(b"content")
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    return path


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list in which every file that is read is noted."""
    read: list[Path] = []
    digest = file_digest

    def count(path: Path) -> str:
        read.append(path)
        return digest(path)

    monkeypatch.setattr(module, "file_digest", count)
    return read


def test_the_digest_is_that_of_the_content(tmp_path: Path, sound: Path) -> None:
    assert FileDigests(tmp_path / "m")(sound) == blake3(b"content").hexdigest()


def test_an_unchanged_file_is_read_once_over_many_runs(
    tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = counted(monkeypatch)
    for _ in range(3):
        digests = FileDigests(tmp_path / "memory" / "files.json")
        assert digests(sound) == digests(sound)
        digests.keep()
    assert read == [sound]


def test_a_changed_file_is_read_again_even_at_the_same_size_and_time(tmp_path: Path, sound: Path) -> None:
    before = FileDigests(tmp_path / "m")
    first = before(sound)
    before.keep()
    stamp = sound.stat().st_mtime_ns
    sound.write_bytes(b"CONTENT")
    os.utime(sound, ns=(stamp, stamp))
    assert FileDigests(tmp_path / "m")(sound) == blake3(b"CONTENT").hexdigest() != first
    assert before.changed(sound)


def test_a_file_written_a_moment_ago_is_not_trusted_to_stay(
    tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound.write_bytes(b"fresh")
    read = counted(monkeypatch)
    for _ in range(2):
        digests = FileDigests(tmp_path / "m")
        digests(sound)
        digests.keep()
    assert len(read) == 2


def test_a_change_during_a_render_is_noticed(tmp_path: Path, sound: Path) -> None:
    digests = FileDigests(tmp_path / "m")
    assert not digests.changed(sound), "it was never asked for"
    digests(sound)
    assert not digests.changed(sound)
    sound.write_bytes(b"other")
    assert digests.changed(sound)
    sound.unlink()
    assert digests.changed(sound)


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="cannot be read: No such file") as caught:
        FileDigests(tmp_path / "m")(tmp_path / "gone.wav")
    assert caught.value.mistakes[0].given == str(tmp_path / "gone.wav")
    with pytest.raises(MistakeError, match="cannot be read: Is a directory"):
        FileDigests(tmp_path / "m")(tmp_path)


@pytest.mark.parametrize(
    "memory", ["", "{", "[]", "3", '{"PATH": 3}', '{"PATH": []}', '{"PATH": ["x"]}', '{"PATH": {"0": 1}}', "\0"]
)
def test_a_damaged_memory_is_forgotten(tmp_path: Path, sound: Path, memory: str) -> None:
    (tmp_path / "m").write_text(memory.replace("PATH", str(sound)))
    assert FileDigests(tmp_path / "m")(sound) == blake3(b"content").hexdigest()


def test_a_memory_that_cannot_be_written_is_of_no_matter(tmp_path: Path, sound: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    digests = FileDigests(tmp_path / "file" / "m")
    digests(sound)
    digests.keep()
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_text_is_written_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "é.json", json.dumps({"é": 1}))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["é.json"]
    assert json.loads((tmp_path / "a" / "é.json").read_text(encoding="utf-8")) == {"é": 1}
