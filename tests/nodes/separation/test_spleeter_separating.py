import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.separation.spleeter import separating
from nodes.separation.spleeter.network import ARCHITECTURES, Networks, UNet
from nodes.separation.spleeter.separating import separate_into
from nodes.separation.streams import resampling
from nodes.separation.streams.framing import FRAME, SEGMENT, count_segments, segments_of
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers


@dataclass(frozen=True)
class Shares:
    """Gives each stem a fixed share of every magnitude, so that what must come out is known."""

    shares: tuple[float, ...]
    bins: int = 1024
    device: str = "cpu"

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(map(str, self.shares))

    def estimates(self, magnitudes: torch.Tensor) -> torch.Tensor:
        return torch.stack([share * magnitudes for share in self.shares])


SHARES = Shares((3.0, 1.0))
"""Squared: nine tenths and one tenth."""


@pytest.fixture
def networks() -> Networks:
    torch.manual_seed(0)
    return Networks(ARCHITECTURES[2], tuple(UNet(ARCHITECTURES[2], (2, 2)).requires_grad_(False) for _ in range(2)))


@pytest.fixture(autouse=True)
def all_workers() -> Iterator[None]:
    yield
    set_workers(0)


def tones(channels: int, length: int, rate: int) -> np.ndarray:
    """Return something below 5 kHz that fades in and out, so that no resampler cuts it off."""
    time = np.arange(length) / rate
    pitches = 200.0 * np.arange(1, channels + 1)[:, None] * (1 + 0.1 * time)
    fade = np.sin(np.pi * np.arange(length) / max(1, length - 1)) ** 2
    return (0.3 * fade * np.sin(2 * np.pi * pitches * time)).astype(np.float32)


def separated(sound: np.ndarray, rate: int, networks: Networks, **how: object) -> np.ndarray:
    outputs = np.full((len(networks.stems), *sound.shape), 7, np.float32)
    separate_into(sound, rate, networks, list(outputs), **how)
    return outputs


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_fixed_shares_come_out_as_such(rate: int, channels: int) -> None:
    sound = tones(channels, int(0.7 * rate), rate)
    found = separated(sound, rate, SHARES, mask_extension="average")
    for share, stem in zip((0.9, 0.1), found, strict=True):
        np.testing.assert_allclose(stem, share * sound, atol=2e-5)


@settings(max_examples=20)
@given(st.integers(1, 30000), st.sampled_from([11025, 44100, 96000, 44101]))
def test_any_length_comes_back_whole(length: int, rate: int) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, (1, length)).astype(np.float32)
    found = separated(sound, rate, SHARES, mask_extension="average")
    assert not (found == 7).any() and np.isfinite(found).all()
    if rate == 44100:
        np.testing.assert_allclose(found.sum(0), sound, atol=1e-5)


def test_several_segments_join_without_a_seam() -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, (2, 2 * SEGMENT + 12345)).astype(np.float32)
    found = separated(sound, 44100, SHARES, mask_extension="average")
    np.testing.assert_allclose(found[0], 0.9 * sound, atol=3e-6)
    np.testing.assert_allclose(found.sum(0), sound, atol=3e-6)


@pytest.mark.parametrize("bins", [1024, 1536])
def test_what_the_networks_do_not_see_is_dropped_unless_it_is_shared(bins: int) -> None:
    edge = bins * 44100 / 4096
    time = np.arange(30000) / 44100
    fade = np.sin(np.pi * time / time[-1]) ** 2
    low, high = (fade * np.sin(2 * np.pi * pitch * time) for pitch in (edge - 300, edge + 300))
    sound = np.stack([low + high, low]).astype(np.float32)
    dropped = separated(sound, 44100, Shares((3.0, 1.0), bins)).sum(0)
    np.testing.assert_allclose(dropped, [low, low], atol=1e-4)
    kept = separated(sound, 44100, Shares((3.0, 1.0), bins), mask_extension="average").sum(0)
    np.testing.assert_allclose(kept, sound, atol=1e-4)


def test_the_wiener_filter_keeps_the_sum_and_the_shares() -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal((2, 40000)).astype(np.float32)
    found = separated(sound, 44100, SHARES, mask_extension="average", wiener=True)
    np.testing.assert_allclose(found.sum(0), sound, atol=2e-3)
    levels = [np.sum(stem**2) / np.sum(sound**2) for stem in found]
    assert 0.8 < levels[0] < 1 and levels[1] < 0.1


def test_pairs_of_channels_do_not_know_of_each_other(networks: Networks) -> None:
    sound = tones(5, 20000, 44100)
    found = separated(sound, 44100, networks)
    np.testing.assert_array_equal(found[:, 2:4], separated(sound[2:4], 44100, networks))
    np.testing.assert_array_equal(found[:, 4:], separated(sound[4:], 44100, networks))
    twice = separated(sound[[4, 4]], 44100, networks)
    np.testing.assert_allclose(found[:, 4], twice.mean(1), atol=1e-6)


@pytest.mark.parametrize("wiener", [False, True])
def test_workers_and_blocks_change_no_bit(networks: Networks, monkeypatch: pytest.MonkeyPatch, wiener: bool) -> None:
    sound = tones(2, (1 if wiener else 2) * SEGMENT + 1000, 44100)
    set_workers(1)
    one = separated(sound, 44100, networks, wiener=wiener)
    set_workers(3)
    monkeypatch.setattr(
        resampling, "spans", lambda length: ((at, min(at + 65536, length)) for at in range(0, length, 65536))
    )
    np.testing.assert_array_equal(separated(sound, 44100, networks, wiener=wiener), one)
    monkeypatch.setattr(separating, "AT_ONCE", 2)
    np.testing.assert_array_equal(separated(sound, 44100, networks, wiener=wiener), one)


def test_silence_stays_silent(networks: Networks) -> None:
    for wiener in (False, True):
        assert not separated(np.zeros((2, 5000), np.float32), 44100, networks, wiener=wiener).any()


def test_nothing_in_nothing_out(networks: Networks) -> None:
    assert separated(np.zeros((2, 0), np.float32), 44100, networks).shape == (2, 2, 0)


@pytest.mark.parametrize("rate", [44100, 48000])
def test_samples_that_are_no_numbers_are_refused(networks: Networks, rate: int) -> None:
    sound = np.zeros((3, rate), np.float32)
    sound[2, rate // 2] = np.nan
    with pytest.raises(MistakeError, match=r"nan at 0\.5 s in channel 3"):
        separated(sound, rate, networks)


def test_a_sound_beyond_all_levels_is_refused(networks: Networks) -> None:
    with pytest.raises(MistakeError, match="too loud to be separated"):
        separated(np.full((2, 5000), 1e30, np.float32), 44100, networks)


def test_outputs_that_do_not_fit_are_a_fault(networks: Networks) -> None:
    sound = np.zeros((2, 100), np.float32)
    for outputs in ([sound.copy()], [sound.copy(), np.zeros((2, 99), np.float32)]):
        with pytest.raises(ValueError, match="2 outputs"):
            separate_into(sound, 44100, networks, outputs)


def test_progress_counts_segments_of_all_pairs_and_passes() -> None:
    heard: list[tuple[int, int]] = []
    sound = tones(3, SEGMENT, 44100)
    separated(sound, 44100, SHARES, wiener=True, heard=lambda more, total: heard.append((more, total)))
    assert {total for _, total in heard} == {8} and sum(more for more, _ in heard) == 8


@given(st.integers(1, 3 * SEGMENT), st.sampled_from([1000, 300001, 2 * SEGMENT]))
@settings(max_examples=20)
def test_segments_cover_the_sound_behind_a_frame_of_zeros(length: int, size: int) -> None:
    sound = np.arange(1, length + 1, dtype=np.float32)[None].repeat(2, 0)
    blocks = (sound[:, at : at + size] for at in range(0, length, size))
    found = list(segments_of(blocks, length))
    assert len(found) == count_segments(length)
    joined = np.concatenate([*(each[:, :SEGMENT] for each in found), found[-1][:, SEGMENT:]], axis=1)
    np.testing.assert_array_equal(joined[:, FRAME : FRAME + length], sound)
    assert not joined[:, :FRAME].any() and not joined[:, FRAME + length :].any()
    for one, other in pairwise(found):
        np.testing.assert_array_equal(one[:, SEGMENT:], other[:, : one.shape[1] - SEGMENT])


def test_memory_does_not_grow_with_the_sound(tmp_path: Path) -> None:
    def peak(length: int) -> int:
        shape, arrays = (2, length), []
        for name in ("in", "one", "two"):
            path = tmp_path / f"{name}-{length}.npy"
            arrays.append(np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape))
        tracemalloc.start()
        separate_into(arrays[0], 44100, SHARES, arrays[1:])
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    set_workers(1)
    assert peak(8 * SEGMENT) < 1.1 * peak(3 * SEGMENT)
