"""What an inversion refuses once it sees its targets and start."""

import numpy as np
import pytest
from contexts import make_context
from modulation_spectra import modulation_spectrum

from nodes.inversion.node import invert
from nodes.spectra.node import stft
from nodes.values import Audio
from pipelines.mistakes import MistakeError

RATE = 8000


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(seconds=0.5, channels=1):
    return sound(np.random.default_rng(0).standard_normal((channels, int(seconds * RATE))) * 0.1)


@pytest.fixture
def context(tmp_path):
    return make_context(tmp_path)


@pytest.fixture
def small():
    return modulation_spectrum(noise())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"weights": [1.0, 2.0]}, "one weight for each target"),
        ({"weights": [0.0]}, "nothing is left to descend on"),
        ({"class_weights": {"order1": 0.0, "order2": 0.0}}, "nothing is left to descend on"),
        ({"class_weights": {"ordre2": 1.0}}, "did you mean 'order2'"),
        ({"keep": [0, 60]}, "will not be made"),
        ({"keep": []}, "no iterate is kept"),
        ({"path_weights": [{"frequency": [0, 4000], "weight": 0}], "class_weights": {"order2": 0}}, "nothing is left"),
    ],
)
def test_what_does_not_go_together_is_a_mistake(context, small, parameters, message):
    with pytest.raises(MistakeError, match=message):
        invert([small], **parameters, context=context)


def test_a_start_that_does_not_fit_is_a_mistake(context, small):
    with pytest.raises(MistakeError, match="shorter than the sound to be made"):
        invert([small], noise(0.4), context=context)
    with pytest.raises(MistakeError, match="different sample rates"):
        invert([small], sound(noise().samples, 44100), context=context)
    with pytest.raises(MistakeError, match="another number of channels"):
        invert([small], noise(channels=2), channels=3, context=context)
    with pytest.raises(MistakeError, match="a sound of its own length only"):
        invert([stft(noise(), context=context)], duration=1.0, context=context)
    stereo = modulation_spectrum(noise(channels=2))
    with pytest.raises(MistakeError, match="2 channels for a sound of 3"):
        invert([stereo], noise(channels=3), context=context)


def test_a_start_without_direction_is_a_mistake(context, small):
    with pytest.raises(MistakeError, match="no direction in which to change") as caught:
        invert([small], sound(np.zeros(4000)), context=context)
    assert "silence" in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_start_with_what_is_no_number_is_a_mistake(context, small, bad):
    samples = noise().samples.copy()
    samples[0, 17] = bad
    with pytest.raises(MistakeError, match="the start holds a sample that is not a finite number"):
        invert([small], Audio(samples, RATE), context=context)


def test_without_a_target_there_is_a_mistake(context):
    with pytest.raises(MistakeError, match="nothing to reach"):
        invert([], context=context)
