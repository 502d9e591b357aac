import json
from pathlib import Path

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.bins.model import BinModel
from nodes.textures.measuring import statistics_of
from nodes.textures.node.measuring import _facts, texture_statistics, top_of
from nodes.textures.stretches import Stretches, stretches_of
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters
from pipelines.value import pack, unpack

RATE = 8000
SPEC = NodeSpec("texture_statistics", texture_statistics, "here")
SMALL = {"bands": 8, "modulation_bands": 6}


def noise(seconds, channels=1, rate=RATE, seed=0):
    draw = np.random.default_rng(seed)
    return Audio((0.1 * draw.standard_normal((channels, round(seconds * rate)))).astype(np.float32), rate)


def facts(known, **raw):
    values, mistakes = read_parameters(SPEC, raw, {}, [Path.cwd()])
    assert mistakes == []
    return _facts({"audio": known}, values)["value"]


def test_what_the_plan_knows(tmp_path):
    for channels in (1, 2):
        known = facts({"sample_rate": RATE, "channels": channels, "duration": 3.0}, **SMALL)
        assert (known["sample_rate"], known["channels"]) == (RATE, channels) and "duration" not in known
        found = texture_statistics(noise(0.5, channels), **SMALL, context=make_context(tmp_path))
        assert list(known["classes"]) == list(found.classes) == list(known["axes"])
        assert ("interaural_coherence" in known["classes"]) == (channels > 1)
        for name, axes in found.axes().items():
            for axis, values in axes.items():
                np.testing.assert_allclose(known["axes"][name][axis], values)
    assert facts({})["classes"] == facts(None)["classes"] == tuple(AuditoryModel.domains)
    assert facts({"sample_rate": RATE}, highest="4 kHz")["sample_rate"] == RATE


@pytest.mark.parametrize(
    ("rate", "parameters", "parameter"),
    [(8000, {"highest": 4001}, "highest"), (8000, {"lowest": 4000}, "lowest"), (96_000, {"lowest": 10_000}, "lowest")],
)
def test_bands_that_do_not_fit_are_mistakes_before_anything_runs(tmp_path, rate, parameters, parameter):
    for act in (
        lambda: facts({"sample_rate": rate}, **parameters),
        lambda: texture_statistics(noise(1.0, rate=rate), **parameters, context=make_context(tmp_path)),
    ):
        with pytest.raises(MistakeError, match="do not fit") as caught:
            act()
        assert parameter in str(caught.value)


@pytest.mark.parametrize("raw", [{"bands": 3}, {"bands": 201}, {"modulation_bands": 3}, {"model": "ear"}])
def test_parameters_out_of_range_are_mistakes(raw):
    assert read_parameters(SPEC, raw, {}, [Path.cwd()])[1]


def test_bands_end_where_they_were_published_to():
    assert top_of(20.0, None, 44_100) == 10_000 and top_of(20.0, None, 8000) == 4000
    assert top_of(20.0, 22_050.0, 44_100) == 22_050


def test_statistics_have_the_shapes_that_are_told(tmp_path):
    audio = noise(2.0, 2)
    found = texture_statistics(audio, **SMALL, context=make_context(tmp_path))
    assert isinstance(found, TextureStatistics)
    assert (found.channels, found.length, found.sample_rate, found.any_length) == (2, 16_000, RATE, True)
    axes = found.axes()
    assert list(found.classes) == list(AuditoryModel.domains) == list(axes)
    for name, values in found.classes.items():
        paths = len(axes[name]["frequency"])
        assert values.shape == (2, paths, 1) and values.dtype == np.float32
        assert found.weights[name].shape == (2, paths, 1) and found.deviations[name].shape == (2, paths)
    assert found.count == sum(len(axis["frequency"]) for axis in axes.values())
    assert "2 ch" in found.describe() and "2.000 s" in found.describe()
    assert found.spectrum().shape[0] == 2 and found.colour() is found.colours
    for length in (1000, 16_000, 10 * RATE):
        goals = found.coefficients_for(length)
        for name, values in goals.items():
            assert values.shape == (*found.classes[name].shape[:2], len(stretches_of(found.model, length).starts))


def test_statistics_are_means_over_stretches():
    audio = noise(14.0)
    model = AuditoryModel(RATE, highest=4000.0, bands=8, modulation_bands=6)
    found = statistics_of(audio, model)
    layout = stretches_of(model, audio.length)
    assert len(layout.starts) == 3
    each = Stretches(model, layout, "cpu")(torch.tensor(audio.samples))
    for name, values in each.items():
        np.testing.assert_allclose(found.classes[name][:, :, 0], values.mean(-1).numpy(), rtol=1e-4, atol=1e-5)


def test_deviations_tell_how_far_statistics_of_noise_stray():
    model = AuditoryModel(RATE, highest=4000.0, bands=8, modulation_bands=6)
    many = [statistics_of(noise(8.0, seed=seed), model) for seed in range(12)]
    for name in ("envelope_variation", "envelope_correlation", "modulation_power"):
        spread = np.std([each.classes[name][0, 1:-1, 0] for each in many], axis=0)
        told = np.mean([each.deviations[name][0, 1:-1] for each in many], axis=0)
        assert 0.4 < np.median(told / spread) < 2.5, name


def test_deviations_of_one_block_are_not_known():
    found = statistics_of(noise(1.0), AuditoryModel(RATE, highest=4000.0, bands=8))
    assert all(np.isnan(values).all() and values.dtype == np.float32 for values in found.deviations.values())


def test_statistics_come_back_from_the_store(tmp_path):
    value = texture_statistics(noise(2.0, 2), **SMALL, context=make_context(tmp_path))
    tree, arrays = pack(value)
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=False)
    saved = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in arrays}
    back = unpack(json.loads(json.dumps(tree)), saved)
    assert isinstance(back, TextureStatistics) and vars(back.model) == vars(value.model)
    for group in ("classes", "weights", "deviations"):
        for name, array in getattr(value, group).items():
            np.testing.assert_array_equal(getattr(back, group)[name], array)
    np.testing.assert_array_equal(back.times, value.times)
    np.testing.assert_array_equal(back.colours, value.colours)
    for name, values in value.coefficients_for(100_000).items():
        np.testing.assert_array_equal(back.coefficients_for(100_000)[name], values)


def test_the_same_sound_gives_the_same_bits():
    model = AuditoryModel(RATE, highest=4000.0, bands=8)
    once, again = (statistics_of(noise(8.0, 2), model) for _ in range(2))
    for name, values in once.classes.items():
        np.testing.assert_array_equal(again.classes[name], values)
        np.testing.assert_array_equal(again.deviations[name], once.deviations[name])


def test_read_only_sounds_are_left_as_they_are():
    audio = noise(1.0)
    before = audio.samples.copy()
    audio.samples.flags.writeable = False
    statistics_of(audio, AuditoryModel(RATE, highest=4000.0, bands=8))
    np.testing.assert_array_equal(audio.samples, before)


def test_channels_differ_from_those_alone_in_what_they_have_in_common_only():
    audio = noise(1.0, 14)
    model = AuditoryModel(RATE, highest=4000.0, bands=8)
    found = statistics_of(audio, model)
    alone = statistics_of(Audio(audio.samples[5:6], RATE), model)
    assert found.channels == 14
    assert found.classes.keys() - alone.classes.keys() == set(model.linked)
    for name, values in alone.classes.items():
        np.testing.assert_allclose(found.classes[name][5], values[0], rtol=1e-4, atol=1e-5)


def test_every_class_is_documented():
    doc = texture_statistics.__doc__
    assert [name for name in (*AuditoryModel.domains, *BinModel.domains) if f"`{name}`" not in doc] == []


@pytest.mark.parametrize("rate", [192_000, 44_100, 100])
def test_every_sample_rate_has_its_bands(tmp_path, rate):
    found = texture_statistics(noise(0.5, rate=rate), bands=6, context=make_context(tmp_path))
    assert all(np.isfinite(values).all() for values in found.classes.values())


@pytest.mark.parametrize("kind", ["silence", "constant", "click", "tone", "square"])
def test_extreme_sounds_have_finite_statistics(tmp_path, kind):
    time = np.arange(round(0.3 * 44_100)) / 44_100
    samples = {
        "silence": 0 * time,
        "constant": 0 * time + 1,
        "click": (np.arange(len(time)) == 6000) * 1.0,
        "tone": np.sin(2 * np.pi * 1000 * time),
        "square": np.sign(np.sin(2 * np.pi * 440 * time + 0.1)),
    }[kind]
    found = texture_statistics(Audio(samples[None].astype(np.float32), 44_100), context=make_context(tmp_path))
    assert all(np.isfinite(values).all() for values in found.classes.values())
    assert np.isfinite(found.spectrum()).all() and (found.spectrum() >= 0).all()


@pytest.mark.parametrize("length", [0, 1, 1999])
def test_short_sounds_are_mistakes(tmp_path, length):
    audio = Audio(np.zeros((1, length), np.float32), RATE)
    with pytest.raises(MistakeError, match="too short") as caught:
        texture_statistics(audio, context=make_context(tmp_path))
    assert f"{length} samples" in str(caught.value)


@pytest.mark.parametrize(("seconds", "notes"), [(0.5, 1), (2.9, 1), (3.0, 0)])
def test_few_seconds_are_told_once(tmp_path, seconds, notes):
    context = make_context(tmp_path)
    texture_statistics(noise(seconds, 2), **SMALL, context=context)
    told = [f"{seconds:g} s are few for statistics: 3 s and more are wise"]
    assert context.recorder.notes == told * notes


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_a_mistake(tmp_path, wrong):
    audio = noise(1.0, 2)
    audio.samples[1, 4000] = wrong
    with pytest.raises(MistakeError, match=r"0\.5 s in channel 2"):
        texture_statistics(audio, context=make_context(tmp_path))
