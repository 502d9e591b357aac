import json

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.scattering.core.design import Design
from nodes.scattering.node import scatter
from nodes.scattering.value import Scattering
from nodes.values.audio import Audio
from nodes.values.representation import Representation
from pipelines.value import as_stored, freeze, pack, unpack

RATE = 8000
CHOICES = [
    {},
    {"kind": "time"},
    {"orders": 1},
    {"averaging": "global"},
    {"averaging": "global", "octave_averaging": "global"},
    {"octave_averaging": 1.0, "boundary": "circular", "wavelet": "gammatone", "sampling": "full"},
    {"rates": [20.0, 200.0], "scales": [0.5, 2.0], "precision": "double", "logarithm": 0.01},
    {"chunk": 0.2, "normalise": True},
    {"order1": "scales", "octave_averaging": "global"},
]


def found(tmp_path, length=4000, channels=2, level=0.1, **choice):
    samples = level * np.random.default_rng(0).standard_normal((channels, length))
    choice = {"octaves": 7, "quality": 6} | choice
    return scatter(Audio(samples.astype(np.float32), RATE), **choice, context=make_context(tmp_path))


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_value_survives_storing_with_its_design(tmp_path, choice):
    value = found(tmp_path, **choice)
    tree, arrays = pack(value)
    again = unpack(json.loads(json.dumps(tree)), arrays)
    assert isinstance(again, Scattering) and isinstance(again, Representation)
    assert isinstance(again.design, Design) and vars(again.design).items() <= vars(value.design).items()
    assert again.describe() == value.describe()
    samples = torch.tensor(np.random.default_rng(1).standard_normal((2, 4000)), dtype=torch.float32)
    ours, theirs = (each.analysis(4000, "cpu")(samples) for each in (value, as_stored(freeze(value))))
    for name, values in value.coefficients().items():
        np.testing.assert_array_equal(again.coefficients()[name], values)
        assert torch.equal(ours[name], theirs[name])


def test_it_tells_what_it_is(tmp_path):
    text = found(tmp_path).describe()
    for part in ("joint", "2 ch", "frames of 16 ms", "octaves 7", "quality 6"):
        assert part in text
    assert "1 frames, the mean" in found(tmp_path, averaging="global").describe()
    value = found(tmp_path, channels=3)
    assert (value.channels, value.length, value.sample_rate) == (3, 4000, RATE)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_path_has_its_place_on_every_axis(tmp_path, choice):
    value = found(tmp_path, **choice)
    axes, coefficients = value.axes(), value.coefficients()
    assert list(axes) == list(coefficients)
    for name, values in coefficients.items():
        assert all(axis.shape == values.shape[1:2] for axis in axes[name].values())
    assert set(axes["order1"]) == {"frequency"} | ({"scale"} if choice.get("order1") == "scales" else set())
    if "order2" in axes:
        assert set(axes["order2"]) == {"frequency", "rate"} | ({"scale"} if choice.get("kind") != "time" else set())
        assert (axes["order2"]["rate"] > 0).all() and (axes["order2"]["rate"] < RATE / 2).all()
        scales = axes["order2"].get("scale", np.zeros(2))
        np.testing.assert_array_equal(np.unique(scales), np.unique(-scales))


def test_frequencies_fall_and_rates_are_slower_than_their_bands(tmp_path):
    value = found(tmp_path, kind="time")
    assert (np.diff(value.frequencies1) < 0).all() and value.frequencies1.max() < RATE / 2
    assert (value.rates2 < value.frequencies2).all()


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_it_can_be_seen(tmp_path, choice):
    paths = found(tmp_path, length=2000, **choice).write(tmp_path, "scattering")
    assert [path.suffix for path in paths] == [".png"] and paths[0].stat().st_size > 5000


@pytest.mark.parametrize("choice", [{"level": 0.0}, {"length": 1}, {"level": 0.0, "averaging": "global"}], ids=str)
def test_silence_and_one_sample_can_be_seen(tmp_path, choice):
    assert found(tmp_path, **choice).draw().axes


def test_without_modulations_only_the_first_order_is_there(tmp_path):
    value = found(tmp_path, octaves=2, quality=1)
    assert value.order2.shape == (2, 0, len(value.times))
    assert list(value.coefficients()) == list(value.axes()) == list(value.analysis(4000, "cpu")(torch.zeros(2, 4000)))
    assert list(value.coefficients()) == ["order1"] and value.draw().axes
