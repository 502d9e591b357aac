import hashlib
import json
import struct
from pathlib import Path

import pytest

from nodes.separation.demucs_files import Bag, complete, read_bag, require_checksum, stems_in
from pipelines.mistakes import MistakeError
from pipelines.quantities import InputFiles


def named(path: Path) -> InputFiles:
    return InputFiles(str(path), (path,))


def listed(folder: Path) -> InputFiles:
    return InputFiles(str(folder), tuple(sorted(folder.iterdir())), found=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models that share a folder."""
    for name in ("ab12-00aa.th", "cd34.th", "ef56.safetensors"):
        (tmp_path / name).write_bytes(b"network")
    (tmp_path / "both.yaml").write_text("models: ['ab12', 'cd34']\nweights: [[1, 0.5], [0, 1]]\nsegment: 44\n")
    (tmp_path / "one.yaml").write_text("models: ['ef56']\n")
    return tmp_path


def test_a_bag_names_its_networks(folder: Path) -> None:
    both = read_bag(folder / "both.yaml")
    assert both == Bag((folder / "ab12-00aa.th", folder / "cd34.th"), ((1, 0.5), (0, 1)), 44)
    assert read_bag(folder / "one.yaml") == Bag((folder / "ef56.safetensors",))
    assert read_bag(folder / "cd34.th") == Bag((folder / "cd34.th",))


def test_all_files_of_a_model_count_and_the_first_says_which_it_is(folder: Path) -> None:
    found = complete(named(folder / "both.yaml"))
    assert [path.name for path in found.paths] == ["both.yaml", "ab12-00aa.th", "cd34.th"]
    assert complete(found) == found
    assert complete(named(folder / "cd34.th")).paths == (folder / "cd34.th",)
    with pytest.raises(MistakeError, match="not clear which model"):
        complete(listed(folder))
    (folder / "both.yaml").unlink()
    assert [path.name for path in complete(listed(folder)).paths] == ["one.yaml", "ef56.safetensors"]
    (folder / "one.yaml").unlink()
    with pytest.raises(MistakeError, match="not clear which model"):
        complete(listed(folder))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for model in (listed(tmp_path), named(tmp_path / "notes.txt")):
        with pytest.raises(MistakeError, match="no model of Demucs"):
            complete(model)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: ['gone']", "'gone' is missing"),
        ("models: ['../ab12']", "cannot be the signature"),
        ("models: ['ab12', 'cd34']\nweights: [[1, 1]]", "weights do not fit"),
        ("models: ['ab12', 'cd34']\nweights: [[1, 0], [1, 0]]", "weights do not fit"),
        ("models: []", "weights do not fit"),
        ("models: ['ab12']\nsegment: -1", "no length in seconds"),
        ("models: ['ab12']\nsegment: long", "no description"),
        ("- ab12", "no description"),
        ("models: [", "no description"),
        ("!!python/object/apply:os.system ['true']", "no description"),
        ("", "no description"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(folder: Path, text: str, message: str) -> None:
    (folder / "wrong.yaml").write_text(text)
    with pytest.raises(MistakeError, match=message):
        read_bag(folder / "wrong.yaml")


def test_a_network_that_is_there_twice_is_refused(folder: Path) -> None:
    (folder / "ab12.safetensors").touch()
    with pytest.raises(MistakeError, match="'ab12' is there more than once"):
        read_bag(folder / "both.yaml")


def test_a_file_is_what_its_name_says(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"network").hexdigest()
    for name in (f"ab-{digest[:8]}.th", f"ab-{digest}.th", "ab.th", "some-name.safetensors"):
        (tmp_path / name).write_bytes(b"network")
        require_checksum(tmp_path / name)
    for name in (f"ab-{digest[1:9]}.th", "ab-.th", "ab-name.th"):
        (tmp_path / name).write_bytes(b"network")
        with pytest.raises(MistakeError, match="does not match the checksum"):
            require_checksum(tmp_path / name)


def test_stems_stand_in_a_header_or_nowhere_that_is_cheap(tmp_path: Path) -> None:
    def write(about: dict[str, str]) -> Path:
        header = json.dumps({"__metadata__": about}).encode()
        (tmp_path / "ab.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
        return tmp_path / "ab.safetensors"

    assert stems_in(write({"args": "[]", "kwargs": '{"sources": ["drums", "vocals"]}'})) == ("drums", "vocals")
    assert stems_in(write({"args": '[["bass", "other"]]', "kwargs": "{}"})) == ("bass", "other")
    assert stems_in(tmp_path / "ab.th") is None
    for about in ({"args": "[]", "kwargs": "{}"}, {"kwargs": "[]"}, {}):
        with pytest.raises(MistakeError, match="no network of Demucs"):
            stems_in(write(about))
    (tmp_path / "ab.safetensors").write_bytes(b"short")
    with pytest.raises(MistakeError, match="no network of Demucs"):
        stems_in(tmp_path / "ab.safetensors")
