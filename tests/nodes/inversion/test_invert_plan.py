"""What an inversion refuses and tells before anything runs."""

from pathlib import Path

import numpy as np
import pytest

from nodes.inversion.checks import kept_iterates
from nodes.inversion.node import _invert_facts, invert
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters

RATE = 8000
MONO, STEREO = {"sample_rate": RATE, "channels": 1}, {"sample_rate": RATE, "channels": 2}
SPEC = NodeSpec("invert", invert, "here")


def read(**raw):
    return read_parameters(SPEC, raw, {}, [Path.cwd()])


def facts(targets, start=None, **parameters):
    values, mistakes = read(**parameters)
    assert mistakes == []
    return _invert_facts({"targets": targets, "start": start}, values)


def test_facts_are_told_before_anything_runs():
    assert facts([MONO])["audio"] == {"sample_rate": RATE, "channels": 1}
    assert facts([MONO], STEREO)["takes"] == {"sample_rate": RATE, "channels": 2, "labels": ("50",)}
    assert facts([MONO], channels=5)["audio"]["channels"] == 5
    assert facts([{}, MONO])["audio"] == {"sample_rate": RATE}
    assert facts([MONO], {})["audio"] == {"sample_rate": RATE}


@pytest.mark.parametrize(
    ("targets", "start", "parameters", "message"),
    [
        ([STEREO], MONO, {}, "another number of channels"),
        ([MONO], None, {"weights": [1.0, 1.0]}, "one weight for each target"),
        ([MONO], None, {"keep": [51]}, "will not be made"),
        ([MONO], None, {"class_weights": {"2.order1": 1}}, "no target of this number"),
        ([MONO], None, {"path_weights": [{"rate": [1, 2], "weight": 0, "class": "0.a"}]}, "no target of this number"),
        ([MONO], None, {"optimizer": "lbfgs", "momentum": 0.5}, "'lbfgs' has no momentum"),
        ([MONO], None, {"optimizer": "adam", "brake": 0.1}, "'adam' has no brake"),
        ([], None, {}, "nothing to reach"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_runs(targets, start, parameters, message):
    with pytest.raises(MistakeError, match=message):
        facts(targets, start, **parameters)


def test_classes_are_checked_where_they_are_known():
    known = MONO | {"classes": ("order1", "order2")}
    facts([known], class_weights={"order2": 1, "1.order1": 2})
    facts([known, MONO], class_weights={"kernel_3x3": 1})
    for parameters in (
        {"class_weights": {"ordre2": 1}},
        {"path_weights": [{"rate": [1, 2], "weight": 0, "class": "ordre2"}]},
    ):
        with pytest.raises(MistakeError, match="did you mean 'order2'") as caught:
            facts([known], **parameters)
        assert caught.value.mistakes[0].parameter in parameters


HALF, WHOLE = MONO | {"duration": 0.5}, MONO | {"duration": 1.0}
AXES = {"order1": {"frequency": np.array([3000.0, 100.0])}, "order2": {"rate": np.array([8.0]), "scale": np.zeros(1)}}


def test_the_duration_is_told_where_it_is_known():
    assert facts([HALF])["audio"]["duration"] == facts([HALF])["takes"]["duration"] == 0.5
    assert facts([MONO, WHOLE])["audio"]["duration"] == 1.0
    assert facts([MONO], duration=2.0)["audio"]["duration"] == 2.0
    assert "duration" not in facts([{"duration": 1.0}])["audio"]


@pytest.mark.parametrize(
    ("targets", "parameters", "parameter"),
    [([HALF], {"duration": 0.6}, "duration"), ([HALF, MONO, WHOLE], {}, "targets")],
)
def test_targets_of_other_lengths_are_refused_before_anything_runs(targets, parameters, parameter):
    with pytest.raises(MistakeError, match="a sound of its own length only") as caught:
        facts(targets, **parameters)
    assert caught.value.mistakes[0].parameter == parameter


@pytest.mark.parametrize(
    ("band", "message"),
    [
        ({"rate": [10, 20], "weight": 1}, "paths have rate 8 to 8 Hz"),
        ({"frequency": [150, 200], "weight": 1}, "paths have frequency 100 to 3000 Hz"),
        ({"frequency": [50, 200], "class": "order2", "weight": 1}, "has paths with a frequency"),
        ({"frequency": [50, 200], "rate": [8, 9], "weight": 1}, "has paths with a frequency and a rate"),
    ],
)
def test_bands_in_which_no_path_can_lie_are_refused_before_anything_runs(band, message):
    known = MONO | {"classes": tuple(AXES), "axes": AXES}
    with pytest.raises(MistakeError, match=message):
        facts([known], path_weights=[band])
    facts([known], path_weights=[{"rate": [8, 9], "scale": [0, 1], "weight": 1}, {"frequency": [90, 110], "weight": 0}])
    facts([known, MONO], path_weights=[band])


def test_bands_are_read_as_they_are_written():
    written = [
        {"rate": [8, "32 Hz"], "scale": [-4, -0.5], "frequency": ["0.2 kHz", 2000], "weight": 3},
        {"class": "2.order2", "scale": [0, 4], "weight": 0},
    ]
    values, mistakes = read(path_weights=written)
    assert mistakes == []
    assert values["path_weights"] == [
        {"rate": [8.0, 32.0], "scale": [-4.0, -0.5], "frequency": [200.0, 2000.0], "weight": 3.0},
        {"class": "2.order2", "scale": [0.0, 4.0], "weight": 0.0},
    ]
    assert read(path_weights=values["path_weights"])[0]["path_weights"] == values["path_weights"]


@pytest.mark.parametrize(
    ("band", "allowed"),
    [
        ({"rate": [8, 32]}, "with a range and a weight"),
        ({"weight": 2, "class": "order2"}, "with a range and a weight"),
        ("rate", "with a range and a weight"),
        ({"rate": [8, 32], "weight": 1, "wieght": 2}, "did you mean 'weight'"),
        ({"rate": [8, 32], "wieght": 2}, "did you mean 'weight'"),
        ({"rte": [8, 32], "weight": 2}, "did you mean 'rate'"),
        ({"rate": [8, 32], "weight": float("inf")}, "not infinite"),
        ({"rate": [8, 32], "weight": 1, "spin": 2}, "it has 'spin'"),
        ({"rate": 8, "weight": 1}, "two ends"),
        ({"rate": [1, 2, 3], "weight": 1}, "two ends"),
        ({"rate": [32, 8], "weight": 1}, "lower end"),
        ({"scale": [-0.5, -4], "weight": 1}, "lower end"),
        ({"rate": [8, float("inf")], "weight": 1}, "lower end"),
        ({"scale": ["4 Hz", 5], "weight": 1}, "a number"),
        ({"rate": [True, 5], "weight": 1}, "a frequency"),
        ({"rate": [8, 32], "weight": -1}, "from 0 on"),
        ({"rate": [8, 32], "weight": "much"}, "a number"),
        ({"rate": [8, 32], "weight": 1, "class": 2}, "name of a class"),
    ],
)
def test_a_band_of_another_form_is_one_clear_mistake(band, allowed):
    _, mistakes = read(path_weights=[band])
    assert [(m.parameter, allowed in m.allowed) for m in mistakes] == [("path_weights", True)], mistakes


def test_every_nth_iterate_is_read_and_counted():
    assert read(keep="every 5")[0]["keep"] == "every 5"
    assert read(keep=" Every  05 ")[0]["keep"] == "every 5"
    assert kept_iterates("every 5", 12) == {0, 5, 10, 12}
    assert kept_iterates("every 5", 10) == {0, 5, 10}
    assert kept_iterates("every 50", 10) == {0, 10}
    assert kept_iterates("every 1", 3) == kept_iterates("all", 3) == {0, 1, 2, 3}
    assert kept_iterates("last", 3) == {3}
    assert kept_iterates("all", 0) == kept_iterates("last", 0) == {0}


@pytest.mark.parametrize("keep", ["every 0", "every", "lst", "every -3", "every 2.5", 7, [-1], [True]])
def test_iterates_written_otherwise_are_one_clear_mistake(keep):
    _, mistakes = read(keep=keep)
    assert [m.parameter for m in mistakes] == ["keep"]
    if keep != [True]:
        assert "'every 5'" in mistakes[0].allowed
    assert ("last" in mistakes[0].hint) == (keep == "lst")


@pytest.mark.parametrize("given", [{"momentum": 1.0}, {"acceleration": 0.9}, {"brake": 0.0}, {"phases": "same"}])
def test_values_out_of_range_are_refused(given):
    _, mistakes = read(**given)
    assert [m.parameter for m in mistakes] == list(given)


def test_a_sound_without_a_sample_is_refused_before_anything_runs():
    for written in (0, "0 s", -1):
        _, mistakes = read(duration=written)
        assert [mistake.parameter for mistake in mistakes] == ["duration"]
    with pytest.raises(MistakeError, match="less than a sample") as caught:
        facts([MONO], duration=0.4 / RATE)
    assert caught.value.mistakes[0].parameter == "duration"
    assert facts([MONO], duration=1 / RATE)["audio"]["duration"] == 1 / RATE


SCATTERED = MONO | {"kind": "Scattering", "classes": ("order1", "order2")}
COUNTED = MONO | {"kind": "TextureStatistics", "classes": ("band_power",)}


@pytest.mark.parametrize(
    ("targets", "parameters", "refused"),
    [
        ([SCATTERED, COUNTED], {}, True),
        ([SCATTERED, COUNTED], {"weights": [0, 1]}, False),
        ([COUNTED, SCATTERED], {}, False),
        ([COUNTED, SCATTERED], {"weights": [0, 1]}, True),
        ([SCATTERED, COUNTED], {"class_weights": {"order1": 0, "order2": 0}}, False),
        ([SCATTERED, COUNTED], {"class_weights": {"order1": 0, "2.band_power": 3}}, True),
        ([COUNTED, SCATTERED], {"class_weights": {"band_power": 2, "1.band_power": 0}}, True),
        ([MONO, SCATTERED], {}, False),
    ],
)
def test_first_sounds_are_of_the_first_target_that_counts(targets, parameters, refused):
    for initial in ("statistics", "tonal"):
        if refused:
            with pytest.raises(MistakeError, match="the first target that counts makes no first sound"):
                facts(targets, initial=initial, **parameters)
        else:
            facts(targets, initial=initial, **parameters)
