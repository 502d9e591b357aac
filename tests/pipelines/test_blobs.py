from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from toy.grid import Grid

from pipelines.blobs import BLOCK, file_digest, format_record, parse_record, write_outputs


@given(
    record=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4), cut=st.integers(1, 30)
)
def test_records_carry_their_own_digest(record: dict[str, Any], cut: int) -> None:
    content = format_record(record)
    assert parse_record(content) == record == json.loads(content)["record"]
    for wrong in (content[:-cut], content + b" ", content[cut:], b"", content * 2):
        with pytest.raises(ValueError, match="own digest"):
            parse_record(wrong)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
def test_the_digest_of_a_file_is_that_of_its_bytes_whatever_its_length(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    (tmp_path / "x").write_bytes(content)
    assert file_digest(tmp_path / "x") == blake3(content).hexdigest()


@pytest.mark.parametrize("shape", [(), (0, 2), (3, 5), (2**19 + 3,), (2, 3, 4)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_written_as_npy_with_the_digest_of_the_file(
    tmp_path: Path, shape: tuple[int, ...], order: Any
) -> None:
    numbers = np.asarray(np.random.default_rng(0).standard_normal(shape), order=order)
    written = write_outputs(tmp_path, {"value": Grid(numbers)}, flush=False)
    path = tmp_path / "value.numbers.npy"
    assert written["files"] == {path.name: {"size": path.stat().st_size, "digest": file_digest(path)}}
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), numbers)
