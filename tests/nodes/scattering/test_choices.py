import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.scattering.choices import Choices, chunk_samples, design_for, require_averaging
from nodes.scattering.core.design import Design
from nodes.scattering.core.filters import least_octaves
from pipelines.mistakes import MistakeError

DEFAULTS = {
    "kind": "joint", "octaves": None, "lowest": None, "quality": 12, "orders": 2, "averaging": None,
    "octave_averaging": None, "octave_span": 1.0, "rates": None, "scales": None, "rates_per_octave": 1,
    "scales_per_octave": 1, "wavelet": "morlet", "boundary": "reflect", "sampling": "fitted", "order1": "bands",
}  # fmt: skip


def design(rate=44100, **choices):
    return design_for(Choices(**DEFAULTS | choices), rate)


def refused(rate=44100, **choices):
    with pytest.raises(MistakeError) as caught:
        design(rate, **choices)
    (mistake,) = caught.value.mistakes
    return mistake


def test_what_is_not_chosen():
    found = design()
    assert (found.octaves, found.quality, found.averaging, found.band_averaging) == (11, 12, 2048, 0)
    assert found.band_octaves == 4 and found.rates == found.scales == (0.0, 1.0)
    assert not found.band_scales and design(order1="scales").band_scales


@pytest.mark.parametrize(
    ("choices", "parameter", "given_", "allowed"),
    [
        ({"octaves": 5, "lowest": 100.0}, "lowest", "100 Hz with octaves: 5", "one of the two"),
        ({"lowest": 0.001}, "lowest", "0.001 Hz", "0.122 Hz or more"),
        ({"lowest": 0.0}, "lowest", "0 Hz", "0.122 Hz or more"),
        ({"octaves": 2}, "octaves", "2", "3 or more"),
        ({"octave_averaging": 1.0, "kind": "time"}, "octave_averaging", "kind time", "kind: joint"),
        ({"octave_averaging": "global", "orders": 1}, "octave_averaging", "orders 1", "orders: 2"),
        ({"order1": "scales", "kind": "time"}, "order1", "", "bands"),
        ({"rates": [5.0, 4.0]}, "rates", "[5, 4]", "[least, greatest]"),
        ({"rates": [100.0, 101.0]}, "rates", "[100, 101] Hz", "7.54, 15.1"),
        ({"scales": [2.0, 1.0]}, "scales", "[2, 1]", "[least, greatest]"),
        ({"scales": [30.0, 40.0]}, "scales", "[30, 40]", "4.2 cycles per octave"),
        ({"scales": [30.0, 40.0], "orders": 1, "order1": "scales"}, "scales", "[30, 40]", "4.2 cycles per octave"),
    ],
)
def test_a_mistake_names_the_parameter_what_was_given_and_what_is_allowed(choices, parameter, given_, allowed):
    mistake = refused(**choices)
    assert mistake.what and mistake.parameter == parameter
    assert given_ in mistake.given and allowed in mistake.allowed


@pytest.mark.parametrize("rate", [8000, 44100])
def test_only_rates_that_would_be_found_are_allowed(rate):
    allowed = refused(rate, octaves=8, rates=[0.5, 0.6]).allowed
    rates = [float(each) for each in allowed.split("one of ")[1].split(" Hz")[0].split(", ")]
    for each in rates:
        assert design(rate, octaves=8, rates=[each * 0.99, each * 1.01]).modulators


def test_without_a_sample_rate_only_what_does_not_depend_on_it_is_refused():
    assert design(None, rates=[100.0, 101.0]).octaves == 11
    assert refused(None, octaves=2).parameter == "octaves"


@given(st.integers(1, 48), st.floats(5, 3900), st.sampled_from([8000, 44100, 192_000]))
def test_the_lowest_sets_the_octaves(quality, lowest, rate):
    found = design(rate, quality=quality, lowest=lowest)
    assert found.octaves >= least_octaves(quality) and found.carriers
    step = 2 ** (1 / quality)
    centres = [carrier.centre * rate for carrier in found.carriers]
    elbow = min(
        low for high, low in zip([centres[0] * step, *centres], centres, strict=False) if high < low * step * 1.001
    )
    assert lowest / (1.5 * step) < elbow < lowest * 1.5 * step or found.octaves == least_octaves(quality)


@given(st.integers(1, 48), st.sampled_from([8000, 22050, 44100, 192_000]))
def test_the_least_frequency_that_a_message_allows_is_allowed(quality, rate):
    allowed = float(refused(rate, quality=quality, lowest=1e-9).allowed.split()[0])
    assert design(rate, quality=quality, lowest=allowed).octaves == 20


@given(st.integers(6, 20), st.sampled_from([8000, 16000, 22050, 44100, 48000, 96000]), st.booleans())
def test_the_least_chunk_that_a_message_allows_is_allowed(octaves, rate, mean):
    longest = Design(octaves=octaves, averaging=0 if mean else 16)
    with pytest.raises(MistakeError) as caught:
        chunk_samples(1e-6, longest, rate)
    mistake = caught.value.mistakes[0]
    assert mistake.parameter == "chunk" and mistake.given == "1e-06 s"
    assert chunk_samples(float(mistake.allowed.split()[0]), longest, rate) >= 4 * longest.unit


@given(st.floats(1, 100), st.sampled_from([8000, 44100]))
def test_chunks_are_a_power_of_two_not_shorter_than_asked(seconds, rate):
    found = chunk_samples(seconds, Design(octaves=9, averaging=512), rate)
    assert found is not None and math.log2(found).is_integer()
    assert round(seconds * rate) <= found < 2 * round(seconds * rate)


def test_chunks_that_are_not_asked_for_are_left_to_the_design():
    assert chunk_samples(None, Design(), 44100) is None


@pytest.mark.parametrize(("quality", "scales"), [(4, 8), (2, 3), (6, 16)])
def test_scales_for_which_there_is_no_room_are_refused(quality, scales):
    mistake = refused(44100, quality=quality, scales_per_octave=scales)
    assert mistake.parameter == "scales_per_octave"
    allowed = int(mistake.allowed.split()[0])
    assert design(44100, quality=quality, scales_per_octave=allowed).scale_filters[1:]


def test_filters_much_longer_than_the_sound_are_refused():
    longest = Design(octaves=18, averaging=2**12)
    require_averaging(longest, 2**17, 44100)
    with pytest.raises(MistakeError, match="much longer than the sound") as caught:
        require_averaging(longest, 44100, 44100)
    assert caught.value.mistakes[0].allowed == "17 or less"


def test_scales_of_scattering_in_time_are_refused():
    assert refused(44100, kind="time", scales=[0.5, 4]).parameter == "scales"
