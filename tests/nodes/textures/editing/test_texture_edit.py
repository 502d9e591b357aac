"""texture_edit: what is scaled, weighed, flipped and made noise, and that the rest stays."""

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
from nodes.textures.domains import into
from nodes.textures.editing.editing import edited
from nodes.textures.editing.noise import noise_statistics
from nodes.textures.editing.parameters import Edits
from nodes.textures.measuring import statistics_of
from nodes.textures.node.editing import texture_edit
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import arrays_of, as_stored, freeze

RATE = 8000
MODEL = AuditoryModel(sample_rate=RATE, highest=4000.0, bands=8)


@cache
def crackle(channels: int = 1, seed: int = 0) -> TextureStatistics:
    """Statistics of sparse events in noise."""
    generator = np.random.default_rng(seed)
    events = (generator.random((channels, 4 * RATE)) < 0.002) * generator.exponential(5.0, (channels, 4 * RATE))
    decay = np.exp(-np.arange(400) / 60) * generator.standard_normal(400)
    sound = np.stack([np.convolve(each, decay)[: 4 * RATE] for each in events])
    sound = sound + 0.05 * generator.standard_normal(sound.shape)
    found = statistics_of(Audio(sound.astype(np.float32), RATE), MODEL)
    freeze(found)
    return found


def read(*edits: Any) -> list[Any]:
    return TypeAdapter(Edits).validate_python(list(edits))


def apply(statistics: TextureStatistics, *edits: Any) -> TextureStatistics:
    return edited(statistics, read(*edits))[0]


def node(tmp_path: Path, *edits: Any, statistics: TextureStatistics | None = None) -> tuple[Any, RecordedContext]:
    context = make_context(tmp_path)
    return texture_edit(statistics or crackle(), edits=read(*edits), context=context), context


def same_bits(a: TextureStatistics, b: TextureStatistics) -> None:
    for left, right in zip(arrays_of(a), arrays_of(b), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "edit",
    [{"amount": 1}, {"weight": 1}, {"flip": False}, {"class": "correlations", "amount": [[0, 1], [9, 1]], "weight": 1}],
)
def test_what_changes_nothing_leaves_every_bit(tmp_path: Path, edit: Any) -> None:
    found, context = node(tmp_path, edit)
    same_bits(found, crackle())
    assert context.recorder.notes == []


def test_no_edit_leaves_every_bit(tmp_path: Path) -> None:
    same_bits(node(tmp_path)[0], crackle())


def test_only_what_lies_in_the_region_is_changed() -> None:
    found = apply(crackle(), {"class": "envelope_variation", "frequency": [500, 1500], "amount": 0.5})
    centres = MODEL.centres
    inside = (centres >= 500) & (centres <= 1500)
    before, after = (each.classes["envelope_variation"][0, :, 0] for each in (crackle(), found))
    assert (before != after).tolist() == inside.tolist()
    for name in set(crackle().classes) - {"envelope_variation"}:
        np.testing.assert_array_equal(found.classes[name], crackle().classes[name])


def test_levels_are_scaled_as_logarithms_of_their_ratio_to_noise_of_that_colour() -> None:
    noise = noise_statistics(crackle(), "cpu")["envelope_variation"]
    before = crackle().classes["envelope_variation"][..., 0]
    for amount in (0.0, 0.5, 2.0):
        found = apply(crackle(), {"class": "envelope_variation", "amount": amount}).classes["envelope_variation"]
        np.testing.assert_allclose(found[..., 0], noise * (before / noise) ** amount, rtol=1e-4)


def test_correlations_are_scaled_as_fishers_z() -> None:
    found = apply(crackle(), {"class": "envelope_correlation", "amount": 0.5}).classes["envelope_correlation"]
    wanted = np.tanh(0.5 * np.arctanh(crackle().classes["envelope_correlation"].astype(np.float64)))
    np.testing.assert_allclose(found, wanted, atol=3e-3)
    none = apply(crackle(), {"class": "envelope_correlation", "amount": 0}).classes["envelope_correlation"]
    np.testing.assert_array_equal(none, 0)


def test_of_phases_the_radius_is_scaled_and_the_angle_stays() -> None:
    before, after = (
        each.classes["modulation_phase"][0, :, 0].astype(np.float64).reshape(-1, 2) @ [1, 1j]
        for each in (crackle(), apply(crackle(), {"class": "modulation_phase", "amount": 2}))
    )
    np.testing.assert_allclose(np.abs(after), np.tanh(2 * np.arctanh(np.abs(before))), rtol=1e-4)
    np.testing.assert_allclose(np.angle(after), np.angle(before), atol=1e-4)


def test_skewness_is_multiplied_and_kurtosis_goes_to_that_of_noise() -> None:
    found = apply(crackle(), {"class": ["envelope_skewness", "envelope_kurtosis"], "amount": 0})
    np.testing.assert_array_equal(found.classes["envelope_skewness"], 0)
    noise = noise_statistics(crackle(), "cpu")["envelope_kurtosis"]
    np.testing.assert_allclose(found.classes["envelope_kurtosis"][..., 0], noise, rtol=1e-5)
    assert 2.4 < noise.mean() < 3.4


def test_the_spectrum_is_scaled_around_its_mean_and_the_envelopes_follow() -> None:
    found = apply(crackle(), {"class": "band_power", "amount": 0})
    before, power = (each.classes["band_power"][0, :, 0].astype(np.float64) for each in (crackle(), found))
    np.testing.assert_allclose(power, before.mean(), rtol=1e-5)
    ratio = found.classes["envelope_mean"][0, :, 0] / crackle().classes["envelope_mean"][0, :, 0]
    np.testing.assert_allclose(ratio, (power / before) ** (MODEL.compression / 2), rtol=1e-4)
    assert not np.array_equal(found.colours, crackle().colours)


def test_the_spectrum_is_left_alone_unless_it_is_named() -> None:
    found = apply(crackle(), {"frequency": [200, 2000], "amount": 0.3, "weight": 0})
    np.testing.assert_array_equal(found.classes["band_power"], crackle().classes["band_power"])
    inside = (MODEL.centres >= 200) & (MODEL.centres <= 2000)
    assert (found.weights["band_power"][0, inside, 0] == 0).all()


def test_deviations_of_levels_stay_in_proportion() -> None:
    found = apply(crackle(), {"class": "envelope_variation", "amount": 2})
    ratios = [each.deviations["envelope_variation"] / each.classes["envelope_variation"][..., 0]
              for each in (crackle(), found)]  # fmt: skip
    np.testing.assert_allclose(ratios[1], ratios[0], rtol=1e-4)
    np.testing.assert_array_equal(found.deviations["modulation_phase"], crackle().deviations["modulation_phase"])


def test_structure_of_noise_is_that_of_measured_noise() -> None:
    found, noise = apply(crackle(), {"structure": "noise"}), noise_statistics(crackle(), "cpu")
    for name in ("envelope_variation", "modulation_power", "modulation_phase"):
        np.testing.assert_allclose(found.classes[name][..., 0], noise[name], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(found.classes["band_power"], crackle().classes["band_power"])


def test_noise_has_the_spectrum_of_the_sound() -> None:
    noise = noise_statistics(crackle(), "cpu")["band_power"]
    decibels = 10 * np.log10(noise / crackle().classes["band_power"][..., 0])
    assert np.abs(decibels).max() < 1.5


def test_flips_change_signs_and_twice_nothing() -> None:
    once = apply(crackle(), {"class": ["modulation_phase", "envelope_skewness"], "flip": True})
    for name in ("modulation_phase", "envelope_skewness"):
        np.testing.assert_array_equal(once.classes[name], -crackle().classes[name])
    flip = {"class": "modulations", "flip": True}
    same_bits(apply(crackle(), flip, flip), crackle())


def test_the_imaginary_part_is_flipped_alone_as_in_reversed_sounds() -> None:
    before, after = (each.classes["modulation_phase"] for each in (crackle(), apply(crackle(), {"flip": "imaginary"})))
    np.testing.assert_array_equal(after[:, 0::2], before[:, 0::2])
    np.testing.assert_array_equal(after[:, 1::2], -before[:, 1::2])


def test_weights_multiply() -> None:
    start = dataclasses.replace(crackle(), weights={})
    found = apply(start, {"rate": [4, 32], "weight": 3}, {"class": "modulation_power", "weight": 0.5})
    rates = MODEL.axes()["modulation_power"]["rate"]
    wanted = np.where((rates >= 4) & (rates <= 32), 1.5, 0.5)
    np.testing.assert_array_equal(found.weights["modulation_power"][0, :, 0], wanted)
    assert "envelope_mean" not in found.weights
    assert all(np.array_equal(values, start.classes[name]) for name, values in found.classes.items())


def test_a_correlation_lies_in_a_range_where_both_bands_do() -> None:
    found = apply(crackle(), {"class": "envelope_correlation", "frequency": [300, 1200], "weight": 0})
    axes = MODEL.axes()["envelope_correlation"]
    both = [(axes[name] >= 300) & (axes[name] <= 1200) for name in ("frequency", "other")]
    np.testing.assert_array_equal(found.weights["envelope_correlation"][0, :, 0] == 0, both[0] & both[1])


amounts = st.floats(0.0, 2.0)
regions = st.sampled_from([{}, {"frequency": [100, 900]}, {"frequency": [600, 4000]}])
scaled = st.sampled_from(["envelope_variation", "envelope_skewness", "modulation_phase", "band_power"])


@settings(max_examples=40, deadline=None)
@given(scaled, regions, regions, amounts, amounts)
def test_amounts_commute(name: str, one: Any, two: Any, a: float, b: float) -> None:
    first, second = {"class": name, **one, "amount": a}, {"class": name, **two, "amount": b}
    left, right = apply(crackle(), first, second), apply(crackle(), second, first)
    np.testing.assert_allclose(left.classes[name], right.classes[name], rtol=1e-4, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(scaled, amounts, amounts)
def test_amounts_multiply(name: str, a: float, b: float) -> None:
    twice = apply(crackle(), {"class": name, "amount": a}, {"class": name, "amount": b})
    once = apply(crackle(), {"class": name, "amount": a * b})
    np.testing.assert_allclose(twice.classes[name], once.classes[name], rtol=1e-4, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 8), st.floats(0, 8))
def test_what_comes_out_is_finite_and_possible(a: float, b: float) -> None:
    found = apply(crackle(), {"amount": a}, {"class": "levels", "amount": b}, {"flip": True})
    assert all(np.isfinite(values).all() for values in found.classes.values())
    excess = found.classes["envelope_kurtosis"] - found.classes["envelope_skewness"].astype(np.float64) ** 2 - 1
    assert excess.min() > -1e-3 * found.classes["envelope_kurtosis"].max()
    assert all(np.abs(v).max() < 1 for n, v in found.classes.items() if MODEL.domains[n] == "correlation")
    shares = found.classes["modulation_power"][0, :, 0].reshape(len(MODEL.centres), -1).sum(1)
    before = crackle().classes["modulation_power"][0, :, 0].reshape(len(MODEL.centres), -1).sum(1)
    assert (shares <= np.maximum(before, 1) + 1e-3).all()


def test_kurtosis_is_raised_and_a_note_says_so(tmp_path: Path) -> None:
    found, context = node(tmp_path, {"class": "envelope_skewness", "amount": 6})
    skewness, kurtosis = (found.classes[f"envelope_{name}"].astype(np.float64) for name in ("skewness", "kurtosis"))
    assert (kurtosis >= skewness**2 + 1 - 1e-3 * kurtosis).all()
    assert [note for note in context.recorder.notes if note.startswith("envelope_kurtosis was raised to skewness² + 1")]


def test_envelopes_give_points_between_which_lines_are_straight() -> None:
    found = apply(crackle(), {"class": "envelope_variation", "amount": [[2, 0], [6, 1]]})
    np.testing.assert_array_equal(found.times[[0, -1]], [2, 6])
    name = "envelope_variation"
    noise = noise_statistics(crackle(), "cpu")[name][..., None]
    for time, amount in ((0.0, 0.0), (3.0, 0.25), (5.0, 0.75), (9.0, 1.0)):
        values = found.at(np.array([time]))[name]
        np.testing.assert_allclose(values, noise * (crackle().classes[name] / noise) ** amount, rtol=1e-4)
    np.testing.assert_array_equal(found.classes[name][:, :, -1:], crackle().classes[name])


def test_where_two_things_move_at_once_there_are_points_enough() -> None:
    name, up = "envelope_skewness", {"class": "envelope_skewness", "amount": [[0, 0], [8, 1]]}
    found = apply(crackle(), up, up)
    for time in np.linspace(0, 8, 33):
        values = found.at(np.array([time]))[name]
        error = values - (time / 8) ** 2 * crackle().classes[name]
        assert np.abs(error).max() <= np.abs(crackle().classes[name]).max() / 64 / 4 + 1e-6


def test_an_edit_of_moving_statistics_moves_them_still() -> None:
    first = apply(crackle(), {"class": "correlations", "amount": [[0, 1], [4, 0]]})
    found = apply(first, {"class": "envelope_variation", "amount": [[2, 1], [3, 0.5]]})
    assert set(first.times) | {2.0, 3.0} <= set(found.times)
    at = np.flatnonzero(np.isin(found.times, first.times))
    np.testing.assert_array_equal(found.classes["modulation_phase"][:, :, at], first.classes["modulation_phase"])


def test_jumps_of_an_envelope_stay_jumps() -> None:
    found = apply(crackle(), {"class": "modulation_power", "weight": [[0, 1], [5, 1], [5, 0], [9, 0]]})
    weights = found.weights["modulation_power"][0, 0]
    assert np.interp([4.999, 5.001], found.times, weights) == pytest.approx([1, 0], abs=1e-6)


def test_channels_are_edited_alike_and_each_by_its_own_noise() -> None:
    found = apply(crackle(2), {"class": "envelope_variation", "amount": 0})
    assert found.channels == 2
    np.testing.assert_allclose(found.classes["envelope_variation"][0], found.classes["envelope_variation"][1], rtol=0.2)


@cache
def wide(channels: int = 2, common: float = 0.8) -> TextureStatistics:
    """Statistics of noises that have a noise in common, which comes to each a little later, and gusts."""
    generator = np.random.default_rng(7)
    shared, own = generator.standard_normal(4 * RATE), generator.standard_normal((channels, 4 * RATE))
    sound = np.stack([common * np.roll(shared, 2 * row) for row in range(channels)]) + np.sqrt(1 - common**2) * own
    sound *= np.interp(np.arange(4 * RATE), np.arange(0, 4 * RATE + 400, 400), generator.exponential(1, 81))
    found = statistics_of(Audio(0.1 * sound.astype(np.float32), RATE), MODEL)
    freeze(found)
    return found


INTERAURAL = ("interaural_coherence", "interaural_correlation")


def complex_of(statistics: TextureStatistics) -> Any:
    """Interaural coherence, channels × bands × points."""
    values = statistics.classes["interaural_coherence"].astype(np.float64)
    return values[:, 0::2] + 1j * values[:, 1::2]


def test_without_interaural_statistics_channels_go_their_own_ways_and_twice_they_are_narrower() -> None:
    none, twice = (apply(wide(), {"class": "interaural", "amount": amount}) for amount in (0, 2))
    for name in INTERAURAL:
        np.testing.assert_array_equal(none.classes[name], 0)
    before, after = complex_of(wide()), complex_of(twice)
    np.testing.assert_allclose(np.abs(after), np.tanh(2 * np.arctanh(np.abs(before))), rtol=1e-4)
    np.testing.assert_allclose(np.angle(after), np.angle(before), atol=1e-4)
    assert (twice.classes["interaural_correlation"] > wide().classes["interaural_correlation"]).all()
    for name in set(MODEL.domains) - set(INTERAURAL):
        np.testing.assert_array_equal(none.classes[name], wide().classes[name])


@pytest.mark.parametrize("shorthand", ["correlations", "modulations", "swells", "structure", "moments", "levels"])
def test_width_is_neither_structure_nor_correlation(shorthand: str) -> None:
    found = apply(wide(), {"class": shorthand, "amount": 0.3, "weight": 0})
    for name in INTERAURAL:
        np.testing.assert_array_equal(found.classes[name], wide().classes[name])
        np.testing.assert_array_equal(found.weights[name], wide().weights[name])


def test_an_edit_of_no_class_is_of_what_channels_have_in_common_too() -> None:
    found = apply(wide(), {"frequency": [300, 1200], "weight": 0, "amount": 0.5})
    inside = (MODEL.centres >= 300) & (MODEL.centres <= 1200)
    assert ((found.weights["interaural_correlation"][0, :, 0] == 0) == inside).all()
    assert ((found.weights["interaural_coherence"][0, :, 0] == 0) == inside.repeat(2)).all()
    changed = (complex_of(found) != complex_of(wide())).all(axis=(0, 2))
    assert (changed == inside).all()


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0, 8),
    st.sampled_from([{}, {"flip": True}, {"flip": "real"}, {"flip": "imaginary"}]),
    regions,
    st.booleans(),
)
def test_both_rows_of_a_stereo_sound_tell_the_same(amount: float, flip: Any, region: Any, moves: bool) -> None:
    edit = {"class": "interaural_coherence", "amount": [[1, amount], [4, 1]] if moves else amount}
    found = apply(wide(), {**edit, **flip, **region}, {"class": "interaural_correlation", **region, "amount": amount})
    first, second = complex_of(found)
    np.testing.assert_allclose(first, second.conj(), atol=1e-6)
    left, right = found.classes["interaural_correlation"]
    np.testing.assert_allclose(left, right, atol=1e-6)
    assert np.abs(first).max() <= 1


def test_a_sound_turned_back_to_front_has_the_other_imaginary_parts() -> None:
    generator = np.random.default_rng(3)
    one = generator.standard_normal(4 * RATE)
    sound = np.stack([one, np.roll(one, 2) + 0.2 * generator.standard_normal(len(one))]).astype(np.float32)
    forth, back = (statistics_of(Audio(each, RATE), MODEL) for each in (sound, sound[:, ::-1].copy()))
    assert np.abs(complex_of(forth).imag).max() > 0.5
    found = apply(forth, {"class": "interaural_coherence", "flip": "imaginary"})
    np.testing.assert_allclose(complex_of(found), complex_of(back), atol=5e-3)


def test_of_more_channels_what_all_have_in_common_stays_possible(tmp_path: Path) -> None:
    classes = dict(wide(3).classes)
    channels = np.array([[1.0, 0.8, 0.3], [0.8, 1.0, 0.8], [0.3, 0.8, 1.0]])
    assert np.linalg.eigvalsh(channels).min() > 0
    near = np.array([channels[row, row - 1] for row in range(3)], np.float32)
    classes["interaural_correlation"] = np.broadcast_to(near[:, None, None], classes["interaural_correlation"].shape)
    start = dataclasses.replace(wide(3), classes=classes)
    found, context = node(tmp_path, {"class": "interaural_correlation", "amount": 2}, statistics=start)
    after = found.classes["interaural_correlation"][:, 0, 0]
    matrix = np.eye(3)
    for row in range(3):
        matrix[row, row - 1] = matrix[row - 1, row] = after[row]
    assert np.linalg.eigvalsh(matrix).min() > -5e-3
    wanted = np.tanh(2 * np.arctanh(near))
    assert 0.01 < np.abs(after - wanted).max() < 0.3
    (note,) = context.recorder.notes
    assert note.startswith("interaural_correlation was changed in 10 of 10 paths") and "no channels have" in note


def test_noise_has_independent_channels() -> None:
    found = apply(wide(), {"structure": "noise"})
    assert np.abs(complex_of(wide())[:, 3:]).mean() > 0.4
    assert np.abs(complex_of(found)).mean() < 0.05
    assert np.abs(found.classes["interaural_correlation"]).mean() < 0.05
    np.testing.assert_allclose(complex_of(found)[0], complex_of(found)[1].conj(), atol=1e-6)


def test_one_channel_has_nothing_in_common(tmp_path: Path) -> None:
    for name in ("interaural", "interaural_coherence"):
        with pytest.raises(MistakeError, match="of one channel have no interaural ones"):
            node(tmp_path, {"class": name, "amount": 0})
    rule = NodeSpec("texture_edit", texture_edit, "").mark.facts
    assert rule is not None
    known = {"classes": tuple(crackle().classes), "axes": crackle().axes()}
    with pytest.raises(MistakeError, match="no interaural among"):
        rule({"statistics": known}, {"edits": read({"class": "interaural", "amount": 0})})
    assert rule(
        {"statistics": {"classes": tuple(MODEL.domains)}}, {"edits": read({"class": "interaural", "amount": 0})}
    )


def test_autocorrelations_are_scaled_as_fishers_z_and_stay_within_their_limits() -> None:
    name = "envelope_autocorrelation"
    before = np.arctanh(crackle().classes[name].astype(np.float64))
    for amount in (0, 0.5, 2, 8):
        found = apply(crackle(), {"class": name, "amount": amount}).classes[name]
        np.testing.assert_allclose(found, np.tanh(amount * before), atol=1e-5)
        assert np.abs(found).max() < 1
    np.testing.assert_array_equal(
        apply(crackle(), {"rate": [0, 99], "amount": 0}).classes[name], crackle().classes[name]
    )


def test_fourteen_channels_and_silence_stay_finite() -> None:
    silence = statistics_of(Audio(np.zeros((14, 2 * RATE), np.float32), RATE), MODEL)
    found = apply(silence, {"amount": 2}, {"class": "levels", "amount": 0}, {"structure": "noise"})
    assert found.channels == 14
    assert all(np.isfinite(values).all() for values in (*found.classes.values(), found.colours))


def test_a_result_is_the_same_again_and_survives_the_store() -> None:
    edit = {"amount": [[0, 0.5], [3, 2]], "weight": 2}
    found = apply(crackle(), edit)
    same_bits(found, apply(crackle(), edit))
    same_bits(as_stored(found), found)  # type: ignore[arg-type]
    assert all(values.dtype == np.float32 for values in (*found.classes.values(), *found.weights.values()))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"class": "envelope_skewnes", "amount": 2}, "did you mean 'envelope_skewness'"),
        ({"class": "moments", "rate": [1, 4], "amount": 2}, "no class that this edit is of has a rate"),
        ({"frequency": [3990, 3999], "amount": 2}, "no path lies in this edit"),
        ({"class": "band_power", "flip": True}, "nothing that this edit is of has a sign"),
        ({"class": "moments", "flip": "imaginary"}, "nothing here has an imaginary part"),
    ],
)
def test_what_there_is_not_is_refused(tmp_path: Path, edit: Any, message: str) -> None:
    with pytest.raises(MistakeError, match=message) as caught:
        node(tmp_path, edit)
    assert caught.value.mistakes[0].parameter == "edits"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"class": "moments"}, "at least one of amount, weight, flip, structure"),
        ({"scale": 2, "weight": 1}, "the factor is called amount"),
        ({"amount": 2, "structure": "noise"}, "either an amount or a structure"),
        ({"amount": -1}, "values from 0 to 8"),
        ({"weight": -1}, "values from 0 to"),
        ({"structure": "silence"}, "as structure noise"),
        ({"flip": "left"}, "true, false, real or imaginary"),
        ({"amount": 2, "frequency": [900, 100]}, "its lower end, then its upper one"),
        ({"amount": 2, "class": 3}, "the name of one, or a list of names"),
        ({"amount": 2, "frequencies": [1, 2]}, "did you mean 'frequency'"),
    ],
)
def test_edits_of_another_form_are_refused(edit: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        read(edit)


def test_the_plan_knows_classes_and_axes() -> None:
    rule = NodeSpec("texture_edit", texture_edit, "").mark.facts
    assert rule is not None
    known = {"sample_rate": RATE, "channels": 2, "classes": tuple(MODEL.domains), "axes": MODEL.axes(), "kind": "x"}
    assert rule({"statistics": known}, {"edits": read({"amount": 2})})["value"]["channels"] == 2
    for edit, message in (
        ({"class": "hum", "amount": 2}, "no class 'hum'"),
        ({"rate": [900, 999], "weight": 0}, "no path"),
    ):
        with pytest.raises(MistakeError, match=message):
            rule({"statistics": known}, {"edits": read(edit)})


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"class": "envelope_kurtosis", "flip": True}, "nothing that this edit is of has a sign"),
        ({"class": "modulations", "frequency": [0, 4000], "flip": "real"}, ""),
        ({"class": "modulation_power", "flip": "imaginary"}, "nothing here has an imaginary part"),
        ({"rate": [4, 64], "class": ["modulation_power", "envelope_skewness"], "flip": True}, "has a sign"),
        ({"class": "moments", "flip": True}, ""),
        ({"flip": True}, ""),
    ],
)
def test_the_plan_and_the_render_refuse_the_same_flips(tmp_path: Path, edit: Any, message: str) -> None:
    rule = NodeSpec("texture_edit", texture_edit, "").mark.facts
    assert rule is not None
    names = crackle().classes
    known = {"model": "auditory", "classes": tuple(names), "axes": {n: MODEL.axes().get(n, {}) for n in names}}
    for act in (lambda: rule({"statistics": known}, {"edits": read(edit)}), lambda: node(tmp_path, edit)):
        if message:
            with pytest.raises(MistakeError, match=message):
                act()
        else:
            act()
    rule({"statistics": {"channels": 1}}, {"edits": read(edit)})


def test_parameters_are_read_twice_alike() -> None:
    edits = read({"class": "moments", "frequency": ["1 kHz", 2000], "amount": [[0, 1], ["2 s", 0]], "weight": "2"})
    assert TypeAdapter(Edits).validate_python(edits) == edits
    assert into(np.array([np.e]), "level") == pytest.approx(1)
