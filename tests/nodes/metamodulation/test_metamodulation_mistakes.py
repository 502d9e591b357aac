"""What `metamodulate` refuses, before anything runs where that is known, and how it says so."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from contexts import make_context
from plane_sounds import RATE, audio, constant, metamodulate

from nodes.metamodulation import node
from nodes.metamodulation.checks import metamodulate_facts
from nodes.scattering.node import scatter
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters
from pipelines.quantities import Envelope

SMALL = {"octaves": 9, "quality": 6}
SPEC = NodeSpec("metamodulate", node.metamodulate, "here")
JOINT = {"kind": "Scattering", "sample_rate": RATE, "channels": 2, "classes": ("order1", "order2")}

AXES = {"order1": {"frequency": np.array([100.0])}, "order2": {"rate": np.array([8.0]), "scale": np.zeros(1)}}


def read(folders=None, **raw):
    return read_parameters(SPEC, raw, {}, folders or [Path.cwd()])


def facts(scattering, other=None, **raw):
    values, mistakes = read(**raw)
    assert mistakes == []
    return metamodulate_facts({"scattering": scattering, "other": other}, values)


@pytest.fixture(scope="module")
def scattered(tmp_path_factory):
    context = make_context(tmp_path_factory.mktemp("scratch"))

    def analysed(channels=1, length=4096, rate=RATE, **choices):
        sound = audio(*0.1 * np.random.default_rng(0).standard_normal((channels, length)), rate=rate)
        return scatter(sound, **{**SMALL, **choices}, context=context)

    return analysed


def test_what_is_known_of_the_scattering_is_told_of_the_result():
    assert facts(JOINT)["value"] == {name: JOINT[name] for name in ("sample_rate", "channels", "classes")}
    assert facts({})["value"] == {}
    assert facts(JOINT | {"duration": 1.0}, JOINT)["value"]["duration"] == 1.0
    assert facts(JOINT | {"axes": AXES}, gains=[{"rate": [8, 9], "gain": -3}])["value"]["axes"] is AXES
    assert facts(JOINT, JOINT | {"channels": 1})["value"]["channels"] == 2


@pytest.mark.parametrize(
    ("scattering", "other", "parameters", "parameter", "message"),
    [
        (JOINT, None, {"hybrid": 0.5}, "hybrid", "needs a second scattering"),
        (JOINT, None, {"levels": "ratio"}, "levels", "needs a second scattering"),
        (JOINT, JOINT | {"sample_rate": 44100}, {}, "other", "differ in their sample rate"),
        (JOINT, JOINT | {"channels": 3}, {}, "other", "another number of channels"),
        (JOINT | {"duration": 1.0}, JOINT | {"duration": 1.5}, {}, "other", "differ in their length"),
        (JOINT | {"axes": AXES}, None, {"gains": [{"rate": [9, 10], "gain": 0}]}, "gains", "no path lies in this"),
        (JOINT | {"classes": ("order1",)}, None, {"transpose_rate": 1}, "transpose_rate", "no second order"),
        (JOINT | {"classes": ("order1",)}, JOINT, {}, "hybrid", "no second order"),
        (JOINT | {"classes": ("order1",)}, None, {"gains": [{"rate": [1, 2], "gain": 0}]}, "gains", "no second order"),
        (JOINT | {"scattering": "time"}, None, {"spin": [[0, 1], [2, -1]]}, "spin", "has no scales"),
        (JOINT | {"scattering": "time"}, JOINT | {"scattering": "joint"}, {}, "other", "differ in their kind"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_runs(scattering, other, parameters, parameter, message):
    with pytest.raises(MistakeError, match=message) as caught:
        facts(scattering, other, **parameters)
    assert caught.value.mistakes[0].parameter == parameter


def test_what_changes_nothing_is_refused_nowhere():
    facts(
        JOINT | {"classes": ("order1",), "scattering": "time"}, transpose_rate=0, spin=1, blur_order2=[[0, 0]], blur=1
    )


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        ({"spin": 1.5}, "values from -1 to 1"),
        ({"hybrid": -0.1}, "values from 0 to 1"),
        ({"blur": -1}, "values from 0 to 16 octaves"),
        ({"transpose_rate": [[0, 1], [1, 20]]}, "values from -16 to 16 octaves"),
        ({"gains": [{"gain": 3}]}, "regions with a range and a gain"),
        ({"gains": [{"rate": [1, 2]}]}, "regions with a range and a gain"),
        ({"gains": [{"rate": [2, 1], "gain": 3}]}, "its lower end, then its upper one"),
        ({"gains": [{"rate": [2], "gain": 3}]}, "two ends, as rate"),
        ({"gains": [{"rate": [1, 2], "gian": 3, "gain": 3}]}, "did you mean 'gain'"),
        ({"gains": [{"rate": [1, 2], "gain": [[1, "-3 dB"], [0, 0]]}]}, "points in order of time"),
        ({"gains": [{"scale": ["wide", 2], "gain": 3}]}, "a number"),
        ({"gains": {"rate": [1, 2], "gain": 3}}, "a list of regions, even of one, as [{rate: [8, 32], gain: -12 dB}]"),
        ({"gains": [{"rate": [1, 2], "gian": 3}]}, "did you mean 'gain'"),
        ({"gains": [3]}, "regions with a range and a gain"),
    ],
)
def test_parameters_are_read_with_their_ranges(parameters, allowed):
    _, mistakes = read(**parameters)
    assert len(mistakes) == 1
    assert mistakes[0].parameter == next(iter(parameters))
    assert allowed in mistakes[0].allowed


def test_regions_and_envelopes_are_read_as_they_are_written(tmp_path):
    (tmp_path / "fällt.brk").write_text("0 0\n2 -inf\n", encoding="utf-8")
    region = {"rate": ["4 Hz", "2 kHz"], "scale": [-4, -0.5], "gain": "fällt.brk"}
    values, mistakes = read([tmp_path], gains=[region, {"frequency": [0, 100], "gain": "-12 dB"}], spin=-1)
    assert mistakes == []
    assert values["gains"][0] == {
        "rate": [4.0, 2000.0],
        "scale": [-4.0, -0.5],
        "gain": Envelope(((0.0, 0.0), (2.0, -np.inf))),
    }
    assert values["gains"][1]["gain"] == constant(-12)
    again, mistakes = read(gains=values["gains"], spin=values["spin"])
    assert mistakes == []
    assert again["gains"] == values["gains"]


@pytest.mark.parametrize("edit", [{"spin": constant(0)}, {"transpose_scale": constant(1)}])
@pytest.mark.parametrize("choices", [{"kind": "time"}, {"scales": [0.0, 0.0]}])
def test_without_scales_no_scales_are_edited(scattered, edit, choices):
    with pytest.raises(MistakeError, match="has no scales") as caught:
        metamodulate(scattered(**choices), **edit)
    assert caught.value.mistakes[0].parameter == next(iter(edit))
    assert "kind: joint" in caught.value.mistakes[0].hint


def test_regions_must_hold_paths(scattered):
    for choices, region, message in (
        ({"kind": "time"}, {"scale": [0.0, 1.0]}, "has no scales"),
        ({"orders": 1}, {"rate": [0.0, 1.0]}, "no second order"),
        ({}, {"rate": [1e5, 2e5]}, "no path lies in this region"),
        ({"orders": 1}, {"frequency": [1e5, 2e5]}, "no path lies in this region"),
        ({"octave_averaging": "global", "order1": "scales"}, {"frequency": [0.0, 1e4]}, "paths have no frequency"),
    ):
        with pytest.raises(MistakeError, match=message):
            metamodulate(scattered(**choices), gains=[region | {"gain": constant(-3)}])


@pytest.mark.parametrize(
    ("own", "others", "message", "given", "allowed"),
    [
        ({}, {"quality": 8}, "differ in their quality", "8", "6, as"),
        ({}, {"rate": 44100}, "differ in their sample rate", "44100 Hz", "8192 Hz"),
        ({}, {"length": 4000}, "differ in their length", "4000 samples", "4096 samples (0.500 s)"),
        ({}, {"kind": "time"}, "differ in their kind", "time", "joint"),
        ({}, {"averaging": 0.125}, "differ in their averaging", "1024", "512"),
        ({}, {"channels": 3}, "another number of channels", "3", "1"),
        ({"channels": 2}, {"channels": 3}, "another number of channels", "3", "2, or 1 for all"),
    ],
)
def test_scatterings_of_a_hybrid_must_agree(scattered, own, others, message, given, allowed):
    with pytest.raises(MistakeError, match=message) as caught:
        metamodulate(scattered(**own), scattered(**others))
    (mistake,) = caught.value.mistakes
    assert mistake.parameter == "other"
    assert given in mistake.given
    assert allowed in mistake.allowed


def test_means_over_whole_sounds_may_be_of_any_length(scattered):
    long, short = (scattered(length=length, averaging="global") for length in (4096, 3000))
    assert np.array_equal(metamodulate(long, short).order2, short.order2)


def test_chunks_of_a_hybrid_must_agree(scattered):
    whole = scattered()
    other = dataclasses.replace(whole, order1=whole.order1[..., :3], order2=whole.order2[..., :3], chunk=4096)
    with pytest.raises(MistakeError, match="differ in their chunk"):
        metamodulate(whole, other)


def test_a_hybrid_needs_its_second_scattering_and_bands(scattered):
    with pytest.raises(MistakeError, match="needs a second scattering"):
        metamodulate(scattered(), hybrid=constant(0.5))
    with pytest.raises(MistakeError, match="no second order"):
        metamodulate(scattered(orders=1), scattered(orders=1))
    folded = scattered(order1="scales")
    with pytest.raises(MistakeError, match="band by band"):
        metamodulate(folded, folded, levels="ratio")
