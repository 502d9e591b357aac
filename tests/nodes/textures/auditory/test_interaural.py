"""What the channels of a texture have in common: measured, made of noise, and reached."""

import numpy as np
import pytest
import torch
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.inversion.node import invert
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.auditory.relating import related
from nodes.textures.measuring import statistics_of
from nodes.textures.starting import first_sound
from nodes.values.audio import Audio

RATE = 8000
MODEL = AuditoryModel(RATE, highest=4000.0, bands=8, modulation_bands=6)
SEEDS = st.integers(0, 2**31)
APART = {"interaural_coherence": 0.0, "interaural_correlation": 0.0}


def noise(channels, size, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal((channels, size))


def delayed(sound, seconds):
    """What goes round, later."""
    f = np.arange(sound.shape[-1] // 2 + 1) * RATE / sound.shape[-1]
    return np.fft.irfft(np.fft.rfft(sound) * np.exp(-2j * np.pi * f * seconds), n=sound.shape[-1])


def coherence_of(sounds, model=MODEL):
    """Complex coherence of each channel with the one before, and the correlation of their envelopes."""
    sounds = np.asarray(sounds, np.float64)
    measure = model.measurement(sounds.shape[1], sounds.shape[1] / model.sample_rate, 0.0, "cpu", torch.float64)
    found = {name: values.numpy() for name, values in measure(torch.tensor(sounds), len(sounds)).items()}
    parts = found["interaural_coherence"].reshape(len(sounds), -1, 2)
    return parts[..., 0] + 1j * parts[..., 1], found["interaural_correlation"]


def asked(coherence):
    """The class of a complex coherence, channels × bands."""
    return {"interaural_coherence": np.stack([coherence.real, coherence.imag], -1).reshape(len(coherence), -1)}


@pytest.mark.parametrize(("gain", "wanted"), [(1.0, 1.0), (0.1, 1.0), (-1.0, -1.0)])
def test_one_sound_in_both_channels_is_wholly_coherent(gain, wanted):
    sound = noise(1, 2 * RATE)
    coherence, correlation = coherence_of(np.concatenate([sound, gain * sound]))
    np.testing.assert_allclose(coherence, wanted, atol=1e-5)
    np.testing.assert_allclose(correlation, 1, atol=1e-3)


@pytest.mark.parametrize("turns", [0.25, 0.5, 0.75, 1.0])
def test_a_tone_that_comes_later_turns_the_coherence(turns):
    tone = 0.1 * np.sin(2 * np.pi * 500 * np.arange(2 * RATE) / RATE)
    sounds = np.stack([tone, delayed(tone, turns / 500)])
    band = np.argmin(np.abs(MODEL.centres - 500))
    coherence, _ = coherence_of(sounds)
    assert coherence[1, band] == pytest.approx(np.exp(-2j * np.pi * turns), abs=1e-6)
    assert coherence[0, band] == pytest.approx(np.exp(2j * np.pi * turns), abs=1e-6)


def test_noises_of_their_own_have_nothing_in_common():
    coherence, correlation = coherence_of(noise(3, 8 * RATE))
    bands = slice(1, -1)
    assert np.abs(coherence[:, bands]).max() < 0.15 and np.abs(correlation[:, bands]).max() < 0.15


@given(SEEDS, st.floats(0.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_a_common_part_of_the_power_is_the_coherence(seed, part):
    common, *own = noise(3, 8 * RATE, seed)
    coherence, _ = coherence_of([np.sqrt(part) * common + np.sqrt(1 - part) * each for each in own])
    np.testing.assert_allclose(coherence[:, 3:-1], part, atol=0.15)


def test_each_channel_is_compared_with_the_one_before_and_the_first_with_the_last():
    first, other = noise(2, 2 * RATE)
    coherence, correlation = (np.abs(each[:, 2:].mean(1)) for each in coherence_of([first, other, first]))
    np.testing.assert_allclose(coherence, [1, 0, 0], atol=0.1)
    np.testing.assert_allclose(correlation, [1, 0, 0], atol=0.1)


def test_noises_of_one_envelope_are_correlated_but_not_coherent():
    slow = 1 + 0.9 * np.sin(2 * np.pi * 4 * np.arange(4 * RATE) / RATE)
    coherence, correlation = coherence_of(noise(2, 4 * RATE) * slow**2)
    assert np.abs(coherence[1, 3:]).max() < 0.2 < 0.6 < correlation[1, 3:].min()
    turned = noise(2, 4 * RATE) * np.stack([slow**2, (2 - slow) ** 2])
    assert coherence_of(turned)[1][1, 3:].max() < -0.5


def test_silence_in_a_channel_has_nothing_in_common():
    for sounds in ([noise(1, RATE)[0], np.zeros(RATE)], np.zeros((2, RATE))):
        coherence, correlation = coherence_of(sounds)
        assert np.abs(coherence).max() < 1e-6 and np.abs(correlation).max() < 1e-3


def test_a_sound_of_one_channel_does_not_have_what_channels_have_in_common(tmp_path):
    mono = statistics_of(Audio(noise(1, RATE).astype(np.float32), RATE), MODEL)
    stereo = statistics_of(Audio(noise(2, RATE).astype(np.float32), RATE), MODEL)
    assert set(stereo.classes) - set(mono.classes) == set(MODEL.linked) == set(stereo.linked)
    assert mono.linked == () and not set(MODEL.linked) & set(mono.axes())
    for name in mono.classes:  # of a channel, nothing else depends on the others
        alone = statistics_of(Audio(noise(2, RATE)[:1].astype(np.float32), RATE), MODEL)
        np.testing.assert_allclose(alone.classes[name][0], stereo.classes[name][0], atol=1e-4)


@given(SEEDS, st.floats(0, 1), st.floats(-np.pi, np.pi), st.sampled_from([1.0, 1e-4]))
@settings(max_examples=10, deadline=None)
def test_related_noises_are_as_coherent_as_asked(seed, size, angle, level):
    carriers = level * noise(2, 8 * RATE, seed)
    wanted = np.full((2, 10), size * np.exp(1j * angle))
    found, _ = coherence_of(related(MODEL, carriers, asked(wanted)))
    np.testing.assert_allclose(found[1, 3:-1], wanted[1, 3:-1], atol=0.15)


def test_related_noises_are_as_coherent_as_asked_band_by_band():
    wanted = np.repeat(np.linspace(-0.9, 0.9, 10)[None], 3, 0) + 0j
    found, _ = coherence_of(related(MODEL, noise(3, 30 * RATE), asked(wanted)))
    smooth = wanted[1, 3:-1] * 0.9  # bands overlap, and each takes after its neighbours
    np.testing.assert_allclose(found[1, 3:-1], smooth, atol=0.15)
    np.testing.assert_allclose(found[2, 3:-1], smooth, atol=0.15)
    assert (np.diff(found[1, 1:].real) > 0.05).all()


def test_related_noises_keep_their_levels():
    f = np.arange(4 * RATE + 1) / 8
    tilt = 1 / (1 + f / 300)
    carriers = np.fft.irfft(np.fft.rfft(noise(2, 8 * RATE)) * np.stack([tilt, 0.01 * tilt[::-1]]))
    found = related(MODEL, carriers, asked(np.full((2, 10), 0.8 + 0j)))
    np.testing.assert_allclose(found[0], carriers[0], atol=1e-12)
    powers = [
        [np.sum(np.abs(np.fft.rfft(x))[(f > low) & (f < 2 * low)] ** 2) for low in (200, 400, 800, 1600)]
        for x in (carriers[1], found[1])
    ]
    np.testing.assert_allclose(np.log10(powers[1]), np.log10(powers[0]), atol=0.15)


def test_impossible_and_silent_wishes_give_finite_noises():
    coherence = np.full((2, 10), 3.0 + 4.0j)
    found = related(MODEL, noise(2, RATE), asked(coherence))
    assert np.isfinite(found).all()
    assert np.isfinite(related(MODEL, 0 * noise(2, RATE), asked(coherence))).all()
    np.testing.assert_array_equal(related(MODEL, noise(2, RATE), {}), noise(2, RATE))


def wide(seconds, seed=0):
    """Low bands in phase, high ones of noises of their own, beneath one flutter."""
    size = round(seconds * RATE)
    f = np.arange(size // 2 + 1) * RATE / size
    common, *own = noise(3, size, seed)
    low, flutter = f < 800, 1 + 0.7 * np.sin(2 * np.pi * 5 * np.arange(size) / RATE)
    both = [np.fft.irfft(np.fft.rfft(common) * low + np.fft.rfft(each) * ~low, n=size) * flutter for each in own]
    return Audio(np.array(both, np.float32), RATE)


def errors(target, audio):
    """Root-mean-square differences of the linked classes, of bands that count."""
    found = statistics_of(audio, MODEL)
    differences = {name: (found.classes[name] - target.classes[name])[target.weights[name] > 0] for name in APART}
    return {name: float(np.sqrt(np.mean(values**2))) for name, values in differences.items()}


def test_what_channels_have_in_common_is_reached(tmp_path):
    target = statistics_of(wide(1.5), MODEL)
    near = invert([target], iterations=10, context=make_context(tmp_path / "near", 3)).audio
    far = invert([target], iterations=10, class_weights=APART, context=make_context(tmp_path / "far", 3)).audio
    for name, error in errors(target, near).items():
        assert error < 0.08 < 0.3 < errors(target, far)[name], name


def test_a_first_sound_is_near_what_channels_have_in_common():
    target = statistics_of(wide(1.5), MODEL)
    carriers = noise(2, round(1.5 * RATE), 5)
    together = first_sound(target, carriers, [0, 1], target.class_emphasis(), {})
    apart = np.concatenate([first_sound(target, carriers[[row]], [row], target.class_emphasis(), {}) for row in (0, 1)])
    near, far = (errors(target, Audio(each, RATE)) for each in (together, apart))
    assert all(near[name] < 0.5 * far[name] for name in near), (near, far)


def test_channels_that_are_not_compared_are_descended_on_apart(tmp_path):
    sounds = wide(1.0)
    both = statistics_of(sounds, MODEL)

    def made(target, number, **parameters):
        return invert([target], iterations=4, context=make_context(tmp_path / str(number), 7), **parameters).audio

    apart = made(both, 0, class_weights=APART).samples
    other = statistics_of(Audio(np.stack([sounds.samples[0], wide(1.0, 9).samples[1]]), RATE), MODEL)
    changed = made(other, 1, class_weights=APART).samples
    np.testing.assert_array_equal(apart[0], changed[0])  # whatever the other channel is to be
    assert not np.array_equal(apart[1], changed[1])
    alone = statistics_of(Audio(sounds.samples[:1], RATE), MODEL)
    # statistics differ by rounding, and a descent makes more of it
    assert np.corrcoef(made(alone, 2).samples[0], apart[0])[0, 1] > 0.99
    together = made(both, 3).samples
    assert np.abs(together - apart).max() > 0.01


def test_a_target_of_one_channel_makes_channels_of_their_own(tmp_path):
    target = statistics_of(Audio(wide(1.0).samples[:1], RATE), MODEL)
    context = make_context(tmp_path)
    made = invert([target], iterations=4, channels=2, context=context).audio
    assert made.channels == 2
    assert not any(name in logged for _, logged, _, _ in context.recorder.metrics for name in MODEL.linked)
    found = statistics_of(made, MODEL)
    assert np.abs(found.classes["interaural_coherence"][:, 6:-2]).max() < 0.3
    one = invert([target], iterations=4, context=make_context(tmp_path / "one")).audio
    np.testing.assert_array_equal(one.samples[0], made.samples[0])


def test_weights_may_leave_one_class_of_two(tmp_path):
    target = statistics_of(wide(1.0), MODEL)
    context = make_context(tmp_path)
    weights = {"interaural_coherence": 0.0}
    made = invert([target], iterations=4, class_weights=weights, context=context).audio
    assert np.isfinite(made.samples).all()
    logged = {name for _, name, _, _ in context.recorder.metrics}
    assert {"loss.1.interaural_correlation", "loss.1.interaural_coherence"} <= logged


def test_fourteen_channels_are_descended_on_together(tmp_path):
    sounds = Audio(noise(14, RATE // 2).astype(np.float32), RATE)
    made = invert([statistics_of(sounds, MODEL)], iterations=1, context=make_context(tmp_path)).audio
    assert made.samples.shape == (14, RATE // 2) and np.isfinite(made.samples).all()
