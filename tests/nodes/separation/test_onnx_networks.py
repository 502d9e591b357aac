from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from made_onnx import SHAPE, UNetWriter, model, node, scaling, write_set

from nodes.separation.onnx_networks import OnnxNetworks, load_networks
from nodes.separation.spleeter.network import ARCHITECTURES, Networks, UNet
from nodes.separation.spleeter.separating import separate_into
from nodes.separation.streams.framing import SEGMENT
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")


@pytest.fixture(autouse=True)
def all_workers() -> Iterator[None]:
    yield
    set_workers(0)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., OnnxNetworks]:
    """Return what loads networks of the contents given by stem."""

    def make(**networks: bytes) -> OnnxNetworks:
        folder = write_set(tmp_path / "networks", {f"{stem}.onnx": content for stem, content in networks.items()})
        return load_networks({stem: folder / f"{stem}.onnx" for stem in networks})

    return make


def noise(length: int, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (channels, length)).astype(np.float32)


def separated(sound: np.ndarray, networks: OnnxNetworks | Networks, **how: object) -> np.ndarray:
    outputs = np.full((len(networks.stems), *sound.shape), 7, np.float32)
    separate_into(sound, 44100, networks, list(outputs), **how)  # type: ignore[arg-type]
    return outputs


def share(factor: float, kind: str = "float32", **how: object) -> bytes:
    return scaling(np.full(1024, factor, kind), kind=kind, **how)


@pytest.mark.parametrize("kind", ["float32", "float16"])
@pytest.mark.parametrize("shape", [SHAPE, ("num_splits", 2, 512, 1024), (2, 1, 512, 1024)])
def test_shares_come_out_as_they_are_known(
    made: Callable[..., OnnxNetworks], kind: str, shape: tuple[int | str, ...]
) -> None:
    networks = made(**{stem: share(f, kind, shape=shape, made=shape) for stem, f in (("vocals", 3), ("other", 1))})
    sound = noise(30000)
    found = separated(sound, networks, mask_extension="average")
    for part, stem in zip((0.9, 0.1), found, strict=True):
        np.testing.assert_allclose(stem, part * sound, atol=3e-6 if kind == "float32" else 3e-3)


def test_the_axes_are_not_taken_for_each_other(made: Callable[..., OnnxNetworks]) -> None:
    """One stem is what is left, the other what is right: factors stand along the axis of channels."""
    left = np.array([1, 0], np.float32)
    first = {"vocals": left.reshape(2, 1, 1, 1), "other": 1 - left.reshape(2, 1, 1, 1)}
    second = {stem: each.reshape(1, 2, 1, 1) for stem, each in first.items()}
    splits = ("num_splits", 2, 512, 1024)
    sound = noise(20000)
    for networks in (
        made(**{stem: scaling(each) for stem, each in first.items()}),
        made(**{stem: scaling(each, shape=splits, made=splits) for stem, each in second.items()}),
    ):
        found = separated(sound, networks, mask_extension="average")
        np.testing.assert_allclose(found[0], sound * left[:, None], atol=3e-5)


def test_the_network_of_spleeter_gives_the_stems_that_it_gives_in_torch(made: Callable[..., OnnxNetworks]) -> None:
    torch.manual_seed(0)
    filters = (4, 6, 8, 8, 8, 8)
    each = tuple(UNet(ARCHITECTURES[2], filters).requires_grad_(False) for _ in range(2))
    for network in each:
        for norm in (*network.norms, *network.transposed_norms):
            norm.running_mean.uniform_(-0.1, 0.1)
            norm.running_var.uniform_(0.5, 2)
            norm.weight.uniform_(0.5, 2)
    sound = noise(SEGMENT + 5000)
    wanted = separated(sound, Networks(ARCHITECTURES[2], each))
    found = separated(sound, made(vocals=UNetWriter(each[0]).write(), accompaniment=UNetWriter(each[1]).write()))
    for stem, same in zip(wanted, found, strict=True):
        assert stem.std() > 0.01
        assert 20 * np.log10(stem.std() / (stem - same).std()) > 80
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-3


def test_workers_change_no_bit(made: Callable[..., OnnxNetworks]) -> None:
    torch.manual_seed(1)
    each = [UNetWriter(UNet(ARCHITECTURES[2], (2, 2))).write() for _ in range(2)]
    networks, sound = made(vocals=each[0], other=each[1]), noise(2 * SEGMENT + 1000)
    set_workers(1)
    one = separated(sound, networks, wiener=True)
    set_workers(3)
    np.testing.assert_array_equal(separated(sound, networks, wiener=True), one)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (model([node("Nonsense", ["x"], "y")]), "cannot be used"),
        (model([node("MatMul", ["x", "x"], "y")]), "cannot be used"),
        (model([node("Mul", ["x", "missing"], "y")]), "cannot be used"),
        (model([node("Transpose", ["x"], "y", perm=[0, 1, 3, 2])], made=(2, "n", "t", "f")), "another shape"),
        (b"nothing", "no network in the ONNX format"),
    ],
)
def test_networks_that_do_not_work_are_refused(made: Callable[..., OnnxNetworks], content: bytes, message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        separated(noise(1000), made(vocals=share(1), other=content))


def test_networks_of_different_widths_are_refused(made: Callable[..., OnnxNetworks]) -> None:
    wide = scaling(np.ones(1536, np.float32), shape=(2, 1, 512, 1536), made=(2, 1, 512, 1536))
    with pytest.raises(MistakeError, match="do not see the same bins"):
        made(vocals=share(1), other=wide)
    assert made(vocals=wide, other=wide).bins == 1536
