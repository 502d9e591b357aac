import numpy as np
import pytest
import torch
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.correlations.analysis import Analysis
from nodes.textures.correlations.drawing import normalised
from nodes.textures.correlations.model import CorrelationModel
from nodes.textures.correlations.network import random_filters
from nodes.textures.node import texture_correlate
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.value import freeze, pack, unpack

RATE = 16000


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(length=RATE, seed=0, level=0.1):
    return np.random.default_rng(seed).standard_normal(length) * level


def test_statistics_are_those_of_a_plain_loop(tmp_path):
    """Every formula again in numpy, one number at a time."""
    x, rate, n_fft, hop, bands = noise(300), 8000, 32, 8, 6
    kernel, filters, seed = (3, 2), 2, 7
    found = texture_correlate(
        sound(x, rate), bands=bands, kernels=[kernel], filters=filters, network_seed=seed, n_fft=n_fft, hop=hop,
        context=make_context(tmp_path),
    )  # fmt: skip
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    edges = np.minimum(
        np.maximum(
            228.8455 * (np.exp(np.linspace(0, np.log(1 + rate / 2 / 228.8455), bands + 2)) - 1),
            np.arange(bands + 2) * rate / n_fft,
        ),
        rate / 2,
    )
    frames = (len(x) - n_fft) // hop + 1
    power = np.zeros((bands, frames))
    for t in range(frames):
        bins = np.abs(np.fft.rfft(x[t * hop : t * hop + n_fft].astype(np.float32) * window)) ** 2
        for b in range(bands):
            low, centre, high = edges[b : b + 3]
            weights = [
                max(0.0, min((f - low) / (centre - low), (high - f) / (high - centre)))
                for f in np.arange(n_fft // 2 + 1) * rate / n_fft
            ]
            power[b, t] = np.dot(weights, bins) / sum(weights) / np.sum(window**2)
    reference = np.sqrt(power.mean(1))
    np.testing.assert_allclose(found.reference, reference, rtol=1e-4)
    log = np.log(1 + np.sqrt(power) / reference[:, None])
    np.testing.assert_allclose(found.classes["mean"][0], log.mean(1), rtol=1e-4)
    np.testing.assert_allclose(found.classes["level"][0], np.ones(bands), rtol=1e-4)
    for a in range(bands):
        for b in range(bands):
            expected = ((log[a] - log[a].mean()) * (log[b] - log[b].mean())).mean()
            assert found.classes["covariance"][0, a, b] == pytest.approx(expected, abs=1e-5)
    weights = random_filters(seed, kernel, filters)[:, 0]
    rows, columns = bands - kernel[0] + 1, frames - kernel[1] + 1
    maps = np.zeros((filters, rows, columns))
    for c in range(filters):
        for b in range(rows):
            for t in range(columns):
                maps[c, b, t] = max(0.0, (weights[c] * log[b : b + kernel[0], t : t + kernel[1]]).sum())
    for b in range(rows):
        for i in range(filters):
            for j in range(filters):
                expected = (maps[i, b] * maps[j, b]).mean()
                assert found.classes["kernel_3x2"][0, b, i, j] == pytest.approx(expected, abs=1e-5)


def test_gradients_are_those_of_finite_differences():
    reference = np.linspace(0.5, 1.5, 5)
    model = CorrelationModel(8000, 16, 4, "log", 5, ((2, 2), (1, 3)), 3, 0)
    analyse = Analysis(model, reference, dtype=torch.float64)
    x = torch.tensor(noise(40, level=1.0)[None], requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: tuple(analyse(s).values()), x)


def test_statistics_do_not_depend_on_length(tmp_path):
    long = texture_correlate(sound(noise(8 * RATE)), context=make_context(tmp_path))
    short = long.analysis(3 * RATE, "cpu")(torch.tensor(noise(3 * RATE, seed=1)[None], dtype=torch.float32))
    for name, values in long.coefficients().items():
        assert short[name].shape == values.shape
        error = np.square(short[name].numpy() - values).sum() / np.square(values).sum()
        assert error < (0.3 if name == "covariance" else 0.1), name


def test_its_own_analysis_finds_its_statistics(tmp_path):
    audio = sound(np.stack([noise(), noise(seed=1, level=0.03)]))
    found = texture_correlate(audio, context=make_context(tmp_path))
    again = found.analysis(RATE, "cpu")(torch.tensor(audio.samples))
    assert list(again) == list(found.coefficients())
    for name, values in found.coefficients().items():
        np.testing.assert_allclose(again[name].numpy(), values, rtol=1e-3, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(gain=st.sampled_from([1e-2, 0.3, 8.0]), seed=st.integers(0, 100))
def test_a_louder_sound_differs_in_its_reference_alone(tmp_path_factory, gain, seed):
    context = make_context(tmp_path_factory.mktemp("c"))
    one = texture_correlate(sound(noise(seed=seed)), context=context)
    other = texture_correlate(sound(gain * noise(seed=seed)), context=context)
    np.testing.assert_allclose(other.reference, gain * one.reference, rtol=1e-4)
    for name, values in one.coefficients().items():
        np.testing.assert_allclose(other.coefficients()[name], values, rtol=1e-3, atol=1e-4)


def test_modulation_shows_in_kernels_but_not_in_colour(tmp_path):
    """Noise that beats at 12 Hz has the spectrum of steady noise; only long kernels tell them apart."""
    steady = texture_correlate(sound(noise(4 * RATE)), context=make_context(tmp_path))
    t = np.arange(4 * RATE) / RATE
    beating = steady.analysis(4 * RATE, "cpu")(
        torch.tensor((noise(4 * RATE, 1) * (1 + np.cos(2 * np.pi * 12 * t)) / 1.225)[None], dtype=torch.float32)
    )
    error = {
        name: float(np.square(beating[name].numpy() - values).sum() / np.square(values).sum())
        for name, values in steady.coefficients().items()
    }
    assert error["level"] < 0.01
    assert error["kernel_1x51"] > 20 * error["level"]


def test_the_spectrum_of_noise_is_found(tmp_path):
    found = texture_correlate(
        sound(np.stack([noise(4 * RATE), noise(4 * RATE, 1, 0.02)])), context=make_context(tmp_path)
    )
    np.testing.assert_allclose(found.spectrum()[0], 0.1**2, rtol=0.3)
    np.testing.assert_allclose(found.spectrum()[1], 0.02**2, rtol=0.3)


def test_a_value_survives_storing_and_can_be_seen(tmp_path):
    found = texture_correlate(freeze(sound(np.stack([noise(), noise(seed=1)]))), context=make_context(tmp_path))
    again = unpack(*pack(found))
    assert again.describe() == found.describe()
    assert again.model.kernels == found.model.kernels
    assert again.analysis(RATE, "cpu") is not None
    assert found.write(tmp_path, "textur ☔")[0].stat().st_size > 5000
    labels = {axes.get_xlabel() for axes in found.draw().axes}
    assert {"frequency (Hz)", "band (Hz)", "filter"} <= labels


def test_correlations_are_drawn_between_minus_one_and_one():
    rows = np.random.default_rng(0).standard_normal((4, 50))
    rows[2] = 0
    found = normalised(rows @ rows.T)
    kept = [0, 1, 3]
    np.testing.assert_allclose(np.diagonal(found)[kept], 1)
    assert (found[2] == 0).all() and (np.abs(found) <= 1 + 1e-12).all()


def test_the_number_of_statistics_is_counted_and_logged(tmp_path):
    context = make_context(tmp_path)
    found = texture_correlate(sound(noise()), bands=20, kernels=[(3, 3)], filters=4, context=context)
    distinct = 2 * 20 + 20 * 21 // 2 + 18 * 4 * 5 // 2
    assert found.count == distinct
    assert ("step", "statistics_per_sample", distinct / RATE, 0) in context.recorder.metrics


def test_silence_gives_finite_statistics_and_a_picture(tmp_path):
    found = texture_correlate(sound(np.zeros(RATE)), context=make_context(tmp_path))
    assert all(np.isfinite(values).all() for values in found.coefficients().values())
    assert found.spectrum().max() < 1e-20
    assert found.draw() is not None


def test_many_channels_at_a_high_rate(tmp_path):
    audio = sound(np.random.default_rng(0).standard_normal((14, 192_000)) * 0.1, 192_000)
    found = texture_correlate(audio, context=make_context(tmp_path))
    assert found.channels == 14 and found.model.n_fft == 4096
    assert 80_000 < found.model.frequencies[-1] < 96_000


@pytest.mark.parametrize("length", [0, 1, 5000])
def test_too_short_a_sound_is_a_mistake(tmp_path, length):
    with pytest.raises(MistakeError, match="too short for statistics") as caught:
        texture_correlate(sound(np.ones((1, length))), context=make_context(tmp_path))
    assert "0.400 s" in str(caught.value) or "samples" in str(caught.value)


def test_where_statistics_outnumber_samples_the_composer_is_told_in_numbers(tmp_path):
    context = make_context(tmp_path)
    found = texture_correlate(sound(noise()), filters=12, context=context)
    assert 1 < found.count / RATE < 8
    assert len(context.recorder.notes) == 1
    assert context.recorder.notes[0].startswith(f"{found.count / RATE:.3g} statistics a sample ({found.count} of 16000")
    assert "correlate=gram" in context.recorder.notes[0]
    texture_correlate(sound(noise()), filters=6, context=(quiet := make_context(tmp_path)))
    assert quiet.recorder.notes == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kernels": [(65, 2)]}, "taller than there are bands"),
        ({"kernels": [(3, 3), (3, 3)]}, "given twice"),
        ({"n_fft": 128}, "more bands than bins"),
        ({"n_fft": 512, "hop": 300}, "do not see all"),
        ({"spectrogram": "ri", "bands": 64}, "no bands"),
        ({"spectrogram": "ri", "n_fft": 64, "kernels": [(34, 2)]}, "taller than there are bands"),
        ({"spectrogram": "ri", "n_fft": 2**14, "correlate": "frequencies"}, "more statistics than memory"),
        ({"autocorrelation": [0.1, 0.001]}, "shorter than a hop"),
        ({"autocorrelation": [0.1, 0.1]}, "same number of hops"),
        ({"autocorrelation": [2.0]}, "too short for statistics"),
    ],
)
def test_what_does_not_fit_is_a_mistake(tmp_path, parameters, message):
    with pytest.raises(MistakeError, match=message):
        texture_correlate(sound(noise()), **parameters, context=make_context(tmp_path))


def test_what_is_no_number_is_a_mistake(tmp_path):
    x = noise()
    x[7] = np.nan
    with pytest.raises(MistakeError, match="not a finite number"):
        texture_correlate(sound(x), context=make_context(tmp_path))
