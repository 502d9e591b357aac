"""Sound files in: every format, every part of them, and every mistake before anything runs."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from nodes.files.mp3 import SLACK, count_samples
from nodes.files.node import load, load_takes
from nodes.files.parameters import ChannelChoice, SampleRate
from nodes.values import Audio, Takes
from pipelines.mistakes import MistakeError
from pipelines.quantities import AudioFiles, InputFiles

FORMATS = {
    "pcm16.wav": {"subtype": "PCM_16"},
    "pcm24.wav": {"subtype": "PCM_24"},
    "float.wav": {"subtype": "FLOAT"},
    "double.wav": {"subtype": "DOUBLE"},
    "a.rf64": {"format": "RF64"},
    "a.flac": {},
    "a.aiff": {},
    "a.ogg": {},
    "opus.ogg": {"format": "OGG", "subtype": "OPUS"},
    "a.mp3": {},
    "a.w64": {},
    "a.caf": {},
    "a.au": {},
}


def noise(channels: int = 2, length: int = 4800, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, length)).astype(np.float32)


def written(path: Path, samples: np.ndarray[Any, Any], sample_rate: int = 48000, **form: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.T, sample_rate, **(form or {"subtype": "FLOAT"}))
    return path


def files(asked: str, folder: Path) -> InputFiles:
    found: InputFiles = TypeAdapter(AudioFiles).validate_python(asked, context={"folders": [folder]})
    return found


def loaded(path: Path, **parameters: Any) -> Audio:
    audio: Audio = load(path=files(path.name, path.parent), **parameters, context=make_context(path.parent))
    return audio


def facts(node: Any, path: InputFiles, **parameters: Any) -> dict[str, Any]:
    given = {"start": 0.0, "duration": None, "channels": None, "sample_rate": "native", "path": path, **parameters}
    known: dict[str, Any] = node.__node__.facts({}, given)["value"]
    return known


def refusal(path: Path, **parameters: Any) -> str:
    """Return the mistake of facts and of the node itself, which must be the same."""
    with pytest.raises(MistakeError) as early:
        facts(load, files(path.name, path.parent), **parameters)
    with pytest.raises(MistakeError) as late:
        loaded(path, **parameters)
    assert str(early.value) == str(late.value)
    return str(early.value)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_as_libsndfile_reads_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    soundfile.write(path, noise().T, 48000, **FORMATS[name])
    audio = loaded(path)
    expected, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(audio.samples, expected.T)
    assert audio.sample_rate == sample_rate == 48000
    assert audio.samples.flags.c_contiguous
    known = facts(load, files(name, tmp_path))
    assert known == {"sample_rate": 48000, "channels": 2, "duration": pytest.approx(audio.duration)}


def test_float_samples_beyond_full_scale_are_kept(tmp_path: Path) -> None:
    samples = noise() * 10
    np.testing.assert_array_equal(loaded(written(tmp_path / "loud.wav", samples)).samples, samples)


def test_a_part_is_cut_to_the_sample(tmp_path: Path) -> None:
    samples = noise()
    path = written(tmp_path / "a.wav", samples)
    audio = loaded(path, start=0.01, duration=0.05)
    np.testing.assert_array_equal(audio.samples, samples[:, 480:2880])
    assert facts(load, files("a.wav", tmp_path), start=0.01, duration=0.05)["duration"] == audio.duration


def test_more_than_there_is_goes_to_the_end(tmp_path: Path) -> None:
    samples = noise()
    path = written(tmp_path / "a.wav", samples)
    np.testing.assert_array_equal(loaded(path, start=0.09, duration=60.0).samples, samples[:, 4320:])


@pytest.mark.parametrize(("channels", "rows"), [([3, 1], [2, 0]), ([2, 2], [1, 1]), (None, [0, 1, 2])])
def test_channels_are_numbered_from_one_and_come_in_the_order_asked(
    channels: list[int] | None, rows: list[int], tmp_path: Path
) -> None:
    samples = noise(3)
    path = written(tmp_path / "a.wav", samples)
    np.testing.assert_array_equal(loaded(path, channels=channels).samples, samples[rows])
    assert facts(load, files("a.wav", tmp_path), channels=channels)["channels"] == len(rows)


def test_mono_is_the_mean_of_all_channels(tmp_path: Path) -> None:
    samples = noise(14, 192_000)
    audio = loaded(written(tmp_path / "dome.wav", samples, 192_000), channels="mono")
    np.testing.assert_allclose(audio.samples, samples.mean(axis=0, keepdims=True), atol=1e-7)
    assert audio.sample_rate == 192_000


RATES = st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000, 44101])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 200_000), RATES, RATES, st.integers(1, 3))
def test_blocks_are_resampled_as_if_they_were_one(
    tmp_path_factory: pytest.TempPathFactory, length: int, native: int, rate: int, channels: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wav"
    samples = noise(channels, length)
    written(path, samples, native)
    expected = samples.T if native == rate else soxr.resample(samples.T, native, rate, quality="VHQ")
    if not len(expected):
        assert "no sample left" in refusal(path, sample_rate=rate)
        return
    audio = loaded(path, sample_rate=rate)
    np.testing.assert_array_equal(audio.samples, expected.T)
    assert facts(load, files(path.name, path.parent), sample_rate=rate)["duration"] == audio.duration


def test_a_sine_stays_the_same_sine_at_another_rate(tmp_path: Path) -> None:
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)[None].astype(np.float32)
    audio = loaded(written(tmp_path / "a.wav", sine, 44100), sample_rate=48000)
    ideal = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    error = audio.samples[0, 2000:-2000] - ideal[2000:-2000]
    assert 10 * np.log10(np.mean(error**2) / 0.125) < -120


def test_one_sample_and_strange_names_are_fine(tmp_path: Path) -> None:
    path = written(tmp_path / "Übung №1 'ノイズ' [x].wav", noise(1, 1))
    assert loaded(path).length == 1


@pytest.mark.parametrize(("length", "told"), [(1, ["1 samples"]), (47, ["0.98 ms"]), (48, [])])
def test_a_file_that_is_no_more_than_a_click_is_told(tmp_path: Path, length: int, told: list[str]) -> None:
    context, path = make_context(tmp_path), written(tmp_path / "a.wav", noise(1, length))
    assert load(path=files(path.name, tmp_path), context=context).length == length
    assert len(context.recorder.notes) == len(told)
    assert all(text in note for text, note in zip(told, context.recorder.notes, strict=True))


def test_loading_needs_little_more_memory_than_the_sound(tmp_path: Path) -> None:
    path = written(tmp_path / "long.wav", noise(2, 48000 * 60), 48000, subtype="PCM_16")
    for rate in ("native", 44100):
        tracemalloc.start()
        audio = loaded(path, sample_rate=rate)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < audio.samples.nbytes + 6e6


def test_progress_covers_every_block(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    path = written(tmp_path / "a.wav", noise(2, 200_000))
    load(path=files("a.wav", path.parent), context=context)
    _, done, total = context.recorder.heard[-1]
    assert done == total == 4


def mp3(path: Path, length: int, bitrate_mode: str) -> Path:
    with soundfile.SoundFile(
        path, "w", 48000, 2, format="MP3", compression_level=0.5, bitrate_mode=bitrate_mode
    ) as file:
        file.write(noise(2, length).T)
    return path


def untagged(path: Path) -> Path:
    """Cut off the first frame, which says how long an MP3 is."""
    data = path.read_bytes()
    path.write_bytes(data[data.index(data[:2], 4) :])
    return path


def test_an_mp3_without_a_length_tag_may_be_a_little_longer_or_shorter(tmp_path: Path) -> None:
    audio = loaded(untagged(mp3(tmp_path / "a.mp3", 96_000, "CONSTANT")))
    assert abs(audio.length - 96_000) < SLACK and audio.samples.flags.c_contiguous


def test_an_mp3_of_which_half_would_be_lost_is_a_mistake(tmp_path: Path) -> None:
    path = mp3(tmp_path / "a.mp3", 96_000, "VARIABLE")
    assert loaded(path).length == 96_000
    text = refusal(untagged(path))
    assert "length tag is missing" in text and "ffmpeg" in text


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
def test_the_frames_of_an_mp3_are_counted(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    soundfile.write(path, noise(1, 30_000).T, rate)
    path.write_bytes(b"ID3\4\0\0\0\0\1\0" + bytes(128) + path.read_bytes())
    assert 0 <= count_samples(path) - 30_000 <= SLACK
    assert loaded(path).length == 30_000


def test_a_start_behind_the_end_is_a_mistake(tmp_path: Path) -> None:
    text = refusal(written(tmp_path / "rain.wav", noise()), start=0.1)
    assert text.startswith("start: 'rain.wav' ends before") and "less than 0.1 s" in text


def test_a_duration_below_one_sample_is_a_mistake(tmp_path: Path) -> None:
    assert "shorter than one sample" in refusal(written(tmp_path / "rain.wav", noise()), duration=1e-6)


def test_a_missing_channel_is_a_mistake(tmp_path: Path) -> None:
    text = refusal(written(tmp_path / "rain.wav", noise()), channels=[1, 3])
    assert "'rain.wav' has no channel 3" in text and "1 … 2" in text


def test_a_rate_too_far_away_is_a_mistake(tmp_path: Path) -> None:
    path = written(tmp_path / "quake.wav", noise(1, 500), 100)
    assert "too far away" in refusal(path, sample_rate=44100)
    assert loaded(path).sample_rate == 100


@pytest.mark.parametrize("name", ["notes.wav", "talk.m4a", "tape.raw", "noending"])
def test_what_is_no_sound_is_a_mistake_that_names_the_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("these are words, not sound" * 9)
    text = refusal(tmp_path / name)
    assert text.startswith(f"path: '{name}' cannot be read as a sound file") and "ffmpeg" in text


def test_an_empty_file_and_an_empty_sound_are_mistakes(tmp_path: Path) -> None:
    (tmp_path / "nothing.wav").write_bytes(b"")
    assert "cannot be read" in refusal(tmp_path / "nothing.wav")
    assert "holds no sample" in refusal(written(tmp_path / "empty.wav", noise(1, 0)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_a_mistake(bad: float, tmp_path: Path) -> None:
    samples = noise(2, 200_000)
    samples[1, 150_000] = bad
    path = written(tmp_path / "broken.wav", samples)
    with pytest.raises(MistakeError, match=r"'broken\.wav' holds a sample") as caught:
        loaded(path)
    assert "3.125 s in channel 2" in str(caught.value) and caught.value.mistakes[0].parameter == "path"
    assert loaded(path, duration=3.0).length == 144_000


def test_a_folder_is_not_one_file(tmp_path: Path) -> None:
    written(tmp_path / "takes" / "a.wav", noise())
    with pytest.raises(MistakeError, match="load_takes"):
        facts(load, files("takes", tmp_path))
    with pytest.raises(MistakeError, match="load_takes"):
        facts(load, files("takes/*.wav", tmp_path))


def takes(asked: str, folder: Path, **parameters: Any) -> Takes:
    result: Takes = load_takes(path=files(asked, folder), **parameters, context=make_context(folder))
    return result


def test_a_folder_gives_takes_in_the_order_of_names(tmp_path: Path) -> None:
    sounds = {f"take{number}": noise(1, 100 * number, number) for number in (1, 2, 10)}
    for name, samples in sounds.items():
        written(tmp_path / "ü" / f"{name}.wav", samples)
    (tmp_path / "ü" / "notes.txt").write_text("not sound")
    (tmp_path / "ü" / "table.csv").write_text("1,2")
    result = takes("ü", tmp_path)
    assert result.labels == ("take1", "take2", "take10") and result.sample_rate == 48000
    for samples, expected in zip(result.samples, sounds.values(), strict=True):
        np.testing.assert_array_equal(samples, expected)
    assert facts(load_takes, files("ü", tmp_path)) == {"sample_rate": 48000, "takes": 3, "channels": 1}
    assert takes("ü/take?.wav", tmp_path, duration=0.001).samples[1].shape == (1, 48)


def test_takes_of_one_file_are_one_take(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", noise())
    assert takes("a.wav", tmp_path).labels == ("a",)


def test_takes_may_differ_in_channels_but_not_in_rate(tmp_path: Path) -> None:
    written(tmp_path / "t" / "a.wav", noise(1), 44100)
    written(tmp_path / "t" / "b.wav", noise(2), 48000)
    with pytest.raises(MistakeError, match=r"a.wav: 44100 Hz, b.wav: 48000 Hz"):
        facts(load_takes, files("t", tmp_path))
    assert facts(load_takes, files("t", tmp_path), sample_rate=44100) == {"sample_rate": 44100, "takes": 2}
    assert [samples.shape for samples in takes("t", tmp_path, sample_rate=44100).samples] == [(1, 4800), (2, 4410)]


@pytest.mark.parametrize("name", ["b.wav", "b.m4a"])
def test_an_unreadable_sound_in_a_folder_is_named(name: str, tmp_path: Path) -> None:
    written(tmp_path / "t" / "a.wav", noise())
    (tmp_path / "t" / name).write_bytes(b"RIFF????")
    with pytest.raises(MistakeError, match=f"'{name}' cannot be read"):
        facts(load_takes, files("t", tmp_path))


def test_a_folder_without_sound_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "notes.txt").write_text("words")
    with pytest.raises(MistakeError, match="no sound file"):
        facts(load_takes, files("t", tmp_path))


@pytest.mark.parametrize(
    ("kind", "given", "meant"),
    [
        (SampleRate, "native", "native"),
        (SampleRate, "44.1 kHz", 44100),
        (SampleRate, 96000.0, 96000),
        (ChannelChoice, 2, [2]),
        (ChannelChoice, (1, 2), [1, 2]),
        (ChannelChoice, "mono", "mono"),
    ],
)
def test_rates_and_channels_are_written_in_several_ways(kind: Any, given: Any, meant: Any) -> None:
    assert TypeAdapter(kind).validate_python(given) == meant


@pytest.mark.parametrize(
    ("kind", "given"),
    [(SampleRate, value) for value in (0, 44100.5, "fast", None, True, 1e9)]
    + [(ChannelChoice, value) for value in ([], [0], "left", 0, [1.5], [True])],
)
def test_other_rates_and_channels_are_refused_in_one_sentence(kind: Any, given: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(given)
    assert [error["type"] for error in caught.value.errors()] == ["quantity"]
