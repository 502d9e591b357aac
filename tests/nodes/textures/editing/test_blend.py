"""blend: averages, morphs and hybrids of statistics, and what cannot be blended."""

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contexts import RecordedContext, make_context
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.editing.parameters import Bands, Shares
from nodes.textures.measuring import statistics_of
from nodes.textures.node.blending import blend
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import as_stored, freeze

RATE = 8000
MODEL = AuditoryModel(sample_rate=RATE, highest=4000.0, bands=8)


@cache
def texture(seed: int, channels: int = 1, seconds: float = 3.0, model: AuditoryModel = MODEL) -> TextureStatistics:
    """Statistics of noise with a tilt and gusts of its own."""
    generator = np.random.default_rng(seed)
    length = round(seconds * RATE)
    noise = np.fft.rfft(generator.standard_normal((channels, length)))
    noise *= np.linspace(1, 0.05, noise.shape[1]) ** (seed % 3)
    gusts = np.interp(np.arange(length), np.arange(0, length + 200, 200), generator.exponential(1, length // 200 + 1))
    sound = np.fft.irfft(noise, n=length) * gusts ** (1 + seed % 2)
    found = statistics_of(Audio(sound.astype(np.float32), RATE), model)
    freeze(found)
    return found


def node(
    tmp_path: Path, *statistics: TextureStatistics, weights: Any = None, classes: Any = None, bands: Any = None
) -> tuple[TextureStatistics, RecordedContext]:
    context = make_context(tmp_path)
    shares = None if weights is None else TypeAdapter(Shares).validate_python(weights)
    read = None if bands is None else TypeAdapter(Bands).validate_python(bands)
    return blend(list(statistics), weights=shares, classes=classes, bands=read, context=context), context


def test_one_alone_stays_as_it_is(tmp_path: Path) -> None:
    found, context = node(tmp_path, texture(1))
    for name, values in texture(1).classes.items():
        np.testing.assert_array_equal(found.classes[name], values)
    np.testing.assert_allclose(found.colours, texture(1).colours, rtol=1e-5)
    assert context.recorder.notes == []


def test_averages_are_geometric_of_levels_and_in_fishers_z_of_correlations(tmp_path: Path) -> None:
    a, b = texture(1), texture(2)
    found, _ = node(tmp_path, a, b)
    powers = [each.classes["band_power"].astype(np.float64) for each in (a, b)]
    np.testing.assert_allclose(found.classes["band_power"], np.sqrt(powers[0] * powers[1]), rtol=1e-5)
    z = [np.arctanh(each.classes["envelope_correlation"].astype(np.float64)) for each in (a, b)]
    np.testing.assert_allclose(found.classes["envelope_correlation"], np.tanh((z[0] + z[1]) / 2), atol=1e-5)
    skewness = [each.classes["envelope_skewness"] for each in (a, b)]
    np.testing.assert_allclose(found.classes["envelope_skewness"], (skewness[0] + skewness[1]) / 2, atol=1e-5)
    np.testing.assert_allclose(found.colours, np.sqrt(a.colours.astype(np.float64) * b.colours), rtol=1e-4)
    squares = [np.square(each.deviations["band_power"].astype(np.float64)) for each in (a, b)]
    np.testing.assert_allclose(found.deviations["band_power"], np.sqrt((squares[0] + squares[1]) / 2), rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0.1, 10))
def test_the_order_of_inputs_and_the_size_of_weights_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, a: float, b: float, factor: float
) -> None:
    path = tmp_path_factory.mktemp("blend")
    found, _ = node(path, texture(1), texture(2), weights=[a, b])
    turned, _ = node(path, texture(2), texture(1), weights=[factor * b, factor * a])
    for name, values in found.classes.items():
        np.testing.assert_allclose(values, turned.classes[name], rtol=1e-4, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1))
def test_a_blend_of_the_same_is_the_same(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    found, _ = node(tmp_path_factory.mktemp("same"), texture(1), texture(1), weights=[share, 1 - share])
    for name, values in found.classes.items():
        np.testing.assert_allclose(values, texture(1).classes[name], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.deviations["band_power"], texture(1).deviations["band_power"], rtol=1e-5)


def test_a_morph_begins_as_one_sound_and_ends_as_the_other(tmp_path: Path) -> None:
    a, b = texture(1), texture(2)
    found, context = node(tmp_path, a, b, weights=[[[1, 1], [61, 0]], [[1, 0], [61, 1]]])
    assert (found.times[0], found.times[-1]) == (1, 61)
    for name in found.classes:
        np.testing.assert_array_equal(found.classes[name][:, :, 0], a.classes[name][:, :, 0])
        np.testing.assert_array_equal(found.classes[name][:, :, -1], b.classes[name][:, :, 0])
    middle = found.at(np.array([31.0]))["band_power"]
    wanted = np.sqrt(a.classes["band_power"].astype(np.float64) * b.classes["band_power"])
    np.testing.assert_allclose(middle, wanted, rtol=1e-4)
    assert context.recorder.notes == []


def test_where_the_weights_do_not_add_up_alike_there_are_points_enough(tmp_path: Path) -> None:
    a, b = texture(1), texture(2)
    found, _ = node(tmp_path, a, b, weights=[1, [[0, 0], [8, 3]]])
    for time in (0.5, 2.0, 5.5):
        share = 3 * time / 8 / (1 + 3 * time / 8)
        wanted = np.log(a.classes["band_power"]) * (1 - share) + np.log(b.classes["band_power"]) * share
        middle = found.at(np.array([time]))["band_power"]
        distance = np.abs(np.log(a.classes["band_power"]) - np.log(b.classes["band_power"])).max()
        assert np.abs(np.log(middle) - wanted).max() < 0.02 * distance


def test_hybrids_take_classes_to_the_bit(tmp_path: Path) -> None:
    a, b = texture(1), texture(2)
    found, _ = node(tmp_path, a, b, classes={"correlations": 2, "modulation_phase": 1, "levels": 2})
    for name, values in found.classes.items():
        second = name in ("band_power", "envelope_mean") or name.endswith("correlation")
        np.testing.assert_array_equal(values, (b if second else a).classes[name])
    np.testing.assert_allclose(found.colours, b.colours, rtol=1e-4)


def test_hybrids_take_bands(tmp_path: Path) -> None:
    a, b = texture(1), texture(2)
    found, _ = node(tmp_path, a, b, bands=[{"frequency": [0, "1 kHz"], "from": 2}])
    low = MODEL.centres <= 1000
    for name in ("band_power", "envelope_variation"):
        wanted = np.where(low[:, None], b.classes[name], a.classes[name])
        np.testing.assert_array_equal(found.classes[name], wanted)
    axes = MODEL.axes()["modulation_correlation"]
    both = (axes["frequency"] <= 1000) & (axes["other"] <= 1000)
    values, own = found.classes["modulation_correlation"][0, :, 0], b.classes["modulation_correlation"][0, :, 0]
    np.testing.assert_allclose(values[both], own[both], atol=0.2)
    half = found.colours.shape[1] // 8
    np.testing.assert_allclose(found.colours[0, :half], b.colours[0, :half], rtol=1e-4)
    np.testing.assert_allclose(found.colours[0, 4 * half :], a.colours[0, 4 * half :], rtol=1e-4)


def test_bands_of_rates_leave_what_has_no_rate(tmp_path: Path) -> None:
    found, _ = node(tmp_path, texture(1), texture(2), bands=[{"rate": [0, 300], "from": 2}])
    np.testing.assert_array_equal(found.classes["envelope_mean"], texture(1).classes["envelope_mean"])
    np.testing.assert_array_equal(found.classes["modulation_power"], texture(2).classes["modulation_power"])


def test_skewness_and_kurtosis_of_two_sounds_are_made_possible(tmp_path: Path) -> None:
    skewed = dataclasses.replace(texture(2), classes=dict(texture(2).classes))
    skewed.classes["envelope_skewness"] = np.full_like(texture(2).classes["envelope_skewness"], 3.0)
    skewed.classes["envelope_kurtosis"] = np.full_like(texture(2).classes["envelope_kurtosis"], 20.0)
    found, context = node(tmp_path, texture(1), skewed, classes={"envelope_skewness": 2})
    np.testing.assert_allclose(found.classes["envelope_kurtosis"], 10.0, rtol=1e-5)
    (note,) = context.recorder.notes
    assert "envelope_kurtosis was raised to skewness² + 1" in note
    assert f"in 10 of {len(MODEL.centres)} paths" in note


def test_one_channel_goes_with_two(tmp_path: Path) -> None:
    mono, stereo = texture(1), texture(2, channels=2)
    found, _ = node(tmp_path, mono, stereo, classes={"modulations": 2})
    assert found.channels == 2
    np.testing.assert_array_equal(found.classes["envelope_mean"][1], mono.classes["envelope_mean"][0])
    np.testing.assert_array_equal(found.classes["modulation_power"], stereo.classes["modulation_power"])
    assert found.colours.shape[0] == 2
    assert found.weights.keys() == stereo.weights.keys()
    assert all(values.shape == found.classes[name].shape for name, values in found.weights.items())


@pytest.mark.parametrize("weights", [[1, 1], [1, 0], [[[0, 1], [4, 0]], [[0, 0], [4, 1]]]])
def test_what_channels_have_in_common_comes_from_those_that_have_several(tmp_path: Path, weights: Any) -> None:
    mono, stereo = texture(1), texture(2, channels=2)
    for parts in ({}, {"bands": [{"frequency": [0, 900], "from": 1}]}, {"classes": {"structure": 1}}):
        found, _ = node(tmp_path, mono, stereo, weights=weights, **parts)
        for name in MODEL.linked:
            assert name not in mono.classes
            wanted = np.repeat(stereo.classes[name], len(found.times), 2)
            np.testing.assert_array_equal(found.classes[name], wanted)
            np.testing.assert_array_equal(found.weights[name], np.repeat(stereo.weights[name], len(found.times), 2))
            np.testing.assert_allclose(found.deviations[name], stereo.deviations[name], rtol=1e-6)


def test_width_is_taken_by_its_own_name_and_by_bands(tmp_path: Path) -> None:
    a, b = texture(1, channels=2), texture(2, channels=2)
    found, _ = node(tmp_path, a, b, classes={"interaural": 2, "structure": 1})
    for name, values in found.classes.items():
        np.testing.assert_array_equal(values, (b if name in MODEL.linked else a).classes[name])
    for shorthand in ("structure", "correlations"):
        same, _ = node(tmp_path, a, b, classes={shorthand: 2})
        for name in MODEL.linked:
            np.testing.assert_array_equal(same.classes[name], a.classes[name])
    low = (MODEL.centres <= 1000).repeat(2)
    part, _ = node(tmp_path, a, b, bands=[{"frequency": [0, 1000], "from": 2}])
    wanted = np.where(low[:, None], b.classes["interaural_coherence"], a.classes["interaural_coherence"])
    np.testing.assert_array_equal(part.classes["interaural_coherence"], wanted)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.integers(2, 5))
def test_averages_of_what_channels_have_in_common_are_possible(
    tmp_path_factory: pytest.TempPathFactory, share: float, channels: int
) -> None:
    one, other = texture(1, channels), texture(2, channels)
    found, _ = node(tmp_path_factory.mktemp("common"), one, other, weights=[share, 1 - share])
    parts = found.classes["interaural_coherence"][:, :, 0].astype(np.float64)
    coherence = parts[:, 0::2] + 1j * parts[:, 1::2]
    assert np.abs(coherence).max() <= 1
    if channels == 2:
        np.testing.assert_allclose(coherence[0], coherence[1].conj(), atol=1e-6)
    if channels == 3:
        matrices = np.zeros((coherence.shape[1], 3, 3), complex) + np.eye(3)
        for row in range(3):
            matrices[:, row, row - 1], matrices[:, row - 1, row] = coherence[row], coherence[row].conj()
        assert np.linalg.eigvalsh(matrices).min() > -5e-3


def test_weights_are_averaged_and_lengths_may_differ(tmp_path: Path) -> None:
    shape = texture(1).classes["band_power"].shape
    heavy = dataclasses.replace(texture(1), weights={"band_power": np.full(shape, 3, np.float32)})
    light = dataclasses.replace(texture(2, seconds=4.0), weights={})
    found, _ = node(tmp_path, heavy, light)
    np.testing.assert_array_equal(found.weights["band_power"], 2)
    assert found.samples == 4 * RATE


def test_a_blend_survives_the_store_and_can_be_blended_again(tmp_path: Path) -> None:
    morph, _ = node(tmp_path, texture(1), texture(2), weights=[[[0, 1], [4, 0]], [[0, 0], [4, 1]]])
    stored = as_stored(morph)
    again, _ = node(tmp_path, stored, texture(4), classes={"modulation_phase": 2})  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.times, morph.times)
    np.testing.assert_array_equal(again.classes["band_power"], morph.classes["band_power"])


def test_silence_blends_to_finite_numbers(tmp_path: Path) -> None:
    silence = statistics_of(Audio(np.zeros((1, 2 * RATE), np.float32), RATE), MODEL)
    found, _ = node(tmp_path, silence, texture(1))
    assert all(np.isfinite(values).all() for values in (*found.classes.values(), found.colours))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bands": 9}, "differ in their bands"),
        ({"lowest": 30.0}, "differ in their lowest"),
        ({"compression": 0.5}, "differ in their compression"),
        ({"modulation_bands": 12, "slowest": 1.0}, "differ in their modulation bands"),
    ],
)
def test_other_front_ends_are_refused_and_the_first_difference_named(
    tmp_path: Path, changes: Any, message: str
) -> None:
    other = texture(2, model=dataclasses.replace(MODEL, **changes))
    with pytest.raises(MistakeError, match=message) as caught:
        node(tmp_path, texture(1), other)
    found = caught.value.mistakes[0]
    name = next(iter(changes))
    assert (found.given, found.allowed) == (f"{changes[name]} (input 2)", f"{getattr(MODEL, name)}, as input 1 has")


@pytest.mark.parametrize(
    ("settings_", "parameter", "message"),
    [
        ({"weights": [1]}, "weights", "one weight for each input"),
        ({"weights": [[[0, 1], [5, 0]], [[0, 1], [5, 0]]]}, "weights", "all weights are 0 at one time"),
        ({"classes": {"moments": 3}}, "classes", "there is no input 3"),
        ({"classes": {"moment": 2}}, "classes", "no class 'moment'"),
        ({"bands": [{"frequency": [0, 99], "from": 3}]}, "bands", "there is no input 3"),
        ({"bands": [{"frequency": [3990, 3995], "from": 2}]}, "bands", "no path lies in this band"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, settings_: Any, parameter: str, message: str) -> None:
    with pytest.raises(MistakeError, match=message) as caught:
        node(tmp_path, texture(1), texture(2), **settings_)
    assert caught.value.mistakes[0].parameter == parameter


def test_nothing_and_other_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="nothing to blend"):
        node(tmp_path)
    with pytest.raises(MistakeError, match="differ in their channels"):
        node(tmp_path, texture(1, channels=2), texture(2, channels=3))


@pytest.mark.parametrize(
    "band", [{"frequency": [0, 9]}, {"from": 2}, {"frequency": [0, 9], "from": 0}, {"scale": [0, 1], "from": 1}]
)
def test_bands_of_another_form_are_refused(band: Any) -> None:
    with pytest.raises(ValidationError, match="band"):
        TypeAdapter(Bands).validate_python([band])


def test_the_plan_refuses_what_it_knows() -> None:
    rule = NodeSpec("blend", blend, "").mark.facts
    assert rule is not None
    known = {"channels": 2, "classes": tuple(MODEL.domains), "axes": MODEL.axes()}
    nothing: dict[str, Any] = {"weights": None, "classes": None, "bands": None}
    assert rule({"statistics": [known, {**known, "channels": 1}]}, nothing)["value"]["channels"] == 2
    with pytest.raises(MistakeError, match="channels"):
        rule({"statistics": [known, {"channels": 3}]}, nothing)
    with pytest.raises(MistakeError, match="no class 'hum'"):
        rule({"statistics": [known]}, {**nothing, "classes": {"hum": 1}})
    with pytest.raises(MistakeError, match="no input 2"):
        rule({"statistics": [{}]}, {**nothing, "classes": {"moments": 2}})
    mono = {"channels": 1, "classes": tuple(name for name in MODEL.domains if name not in MODEL.linked)}
    assert rule({"statistics": [mono, known]}, {**nothing, "classes": {"interaural": 2}})["value"]["channels"] == 2
    for name in ("interaural", "interaural_coherence"):
        with pytest.raises(MistakeError, match=f"(?s){name}.*of one channel"):
            rule({"statistics": [mono, known]}, {**nothing, "classes": {name: 1}})


def test_a_class_that_one_channel_does_not_have_comes_from_those_that_have_it(tmp_path: Path) -> None:
    mono = dataclasses.replace(
        texture(1), classes={n: v for n, v in texture(1).classes.items() if n != "modulation_phase"}
    )
    stereo = texture(2, channels=2)
    found, _ = node(tmp_path, mono, stereo, weights=[1, 0.25])
    np.testing.assert_array_equal(found.classes["modulation_phase"], stereo.classes["modulation_phase"])
    with pytest.raises(MistakeError, match="no class 'modulation_phase'"):
        node(tmp_path, mono, stereo, classes={"modulation_phase": 1})
    with pytest.raises(MistakeError, match="differ in their classes"):
        node(tmp_path, texture(1), mono)
