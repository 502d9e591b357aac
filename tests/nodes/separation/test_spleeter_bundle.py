from pathlib import Path

import bundles
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.separation.spleeter import checksums
from nodes.separation.spleeter.bundle import read_bundle, read_index
from nodes.separation.spleeter.checksums import crc32c, masked
from pipelines.mistakes import MistakeError

GOLDEN = Path(__file__).with_name("golden_small.npz")


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {
        "conv2d/kernel": random.standard_normal((5, 5, 2, 3)).astype(np.float32),
        "conv2d/bias": random.standard_normal(3).astype(np.float32),
        "conv2d_1/kernel": random.standard_normal((4, 300)).astype(np.float16),
        "global_step": np.array(123456, np.int64),
        "many": np.arange(700, dtype=np.int32),
        "nothing": np.zeros((0, 4), np.float32),
    }


@pytest.fixture
def prefix(tmp_path: Path, tensors: dict[str, np.ndarray]) -> Path:
    bundles.write_bundle(tmp_path / "model", tensors, shards=2, in_block=3)
    return tmp_path / "model"


def test_checksums_are_those_of_rfc_3720() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA and crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E and crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"") == 0


@given(st.binary(min_size=1, max_size=300), st.integers(1, 400))
def test_checksums_in_stretches_are_those_bit_by_bit(data: bytes, short: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checksums, "SHORT", 0)
        patch.setattr(checksums, "LENGTH", short)
        assert crc32c(data) == bundles.crc32c(data)
    assert crc32c(data) == bundles.crc32c(data) and masked(crc32c(data)) == bundles.masked(data)


def test_a_long_array_in_all_stretches() -> None:
    data = np.random.default_rng(0).integers(0, 256, 2**17 + 3, np.uint8)
    assert crc32c(data) == bundles.crc32c(data.tobytes())


def test_tensors_come_back(prefix: Path, tensors: dict[str, np.ndarray]) -> None:
    found = read_bundle(prefix)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
    assert read_index(prefix)[1] == 2


@pytest.mark.parametrize("stems", [2, 4, 5])
def test_tensorflow_s_own_files_are_read(stems: int, tmp_path: Path) -> None:
    with np.load(GOLDEN) as golden:
        for part, name in (("index", "m.index"), ("data", "m.data-00000-of-00001")):
            (tmp_path / name).write_bytes(golden[f"{stems}_{part}"].tobytes())
    found = read_bundle(tmp_path / "m")
    wanted = bundles.spleeter_tensors(stems, (2, 2, 2, 2, 2, 3))
    assert {n: t.shape for n, t in found.items()} == {n: t.shape for n, t in wanted.items()}


def test_every_cut_is_a_mistake(prefix: Path) -> None:
    index, data = Path(f"{prefix}.index"), Path(f"{prefix}.data-00001-of-00002")
    for path in (index, data):
        whole = path.read_bytes()
        for length in {0, 1, 7, 47, 48, len(whole) // 2, len(whole) - 49, len(whole) - 1}:
            path.write_bytes(whole[:length])
            with pytest.raises(MistakeError, match="the checkpoint cannot be read") as caught:
                read_bundle(prefix)
            assert path.name in str(caught.value) and len(caught.value.mistakes) == 1
        path.write_bytes(whole)


def test_every_byte_that_differs_is_found(prefix: Path, tensors: dict[str, np.ndarray]) -> None:
    """All but the padding of the footer, which says nothing."""
    random, harmless = np.random.default_rng(0), 0
    for path in (Path(f"{prefix}.index"), Path(f"{prefix}.data-00000-of-00002")):
        whole = path.read_bytes()
        for at in random.choice(len(whole), 60, replace=False):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << random.integers(8))]) + whole[at + 1 :])
            try:
                found = read_bundle(prefix)
            except MistakeError as error:
                assert "cannot be read" in str(error)
                continue
            harmless += 1
            assert len(whole) - 48 <= at < len(whole) - 8
            assert all(np.array_equal(found[name], tensor) for name, tensor in tensors.items())
        path.write_bytes(whole)
    assert harmless < 30


@given(st.binary(max_size=200))
def test_nonsense_is_a_mistake(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.index").write_bytes(content + (0xDB4775248B80FB57).to_bytes(8, "little"))
        with pytest.raises(MistakeError, match="no index of a checkpoint"):
            read_index(Path(folder, "model"))


def test_missing_files_are_mistakes(prefix: Path) -> None:
    Path(f"{prefix}.data-00001-of-00002").unlink()
    with pytest.raises(MistakeError, match="No such file"):
        read_bundle(prefix)
    with pytest.raises(MistakeError, match="No such file"):
        read_bundle(prefix.with_name("other"))
