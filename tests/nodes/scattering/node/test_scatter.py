"""The node: axes in physical units, sounds of every kind, and choices that do not go together."""

import subprocess
import sys
import time

import numpy as np
import pytest
from contexts import make_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodes.scattering.node import scatter
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters
from pipelines.value import freeze
from pipelines.workers import set_workers

RATE = 8000


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(length, channels=1, level=0.1):
    return level * np.random.default_rng(3).standard_normal((channels, length))


def tremolo(carrier, rate, seconds=2.0, sample_rate=RATE):
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    return 0.5 * np.sin(2 * np.pi * carrier * t) * (1 + np.cos(2 * np.pi * rate * t)) / 2


def ripples(rate, scale, seconds=2.0, sample_rate=RATE):
    """Return many tones whose levels ripple at a rate (Hz) and a scale (cycles per octave, positive upwards)."""
    t, rng = np.arange(int(seconds * sample_rate)) / sample_rate, np.random.default_rng(0)
    octaves = np.arange(0, 5, 1 / 40)
    tones = [
        np.sin(2 * np.pi * (100 * 2**x * t + rng.random())) * (1 + np.cos(2 * np.pi * (rate * t - scale * x)))
        for x in octaves
    ]
    return 0.01 * np.sum(tones, 0)


@pytest.mark.parametrize("sampling", ["fitted", "full"])
@pytest.mark.parametrize("kind", ["time", "joint"])
@pytest.mark.parametrize(("carrier", "rate"), [(1000.0, 31.0), (2500.0, 60.0), (400.0, 12.0)])
def test_a_tremolo_is_where_its_frequency_and_rate_are(tmp_path, carrier, rate, kind, sampling):
    audio = sound(tremolo(carrier, rate))
    found = scatter(audio, kind=kind, sampling=sampling, octaves=10, quality=8, context=make_context(tmp_path))
    assert found.frequencies1[found.order1[0].mean(-1).argmax()] == pytest.approx(carrier, rel=0.06)
    second = found.order2[0].mean(-1).argmax()
    assert found.frequencies2[second] == pytest.approx(carrier, rel=0.13 if kind == "time" else 0.8)
    assert rate / 1.5 < found.rates2[second] < rate * 1.5


@pytest.mark.parametrize("wavelet", ["morlet", "gammatone"])
@pytest.mark.parametrize("octave_averaging", [None, 1.0, "global"])
@pytest.mark.parametrize(("rate", "scale"), [(8.0, 1.0), (8.0, -1.0), (16.0, 0.5), (5.0, -2.0)])
def test_a_ripple_is_where_its_rate_and_scale_are(tmp_path, rate, scale, octave_averaging, wavelet):
    found = scatter(
        sound(ripples(rate, scale)), octaves=11, quality=8, octave_span=2.0, averaging="global", wavelet=wavelet,
        octave_averaging=octave_averaging, context=make_context(tmp_path),
    )  # fmt: skip
    tilted = np.flatnonzero(found.scales2 != 0)
    strongest = tilted[found.order2[0, tilted, 0].argmax()]
    assert rate / 1.5 < found.rates2[strongest] < rate * 1.5
    assert abs(np.log2(found.scales2[strongest] / scale)) < np.log2(1.5)


@pytest.mark.parametrize("choice", [{"lowest": 200.0, "quality": 8}, {"lowest": 60.0, "quality": 4}])
def test_down_to_the_lowest_bands_keep_their_quality(tmp_path, choice):
    frequencies = scatter(sound(noise(4000)), orders=1, **choice, context=make_context(tmp_path)).frequencies1
    ratio = frequencies[:-1] / frequencies[1:]
    regular = frequencies[1:][np.abs(ratio / 2 ** (1 / choice["quality"]) - 1) < 1e-6]
    assert choice["lowest"] / 1.6 < regular.min() < choice["lowest"] * 1.6


@pytest.mark.parametrize(("asked", "samples"), [(None, 256), (0.1, 1024), (0.0, 1), (0.002, 16), ("global", 0)])
def test_averaging_is_a_power_of_two_of_samples(tmp_path, asked, samples):
    audio = sound(tremolo(500.0, 4.0, 1.0))
    found = scatter(audio, octaves=8, quality=4, averaging=asked, context=make_context(tmp_path))
    assert found.design.averaging == samples
    frames = -(-8000 // samples) if samples else 1
    assert found.order1.shape[2] == found.order2.shape[2] == len(found.times) == frames
    np.testing.assert_allclose(found.times, np.arange(frames) * samples / RATE if samples else [0.5])


@pytest.mark.parametrize(("asked", "bands"), [(None, 0), (0.25, 2), (1.0, 8), (2.2, 16), ("global", -1)])
def test_octave_averaging_is_a_power_of_two_of_bands(tmp_path, asked, bands):
    found = scatter(
        sound(noise(2000)),
        octaves=8,
        quality=8,
        octave_averaging=asked,
        octave_span=0.5,
        context=make_context(tmp_path),
    )
    assert (found.design.band_averaging, found.design.band_octaves) == (bands, 2)
    assert np.isnan(found.frequencies2).all() == (asked == "global")


def test_ranges_of_rates_and_scales_hold(tmp_path):
    found = scatter(
        sound(noise(4000)), octaves=9, quality=8, rates=[20.0, 90.0], scales=[0.5, 1.5], context=make_context(tmp_path)
    )
    assert found.rates2.min() >= 20 and found.rates2.max() <= 90
    assert np.abs(found.scales2).min() >= 0.5 and np.abs(found.scales2).max() <= 1.5


def test_frames_are_where_they_say(tmp_path):
    x = np.zeros(8000)
    x[3000:3010] = 0.5
    found = scatter(sound(x), octaves=6, quality=1, context=make_context(tmp_path))
    assert abs(found.times[found.order1[0].sum(0).argmax()] - 3005 / RATE) <= 64 / RATE


@pytest.mark.parametrize("chunk", [None, 0.1])
@pytest.mark.parametrize("boundary", ["reflect", "circular"])
@pytest.mark.parametrize("length", [1, 2, 3, 17, 255, 1021])
def test_sounds_shorter_than_a_filter(tmp_path, length, boundary, chunk):
    audio = sound(1 + noise(length, 2))
    for averaging in (None, "global", 0.0):
        found = scatter(
            audio, octaves=7, quality=4, averaging=averaging, boundary=boundary, chunk=chunk,
            context=make_context(tmp_path),
        )  # fmt: skip
        for order in (found.order1, found.order2):
            assert np.isfinite(order).all() and order.shape[0] == 2 and order.shape[2] == len(found.times)
        assert found.length == length and found.times.max() < length / RATE
        assert np.isfinite(found.spectrum()).all() and np.isfinite(found.colour()).all()


def test_silence_gives_zeros(tmp_path):
    found = scatter(sound(np.zeros((2, 4000))), octaves=7, quality=4, context=make_context(tmp_path))
    assert not found.order1.any() and not found.order2.any() and not found.spectrum().any()


def test_many_channels_at_a_high_rate(tmp_path):
    audio = sound(noise(20_000, 14), 192_000)
    found = scatter(audio, octaves=9, quality=4, context=make_context(tmp_path))
    assert found.channels == 14 and found.order2.shape[0] == 14
    assert found.frequencies1.max() == pytest.approx(0.373 * 192_000, rel=0.01)
    alone = scatter(sound(audio.samples[5], 192_000), octaves=9, quality=4, context=make_context(tmp_path))
    np.testing.assert_array_equal(alone.order2[0], found.order2[5])


def test_inputs_may_be_read_only_and_stay_as_they_are(tmp_path):
    audio = freeze(sound(noise(1000)))
    before = audio.samples.copy()
    scatter(audio, octaves=6, quality=2, context=make_context(tmp_path))
    np.testing.assert_array_equal(audio.samples, before)


def test_workers_change_no_bit(tmp_path):
    audio, found = sound(noise(6000, 3)), []
    for count in (1, 2):
        set_workers(count)
        found += [
            scatter(audio, octaves=7, quality=4, chunk=chunk, context=make_context(tmp_path)) for chunk in (None, 0.1)
        ]
    set_workers(0)
    for one, other in ((found[0], found[2]), (found[1], found[3])):
        np.testing.assert_array_equal(one.order1, other.order1)
        np.testing.assert_array_equal(one.order2, other.order2)


@pytest.mark.parametrize("chunk", [None, 0.2])
def test_an_extremely_quiet_sound_is_a_quiet_copy_of_the_loud_one(tmp_path, chunk):
    loud, quiet = (
        scatter(sound(gain * noise(6000)), octaves=7, quality=4, chunk=chunk, context=make_context(tmp_path))
        for gain in (1, 1e-6)
    )
    for name in ("order1", "order2"):
        wanted = 1e-6 * getattr(loud, name)
        assert np.linalg.norm(getattr(quiet, name) - wanted) < 1e-5 * np.linalg.norm(wanted)


@pytest.mark.parametrize("boundary", ["reflect", "circular"])
def test_numbers_near_the_least_float_are_not_slow(tmp_path, boundary):
    dying = np.exp(-np.arange(40_000) / 300) * noise(40_000)
    seconds = {}
    for name, samples in (("ordinary", noise(40_000)), ("dying", dying), ("least", 1e-40 * noise(40_000))):
        took = []
        for _ in range(3):
            start = time.process_time()
            found = scatter(sound(samples), octaves=9, quality=4, boundary=boundary, context=make_context(tmp_path))
            took.append(time.process_time() - start)
        seconds[name] = min(took)
        assert np.isfinite(found.order2).all()
    assert max(seconds.values()) < 4 * seconds["ordinary"]


def test_double_precision_is_double(tmp_path):
    single, double = (
        scatter(sound(noise(2000)), octaves=7, quality=4, precision=precision, context=make_context(tmp_path))
        for precision in ("single", "double")
    )
    assert single.order1.dtype == single.order2.dtype == np.float32
    assert double.order1.dtype == double.order2.dtype == np.float64
    np.testing.assert_allclose(single.order2, double.order2, rtol=1e-3, atol=1e-7)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["time", "joint"]),
            "octaves": st.integers(5, 9),
            "quality": st.integers(4, 16),
            "orders": st.sampled_from([1, 2]),
            "averaging": st.sampled_from([None, 0.0, 0.01, "global"]),
            "octave_span": st.floats(1, 3),
            "rates_per_octave": st.integers(1, 3),
            "scales_per_octave": st.integers(1, 2),
            "wavelet": st.sampled_from(["morlet", "gammatone"]),
            "boundary": st.sampled_from(["reflect", "circular"]),
            "sampling": st.sampled_from(["fitted", "full"]),
        }
    ),
    st.integers(1, 800),
)
def test_every_choice_gives_finite_coefficients_with_their_axes(tmp_path, choice, length):
    found = scatter(sound(noise(length, 2)), **choice, context=make_context(tmp_path))
    assert found.order1.shape == (2, len(found.frequencies1), len(found.times))
    assert found.order2.shape == (2, len(found.rates2), len(found.times))
    assert len(found.frequencies2) == len(found.rates2) == len(found.scales2)
    least = -1e-6 * max(found.order1.max(), 1e-12)
    assert np.isfinite(found.order1).all() and (found.order1 >= least).all()
    assert np.isfinite(found.order2).all() and (found.order2 >= least).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_a_mistake(tmp_path, bad):
    x = noise(4000, 2)
    x[1, 100] = bad
    with pytest.raises(MistakeError, match="not a finite number") as caught:
        scatter(sound(x), octaves=6, quality=4, context=make_context(tmp_path))
    assert "0.0125 s in channel 2" in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 0), (0, 100)])
def test_an_empty_sound_is_a_mistake(tmp_path, shape):
    with pytest.raises(MistakeError, match="no sound to scatter") as caught:
        scatter(Audio(np.zeros(shape, np.float32), RATE), context=make_context(tmp_path))
    mistake = caught.value.mistakes[0]
    assert mistake.parameter == "audio" and mistake.given == f"{shape[0]} channels of {shape[1]} samples"


def test_the_node_is_found_without_heavy_libraries():
    code = "import sys, nodes.scattering.node; print([m for m in ('torch', 'scipy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "choices",
    [
        {"kind": "time"},
        {"orders": 1},
        {},
        {"octave_averaging": 1.0, "scales": [0.5, 4.0]},
        {"octave_averaging": "global"},
        {"order1": "scales", "octave_averaging": "global", "averaging": "global"},
        {"kind": "spiral", "rates": [20.0, 200.0]},
    ],
    ids=str,
)
def test_the_axes_told_before_anything_runs_are_those_of_the_paths(tmp_path, choices):
    audio, given_ = sound(noise(4000)), {"octaves": 9, "quality": 6, **choices}
    spec = NodeSpec("scatter", scatter, "")
    values, mistakes = read_parameters(spec, given_, {}, [tmp_path])
    assert mistakes == [] and spec.mark.facts is not None
    told = spec.mark.facts({"audio": {"sample_rate": RATE, "channels": 1, "duration": 0.5}}, values)["value"]
    found = scatter(audio, **given_, context=make_context(tmp_path))
    assert told.get("duration") == (None if choices.get("averaging") == "global" else 0.5)
    assert tuple(told["axes"]) == told["classes"] == tuple(found.axes())
    for name, axes in told["axes"].items():
        for axis, values in axes.items():
            actual = found.axes()[name][axis]
            least, greatest = np.min(values), np.max(values)
            assert np.isnan(least) == np.isnan(actual).all()
            assert np.isnan(least) or (actual >= least * (1 + 1e-9 * np.sign(-least))).all()
            assert np.isnan(least) or (actual <= greatest * (1 + 1e-9)).all()
            if axis != "frequency" and name == "order2":
                np.testing.assert_allclose(np.unique(actual.round(6)), np.unique(values.round(6)))
