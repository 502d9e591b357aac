from functools import partial

import numpy as np
import pytest
import slow_auditory
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.auditory.model import AuditoryModel

SMALL = {"sample_rate": 2000, "highest": 1000.0, "bands": 6, "modulation_bands": 8}
SEEDS = st.integers(0, 2**31)
KINDS = ("noise", "clicks", "modulated")
DURATION, EDGE = 1.9, 0.3


def sound_of(kind, rate, size, seed=0):
    draw = np.random.default_rng(seed)
    noise = draw.standard_normal(size)
    if kind == "clicks":
        return 0.8 * (draw.random(size) < 20 / rate) * noise + 0.001 * draw.standard_normal(size)
    if kind == "modulated":
        return 0.1 * noise * (1 + 0.9 * np.sin(2 * np.pi * 6 * np.arange(size) / rate)) ** 2
    return 0.1 * noise


def measured(model, sounds, duration=None, edge=0.0, dtype=torch.float64, channels=1):
    sounds = np.atleast_2d(sounds)
    whole = sounds.shape[1] / model.sample_rate
    measure = model.measurement(sounds.shape[1], whole if duration is None else duration, edge, "cpu", dtype)
    found = measure(torch.tensor(sounds, dtype=dtype), channels)
    return {name: values.double().numpy() for name, values in found.items()}


def channels_of(sound, seed=1):
    """Three channels: a sound, the same half a millisecond later beneath noise, and noise."""
    noise = 0.05 * np.random.default_rng(seed).standard_normal((2, len(sound)))
    return np.stack([sound, 0.5 * np.roll(sound, len(sound) // 4000) + noise[0], noise[1]])


def snr(wanted, found):
    return 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())


@pytest.fixture(scope="module", params=[(20_000, 10_000.0), (44_100, 10_000.0), (44_100, 22_050.0)], ids=str)
def compared(request):
    """Statistics from the formulas and ours of one sound of each kind."""
    rate, highest = request.param
    model = AuditoryModel(rate, highest=highest)
    size = model.size(2 * rate)
    sounds = {kind: sound_of(kind, rate, size) for kind in KINDS}
    each = {}
    for kind, sound in sounds.items():
        channels = channels_of(sound)
        found = measured(model, channels, DURATION, EDGE, torch.float32, 3)
        alone = slow_auditory.statistics(model, sound, DURATION, EDGE)
        linked = slow_auditory.interaural(model, channels, DURATION, EDGE)
        each[kind] = alone | linked, found | {name: found[name][0] for name in alone}
    return each


ALIASED = {
    "envelope_skewness": 33,
    "modulation_correlation": 33,
    "modulation_phase": 29,
    "swell_correlation": 32,
    "swell_coupling": 25,
}
"""dB in noise, where these are next to nothing: cusps of the compressed envelope alias into them."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", AuditoryModel.domains)
def test_every_class_is_that_of_the_formulas(compared, name, kind):
    wanted, found = (each[name] for each in compared[kind])
    assert wanted.shape == found.shape
    clean = kind == "clicks" or (kind == "modulated" and name != "swell_correlation")
    assert snr(wanted, found) >= (35 if clean else ALIASED.get(name, 35))


@pytest.mark.parametrize(("duration", "edge"), [(None, 0.0), (None, 0.2), (0.8, 0.0), (0.8, 0.2)])
def test_every_window_is_that_of_the_formulas(duration, edge):
    model = AuditoryModel(**SMALL)
    for kind in KINDS:
        sounds = channels_of(sound_of(kind, 2000, 2000))
        found = measured(model, sounds, duration, edge, channels=3)
        for name, wanted in slow_auditory.interaural(model, sounds, duration or 1.0, edge).items():
            assert snr(wanted, found[name]) > 20, (kind, name)
        for name, wanted in slow_auditory.statistics(model, sounds[0], duration or 1.0, edge).items():
            assert snr(wanted, found[name][0]) > 20, (kind, name)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("edge", [0.0, 0.05])
@pytest.mark.parametrize("changes", [{}, {"compression": 0.5}, {"envelope_rate": 100.0, "fastest": 50.0}])
def test_gradient_is_that_of_the_statistics(changes, edge, channels):
    model = AuditoryModel(**({**SMALL, "modulation_bands": 4} | changes))
    size = model.size(300)
    measure = partial(model.measurement(size, 0.9 * size / 2000, edge, "cpu", torch.float64), channels=channels)
    sounds = np.stack([sound_of("noise", 2000, size, seed) for seed in range(channels)])
    samples = torch.tensor(sounds, requires_grad=True)
    direction = torch.randn(samples.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    weights = {n: torch.randn(v.shape, dtype=torch.float64) for n, v in measure(samples).items()}

    def total(step):
        return sum((v * weights[n]).sum() for n, v in measure(samples + step * direction).items())

    assert torch.autograd.gradcheck(total, torch.zeros((), dtype=torch.float64, requires_grad=True), eps=1e-7)


@pytest.mark.parametrize("channels", [1, 2])
def test_gradient_of_every_sample_is_that_of_every_class(channels):
    model = AuditoryModel(2000, highest=1000.0, bands=6, modulation_bands=4)
    size = model.size(80)
    measure = partial(model.measurement(size, 0.036, 0.01, "cpu", torch.float64), channels=channels)
    sounds = np.stack([sound_of("noise", 2000, size, seed) for seed in range(channels)])
    samples = torch.tensor(sounds, requires_grad=True)
    torch.manual_seed(0)
    weights = {n: torch.randn(v.shape, dtype=torch.float64) for n, v in measure(samples).items()}

    def totals(sounds):
        return torch.stack([(values * weights[name]).sum() for name, values in measure(sounds).items()])

    assert torch.autograd.gradcheck(totals, samples, atol=1e-3, rtol=1e-3)


@given(SEEDS, st.floats(-30, 30), st.sampled_from(KINDS))
@settings(max_examples=20, deadline=None)
def test_only_powers_and_means_depend_on_the_level(seed, decibels, kind):
    gain = 10 ** (decibels / 20)
    model = AuditoryModel(**SMALL, floor=1e-26)
    sounds = channels_of(sound_of(kind, 2000, 2000, seed), seed)
    quiet, loud = (measured(model, each, edge=0.2, channels=3) for each in (sounds, gain * sounds))
    np.testing.assert_allclose(loud.pop("band_power"), gain**2 * quiet.pop("band_power"), rtol=1e-9)
    np.testing.assert_allclose(loud.pop("envelope_mean"), gain**0.3 * quiet.pop("envelope_mean"), rtol=1e-6)
    for name in quiet:
        np.testing.assert_allclose(loud[name], quiet[name], rtol=1e-4, atol=1e-5)


@given(SEEDS, st.sampled_from(KINDS))
@settings(max_examples=15, deadline=None)
def test_backwards_only_the_imaginary_parts_change_their_sign(seed, kind):
    model = AuditoryModel(**SMALL)
    sounds = channels_of(sound_of(kind, 2000, 2000, seed), seed)
    turned = np.roll(sounds[:, ::-1], 1, 1)
    forwards, backwards = (measured(model, each, channels=3) for each in (sounds, turned))
    forwards.pop("envelope_autocorrelation")  # it does not go round
    for name in ("modulation_phase", "interaural_coherence"):
        phase = forwards.pop(name).reshape(-1, 2) * [1, -1]
        np.testing.assert_allclose(backwards.pop(name).reshape(-1, 2), phase, atol=1e-6)
    for name in forwards:
        np.testing.assert_allclose(backwards[name], forwards[name], rtol=1e-6, atol=1e-6)


@given(SEEDS, st.sampled_from(KINDS))
@settings(max_examples=15, deadline=None)
def test_a_loop_may_begin_elsewhere(seed, kind):
    model = AuditoryModel(**SMALL)
    sounds = channels_of(sound_of(kind, 2000, 2000, seed), seed)
    once, moved = (measured(model, each, channels=3) for each in (sounds, np.roll(sounds, 1000, 1)))
    for name in once.keys() - {"envelope_autocorrelation"}:
        np.testing.assert_allclose(moved[name], once[name], rtol=1e-6, atol=1e-6)


@given(SEEDS, st.sampled_from(KINDS), st.sampled_from([0.0, 0.2]))
@settings(max_examples=20, deadline=None)
def test_statistics_are_ones_that_sounds_can_have(seed, kind, edge):
    model = AuditoryModel(**SMALL)
    found = measured(model, channels_of(sound_of(kind, 2000, 2000, seed), seed), 0.9, edge, channels=3)
    for name, domain in AuditoryModel.domains.items():
        apart = name in ("envelope_autocorrelation", "modulation_phase")  # the variance is of all, or of the real part
        most = 1.5 if apart else 1 + 1e-6
        assert domain != "correlation" or (np.abs(found[name]) <= most).all(), name
    coherence = found["interaural_coherence"].reshape(3, -1, 2)
    assert (np.square(coherence).sum(-1) <= 1 + 1e-6).all()
    assert (found["envelope_kurtosis"] >= found["envelope_skewness"] ** 2 + 1 - 1e-2).all()
    assert all((found[n] >= 0).all() for n, domain in AuditoryModel.domains.items() if domain == "level")


def test_a_modulated_tone_has_the_statistics_of_its_modulation():
    model, time = AuditoryModel(20_000), np.arange(80_000) / 20_000
    band, rate, depth = 20, 8.0, 0.4
    envelope = (1 + depth * np.cos(2 * np.pi * rate * time)) ** (1 / model.compression)
    sound = 0.1 * envelope * np.sin(2 * np.pi * round(model.centres[band]) * time)
    found = {name: values[0] for name, values in measured(model, sound).items()}
    assert found["envelope_variation"][band] == pytest.approx(depth / np.sqrt(2), rel=0.02)
    assert found["envelope_skewness"][band] == pytest.approx(0, abs=0.03)
    assert found["envelope_kurtosis"][band] == pytest.approx(1.5, rel=0.02)
    shares = found["modulation_power"].reshape(32, 20)[band]
    np.testing.assert_allclose(shares, model.modulation_responses(np.array([rate]))[:, 0] ** 2, atol=0.02)
    near = found["modulation_correlation"].reshape(6, -1)
    octave = np.argmin(np.abs(model.octave_rates[1:] - rate))
    assert near[octave, band] == pytest.approx(1, abs=0.02) and near[octave, band - 1] == pytest.approx(1, abs=0.02)


def test_bands_with_one_envelope_are_correlated_and_with_turned_ones_are_not():
    model, time = AuditoryModel(20_000), np.arange(80_000) / 20_000
    low, high = 10, 18
    tones = [np.sin(2 * np.pi * round(model.centres[band]) * time) for band in (low, high)]
    wave = np.sin(2 * np.pi * 5 * time)
    axes = model.axes()["envelope_correlation"]
    pair = (axes["frequency"] == model.centres[low]) & (axes["other"] == model.centres[high])
    assert pair.sum() == 1
    for sign in (1, -1):
        sound = 0.1 * ((1 + 0.5 * wave) * tones[0] + (1 + sign * 0.5 * wave) * tones[1])
        assert measured(model, sound)["envelope_correlation"][0, pair][0] == pytest.approx(sign, abs=0.08)


def test_bands_that_swell_together_do_so_however_far_apart_and_whatever_else_they_do():
    model, time = AuditoryModel(20_000), np.arange(160_000) / 20_000
    low, high = 10, 26
    wave = np.exp(0.8 * np.sin(2 * np.pi * 0.5 * time))
    tones = [np.sin(2 * np.pi * round(model.centres[band]) * time) for band in (low, high)]
    fast = [np.exp(0.8 * np.sin(2 * np.pi * rate * time)) for rate in (11, 17)]
    axes = model.axes()["swell_correlation"]
    pair = (axes["frequency"] == model.centres[low]) & (axes["other"] == model.centres[high])
    assert pair.sum() == 1
    for sign in (1, -1):
        found = measured(model, 0.1 * (wave * fast[0] * tones[0] + wave**sign * fast[1] * tones[1]))
        assert found["swell_correlation"][0, pair][0] == pytest.approx(sign, abs=0.05)
        assert abs(found["envelope_correlation"][0, pair][0]) < 0.6


def test_modulations_that_grow_with_the_swell_are_told_from_those_that_do_not():
    """Of exp(a swell) (1 + b fast) the power of what is fast goes with the square of the swell."""
    model, time = AuditoryModel(20_000), np.arange(160_000) / 20_000
    band, depth = 20, 0.1
    tone = np.sin(2 * np.pi * round(model.centres[band]) * time)
    swell = 1 + np.sqrt(2) * depth / np.cos(np.pi / 8) * np.sin(2 * np.pi * 0.5 * time)
    fast = 0.2 * np.sin(2 * np.pi * 16 * time)
    for envelope, expected in ((swell * (1 + fast), 2 * depth), (swell + fast, 0.0)):
        found = measured(model, 0.1 * envelope ** (1 / model.compression) * tone)
        assert found["swell_coupling"][0, band] == pytest.approx(expected, abs=0.03)


def test_attacks_and_decays_differ_in_phase():
    model = AuditoryModel(20_000)
    draw = np.random.default_rng(0)
    decays = np.exp(-np.arange(40_000) % 2500 / 400.0) * 0.3 * draw.standard_normal(40_000)
    once, turned = (measured(model, s)["modulation_phase"].reshape(32, 6, 2) for s in (decays, decays[::-1].copy()))
    loud = once[8:, 2:, 1]
    assert np.abs(loud).mean() > 0.1
    np.testing.assert_allclose(turned[8:, 2:, 1], -loud, atol=0.02)


def extreme(kind, size, rate):
    time = np.arange(size) / rate
    return {
        "silence": np.zeros(size),
        "constant": np.ones(size),
        "click": np.eye(1, size, size // 3)[0],
        "late click": np.eye(1, size, size - 2)[0],
        "tone": np.sin(2 * np.pi * 1000 * time),
        "square": np.sign(np.sin(2 * np.pi * 440 * time + 0.1)),
        "whisper": 1e-20 * np.cos(9000 * time),
        "loud": 1e4 * np.random.default_rng(0).standard_normal(size),
    }[kind]


@pytest.mark.parametrize("kind", ["silence", "constant", "click", "late click", "tone", "square", "whisper", "loud"])
@pytest.mark.parametrize(("rate", "seconds", "edge"), [(44_100, 0.3, 0.06), (20_000, 1.0, 0.0)])
def test_extreme_sounds_have_finite_statistics_and_gradients(kind, rate, seconds, edge):
    model = AuditoryModel(rate)
    size = model.size(round(seconds * rate))
    sounds = np.stack([extreme(kind, size, rate), extreme("silence", size, rate), 0.1 * extreme(kind, size, rate)])
    samples = torch.tensor(sounds, dtype=torch.float32, requires_grad=True)
    found = model.measurement(size, seconds, edge, "cpu", torch.float32)(samples, 3)
    (gradient,) = torch.autograd.grad(sum(values.square().sum() for values in found.values()), samples)
    assert all(torch.isfinite(values).all() for values in found.values()) and torch.isfinite(gradient).all()
    for name, domain in AuditoryModel.domains.items():
        most = 1.5 if name == "envelope_autocorrelation" else 1.01  # of some moments, by the variance of all
        assert domain != "correlation" or found[name].abs().max() <= most, name
    assert all((found[n] >= 0).all() for n, domain in AuditoryModel.domains.items() if domain == "level")


def test_the_highest_sample_rate_has_finite_statistics_and_gradients():
    model = AuditoryModel(192_000, highest=96_000.0)
    size = model.size(96_000)
    samples = torch.tensor(sound_of("noise", 192_000, size)[None], dtype=torch.float32, requires_grad=True)
    found = model.measurement(size, 0.5, 0.1, "cpu", torch.float32)(samples)
    (gradient,) = torch.autograd.grad(sum(values.sum() for values in found.values()), samples)
    assert all(torch.isfinite(values).all() for values in found.values()) and torch.isfinite(gradient).all()


def test_silence_has_nothing_to_correlate():
    found = measured(AuditoryModel(20_000), np.zeros(20_000), edge=0.2, dtype=torch.float32)
    assert (found.pop("band_power") == 0).all() and (found.pop("envelope_mean") > 0).all()
    for name, values in found.items():
        np.testing.assert_allclose(values, 0, atol=2e-2, err_msg=name)


def test_sounds_of_one_batch_do_not_mix():
    model = AuditoryModel(**SMALL)
    sounds = np.stack([sound_of("noise", 2000, 2000, seed) for seed in range(14)])
    together = measured(model, sounds, 0.9, 0.2)
    for row, sound in enumerate(sounds):
        for name, values in measured(model, sound, 0.9, 0.2).items():
            np.testing.assert_allclose(together[name][row], values[0], atol=1e-12)
    channels = measured(model, sounds, 0.9, 0.2, channels=7)
    for name, values in measured(model, sounds[7:], 0.9, 0.2, channels=7).items():
        np.testing.assert_allclose(channels[name][7:], values, atol=1e-12)
