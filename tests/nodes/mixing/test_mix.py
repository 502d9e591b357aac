import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from nodes.mixing.gains import FLOOR
from nodes.mixing.node import mix
from nodes.values import Audio, Marker, Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import model_of, read_parameters
from pipelines.quantities import Envelope

RATE = 8000
SPEC = NodeSpec("mix", mix, "")


def noise(channels: int, length: int, seed: int = 0, rate: int = RATE) -> Audio:
    return Audio(np.random.default_rng(seed).uniform(-1, 1, (channels, length)).astype(np.float32), rate)


def level(*points: tuple[float, float]) -> Envelope:
    return Envelope(points)


def constant(value: float) -> Envelope:
    return Envelope(((0.0, value),))


def read(**raw: object) -> dict[str, object]:
    values, mistakes = read_parameters(SPEC, raw, {}, [Path.cwd()])
    if mistakes:
        raise MistakeError(mistakes)
    return values


@pytest.mark.parametrize(("channels", "length"), [(1, 1), (2, 1000), (14, 300_000)])
def test_one_track_comes_out_bit_for_bit(channels: int, length: int) -> None:
    audio = noise(channels, length, rate=192000)
    assert mix([audio]).samples.tobytes() == audio.samples.tobytes()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 300), st.floats(-60, 12)), min_size=1, max_size=5))
def test_a_mix_is_the_sum_of_its_tracks_in_any_order(tracks: list[tuple[int, int, float]]) -> None:
    sounds = [noise(2, length, seed) for seed, (length, _, _) in enumerate(tracks)]
    offsets = [offset / RATE for _, offset, _ in tracks]
    gains = [constant(gain) for _, _, gain in tracks]
    expected = np.zeros((2, max(length + offset for length, offset, _ in tracks)))
    for sound, (length, offset, gain) in zip(sounds, tracks, strict=True):
        expected[:, offset : offset + length] += sound.samples * 10 ** (gain / 20)
    mixed = mix(sounds, gains=gains, offsets=offsets).samples
    np.testing.assert_allclose(mixed, expected, rtol=1e-6, atol=1e-6)
    backwards = mix(sounds[::-1], gains=gains[::-1], offsets=offsets[::-1]).samples
    np.testing.assert_allclose(backwards, mixed, rtol=1e-6, atol=1e-6)


def test_offsets_are_exact_to_the_sample_across_blocks() -> None:
    click = Audio(np.ones((1, 1), np.float32), 44100)
    bed = Audio(np.zeros((1, 600_000), np.float32), 44100)
    mixed = mix([bed, click, click], offsets=[0.0, 2**18 / 44100, 599_999 / 44100]).samples
    assert np.flatnonzero(mixed[0]).tolist() == [2**18, 599_999]


def test_a_sum_over_full_scale_is_not_scaled() -> None:
    loud = Audio(np.full((1, 10), 0.9, np.float32), RATE)
    np.testing.assert_array_equal(mix([loud, loud, loud]).samples, np.float32(3 * np.float64(np.float32(0.9))))


def test_silence_is_exact() -> None:
    audio = noise(1, 4 * RATE)
    assert not mix([audio], gains=constant(-math.inf)).samples.any()
    held = mix([audio], gains=level((1, 0), (2, -math.inf), (3, -math.inf))).samples[0]
    assert not held[2 * RATE :].any()
    assert np.all(held[: 2 * RATE][audio.samples[0, : 2 * RATE] != 0] != 0)


def test_levels_move_straight_in_decibels() -> None:
    ones = Audio(np.ones((1, 2 * RATE + 1), np.float32), RATE)
    found = mix([ones], gains=level((0, -6), (1, -18), (2, -math.inf))).samples[0].astype(np.float64)
    decibels = 20 * np.log10(found[:-1])
    time = np.arange(2 * RATE) / RATE
    expected = np.interp(time, [0, 1, 2], [-6, -18, FLOOR])
    np.testing.assert_allclose(decibels, expected, atol=1e-4)
    assert found[-1] == 0


def test_envelopes_run_on_the_axis_of_their_track() -> None:
    ones = Audio(np.ones((1, RATE), np.float32), RATE)
    envelope = level((0, -40), (1, 0))
    alone = mix([ones], gains=envelope).samples
    later = mix([ones], gains=envelope, offsets=0.25).samples
    np.testing.assert_array_equal(later[:, RATE // 4 :], alone)


@pytest.mark.parametrize(("law", "middle"), [("constant_power", -3.0103), ("compromise", -4.5154), ("linear", -6.0206)])
def test_pan_laws(law: str, middle: float) -> None:
    ones = Audio(np.ones((1, 1), np.float32), RATE)

    def sides(pan: float) -> np.ndarray:
        return mix([ones], pans=constant(pan), law=law).samples[:, 0].astype(np.float64)

    np.testing.assert_allclose(20 * np.log10(sides(0.0)), middle, atol=1e-3)
    assert sides(-1.0).tolist() == [1, 0] and sides(1.0).tolist() == [0, 1]
    for pan in np.linspace(-1, 1, 9):
        left, right = sides(float(pan))
        assert sides(-float(pan)) == pytest.approx([right, left], abs=1e-7)
        kept = {"constant_power": left**2 + right**2, "linear": left + right}.get(law, 1.0)
        assert kept == pytest.approx(1.0, abs=1e-6)


def test_a_moving_pan_follows_its_envelope() -> None:
    ones = Audio(np.ones((1, RATE), np.float32), RATE)
    left, right = mix([ones], pans=level((0, -1), (1, 1)), law="linear").samples
    np.testing.assert_allclose(right, np.arange(RATE) / RATE, atol=1e-6)
    np.testing.assert_allclose(left + right, 1, atol=1e-6)


def test_a_mono_track_in_a_stereo_mix_lies_in_the_middle() -> None:
    mono, stereo = noise(1, 50), Audio(np.zeros((2, 50), np.float32), RATE)
    np.testing.assert_allclose(mix([mono, stereo]).samples, np.repeat(mono.samples, 2, 0) * math.sqrt(0.5), atol=1e-6)


def test_a_stereo_track_is_balanced() -> None:
    stereo = noise(2, 50)
    np.testing.assert_array_equal(mix([stereo], pans=constant(0.0)).samples, stereo.samples)
    right = mix([stereo], pans=constant(1.0)).samples
    assert not right[0].any()
    np.testing.assert_array_equal(right[1], stereo.samples[1])
    half = mix([stereo], pans=constant(-0.5)).samples
    np.testing.assert_allclose(half[1], stereo.samples[1] * math.cos(math.pi / 4), atol=1e-6)


def test_routes_lead_to_the_outputs_that_they_name() -> None:
    feeds = mix([noise(1, 20, 1), noise(2, 20, 2), noise(1, 20, 3)], route=[14, 3, 1]).samples
    assert feeds.shape == (14, 20)
    assert np.flatnonzero(feeds.any(axis=1)).tolist() == [0, 2, 3, 13]
    np.testing.assert_array_equal(feeds[13], noise(1, 20, 1).samples[0])
    np.testing.assert_array_equal(feeds[2:4], noise(2, 20, 2).samples)


def test_a_routed_mono_track_can_be_panned_between_neighbours() -> None:
    ones = Audio(np.ones((1, 1), np.float32), RATE)
    found = mix([ones], route=3, channels=6, pans=constant(0.0)).samples[:, 0]
    np.testing.assert_allclose(found, [0, 0, math.sqrt(0.5), math.sqrt(0.5), 0, 0], atol=1e-7)


@pytest.mark.parametrize("shape", ["linear", "equal_power"])
def test_fades_rise_and_fall_as_said(shape: str) -> None:
    ones = Audio(np.ones((1, 1000), np.float32), RATE)
    found = mix([ones], fade_in=100 / RATE, fade_out=50 / RATE, fade_shape=shape).samples[0]
    way = (np.arange(100) + 0.5) / 100
    np.testing.assert_allclose(found[:100], way if shape == "linear" else np.sin(np.pi / 2 * way), atol=1e-6)
    assert np.all(found[100:950] == 1)
    way = (np.arange(50)[::-1] + 0.5) / 50
    np.testing.assert_allclose(found[950:], way if shape == "linear" else np.sin(np.pi / 2 * way), atol=1e-6)


def test_takes_count_as_that_many_tracks() -> None:
    takes = Takes((noise(1, 10, 1).samples, noise(1, 20, 2).samples), RATE, ("0", "1"))
    together = mix([takes, noise(1, 5, 3)], offsets=[0.0, 10 / RATE, 0.0]).samples
    apart = mix([*takes.all(), noise(1, 5, 3)], offsets=[0.0, 10 / RATE, 0.0]).samples
    np.testing.assert_array_equal(together, apart)


def test_takes_share_the_setting_of_their_input() -> None:
    takes = Takes((noise(1, 10, 1).samples, noise(1, 20, 2).samples), RATE, ("0", "1"))
    shared = mix([takes, noise(1, 5, 3)], gains=[constant(-6.0), constant(0.0)]).samples
    apart = mix([*takes.all(), noise(1, 5, 3)], gains=[constant(-6.0), constant(-6.0), constant(0.0)]).samples
    np.testing.assert_array_equal(shared, apart)
    with pytest.raises(MistakeError, match=r"a list of 2, in the order of the tracks, or of 3, one for each take"):
        mix([takes, noise(1, 5)], offsets=[0.0, 1.0, 2.0, 3.0])


def test_markers_move_with_their_track() -> None:
    one = Audio(np.zeros((1, 100), np.float32), RATE, (Marker(0.01, "b", 0.002),))
    two = Audio(np.zeros((1, 100), np.float32), RATE, (Marker(0.0, "a"),))
    markers = mix([one, two], offsets=[1.0, 0.5]).markers
    assert [(m.time, m.label, m.duration) for m in markers] == [(0.5, "a", 0.0), (1.01, "b", 0.002)]


def test_mapped_tracks_are_read_and_left_as_they_are(tmp_path: Path) -> None:
    np.save(tmp_path / "ä.npy", noise(2, 600_000).samples)
    mapped = np.load(tmp_path / "ä.npy", mmap_mode="r")
    np.testing.assert_array_equal(mix([Audio(mapped, RATE)]).samples, noise(2, 600_000).samples)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tracks": []}, "no track"),
        ({"tracks": [noise(1, 9), noise(1, 9, rate=44100)]}, "track 1: 8000 Hz, track 2: 44100 Hz"),
        ({"tracks": [noise(1, 9)] * 2, "gains": [constant(0)]}, "2 tracks and 1 gains"),
        ({"tracks": [noise(1, 9)] * 2, "pans": [constant(0)] * 3}, "2 tracks and 3 pans"),
        ({"tracks": [noise(1, 9)], "gains": []}, "1 tracks and 0 gains"),
        ({"tracks": [noise(1, 9)], "fade_out": 1.0}, "track 1 is shorter than its fade"),
        ({"tracks": [noise(1, 9), noise(4, 9)], "channels": 2}, "track 2 needs outputs 1 to 4"),
        ({"tracks": [noise(1, 9)], "route": 2, "channels": 2, "pans": constant(0)}, "track 1 needs outputs 2 to 3"),
        ({"tracks": [noise(4, 9)], "pans": constant(0.5)}, "track 1 has 4 channels and cannot be panned"),
    ],
)
def test_mistakes_name_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        mix(**arguments)


def test_a_track_with_no_number_is_named() -> None:
    broken = noise(2, RATE)
    broken.samples[1, RATE // 2] = np.inf
    with pytest.raises(MistakeError, match=r"track 2 holds[^\n]*\n[^\n]*inf at 0\.5 s in channel 2"):
        mix([noise(2, 10), broken])


def test_settings_are_read_for_all_or_for_each() -> None:
    assert read(gains="-3 dB")["gains"] == constant(-3.0)
    assert read(gains=[[0, "-3 dB"], ["0:02", "-inf dB"]])["gains"] == level((0, -3), (2, -math.inf))
    assert read(gains=["-3 dB", [[0, 0], [1, -6]]])["gains"] == [constant(-3.0), level((0, 0), (1, -6))]
    assert read(gains=[[[0, 0], [1, -6]]])["gains"] == [level((0, 0), (1, -6))]
    assert read(pans=[-1, 1])["pans"] == [constant(-1.0), constant(1.0)]
    assert read(offsets=["7:01", 2])["offsets"] == [421.0, 2.0]
    assert read(route=3)["route"] == 3 and read(route=[1, 3, 14])["route"] == [1, 3, 14]
    for wrong in ({"gains": ["-3 dB", "loud"]}, {"pans": 2}, {"route": [0]}, {"offsets": "-1"}, {"law": "loud"}):
        with pytest.raises(MistakeError, match=next(iter(wrong))):
            read(**wrong)
    with pytest.raises(MistakeError, match="a level in dB"):
        read(gains=["-3 dB", "loud"])


def test_schema_allows_both_forms() -> None:
    import jsonschema

    model: type[BaseModel] = model_of(SPEC)
    schema = model.model_json_schema()
    for value in ("-3 dB", [["0:01", 0]], ["-3 dB", 0]):
        jsonschema.validate({"gains": value}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"route": "left"}, schema)


def test_channels_are_known_before_anything_runs() -> None:
    rule = SPEC.mark.facts
    assert rule is not None
    mono, stereo = {"channels": 1, "sample_rate": RATE}, {"channels": 2, "sample_rate": RATE}
    parameters = {"channels": None, "route": None, "pans": None}
    assert rule({"tracks": [mono, stereo]}, parameters) == {"value": {"channels": 2}}
    assert rule({"tracks": [mono]}, {**parameters, "pans": constant(0)}) == {"value": {"channels": 2}}
    assert rule({"tracks": [mono, {}]}, parameters) == {}
    assert rule({"tracks": [mono]}, {**parameters, "route": 3}) == {}
    assert rule({"tracks": [mono]}, {**parameters, "channels": 14}) == {"value": {"channels": 14}}
