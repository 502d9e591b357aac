import numpy as np
import pytest
import torch
from contexts import make_context
from modulation_spectra import modulation_spectrum

from nodes.inversion.bands import path_weights
from nodes.inversion.node import invert
from nodes.inversion.objective import Objective
from nodes.inversion.shaping import Shaping
from nodes.inversion.terms import FLOOR, emphases_of, shares, terms_of
from nodes.textures.node import texture_correlate
from nodes.values import Audio
from pipelines.mistakes import MistakeError

RATE = 8000


def sound(seed=0, seconds=0.5, level=0.1):
    """Noise whose bands beat at different rates."""
    t = np.arange(int(seconds * RATE)) / RATE
    x = np.random.default_rng(seed).standard_normal(len(t)) * (1 + np.sin(2 * np.pi * 12 * t)) * level
    return Audio((x + level * np.sin(2 * np.pi * (500 * t + 900 * t**2)))[None].astype(np.float32), RATE)


@pytest.fixture
def target():
    return modulation_spectrum(sound())


def weights_of(target, *bands):
    return path_weights([target], [list(target.coefficients())], bands)[0]


def objective(target, bands):
    goals = [target.coefficients()]
    paths = path_weights([target], [list(goals[0])], bands)
    terms = terms_of(goals, shares(goals, [1.0], {}, paths), emphases_of(goals, paths, [{}]), "cpu")
    start = torch.zeros(1, target.length)
    return Objective(terms, [target.analysis(target.length, "cpu")], start, Shaping(None, target.length, "cpu"))


def test_a_band_holds_the_paths_that_lie_in_all_its_ranges(target):
    axes = target.axes()["order2"]
    found = weights_of(target, {"rate": [8.0, 32.0], "scale": [0.5, 4.0], "weight": 3.0})
    inside = (axes["rate"] >= 8) & (axes["rate"] <= 32) & (axes["scale"] >= 0.5) & (axes["scale"] <= 4)
    assert list(found) == ["order2"] and 0 < inside.sum() < len(inside)
    np.testing.assert_array_equal(found["order2"], np.where(inside, 3.0, 1.0))


def test_both_spins_are_two_bands_and_overlapping_bands_multiply(target):
    scale = target.axes()["order2"]["scale"]
    both = weights_of(target, *({"scale": ends, "weight": 2.0} for ends in ([0.5, 4.0], [-4.0, -0.5])))
    np.testing.assert_array_equal(both["order2"], np.where((np.abs(scale) >= 0.5) & (np.abs(scale) <= 4), 2.0, 1.0))
    twice = weights_of(target, *({"scale": ends, "weight": 2.0} for ends in ([-1.0, 1.0], [0.0, 2.0])))
    np.testing.assert_array_equal(twice["order2"][(scale >= 0) & (scale <= 1)], 4.0)


def test_ends_are_inside(target):
    place = float(target.axes()["order1"]["frequency"][7])
    found = weights_of(target, {"frequency": [place, place], "weight": 0.0})["order1"]
    assert np.flatnonzero(found == 0).tolist() == [7]


def test_a_band_may_be_kept_to_one_class_of_one_target(target):
    """A path without a place on an axis is not in the band: order2 has no frequency here."""
    other = modulation_spectrum(sound(1))
    classes = [list(target.coefficients())] * 2
    band = {"frequency": [0.0, 4000.0], "weight": 2.0}
    assert [list(found) for found in path_weights([target, other], classes, [band])] == [["order1"], ["order1"]]
    found = path_weights([target, other], classes, [band | {"class": "2.order1"}])
    assert [list(each) for each in found] == [[], ["order1"]]


def test_the_error_is_weighed_path_by_path(target):
    bands = [{"rate": [8.0, 32.0], "weight": 5.0}, {"scale": [-6.0, 0.0], "weight": 0.5}]
    point = objective(target, bands)(torch.tensor(sound(4).samples))
    found = {
        n: v.numpy().astype(np.float64) for n, v in target.analysis(0, "cpu")(torch.tensor(sound(4).samples)).items()
    }
    wanted = target.coefficients()
    floor = FLOOR * max(np.sqrt(np.mean(np.square(w, dtype=np.float64))) for w in wanted.values())
    axes = target.axes()["order2"]
    weight = np.where((axes["rate"] >= 8) & (axes["rate"] <= 32), 5.0, 1.0) * np.where(axes["scale"] <= 0, 0.5, 1.0)
    errors = []
    for name, w in (("order1", np.ones(65)), ("order2", weight)):
        squares, energies = np.square(found[name] - wanted[name]), np.square(wanted[name], dtype=np.float64) + floor**2
        errors.append((w * squares).sum() / (w * energies).sum())
    assert point.errors == pytest.approx(errors, rel=1e-4)
    assert point.loss == pytest.approx(np.mean(errors), rel=1e-4)
    assert sum(point.distances) == pytest.approx(sum(np.square(found[n] - wanted[n]).sum() for n in wanted), rel=1e-4)


def test_the_gradient_is_that_of_the_weighed_error(target):
    descend = objective(target, [{"rate": [8.0, 32.0], "weight": 50.0}])
    rng = np.random.default_rng(0)
    at = torch.tensor(sound(4).samples)
    direction = torch.tensor(rng.standard_normal((1, target.length)), dtype=torch.float32)
    step = 1e-4
    rise = (descend(at + step * direction).loss - descend(at - step * direction).loss) / (2 * step)
    assert float((descend(at).gradient * direction).sum()) == pytest.approx(rise, rel=0.02)


def test_a_weight_for_all_paths_of_a_class_changes_nothing(target):
    at = torch.tensor(sound(4).samples)
    plain, weighed = objective(target, [])(at), objective(target, [{"rate": [0.0, 1e5], "weight": 7.0}])(at)
    assert weighed.errors == pytest.approx(plain.errors, rel=1e-5)


@pytest.mark.parametrize(("weight", "least", "most"), [(0.0, 3.0, np.inf), (30.0, -np.inf, -3.0)])
def test_a_region_is_left_free_or_reached_first(tmp_path, target, weight, least, most):
    axes = target.axes()["order2"]
    inside = (axes["rate"] >= 8) & (axes["rate"] <= 32)

    def error(bands):
        made = invert([target], path_weights=bands, iterations=25, context=make_context(tmp_path)).audio
        found, wanted = (t.coefficients()["order2"][0][inside] for t in (modulation_spectrum(made), target))
        return 10 * np.log10(np.square(found - wanted).sum() / np.square(wanted).sum())

    assert least < error([{"rate": [8.0, 32.0], "weight": weight}]) - error([]) < most


def test_a_class_without_any_weight_has_no_share_and_is_logged_as_it_is(tmp_path, target):
    context = make_context(tmp_path)
    invert([target], path_weights=[{"rate": [0.0, 1e5], "weight": 0.0}], iterations=2, context=context)
    last = {name: value for _, name, value, at in context.recorder.metrics if at == 2}
    assert last["loss"] == pytest.approx(10 ** (last["loss.1.order1"] / 10), rel=1e-4)
    assert -60 < last["loss.1.order2"] < 60


@pytest.mark.parametrize(
    ("band", "message"),
    [
        ({"rate": [500.0, 900.0]}, r"paths have rate 0 to 61.\d Hz"),
        ({"scale": [7.0, 9.0]}, r"paths have scale -5.91 to -0.185 and 0 to 5.91 cycles per octave"),
        ({"frequency": [5000.0, 6000.0]}, "paths have frequency 0 to 4000 Hz"),
        ({"frequency": [10.0, 11.0], "class": "order1"}, "no path lies in this band"),
        ({"frequency": [200.0, 2000.0], "rate": [8.0, 32.0]}, "no class has paths with a frequency and a rate"),
        (
            {"rate": [8.0, 32.0], "class": "order1"},
            "no class of this name has paths with a rate(.|\n)*order1: frequency",
        ),
        ({"rate": [8.0, 32.0], "class": "order3"}, "did you mean 'order2'"),
    ],
)
def test_a_band_that_nothing_answers_to_is_a_mistake(tmp_path, target, band, message):
    with pytest.raises(MistakeError, match=message) as caught:
        invert([target], path_weights=[band | {"weight": 2.0}], context=make_context(tmp_path))
    assert caught.value.mistakes[0].parameter == "path_weights"


def test_ranges_that_are_met_one_by_one_but_not_together_are_said_to_be(tmp_path):
    target = modulation_spectrum(sound())
    axes = target.axes()
    axes["order2"]["rate"] = np.abs(axes["order2"]["scale"])
    object.__setattr__(target, "axes", lambda: axes)
    with pytest.raises(MistakeError, match="none in all of them"):
        weights_of(target, {"rate": [0.0, 1.0], "scale": [2.0, 4.0], "weight": 2.0})


def test_a_representation_without_axes_says_so(tmp_path):
    context = make_context(tmp_path)
    target = texture_correlate(sound(seconds=1.0), context=context)
    with pytest.raises(MistakeError, match="tell no axis"):
        invert([target], path_weights=[{"rate": [8.0, 32.0], "weight": 2.0}], context=context)
