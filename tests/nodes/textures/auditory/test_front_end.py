import numpy as np
import pytest
import slow_auditory
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.auditory.front_end import FrontEnd
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.stretches import faded

SMALL = AuditoryModel(2000, highest=1000.0, bands=6)
SEEDS = st.integers(0, 2**31)


def front_end(model, size, window=None, dtype=torch.float64):
    frames = model.frames(size)
    window = np.ones(frames) / frames if window is None else window
    return FrontEnd(model, size, torch.tensor(window, dtype=dtype), "cpu", dtype)


def noise(size, seed=0, rows=1):
    return 0.1 * np.random.default_rng(seed).standard_normal((rows, size))


@given(
    rate=st.sampled_from([8000, 20_000, 44_100, 192_000]),
    lowest=st.floats(0, 500),
    octaves=st.floats(0.5, 8),
    bands=st.integers(1, 200),
)
@settings(max_examples=50, deadline=None)
def test_responses_squared_add_up_to_one(rate, lowest, octaves, bands):
    highest = min(rate / 2, max(lowest, 20) * 2**octaves)
    model = AuditoryModel(rate, lowest, highest, bands)
    responses = model.responses(np.linspace(0, rate / 2, 1001))
    assert responses.shape == (bands + 2, 1001) and responses.min() > -1e-9
    np.testing.assert_allclose((responses**2).sum(0), 1, atol=1e-9)


def test_responses_are_those_of_the_formulas():
    model, f = AuditoryModel(44_100), np.linspace(0, 22_050, 5001)
    np.testing.assert_allclose(model.responses(f), slow_auditory.bands_of(model, f), atol=1e-9)
    f = np.linspace(0, 220, 5001)
    np.testing.assert_allclose(model.modulation_responses(f), slow_auditory.constant_q(model, f), atol=1e-5)
    np.testing.assert_allclose(model.octave_responses(f), slow_auditory.octaves(model, f), atol=1e-9)


def test_octaves_squared_add_up_to_one_between_their_centres():
    model = AuditoryModel(44_100)
    between = np.geomspace(model.octave_rates[0], model.octave_rates[-1], 1000)
    np.testing.assert_allclose((model.octave_responses(between) ** 2).sum(0), 1, atol=1e-12)
    np.testing.assert_allclose(model.octave_rates, [1.5625, 3.125, 6.25, 12.5, 25, 50, 100])


def test_modulation_bands_are_even_between_the_fourth_from_each_end():
    model = AuditoryModel(44_100)
    between = np.linspace(model.rates[3], model.rates[-4], 4000)
    power = (model.modulation_responses(between) ** 2).sum(0)
    assert power.mean() == pytest.approx(1, abs=1e-3) and power.min() > 0.9 and power.max() < 1.1


@pytest.mark.parametrize("size", [400, 405, 2000, 3125])
def test_envelopes_are_those_of_the_formulas(size):
    sounds = noise(size, rows=2)
    found = front_end(SMALL, size)(torch.tensor(sounds))
    assert found.products is None
    for row, sound in enumerate(sounds):
        bands, envelopes = slow_auditory.envelopes_of(SMALL, sound, SMALL.frames(size))
        assert 10 * np.log10((envelopes**2).sum() / ((envelopes - found.envelopes[row].numpy()) ** 2).sum()) > 50
        powers = (bands.real**2).mean(1)
        np.testing.assert_allclose(found.powers[row, 1:-1].numpy(), powers[1:-1], rtol=1e-6)


def test_powers_add_up_to_that_of_the_sound():
    spectrum = np.fft.rfft(noise(4000)[0])
    spectrum[[0, -1]] = 0
    sound = np.fft.irfft(spectrum)
    found = front_end(SMALL, 4000)(torch.tensor(sound[None]))
    assert float(found.powers.sum()) == pytest.approx(np.mean(sound**2), rel=1e-9)


def test_a_tone_in_the_middle_of_a_band_has_its_power_and_envelope_there():
    model = AuditoryModel(20_000)
    for band in (5, 12, 28):
        frequency = round(model.centres[band] * 2) / 2
        sound = 0.3 * np.sin(2 * np.pi * frequency * np.arange(40_000) / 20_000)
        found = front_end(model, 40_000)(torch.tensor(sound[None]))
        assert int(found.powers.argmax()) == band
        assert float(found.powers[0, band]) == pytest.approx(0.3**2 / 2, rel=1e-2)
        np.testing.assert_allclose(found.envelopes[0, band].numpy(), 0.3**0.3, rtol=5e-3)


@pytest.mark.parametrize("size", [400, 405, 3125])
def test_products_are_those_of_each_channel_with_the_one_before_it(size):
    sounds = noise(size, rows=6)  # two sounds of three channels
    found = front_end(SMALL, size)(torch.tensor(sounds), 3)
    bands = [slow_auditory.envelopes_of(SMALL, sound, SMALL.frames(size))[0] for sound in sounds]
    for own, other in enumerate((2, 0, 1, 5, 3, 4)):
        wanted = (bands[own] * bands[other].conj()).mean(1) / 2
        products = torch.view_as_complex(found.products[own].contiguous()).numpy()
        np.testing.assert_allclose(products, wanted, atol=1e-9 * np.abs(wanted).max())
    alone = front_end(SMALL, size)(torch.tensor(sounds))
    torch.testing.assert_close(alone.envelopes, found.envelopes, rtol=0, atol=0)
    torch.testing.assert_close(alone.powers, found.powers, rtol=0, atol=0)


@pytest.mark.parametrize("size", [399, 400, 1999])
def test_envelopes_vary_below_half_their_rate_however_many_frames_there_are(size):
    spectra = torch.fft.rfft(front_end(SMALL, size)(torch.tensor(noise(size))).envelopes).abs()
    rates = np.arange(spectra.shape[-1]) * 2000 / size
    assert rates[-1] > 200
    assert spectra[..., rates >= 200].max() < 1e-12 * spectra.max() < spectra[..., rates < 200].min()


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("size", [80, 81, 135])
def test_gradient_is_that_of_envelopes_powers_and_products(size, channels):
    window = faded(np.arange(SMALL.frames(size)) / SMALL.frames(size), 0.9, 0.2)
    compute = front_end(SMALL, size, window)
    samples = torch.tensor(noise(size, rows=4 if channels > 1 else 2), requires_grad=True)

    def found(sounds):
        return tuple(each for each in compute(sounds, channels) if each is not None)

    assert len(found(samples)) == (2 if channels == 1 else 3)
    assert torch.autograd.gradcheck(found, samples, atol=1e-4)


@given(SEEDS, st.sampled_from([300, 405, 2000]), st.sampled_from([torch.float32, torch.float64]))
@settings(max_examples=20, deadline=None)
def test_own_envelopes_and_powers_return_the_sound(seed, size, dtype):
    sound = torch.tensor(noise(size, seed, 2), dtype=dtype)
    compute = front_end(SMALL, size, dtype=dtype)
    found = compute(sound)
    back = compute.with_envelopes(sound, found.envelopes, found.powers)
    assert (back - sound).abs().max() < (1e-4 if dtype == torch.float32 else 1e-7)


def test_own_envelopes_and_powers_return_the_sound_at_full_size():
    model = AuditoryModel(44_100)
    sound = torch.tensor(noise(model.size(44_100)), dtype=torch.float32)
    compute = front_end(model, sound.shape[1], dtype=torch.float32)
    found = compute(sound)
    back = compute.with_envelopes(sound, found.envelopes, found.powers)
    assert (back - sound).square().mean().sqrt() < 1e-5 * sound.square().mean().sqrt()


def test_other_powers_are_reached():
    sound = torch.tensor(noise(2000))
    compute = front_end(SMALL, 2000)
    found = compute(sound)
    back = compute.with_envelopes(sound, found.envelopes, 4 * found.powers)
    np.testing.assert_allclose(back.numpy(), 2 * sound.numpy(), atol=1e-6)
    assert compute.with_envelopes(sound, found.envelopes, 0 * found.powers).abs().max() < 1e-12


def test_silence_keeps_finite_when_it_is_given_envelopes():
    compute = front_end(SMALL, 2000)
    found = compute(torch.tensor(noise(2000)))
    assert torch.isfinite(compute.with_envelopes(torch.zeros(1, 2000).double(), found.envelopes, found.powers)).all()


@given(SEEDS, st.floats(-40, 40))
@settings(max_examples=15, deadline=None)
def test_powers_go_with_the_square_of_the_gain(seed, decibels):
    gain = 10 ** (decibels / 20)
    sound = torch.tensor(noise(1000, seed))
    compute = front_end(AuditoryModel(2000, highest=1000.0, bands=6, floor=1e-24), 1000)
    once, more = compute(sound), compute(gain * sound)
    np.testing.assert_allclose(more.powers.numpy(), gain**2 * once.powers.numpy(), rtol=1e-9)
    np.testing.assert_allclose(more.envelopes.numpy(), gain**0.3 * once.envelopes.numpy(), rtol=1e-6, atol=1e-9)


@given(st.floats(0.2, 2.0), st.just(0.0) | st.floats(0.01, 0.5), st.integers(32, 2000))
def test_windows_add_up_to_one_and_are_0_beyond_their_duration(duration, part, count):
    places = np.arange(count) * 2.0 / count
    window = faded(places, duration, part * duration)
    assert window.sum() == pytest.approx(1) and (window >= 0).all() and (window[places >= duration] == 0).all()
    inside = (places >= part * duration) & (places < duration - part * duration)
    assert inside.sum() < 2 or np.ptp(window[inside]) == 0


def test_windows_fade_as_a_raised_cosine():
    count = 1000
    np.testing.assert_allclose(
        faded(np.arange(count) / 500, 1.5, 0.4), slow_auditory.window_of(count, 2.0, 1.5, 0.4), atol=1e-15
    )


def test_powers_are_never_negative_where_a_window_fades():
    model = AuditoryModel(44_100)
    size = model.size(13_230)
    window = faded(np.arange(model.frames(size)) * size / 44_100 / model.frames(size), 0.3, 0.06)
    sounds = torch.zeros(3, size)
    sounds[0, 0] = sounds[1, 13_229] = sounds[2, 100] = 1.0
    assert (front_end(model, size, window, torch.float32)(sounds).powers >= 0).all()
