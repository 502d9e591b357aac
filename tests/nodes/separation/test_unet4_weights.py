"""Weights of the four-stem network: those that ship, and files that are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nodes.separation.tensors import header_of, write_tensors
from nodes.separation.unet4 import HEADER, SHIPPED
from nodes.separation.unet4.network import STEMS, UNet4
from nodes.separation.unet4.weights import file_of, load_network, network_of, stored
from pipelines.mistakes import MistakeError
from pipelines.value import Array

ABOUT = {"stems": " ".join(STEMS)}


@pytest.fixture(scope="module")
def tensors() -> dict[str, Array]:
    return stored(load_network())


def test_those_that_ship_are_small_and_say_what_they_are() -> None:
    assert SHIPPED.stat().st_size < 1.6e6
    assert header_of(SHIPPED)[HEADER]["stems"] == " ".join(STEMS)
    network = load_network()
    assert not network.training
    assert all(torch.isfinite(each).all() for each in network.parameters())


def test_what_is_stored_comes_back_at_half_precision(tensors: dict[str, Array]) -> None:
    torch.manual_seed(1)
    network = UNet4().eval()
    again = network_of(stored(network))
    views = torch.rand(1, 4, 8, 320)
    with torch.inference_mode():
        torch.testing.assert_close(again(views), network(views), atol=2e-3, rtol=0)
    assert {name for name, tensor in tensors.items() if tensor.dtype == np.float16}
    twice = stored(network_of(tensors))
    assert all(np.array_equal(twice[name], tensor) for name, tensor in tensors.items())


def test_the_same_weights_make_the_same_file(tensors: dict[str, Array]) -> None:
    assert file_of(tensors) == file_of(dict(reversed(tensors.items())))


def test_files_that_are_damaged_or_of_another_network_are_refused(tensors: dict[str, Array], tmp_path: Path) -> None:
    content = bytearray(SHIPPED.read_bytes())
    content[-1000] ^= 1
    cases = {"tampered": bytes(content), "truncated": SHIPPED.read_bytes()[:-77], "empty": b"", "text": b"no weights"}
    for name, data in cases.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(data)
        with pytest.raises(MistakeError, match="these weights"):
            load_network(path)
    with pytest.raises(MistakeError, match="these weights"):
        load_network(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("what", ["missing", "left over", "shape", "nan", "other"])
def test_files_whose_numbers_do_not_fit_are_refused(tensors: dict[str, Array], tmp_path: Path, what: str) -> None:
    changed, about = dict(tensors), ABOUT
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 4)
    if what == "missing":
        del changed[name]
    elif what == "left over":
        changed["more"] = np.zeros(3, np.float32)
    elif what == "shape":
        changed[name] = changed[name][:1]
    elif what == "nan":
        changed[name] = np.full_like(changed[name], np.nan)
    else:
        about = {"stems": "vocals rest"}
    path = tmp_path / "changed.safetensors"
    write_tensors(path, changed, HEADER, about)
    with pytest.raises(MistakeError, match="these weights"):
        load_network(path)
