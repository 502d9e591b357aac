import subprocess
import tracemalloc
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_demucs import RATE, SOURCES, music, small, write_pickle, write_safetensors

from nodes.separation import demucs_separating
from nodes.separation.demucs_files import Bag, read_bag
from nodes.separation.demucs_models import load_bag, load_network
from nodes.separation.demucs_separating import separate_into
from nodes.separation.streams import resampling
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers

pytest.importorskip("demucs", reason="the extra 'demucs' is not installed")

KINDS = ("Demucs", "HDemucs", "HTDemucs")
STEMS = ("vocals", "drums", "bass", "other")


@pytest.fixture(autouse=True)
def all_workers() -> Iterator[None]:
    yield
    set_workers(0)


def bag_of(*networks: Any, weights: list[list[float]] | None = None, segment: float | None = None) -> Any:
    from demucs.apply import BagOfModels

    return BagOfModels([network.requires_grad_(False) for network in networks], weights, segment).eval()


def small_spans(length: int) -> Iterator[tuple[int, int]]:
    return ((at, min(at + 9999, length)) for at in range(0, length, 9999))


def separated(sound: np.ndarray, bag: Any, rate: int = RATE, **how: Any) -> np.ndarray:
    outputs = np.full((len(STEMS), *sound.shape), 7, np.float32)
    separate_into(sound, rate, bag, STEMS, list(outputs), **how)
    return outputs


def by_demucs(sound: np.ndarray, bag: Any) -> np.ndarray:
    """What Demucs makes of the whole sound at once, brought to a deviation of 1 as its command does."""
    from demucs.apply import apply_model

    given = torch.from_numpy(sound)
    middle = given.mean(0)
    mean, deviation = middle.mean(), middle.std() + 1e-8
    found = apply_model(bag, ((given - mean) / deviation)[None], shifts=0, split=True, overlap=0.25)[0]
    return (found * deviation + mean).numpy()[[SOURCES.index(stem) for stem in STEMS]]


@pytest.mark.parametrize("seconds", [0.3, 2.9])
@pytest.mark.parametrize("kind", KINDS)
def test_stems_are_those_of_demucs(kind: str, seconds: float) -> None:
    bag, sound = bag_of(small(kind)), music(seconds)
    wanted = by_demucs(sound, bag)
    assert wanted.std(axis=(1, 2)).min() > 1e-4
    np.testing.assert_allclose(separated(sound, bag), wanted, atol=2e-6)


def test_a_bag_of_different_networks_is_averaged_as_by_demucs() -> None:
    weights = [[1, 0, 2, 1], [0, 1, 1, 3.5]]
    bag, sound = bag_of(small("HDemucs", 1), small("HTDemucs", 2), weights=weights, segment=0.7), music(2.0)
    assert [float(model.segment) for model in bag.models] == [0.7, 0.7]
    bag.models[1].segment = Fraction(6, 5)
    np.testing.assert_allclose(separated(sound, bag), by_demucs(sound, bag), atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("write", [write_pickle, write_safetensors])
def test_a_network_comes_back_from_its_file(tmp_path: Path, kind: str, half: bool, write: Any) -> None:
    from demucs.pretrained import get_model

    network = small(kind)
    path = write(tmp_path, "ab12", network, half) if write is write_pickle else write(tmp_path, "ab12", network)
    (tmp_path / "mine.yaml").write_text("models: ['ab12']\n")
    found = load_bag(read_bag(tmp_path / "mine.yaml"), STEMS)
    wanted = network if write is write_safetensors else get_model("mine", tmp_path).models[0]
    assert type(found.models[0]) is type(network) and found.sources == SOURCES
    for name, numbers in wanted.state_dict().items():
        assert torch.equal(found.models[0].state_dict()[name], numbers)
    assert path.stem.startswith("ab12")


def test_settings_of_a_training_may_hold_numbers_of_numpy(tmp_path: Path) -> None:
    path = write_pickle(tmp_path, "ab", small("HDemucs"), training_args={"best": np.float64(3), "many": [np.int64(1)]})
    assert load_network(path).sources == SOURCES


class Hostile:
    """What a pickle runs as it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return subprocess.call, (["touch", str(self.folder / "ran")],)


@pytest.mark.parametrize("place", ["klass", "args", "training_args", "extra"])
def test_code_in_a_file_is_not_run(tmp_path: Path, place: str) -> None:
    path = write_pickle(tmp_path, "ab", small("HDemucs"), **{place: Hostile(tmp_path)})
    with pytest.raises(MistakeError, match=r"names code, '\w+\.call', which is not run"):
        load_network(path)
    assert not (tmp_path / "ran").exists()


def test_a_class_that_a_file_makes_or_fills_is_none(tmp_path: Path) -> None:
    """Only the name of a class is taken from a file: what it does with it comes to nothing."""
    from demucs.hdemucs import HDemucs

    class Made:
        def __reduce__(self) -> tuple[Any, ...]:
            return HDemucs, (SOURCES,), {"forward": "taken over"}

    path = write_pickle(tmp_path, "ab", small("HDemucs"), training_args=Made())
    assert callable(load_network(path).forward)
    with pytest.raises(MistakeError, match="more than numbers and names"):
        load_network(write_pickle(tmp_path, "cd", small("HDemucs"), args=(Made(),)))
    with pytest.raises(MistakeError, match="no network of Demucs"):
        load_network(write_pickle(tmp_path, "ef", small("HDemucs"), klass=Made()))


def network_with(**named: Any) -> dict[str, Any]:
    return {"kwargs": {"sources": SOURCES, "channels": 8, **named}}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"klass": Fraction}, "no network of Demucs"),
        ({"klass": "HDemucs"}, "no network of Demucs"),
        ({"args": None}, "no network of Demucs"),
        (network_with(channels=torch.ones(1)), "more than numbers and names"),
        (network_with(channels="many"), "cannot be made of its arguments"),
        (network_with(channels=4), "numbers do not fit"),
        (network_with(audio_channels=1), "numbers do not fit"),
        (network_with(t_sin_random_shift=3), "draws random numbers"),
        ({"state": {"__quantized": True, "quantized": []}}, "compressed"),
        ({"state": OrderedDict(weight=torch.tensor(np.nan))}, "not a finite number"),
        ({"state": OrderedDict(weight=torch.ones(1))}, "numbers do not fit"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path: Path, other: dict[str, Any], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        load_network(write_pickle(tmp_path, "ab", small("HDemucs"), **other))


def test_arguments_that_are_no_longer_known_are_left_out(tmp_path: Path) -> None:
    path = write_pickle(tmp_path, "ab", small("HDemucs"), **network_with(segment=1, of_old=True))
    assert load_network(path).segment == 1


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = write_pickle(tmp_path, "ab", small("HDemucs"))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(MistakeError, match="does not match the checksum"):
        load_network(path)
    for name in ("cd.th", "cd.safetensors"):
        for content in (b"", b"nothing", path.read_bytes()[:3000]):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(MistakeError, match="no network"):
                load_network(tmp_path / name)
    with pytest.raises(MistakeError, match="cannot be read"):
        load_network(tmp_path / "gone.th")


def test_networks_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    one = write_pickle(tmp_path, "ab", small("HDemucs"))
    other = write_pickle(tmp_path, "cd", small("HDemucs", sources=SOURCES[::-1]))
    mono = write_pickle(tmp_path, "ef", small("HDemucs", audio_channels=1))
    with pytest.raises(MistakeError, match="do not fit each other"):
        load_bag(Bag((one, other)), STEMS)
    with pytest.raises(MistakeError, match="do not fit each other"):
        load_bag(Bag((one,), ((1.0, 1.0),)), STEMS)
    with pytest.raises(MistakeError, match="the model is for other stems"):
        load_bag(Bag((one,)), ("vocals", "other"))
    with pytest.raises(MistakeError, match="for 1 channels"):
        load_network(mono)


def test_workers_and_blocks_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    bag, sound = bag_of(small("HTDemucs")), music(2.5)
    set_workers(1)
    one = separated(sound, bag)
    set_workers(3)
    monkeypatch.setattr(resampling, "spans", small_spans)
    np.testing.assert_allclose(separated(sound, bag), one, atol=2e-7)
    monkeypatch.undo()
    np.testing.assert_array_equal(separated(sound, bag), one)
    monkeypatch.setattr(demucs_separating, "AT_ONCE", 3)
    np.testing.assert_array_equal(separated(sound, bag), one)


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_rate_and_number_of_channels_comes_back_as_it_was(rate: int, channels: int) -> None:
    bag, sound = bag_of(small("HDemucs")), music(0.4, rate, channels)
    found = separated(sound, bag, rate)
    assert np.isfinite(found).all() and not (found == 7).any()
    pair = separated(sound[:2], bag, rate)
    np.testing.assert_array_equal(found[:, : min(2, channels)], pair)
    alone = separated(sound[[-1, -1]], bag, rate).mean(1)
    np.testing.assert_allclose(found[:, -1], alone, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 2, 777])
def test_the_shortest_sounds_work(kind: str, length: int) -> None:
    found = separated(music(1)[:, :length], bag_of(small(kind)))
    assert np.isfinite(found).all() and not (found == 7).any()


def test_nothing_and_silence_stay_so() -> None:
    bag = bag_of(small("HDemucs"))
    assert separated(np.zeros((2, 0), np.float32), bag).shape == (4, 2, 0)
    assert np.abs(separated(np.zeros((2, 60000), np.float32), bag)).max() < 1e-7


def test_samples_that_are_no_numbers_are_refused() -> None:
    sound = music(0.2)
    sound[1, 100] = np.nan
    with pytest.raises(MistakeError, match="channel 2"):
        separated(sound, bag_of(small("HDemucs")))


def test_levels_do_not_matter_until_numbers_end() -> None:
    bag, sound = bag_of(small("HDemucs")), music(0.2)
    found = separated(sound, bag)
    for factor in (1e-3, 1e30):
        np.testing.assert_allclose(separated(np.float32(factor) * sound, bag) / factor, found, atol=1e-4)
    for numbers in bag.parameters():
        numbers.fill_(1e30)
    with pytest.raises(MistakeError, match="too loud"):
        separated(sound, bag)


def test_progress_counts_the_chunks_of_all_networks_and_pairs() -> None:
    heard: list[tuple[int, int]] = []
    bag = bag_of(small("HDemucs"), small("HDemucs", 1))
    separated(music(2, channels=3), bag, heard=lambda more, total: heard.append((more, total)))
    assert {total for _, total in heard} == {12} and sum(more for more, _ in heard) == 12


def test_memory_does_not_grow_with_the_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = bag_of(small("Demucs"))
    monkeypatch.setattr(resampling, "spans", small_spans)

    def peak(seconds: int) -> int:
        files = [tmp_path / f"{name}-{seconds}.npy" for name in ("in", *STEMS)]
        shape = (2, seconds * RATE)
        arrays = [np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape) for path in files]
        tracemalloc.start()
        separate_into(arrays[0], RATE, bag, STEMS, arrays[1:])
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    set_workers(1)
    assert peak(12) < 1.1 * peak(6)
