"""Damaged sound files: either sound or a mistake, never another error, never endless memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.files.mp3 import count_samples
from nodes.files.node import load
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.quantities import InputFiles

FORMS = {
    "wav": {"format": "WAV", "subtype": "PCM_24"},
    "float.wav": {"format": "WAVEX", "subtype": "FLOAT"},
    "rf64": {"format": "RF64", "subtype": "PCM_16"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "aiff": {"format": "AIFF", "subtype": "PCM_16"},
}
MOST_MEMORY = 64e6


@lru_cache
def whole(form: str) -> bytes:
    file = io.BytesIO()
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (3000, 2))
    soundfile.write(file, sound, 48000, **FORMS[form])
    return file.getvalue()


def outcome(path: Path, rate: int | Literal["native"]) -> Audio | MistakeError:
    tracemalloc.start()
    try:
        found: Audio | MistakeError = load(
            path=InputFiles(path.name, (path,)), sample_rate=rate, context=make_context(path.parent)
        )
    except MistakeError as error:
        found = error
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if isinstance(found, Audio):
        assert np.isfinite(found.samples).all() and found.samples.size
        assert peak < MOST_MEMORY
    return found


PLACES = st.integers(0, 120) | st.integers(0, 5000)
BYTES = st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f", b"\x7f" * 4])
CHANGES = st.lists(st.tuples(st.sampled_from(["put", "put", "cut", "drop"]), PLACES, BYTES), min_size=1, max_size=5)


def changed(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, place, new in changes:
        if how == "cut":
            data = data[:place]
        elif how == "drop":
            data = data[:place] + data[place + len(new) :]
        else:
            data = data[:place] + new + data[place + len(new) :]
    return data


@settings(deadline=None, max_examples=250)
@given(st.sampled_from(sorted(FORMS)), CHANGES, st.sampled_from(["native", 44100]))
def test_a_damaged_file_is_sound_or_a_mistake(
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    changes: list[tuple[str, int, bytes]],
    rate: int | Literal["native"],
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged.{form}"
    path.write_bytes(changed(whole(form), changes))
    found = outcome(path, rate)
    assert isinstance(found, Audio) or path.name in str(found)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_file_cut_short_is_sound_or_a_mistake(form: str, kept: float, tmp_path: Path) -> None:
    data = whole(form)
    path = tmp_path / f"short.{form}"
    path.write_bytes(data[: int(len(data) * kept)])
    assert isinstance(outcome(path, "native"), Audio | MistakeError)


@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_a_flac_cut_short_is_not_taken_for_the_whole(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "short.flac"
    path.write_bytes(whole("flac")[: int(len(whole("flac")) * kept)])
    assert "damaged" in str(outcome(path, "native"))


def test_a_flac_that_promises_the_most_samples_is_a_mistake(tmp_path: Path) -> None:
    data = bytearray(whole("flac"))
    data[21] |= 0x0F
    data[22:26] = b"\xff" * 4
    path = tmp_path / "huge.flac"
    path.write_bytes(data)
    assert "damaged" in str(outcome(path, "native"))


@pytest.mark.parametrize("promise", [2**31, 2**40, 2**60, 2**63 - 1])
def test_an_rf64_that_promises_too_much_never_takes_its_memory(promise: int, tmp_path: Path) -> None:
    data = bytearray(whole("rf64"))
    at = data.index(b"ds64") + 8
    data[at : at + 24] = struct.pack("<QQQ", promise, promise, promise // 4)
    path = tmp_path / "huge.rf64"
    path.write_bytes(data)
    found = outcome(path, "native")
    assert isinstance(found, MistakeError) or found.length <= 3000


def test_a_file_without_a_length_is_a_mistake(tmp_path: Path) -> None:
    data = bytearray(whole("flac"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path = tmp_path / "streamed.flac"
    path.write_bytes(data)
    assert "does not say how long" in str(outcome(path, "native"))


@given(st.binary(max_size=200))
def test_counting_mp3_frames_ends_on_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.mp3"
    path.write_bytes(data)
    assert count_samples(path) <= 1152 * len(data)
