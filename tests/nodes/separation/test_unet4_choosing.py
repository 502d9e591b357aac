"""Weights of the four-stem network: those that come with it, files of others, and what is no such file."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.separation import unet4
from nodes.separation.choosing import HEADERS, outputs_with, settled
from nodes.separation.node import separate
from nodes.separation.tensors import write_tensors
from nodes.separation.unet4.network import STEMS, UNet4
from nodes.separation.unet4.weights import file_of, load_network, stored
from nodes.values import Audio
from pipelines.keys import plain
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.quantities import InputFiles

NOTHING = {name: parameter.default for name, parameter in NodeSpec("separate", separate, "here").parameters.items()}


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    torch.manual_seed(1)
    return stored(UNet4())


@pytest.fixture
def own(tmp_path: Path, tensors: dict[str, np.ndarray]) -> Path:
    (tmp_path / "own.safetensors").write_bytes(file_of(tensors))
    return tmp_path / "own.safetensors"


def asked(*paths: Path, backend: str | None = "unet4") -> dict[str, Any]:
    named = InputFiles(str(paths[0]), paths, found=len(paths) > 1)
    return {**NOTHING, "backend": backend, "weights": named}


def test_a_file_makes_the_network_again(own: Path, tensors: dict[str, np.ndarray]) -> None:
    again = stored(load_network(own))
    assert again.keys() == tensors.keys()
    assert all(np.array_equal(again[name], tensors[name]) for name in tensors)


def test_weights_of_its_kind_choose_the_network(own: Path, tmp_path: Path) -> None:
    found, said = settled(asked(own, backend=None))
    assert (found["backend"], found["stems"], said) == ("unet4", 4, "unet4, as weights of its kind are named")
    assert outputs_with(found) == STEMS
    sound = np.random.default_rng(0).standard_normal((2, 3000)).astype(np.float32) * 0.1
    stems = separate(Audio(sound, 44100), weights=found["weights"], context=make_context(tmp_path))
    parts = [part.samples for part in stems if part is not None]
    np.testing.assert_allclose(np.sum(parts, axis=0), sound, atol=1e-5)


def test_the_key_counts_what_the_weights_are_and_not_where(
    own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def key(folder: str) -> Any:
        path = tmp_path / folder / "unet4.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(own.read_bytes())
        monkeypatch.setattr(unet4, "SHIPPED", path)
        found = settled({**NOTHING, "backend": "unet4"})[0]
        assert settled(found)[0] == found
        return plain(found["weights"], lambda file: str(hash(file.read_bytes())))

    first = key("here")
    assert key("there") == first
    own.write_bytes(file_of({**stored(load_network(own)), "exit.bias": np.ones(32, np.float32)}))
    assert key("there") != first


def test_what_is_no_file_of_its_weights_is_refused_before_anything_runs(own: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    write_tensors(other, {"x": np.zeros(2, np.float32)}, HEADERS["spleeter"], {"stems": "vocals accompaniment"})
    (tmp_path / "sound.wav").write_bytes(b"RIFF and more")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(own.read_bytes()[:-1000])
    for paths, message in (
        ((other,), "no weights of the network 'unet4'"),
        ((tmp_path / "sound.wav",), "(?s)no weights of the network 'unet4'.*sound.wav"),
        ((tmp_path / "none.safetensors",), "no weights of the network 'unet4'"),
        ((own, other), "(?s)no weights of the network 'unet4'.*given: +" + re.escape(str(tmp_path)) + "$"),
        ((cut,), "are damaged: the file has"),
    ):
        with pytest.raises(MistakeError, match="(?m)" + message):
            settled(asked(*paths))
    for backend in ("spleeter", None):
        with pytest.raises(MistakeError, match=r"(?s)no weights of Spleeter.*sound\.wav"):
            settled(asked(tmp_path / "sound.wav", backend=backend))
    with pytest.raises(MistakeError, match=r"(?s)parameter of the backend 'spleeter' or 'unet4'.*own.* with"):
        settled(asked(own, backend="repet"))


def test_weights_that_do_not_come_with_the_project_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(unet4, "SHIPPED", tmp_path / "none.safetensors")
    with pytest.raises(MistakeError, match="the weights that come with 'unet4' are missing"):
        settled({**NOTHING, "backend": "unet4"})
