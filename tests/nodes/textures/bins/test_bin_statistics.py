import naive_bins
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.bins.measuring import Measuring
from nodes.textures.bins.model import BinModel

SMALL = {"n_fft": 256, "hop": 64, "groups": 8, "lags": 8, "distances": (1, 3), "longest_lag": 0.2}
SOUNDS = st.integers(0, 2**31)


def texture(seed, size):
    """Noise whose colour and level change: what statistics have something to say about."""
    draw = np.random.default_rng(seed)
    noise = np.convolve(draw.standard_normal(size + 8), draw.standard_normal(9), "valid")
    bumps = np.convolve(draw.standard_normal(size + 399) ** 4, np.hanning(400), "valid")
    return 0.05 * noise * bumps / bumps.mean()


def measured(model, sound, duration=None, edge=0.0, dtype=torch.float64):
    sound = np.atleast_2d(sound)
    whole = sound.shape[1] / model.sample_rate
    measure = model.measurement(sound.shape[1], whole if duration is None else duration, edge, "cpu", dtype)
    return {name: values.numpy() for name, values in measure(torch.tensor(sound, dtype=dtype)).items()}


def snr(wanted, found):
    return 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("changes", "duration", "edge"),
    [
        ({}, None, 0.0),
        ({}, None, 0.2),
        ({}, 0.83, 0.1),
        ({}, 0.83, 0.0),
        ({"groups": 0, "n_fft": 32, "hop": 32}, None, 0.1),
        ({"compression": 0.3, "n_fft": 250, "hop": 80}, None, 0.2),
        ({"longest_lag": 3.0, "longest_cross_lag": 2.0}, None, 0.2),
        ({"longest_lag": 3.0, "longest_cross_lag": 2.0}, None, 0.0),
    ],
)
def test_statistics_are_those_of_the_formulas(changes, duration, edge, dtype):
    model = BinModel(8000, **(SMALL | changes))
    sounds = np.stack([texture(seed, model.size(8000)) for seed in (1, 2)])
    whole = sounds.shape[1] / 8000
    found = measured(model, sounds, duration, edge, dtype)
    assert list(found) == [name for name in BinModel.domains if name not in BinModel.linked]
    for number, sound in enumerate(sounds):
        wanted = naive_bins.statistics(model, sound, whole if duration is None else duration, edge)
        for name, values in wanted.items():
            assert found[name].shape == (2, len(values))
            assert snr(values, found[name][number]) > 60, name


@pytest.mark.parametrize("edge", [0.0, 0.05])
@pytest.mark.parametrize("changes", [{"groups": 4}, {"groups": 0, "n_fft": 12}, {"groups": 0, "n_fft": 11}])
def test_gradient_is_that_of_the_statistics(changes, edge):
    model = BinModel(800, **({"n_fft": 16, "hop": 6} | changes), lags=3, cross_lags=2, distances=(1,), longest_lag=0.1)
    size = model.size(90)
    measure = model.measurement(size, size / 800, edge, "cpu", torch.float64)
    samples = torch.tensor(texture(3, 2 * size).reshape(2, size), requires_grad=True)
    assert torch.autograd.gradcheck(lambda sounds: tuple(measure(sounds).values()), samples)


@given(SOUNDS, st.floats(-40, 40))
@settings(max_examples=15, deadline=None)
def test_only_the_mean_depends_on_the_level(seed, decibels):
    gain = 10 ** (decibels / 20)
    model = BinModel(8000, compression=0.5, floor=1e-24, **SMALL)
    sound = texture(seed, model.size(4000))
    quiet, loud = measured(model, sound, edge=0.1), measured(model, gain * sound, edge=0.1)
    np.testing.assert_allclose(loud.pop("bin_mean"), gain**0.5 * quiet.pop("bin_mean"), rtol=1e-9)
    for name in quiet:
        np.testing.assert_allclose(loud[name], quiet[name], rtol=1e-6, atol=1e-9)


@given(SOUNDS, st.sampled_from([0.0, 0.1]))
@settings(max_examples=15, deadline=None)
def test_backwards_only_the_lags_of_crosscorrelations_change_their_sign(seed, edge):
    model = BinModel(8000, **SMALL)
    sound = texture(seed, model.size(4000))
    forwards, backwards = measured(model, sound, edge=edge), measured(model, np.roll(sound[::-1], 1), edge=edge)
    turned = forwards.pop("bin_crosscorrelation").reshape(model.pairs.shape[1], -1)[:, ::-1].ravel()
    np.testing.assert_allclose(backwards.pop("bin_crosscorrelation")[0], turned, atol=1e-9)
    for name in forwards:
        np.testing.assert_allclose(backwards[name], forwards[name], rtol=1e-8, atol=1e-9)


@given(SOUNDS, st.integers(-40, 40))
@settings(max_examples=15, deadline=None)
def test_a_loop_may_begin_anywhere(seed, hops):
    model = BinModel(8000, **SMALL)
    sound = texture(seed, model.size(4000))
    once, moved = measured(model, sound), measured(model, np.roll(sound, hops * model.hop))
    for name in once:
        np.testing.assert_allclose(moved[name], once[name], rtol=1e-8, atol=1e-9)


@given(SOUNDS, st.floats(0.2, 0.6), st.just(0.0) | st.floats(0.01, 0.2))
@settings(max_examples=15, deadline=None)
def test_statistics_are_ones_that_sounds_can_have(seed, duration, part):
    model = BinModel(8000, **SMALL)
    found = measured(model, texture(seed, model.size(5000)), duration, part * duration)
    for name in ("bin_autocorrelation", "bin_crosscorrelation"):
        assert (np.abs(found[name]) <= 1 + 1e-9).all()
    assert (found["bin_kurtosis"] >= found["bin_skewness"] ** 2 + 1 - 1e-3).all()
    assert (found["bin_mean"] > 0).all() and (found["bin_variation"] > 0).all()


@pytest.mark.parametrize("edge", [0.0, 0.1])
def test_what_lies_beyond_the_duration_does_not_count(edge):
    model = BinModel(8000, **SMALL)
    sound = texture(5, model.size(8000))
    other = sound.copy()
    other[6000:] = 1.0
    changed = measured(model, other, 0.75, edge)
    for name, values in measured(model, sound, 0.75, edge).items():
        np.testing.assert_allclose(changed[name], values, atol=1e-12)


def test_a_sound_that_is_no_loop_does_not_click_where_it_ends():
    model = BinModel(8000, n_fft=512, hop=128, groups=16)
    size = model.size(16_000)
    rumble = np.sin(2 * np.pi * 50 * (np.arange(size) / 8000 + np.linspace(0, 0.1, size) ** 2)) + 1e-4 * texture(
        6, size
    )
    found = measured(model, rumble, edge=0.4)
    assert (found["bin_kurtosis"] < 20).all() and (found["bin_mean"][:, 8:] < 1e-3).all()


def test_a_pulse_is_found_at_the_lag_of_its_period():
    model = BinModel(8000, n_fft=256, hop=80, groups=8, longest_lag=0.2, lags=200)
    size = model.size(16000)
    sound = np.random.default_rng(0).standard_normal(size) * (np.arange(size) % 800 < 80)
    found = measured(model, sound, edge=0.2)["bin_autocorrelation"].reshape(8, -1)
    lags = model.axes()["bin_autocorrelation"]["lag"].reshape(8, -1)[0]
    assert lags[np.abs(lags - 0.1) < 1e-9].size == 1
    assert (found[:, np.isclose(lags, 0.1)] > 0.4).all() and (found[:, np.isclose(lags, 0.05)] < 0).all()


def test_a_group_that_follows_another_is_found_at_a_positive_lag():
    model = BinModel(8000, n_fft=256, hop=80, groups=4, distances=(2,), longest_cross_lag=0.1, cross_lags=40)
    size = model.size(16000)
    time, gate = (
        np.arange(size) / 8000,
        np.random.default_rng(0).standard_normal(size // 400 + 1).repeat(400)[:size] > 0,
    )
    low, high = model.centres[[0, 2]]
    sound = np.sin(2 * np.pi * low * time) * gate + np.sin(2 * np.pi * high * time) * np.roll(gate, 400)
    found = measured(model, sound)["bin_crosscorrelation"].reshape(2, -1)[0]
    axes = {name: values.reshape(2, -1)[0] for name, values in model.axes()["bin_crosscorrelation"].items()}
    assert axes["frequency"][0] == low and axes["other"][0] == high
    assert axes["lag"][found.argmax()] == pytest.approx(0.05)


@pytest.mark.parametrize("groups", [64, 0])
@pytest.mark.parametrize("kind", ["silence", "constant", "click", "late click", "tone", "square", "whisper"])
def test_extreme_sounds_have_finite_statistics_and_gradients(kind, groups):
    model = BinModel(44100, groups=groups)
    size = model.size(30_000)
    time = np.arange(size) / 44100
    sound = {
        "silence": np.zeros(size),
        "constant": np.ones(size),
        "click": np.eye(1, size, 12_000)[0],
        "late click": np.eye(1, size, 29_990)[0],
        "tone": np.sin(2 * np.pi * 1000 * time),
        "square": np.sign(np.sin(2 * np.pi * 440 * time)),
        "whisper": 1e-20 * np.cos(9000 * time),
    }[kind]
    for edge in (0.0, 0.15):
        samples = torch.tensor(sound[None], dtype=torch.float32, requires_grad=True)
        found = model.measurement(size, 30_000 / 44100, edge, "cpu", torch.float32)(samples)
        (gradient,) = torch.autograd.grad(sum(values.square().sum() for values in found.values()), samples)
        assert all(torch.isfinite(values).all() for values in found.values()) and torch.isfinite(gradient).all()
        correlations = torch.cat([found["bin_autocorrelation"], found["bin_crosscorrelation"]], 1)
        assert correlations.abs().max() <= 1.01
        assert all((values >= 0).all() for name, values in found.items() if BinModel.domains[name] == "level")


def test_silence_has_no_correlations():
    model = BinModel(8000, **SMALL)
    found = measured(model, np.zeros(model.size(4000)), dtype=torch.float32)
    for name in ("bin_skewness", "bin_kurtosis", "bin_autocorrelation", "bin_crosscorrelation"):
        np.testing.assert_allclose(found[name], 0, atol=1e-3)


def test_sounds_of_one_batch_do_not_mix():
    model = BinModel(8000, **SMALL)
    sounds = np.stack([texture(seed, model.size(4000)) for seed in range(14)])
    together = measured(model, sounds, edge=0.1)
    for number, sound in enumerate(sounds):
        for name, values in measured(model, sound, edge=0.1).items():
            np.testing.assert_allclose(together[name][number], values[0], atol=1e-12)


def test_sizes_that_are_no_whole_hops_are_refused():
    model = BinModel(8000, **SMALL)
    for size in (1000, 192):
        with pytest.raises(ValueError, match="whole hops of 64"):
            Measuring(model, size, 0.1, 0.0, "cpu", torch.float32)
    with pytest.raises(ValueError, match="a frame and two hops"):
        Measuring(model, 1024, 0.04, 0.0, "cpu", torch.float32)
