import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.scattering.node import scatter
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.value import freeze, pack, unpack

RATE = 8000


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def tone(frequency, seconds=1.0, rate=RATE, modulation=0.0):
    t = np.arange(int(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * frequency * t) * (1 + np.cos(2 * np.pi * modulation * t)) / 2


def test_axes_are_in_hertz(tmp_path):
    found = scatter(sound(tone(1000.0, 2, modulation=31.0)), octaves=8, quality=8, context=make_context(tmp_path))
    loudest = found.order1[0].mean(-1).argmax()
    assert found.frequencies1[loudest] == pytest.approx(1000.0, rel=0.06)
    second = found.order2[0].mean(-1).argmax()
    assert found.frequencies2[second] == pytest.approx(1000.0, rel=0.12)
    assert 31.0 / 1.5 < found.rates2[second] < 31.0 * 1.5


def test_frames_are_where_they_say(tmp_path):
    x = np.zeros(8000)
    x[3000:3010] = 0.5
    found = scatter(sound(x), octaves=6, quality=1, context=make_context(tmp_path))
    assert found.order1.shape[2] == -(-8000 // 64)
    assert abs(found.order1[0].sum(0).argmax() * 64 - 3005) <= 64


@pytest.mark.parametrize(("asked", "samples"), [(None, 256), (0.1, 1024), ("0", 1), (0.002, 16)])
def test_averaging_is_a_power_of_two_of_samples(tmp_path, asked, samples):
    averaging = None if asked is None else float(asked)
    found = scatter(sound(tone(500.0)), octaves=8, quality=4, averaging=averaging, context=make_context(tmp_path))
    assert found.averaging == samples
    assert found.order1.shape[2] == -(-8000 // samples)


def test_its_own_analysis_finds_its_coefficients(tmp_path):
    audio = sound(np.random.default_rng(0).standard_normal((2, 3000)) * 0.1)
    found = scatter(audio, octaves=7, quality=6, context=make_context(tmp_path))
    again = found.analysis(3000, "cpu")(torch.tensor(audio.samples))
    for name, values in found.coefficients().items():
        np.testing.assert_allclose(again[name].numpy(), values, rtol=1e-4, atol=1e-7)


def test_another_length_cannot_be_compared(tmp_path):
    found = scatter(sound(tone(500.0)), octaves=7, quality=4, context=make_context(tmp_path))
    with pytest.raises(MistakeError, match="only at the same length"):
        found.analysis(7999, "cpu")


def test_the_spectrum_of_noise_is_found(tmp_path):
    rng = np.random.default_rng(1)
    spectra = np.fft.rfft(rng.standard_normal(2**15) * 0.1)
    slope = np.linspace(2.0, 0.5, len(spectra))
    x = np.fft.irfft(spectra * slope)
    found = scatter(sound(x), octaves=9, quality=8, context=make_context(tmp_path)).spectrum()
    wanted = (0.1 * np.interp(np.linspace(0, 1, found.shape[1]), np.linspace(0, 1, len(slope)), slope)) ** 2
    inner = slice(found.shape[1] // 20, -found.shape[1] // 10)
    np.testing.assert_allclose(found[0, inner], wanted[inner], rtol=0.35)
    assert found.mean() == pytest.approx(np.mean(x**2), rel=0.1)


def test_a_value_survives_storing_and_can_be_seen(tmp_path):
    found = scatter(sound(np.stack([tone(500.0), tone(900.0)])), octaves=7, quality=4, context=make_context(tmp_path))
    tree, arrays = pack(found)
    again = unpack(tree, arrays)
    assert again.describe() == found.describe()
    assert "2 ch" in found.describe() and "frames of 16.0 ms" in found.describe()
    paths = found.write(tmp_path, "scattering")
    assert paths[0].stat().st_size > 5000
    assert len(found.draw().axes) == 4


def test_without_second_order_only_the_first_is_there_and_drawn(tmp_path):
    found = scatter(sound(tone(500.0)), octaves=2, quality=1, context=make_context(tmp_path))
    assert found.order2.shape[1] == 0
    assert list(found.coefficients()) == ["order1"]
    assert len(found.draw().axes) == 2


def test_silence_gives_zeros_and_a_picture(tmp_path):
    found = scatter(sound(np.zeros(4000)), octaves=7, quality=4, context=make_context(tmp_path))
    assert not found.order1.any() and not found.order2.any() and not found.spectrum().any()
    assert found.draw() is not None


def test_many_channels_at_a_high_rate(tmp_path):
    audio = sound(np.random.default_rng(0).standard_normal((14, 20000)) * 0.1, 192_000)
    found = scatter(audio, octaves=9, quality=4, context=make_context(tmp_path))
    assert found.channels == 14
    assert found.frequencies1.max() == pytest.approx(0.373 * 192_000, rel=0.1)


def test_inputs_may_be_read_only(tmp_path):
    audio = freeze(sound(tone(500.0)))
    assert scatter(audio, octaves=6, quality=2, context=make_context(tmp_path)).channels == 1


@pytest.mark.parametrize("length", [0, 1, 512])
def test_too_short_a_sound_is_a_mistake(tmp_path, length):
    with pytest.raises(MistakeError, match="too short") as caught:
        scatter(sound(np.ones((1, length))), octaves=8, quality=4, context=make_context(tmp_path))
    assert "513 samples or more" in str(caught.value)


def test_too_few_octaves_for_the_quality_is_a_mistake(tmp_path):
    with pytest.raises(MistakeError, match="3 or more"):
        scatter(sound(tone(500.0)), octaves=2, quality=12, context=make_context(tmp_path))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_a_mistake(tmp_path, bad):
    x = tone(500.0)
    x[100] = bad
    with pytest.raises(MistakeError, match="not a finite number"):
        scatter(sound(x), octaves=6, quality=4, context=make_context(tmp_path))
