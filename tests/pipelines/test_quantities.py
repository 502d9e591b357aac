"""Times, levels, frequencies, envelopes and files as people write them."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipelines.quantities import (
    AudioFiles,
    Envelope,
    Hertz,
    InputFiles,
    Level,
    LevelEnvelope,
    NumberEnvelope,
    PanEnvelope,
    Seconds,
    amplitude,
    find_file,
)

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=12),
    st.text("0123456789:.-+eE dBHzksmin,[]", max_size=12),
    st.binary(max_size=3),
    st.lists(st.one_of(st.floats(), st.text(max_size=3), st.lists(st.floats(), max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


def read(kind: Any, value: Any, folder: Path | None = None) -> Any:
    context = {"folders": [folder]} if folder else None
    return TypeAdapter(kind).validate_python(value, context=context)


def refusal(kind: Any, value: Any, folder: Path | None = None) -> str:
    with pytest.raises(ValidationError) as caught:
        read(kind, value, folder)
    return str(caught.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (0, 0.0),
        (1.5, 1.5),
        ("1.5", 1.5),
        (" 1.5 s ", 1.5),
        ("250 ms", 0.25),
        ("250ms", 0.25),
        ("2 min", 120.0),
        ("1 minute", 60.0),
        ("1.5 h", 5400.0),
        ("7:01", 421.0),
        ("0:00.5", 0.5),
        ("90:00", 5400.0),
        ("1:02:03.5", 3723.5),
        ("1e3", 1000.0),
        (".5", 0.5),
    ],
)
def test_times_are_seconds(written: Any, meant: float) -> None:
    assert read(Seconds, written) == pytest.approx(meant, abs=1e-12)


@pytest.mark.parametrize(
    "written",
    [-1, "-0.1", "7:61", "1:60:00", "7:1:75", "", "soon", "1 week", True, None, [], math.nan, math.inf, "1e999", "inf"],
)
def test_what_is_no_time_is_refused(written: Any) -> None:
    assert refusal(Seconds, written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [(-3, -3.0), ("-3 dB", -3.0), ("-3dB", -3.0), ("+6 DB", 6.0), ("-1.5 dBFS", -1.5), ("-inf dB", -math.inf)],
)
def test_levels_are_decibels(written: Any, meant: float) -> None:
    assert read(Level, written) == meant


@pytest.mark.parametrize("written", [61, "inf", math.nan, "nan", "loud", "-3 dBu", False, -(10**400)])
def test_what_is_no_level_is_refused(written: Any) -> None:
    assert refusal(Level, written)


@pytest.mark.parametrize(("written", "meant"), [(440, 440.0), ("440 Hz", 440.0), ("2 kHz", 2000.0), ("2.5khz", 2500.0)])
def test_frequencies_are_hertz(written: Any, meant: float) -> None:
    assert read(Hertz, written) == meant


@pytest.mark.parametrize("written", [-1, "-1 Hz", "a4", math.inf, "1e308 kHz", [440]])
def test_what_is_no_frequency_is_refused(written: Any) -> None:
    assert refusal(Hertz, written)


@given(ANYTHING)
def test_any_value_is_read_or_refused(value: Any) -> None:
    for kind in (Seconds, Level, Hertz, NumberEnvelope, LevelEnvelope, PanEnvelope):
        try:
            result = read(kind, value)
        except ValidationError:
            continue
        numbers = [number for point in result.points for number in point] if isinstance(result, Envelope) else [result]
        assert not any(math.isnan(number) or number == math.inf for number in numbers)


@given(st.integers(0, 10**5), st.integers(0, 59), st.integers(0, 59_999))
def test_a_clock_gives_its_seconds(hours: int, minutes: int, milliseconds: int) -> None:
    clock = f"{hours}:{minutes:02d}:{milliseconds / 1000:06.3f}"
    assert read(Seconds, clock) == pytest.approx(hours * 3600 + minutes * 60 + milliseconds / 1000)


@given(st.floats(-200, 60))
def test_amplitude_undoes_decibels(level: float) -> None:
    assert 20 * math.log10(amplitude(level)) == pytest.approx(level, abs=1e-9)


def test_silence_has_no_amplitude() -> None:
    assert amplitude(-math.inf) == 0.0
    np.testing.assert_array_equal(amplitude([0.0, -math.inf]), [1.0, 0.0])


def test_one_value_is_a_constant_envelope() -> None:
    envelope = read(LevelEnvelope, "-3 dB")
    assert envelope.constant
    np.testing.assert_array_equal(envelope.at([0.0, 1e6]), [-3.0, -3.0])


def test_points_are_joined_by_straight_lines_and_held_outside() -> None:
    envelope = read(NumberEnvelope, [["0:01", 0], [3, "4"]])
    np.testing.assert_allclose(envelope.at([0, 1, 1.5, 2, 3, 9]), [0, 0, 1, 2, 4, 4])


def test_two_points_at_one_time_are_a_step() -> None:
    envelope = read(NumberEnvelope, [[0, 0], [1, 0], [1, 8], [2, 8]])
    np.testing.assert_array_equal(envelope.at([0.999999, 1.0, 1.5]), [0, 8, 8])


def test_a_constant_silence_stays_silent_whatever_the_floor() -> None:
    np.testing.assert_array_equal(read(LevelEnvelope, "-inf dB").at([0, 1], floor=-120), [-math.inf, -math.inf])


def test_a_fade_from_silence_starts_at_the_floor() -> None:
    envelope = read(LevelEnvelope, [[0, "-inf dB"], [2, 0]])
    np.testing.assert_allclose(envelope.at([0, 1, 2], floor=-120), [-120, -60, 0])


POINTS = st.lists(st.tuples(st.floats(0, 1e4), st.floats(-300, 60) | st.just(-math.inf)), min_size=1, max_size=6)


@given(POINTS, st.lists(st.floats(0, 2e4), min_size=1, max_size=8), st.sampled_from([-math.inf, -120.0]))
def test_an_envelope_stays_within_its_points(
    points: list[tuple[float, float]], times: list[float], floor: float
) -> None:
    envelope = read(LevelEnvelope, sorted(points, key=lambda point: point[0]))
    values = [value if envelope.constant else max(value, floor) for _, value in points]
    found = envelope.at(times, floor)
    assert not np.isnan(found).any()
    assert (found >= min(values) - 1e-9).all() and (found <= max(values) + 1e-9).all()


@given(POINTS)
def test_an_envelope_passes_through_its_points(points: list[tuple[float, float]]) -> None:
    unique = sorted(dict(points).items())
    envelope = read(LevelEnvelope, unique)
    np.testing.assert_allclose(envelope.at([time for time, _ in unique]), [value for _, value in unique], atol=1e-9)


@pytest.mark.parametrize(
    ("kind", "written", "says"),
    [
        (NumberEnvelope, [], "at least one"),
        (NumberEnvelope, [[1, 0], [0, 0]], "in order of time"),
        (NumberEnvelope, [[-1, 0]], "in order of time"),
        (NumberEnvelope, [[0, 0, 0]], "[time, value] points"),
        (NumberEnvelope, [0, 1], "[time, value] points"),
        (NumberEnvelope, math.inf, "a number"),
        (NumberEnvelope, "1e999", "a number"),
        (PanEnvelope, 1.5, "from -1 to 1"),
        (LevelEnvelope, [[0, 0], [3, 61]], "the point at 3 s has 61"),
        (LevelEnvelope, "up.csv", "a level in dB"),
        (NumberEnvelope, "missing.brk", "an existing file"),
        (NumberEnvelope, "~nobody-of-this-name/x.brk", "an existing file"),
    ],
)
def test_what_is_no_envelope_is_refused(kind: Any, written: Any, says: str, tmp_path: Path) -> None:
    assert says in refusal(kind, written, tmp_path)


def test_a_breakpoint_file_is_an_envelope(tmp_path: Path) -> None:
    text = "; a fade\n0 -inf\n\n0:01.5, -6dB # soft\n  2\t0\n"
    (tmp_path / "über.brk").write_text(text, encoding="utf-8")
    assert read(LevelEnvelope, "über.brk", tmp_path).points == ((0.0, -math.inf), (1.5, -6.0), (2.0, 0.0))


def test_a_byte_order_mark_is_no_part_of_the_first_time(tmp_path: Path) -> None:
    (tmp_path / "a.BRK").write_text("\ufeff0 1\n", encoding="utf-8")
    assert read(NumberEnvelope, "a.BRK", tmp_path).points == ((0.0, 1.0),)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"0 1\n1\n", "line 2"),
        (b"0 1 2\n", "line 1"),
        (b"\xff\xfe", "a readable breakpoint file"),
        (b"", "at least one"),
        (b"zero 1\n", "a time"),
        (b"1 0\n0 0\n", "in order of time"),
    ],
)
def test_a_wrong_breakpoint_file_is_refused_in_words(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.brk").write_bytes(content)
    assert says in refusal(NumberEnvelope, "a.brk", tmp_path)


@given(st.binary(max_size=60))
def test_any_breakpoint_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.brk").write_bytes(content)
    with contextlib.suppress(ValidationError):
        assert isinstance(read(NumberEnvelope, "any.brk", folder), Envelope)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def names(files: InputFiles) -> list[str]:
    return [path.name for path in files.paths]


def test_one_file_is_found_in_the_first_folder_that_has_it(tmp_path: Path) -> None:
    touch(tmp_path, "a/rain.wav", "b/rain.wav", "b/wind.wav")
    context = {"folders": [tmp_path / "a", tmp_path / "b"]}
    adapter: TypeAdapter[InputFiles] = TypeAdapter(AudioFiles)
    assert adapter.validate_python("rain.wav", context=context).paths == (tmp_path / "a" / "rain.wav",)
    assert adapter.validate_python("wind.wav", context=context).paths == (tmp_path / "b" / "wind.wav",)
    assert adapter.validate_python(str(tmp_path / "b/rain.wav")).paths == (tmp_path / "b" / "rain.wav",)


def test_takes_are_in_the_order_that_people_number(tmp_path: Path) -> None:
    touch(tmp_path, *(f"takes/take{number}.wav" for number in (10, 9, 1, 2, 100)))
    expected = ["take1.wav", "take2.wav", "take9.wav", "take10.wav", "take100.wav"]
    assert names(read(AudioFiles, "takes", tmp_path)) == expected
    assert names(read(AudioFiles, "takes/*.wav", tmp_path)) == expected


def test_hidden_files_are_found_by_name_only(tmp_path: Path) -> None:
    touch(tmp_path, "takes/a.wav", "takes/._a.wav")
    assert names(read(AudioFiles, "takes", tmp_path)) == ["a.wav"]
    assert names(read(AudioFiles, "takes/*.wav", tmp_path)) == ["a.wav"]
    assert names(read(AudioFiles, "takes/._*", tmp_path)) == ["._a.wav"]
    assert names(read(AudioFiles, "takes/._a.wav", tmp_path)) == ["._a.wav"]


@pytest.mark.parametrize(
    ("asked", "one"),
    [("a [1].wav", True), ("ü/x.wav", True), ("ü", False), ("ü/*.wav", False), ("same", False), ("same/same", True)],
)
def test_a_file_by_name_is_one_and_a_folder_or_pattern_is_not(asked: str, one: bool, tmp_path: Path) -> None:
    touch(tmp_path, "a [1].wav", "ü/x.wav", "same/same")
    files = read(AudioFiles, asked, tmp_path)
    assert len(files.paths) == 1 and files.one is one and files.asked == asked


@pytest.mark.parametrize(
    "asked", ["", None, 3, "none.wav", "none/*.wav", "a\0b", "*\0", "empty", "~nobody-here/x", "x" * 5000, "**x[/"]
)
def test_what_names_no_file_is_refused(asked: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refusal(AudioFiles, asked, tmp_path)


@given(st.text(max_size=20))
def test_any_text_names_files_or_is_refused(tmp_path_factory: pytest.TempPathFactory, asked: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "empty"
    folder.mkdir(exist_ok=True)
    if asked.startswith(("/", "~")) or ".." in asked:
        return
    assert refusal(AudioFiles, asked, folder) if asked.strip("./") else True


def test_a_folder_is_no_single_file(tmp_path: Path) -> None:
    (tmp_path / "a.brk").mkdir()
    with pytest.raises(Exception, match="an existing file"):
        find_file("a.brk", [tmp_path])
