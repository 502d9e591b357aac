import json
from pathlib import Path

import bundles
import numpy as np
import pytest
import safetensors.numpy
import torch

from nodes.separation.spleeter.checkpoints import tensor_names
from nodes.separation.spleeter.network import ARCHITECTURES, FILTERS
from nodes.separation.spleeter.weights import HEADER, convert, layout, load_networks, read_weights
from pipelines.mistakes import MistakeError

SMALL = (2, 3, 4)
NAMES = {
    2: ("vocals", "accompaniment"),
    4: ("vocals", "drums", "bass", "other"),
    5: ("vocals", "piano", "drums", "bass", "other"),
}


@pytest.fixture(params=[2, 4, 5])
def stems(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def tensors(stems: int) -> dict[str, np.ndarray]:
    return bundles.spleeter_tensors(stems, SMALL)


@pytest.fixture
def folder(tmp_path: Path, tensors: dict[str, np.ndarray]) -> Path:
    return checkpoint(tmp_path / "checkpoint", tensors)


def checkpoint(folder: Path, tensors: dict[str, np.ndarray]) -> Path:
    folder.mkdir(exist_ok=True)
    bundles.write_bundle(folder / "model", tensors, in_block=9)
    return folder


def two_stems(tmp_path: Path, **changed: np.ndarray | None) -> Path:
    found = {**bundles.spleeter_tensors(2, SMALL), **{name.replace("__", "/"): t for name, t in changed.items()}}
    return checkpoint(tmp_path / "changed", {name: tensor for name, tensor in found.items() if tensor is not None})


def test_every_tensor_comes_to_its_place(stems: int, folder: Path, tensors: dict[str, np.ndarray]) -> None:
    networks = load_networks(folder, stems=stems, filters=SMALL)
    assert networks.stems == NAMES[stems] and networks.bins == 1024 and networks.device == "cpu"
    for number, network in enumerate(networks.each):

        def theirs(kind: str, at: int) -> str:
            return f"{kind}_{at}" if at else kind

        for level, layer in enumerate([*network.convolutions, network.last]):
            kernel = tensors[f"{theirs('conv2d', 4 * number + level)}/kernel"]
            np.testing.assert_array_equal(layer.weight, np.einsum("hwio->oihw", kernel))
        for level, layer in enumerate(network.transposed):
            name = theirs("conv2d_transpose", 3 * number + level)
            np.testing.assert_array_equal(layer.weight, np.einsum("hwoi->iohw", tensors[f"{name}/kernel"]))
            np.testing.assert_array_equal(layer.bias, tensors[f"{name}/bias"])
        norms = {**dict(enumerate(network.norms)), **{3 + n: norm for n, norm in enumerate(network.transposed_norms)}}
        assert sorted(norms) == [0, 1, 3, 4, 5]
        for at, norm in norms.items():
            name = theirs("batch_normalization", 6 * number + at)
            np.testing.assert_array_equal(norm.weight, tensors[f"{name}/gamma"])
            np.testing.assert_array_equal(norm.bias, tensors[f"{name}/beta"])
            np.testing.assert_array_equal(norm.running_mean, tensors[f"{name}/moving_mean"])
            np.testing.assert_array_equal(norm.running_var, tensors[f"{name}/moving_variance"])


def test_converted_weights_are_the_same_to_eleven_bits(stems: int, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / "small.safetensors"
    read = convert(folder, target, stems, SMALL)
    assert [path.name for path in target.parent.iterdir()] == ["small.safetensors"]
    back = read_weights(target, stems, SMALL)
    assert back.architecture is ARCHITECTURES[stems] and back.source == read.source and len(read.source) == 64
    for name, tensor in read.tensors.items():
        np.testing.assert_allclose(back.tensors[name], tensor, rtol=2**-11, atol=1e-7)
        assert back.tensors[name].dtype == np.float32
        if tensor.ndim == 1:
            np.testing.assert_array_equal(back.tensors[name], tensor)
    twice = tmp_path / "twice.safetensors"
    convert(folder, twice, None, SMALL)
    assert twice.read_bytes() == target.read_bytes()


@pytest.mark.parametrize("stems", [2, 4, 5])
def test_published_shapes_are_those_of_the_layout(stems: int) -> None:
    wanted = bundles.spleeter_tensors(stems, FILTERS)
    names = dict(tensor_names(ARCHITECTURES[stems], len(FILTERS)))
    shapes = layout(ARCHITECTURES[stems])
    assert names.keys() == shapes.keys()
    assert len(wanted) == {2: 149, 4: 297, 5: 371}[stems]  # those of the published checkpoints
    for ours, theirs in names.items():
        shape = wanted[theirs].shape
        assert shapes[ours] == (tuple(shape[axis] for axis in (3, 2, 0, 1)) if len(shape) == 4 else shape)


@pytest.mark.parametrize("at", ["", "model", "model.index"])
def test_a_checkpoint_can_be_named_in_three_ways(tmp_path: Path, at: str) -> None:
    assert len(load_networks(two_stems(tmp_path) / at, filters=SMALL, bins=1536).each) == 2


def test_what_only_training_needs_is_left_out(tmp_path: Path) -> None:
    numbers = np.ones(2, np.float32)
    folder = two_stems(tmp_path, conv2d__bias__Adam=numbers, conv2d__bias__Adam_1=numbers, beta1_power=numbers)
    assert read_weights(folder, 2, SMALL).architecture is ARCHITECTURES[2]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"conv2d_2__bias": None}, "missing: conv2d_2/bias"),
        ({"dense__kernel": np.ones((2, 2), np.float32)}, "beside: dense/kernel"),
        ({"conv2d_9__kernel": np.ones((1, 1, 1, 1), np.float32)}, "no Spleeter: it has 9 convolutions"),
        ({"conv2d_1__kernel": np.ones((5, 5, 2, 9), np.float32)}, r"'vocals.convolutions.1.weight' has the shape"),
        ({"conv2d_5__bias": np.full(3, np.nan, np.float32)}, "'accompaniment.convolutions.1.bias' holds what is not"),
    ],
)
def test_checkpoints_that_do_not_fit(tmp_path: Path, changed: dict[str, np.ndarray | None], said: str) -> None:
    with pytest.raises(MistakeError, match=said):
        load_networks(two_stems(tmp_path, **changed), filters=SMALL)


def test_other_numbers_of_stems_or_bins_are_refused(tmp_path: Path) -> None:
    folder = two_stems(tmp_path)
    with pytest.raises(MistakeError, match=r"stems: these are the weights of another model(.|\n)*2: vocals"):
        load_networks(folder, stems=4, filters=SMALL)
    with pytest.raises(MistakeError, match="1024 or 1536"):
        load_networks(folder, bins=1000, filters=SMALL)
    with pytest.raises(MistakeError, match="shape"):
        load_networks(folder, filters=(2, 3, 5))


def test_folders_with_no_checkpoint_or_several(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="no checkpoint in the folder"):
        load_networks(tmp_path)
    (tmp_path / "a.index").touch()
    (tmp_path / "b.index").touch()
    with pytest.raises(MistakeError, match="name one of them"):
        load_networks(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    convert(two_stems(tmp_path), tmp_path / "it.safetensors", None, SMALL)
    return tmp_path / "it.safetensors"


def test_files_that_are_cut_or_changed_are_refused(file: Path) -> None:
    whole = file.read_bytes()
    random = np.random.default_rng(0)
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(MistakeError, match="these weights"):
            read_weights(file, None, SMALL)
    for at in random.choice(np.arange(len(whole) - 5000, len(whole)), 20, replace=False):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(MistakeError, match="the file is damaged"):
            read_weights(file, None, SMALL)
    file.unlink()
    with pytest.raises(MistakeError, match="cannot be read"):
        read_weights(file, None, SMALL)


def test_files_of_others_and_of_another_activation_are_refused(file: Path) -> None:
    with safetensors.safe_open(file, framework="numpy") as opened:
        about = json.loads(opened.metadata()[HEADER])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118

    def said(key: str = HEADER, **changed: str) -> str:
        file.write_bytes(safetensors.numpy.save(tensors, {key: json.dumps({**about, **changed})}))
        with pytest.raises(MistakeError) as caught:
            read_weights(file, None, SMALL)
        return str(caught.value)

    assert "a network with ELU ELU, not LeakyReLU ReLU" in said(activations="ELU ELU")
    assert "not weights that this program has converted" in said("format")
    assert "not weights that this program has converted" in said(stems="vocals")
    assert "missing: bass.convolutions" in said(stems=" ".join(NAMES[4]), activations="ELU ELU")


def test_no_half_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, content: bytes) -> int:
        with self.open("wb") as opened:
            opened.write(content[: len(content) // 2])
        raise KeyboardInterrupt

    (tmp_path / "there").mkdir()
    folder = two_stems(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(folder, tmp_path / "there" / "it.safetensors", None, SMALL)
    assert not list((tmp_path / "there").iterdir())


def test_large_kernels_stay_in_single_precision(tmp_path: Path) -> None:
    large = bundles.spleeter_tensors(2, SMALL)["conv2d/kernel"] * np.float32(1e6)
    convert(two_stems(tmp_path, conv2d__kernel=large), tmp_path / "it.safetensors", None, SMALL)
    found = load_networks(tmp_path / "it.safetensors", filters=SMALL).each[0].convolutions[0].weight
    assert torch.equal(found, torch.tensor(large).permute(3, 2, 0, 1))
