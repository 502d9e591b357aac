"""Real and imaginary parts, what is correlated, and autocorrelations."""

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.inversion.node import invert
from nodes.textures.correlations.analysis import Analysis
from nodes.textures.correlations.model import CorrelationModel
from nodes.textures.correlations.network import random_filters
from nodes.textures.node import texture_correlate
from nodes.values import Audio
from pipelines.value import freeze, pack, unpack

RATE, N_FFT, HOP = 8000, 32, 8
KERNEL, FILTERS, SEED, LAGS = (3, 2), 2, 7, (1, 3)
SECONDS = [lag * HOP / RATE for lag in LAGS]
SMALL = {"kernels": [KERNEL], "filters": FILTERS, "network_seed": SEED, "n_fft": N_FFT, "hop": HOP}
CHOICES = [(s, c) for s in ("log", "ri") for c in ("filters", "frequencies", "gram")]


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(length=300, seed=0, level=0.1):
    return np.random.default_rng(seed).standard_normal(length) * level


def naive_parts(x):
    """Return bins × frames: the short-time spectrum, the sum of the squared window divided out."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    frames = (len(x) - N_FFT) // HOP + 1
    spectra = [np.fft.fft(x[t * HOP : t * HOP + N_FFT] * window)[: N_FFT // 2 + 1] for t in range(frames)]
    return np.array(spectra).T / np.sqrt(np.sum(window**2))


def naive_maps(planes):
    """Return filters × positions × time: the feature maps, one number at a time."""
    weights = random_filters(SEED, KERNEL, FILTERS, len(planes))
    rows, columns = planes.shape[1] - KERNEL[0] + 1, planes.shape[2] - KERNEL[1] + 1
    maps = np.zeros((FILTERS, rows, columns))
    for c in range(FILTERS):
        for b in range(rows):
            for t in range(columns):
                maps[c, b, t] = max(0.0, (weights[c] * planes[:, b : b + KERNEL[0], t : t + KERNEL[1]]).sum())
    return maps


def naive_products(maps, correlate):
    """Return what is averaged, as loops over its indices."""
    filters, rows, _ = maps.shape
    if correlate == "filters":
        every = [(maps[i, b] * maps[j, b]).mean() for b in range(rows) for i in range(filters) for j in range(filters)]
        return np.reshape(every, (rows, filters, filters))
    if correlate == "frequencies":
        every = [(maps[c, a] * maps[c, b]).mean() for c in range(filters) for a in range(rows) for b in range(rows)]
        return np.reshape(every, (filters, rows, rows))
    every = [(maps[i] * maps[j]).mean() for i in range(filters) for j in range(filters)]
    return np.reshape(every, (1, filters, filters))


def naive_autocorrelations(maps, correlate):
    filters, rows, columns = maps.shape
    found = np.zeros((rows, filters, len(LAGS)))
    for b in range(rows):
        for c in range(filters):
            for k, lag in enumerate(LAGS):
                found[b, c, k] = np.mean([maps[c, b, t] * maps[c, b, t + lag] for t in range(columns - lag)])
    return found.mean(0, keepdims=True) if correlate == "gram" else found


def small(tmp_path, samples, **options):
    more = {} if options.get("spectrogram") == "ri" else {"bands": 6}
    return texture_correlate(sound(samples), **SMALL, **more, **options, context=make_context(tmp_path))


@pytest.mark.parametrize("correlate", ["filters", "frequencies", "gram"])
def test_statistics_of_real_and_imaginary_parts_are_those_of_a_plain_loop(tmp_path, correlate):
    x = np.asarray(noise(), np.float32)
    found = small(tmp_path, x, spectrogram="ri", correlate=correlate, autocorrelation=SECONDS)
    parts = naive_parts(x)
    levels = np.sqrt((np.abs(parts) ** 2).mean(1))
    reference = levels * (np.abs(parts) / levels[:, None]).max()
    np.testing.assert_allclose(found.reference, reference, rtol=1e-4)
    np.testing.assert_allclose(found.classes["level"][0], levels / reference, rtol=1e-4)
    relative = parts / reference[:, None]
    assert np.abs(relative).max() == pytest.approx(1.0)
    maps = naive_maps(np.tanh(5 * np.stack([relative.real, relative.imag])))
    np.testing.assert_allclose(found.classes["kernel_3x2"][0], naive_products(maps, correlate), atol=1e-5)
    np.testing.assert_allclose(
        found.classes["autocorrelation_3x2"][0], naive_autocorrelations(maps, correlate), atol=1e-5
    )
    assert list(found.classes) == ["level", "kernel_3x2", "autocorrelation_3x2"]


@pytest.mark.parametrize("correlate", ["filters", "frequencies", "gram"])
def test_correlations_of_logarithms_are_those_of_a_plain_loop(tmp_path, correlate):
    """Powers come from the analysis itself: `test_statistics_are_those_of_a_plain_loop` finds them in numpy."""
    x = np.asarray(noise(seed=1), np.float32)
    found = small(tmp_path, x, correlate=correlate, autocorrelation=SECONDS)
    measure = Analysis(found.model)
    power = measure.powers(torch.tensor(x[None]))[0].numpy().astype(np.float64)
    maps = naive_maps(np.log1p(np.sqrt(power) / found.reference[:, None])[None])
    np.testing.assert_allclose(found.classes["kernel_3x2"][0], naive_products(maps, correlate), atol=1e-5)
    np.testing.assert_allclose(
        found.classes["autocorrelation_3x2"][0], naive_autocorrelations(maps, correlate), atol=1e-5
    )


@pytest.mark.parametrize(("spectrogram", "correlate"), CHOICES)
def test_distinct_statistics_are_counted(tmp_path, spectrogram, correlate):
    """The entries on and above the diagonal of every matrix, and all that is no matrix."""
    found = small(tmp_path, noise(), spectrogram=spectrogram, correlate=correlate, autocorrelation=SECONDS)
    distinct = 0
    for name, values in found.classes.items():
        square = name == "covariance" or name.startswith("kernel_")
        rows = values.shape[-1]
        distinct += values[0].size * (rows + 1) // (2 * rows) if square else values[0].size
    assert found.count == distinct


@pytest.mark.parametrize(
    ("filters", "correlate", "known"), [(128, "frequencies", 430), (16, "frequencies", 54), (16, "filters", 3.9)]
)
def test_the_published_networks_have_their_number_of_statistics(filters, correlate, known):
    """Eight kernels on 4 s at 16 kHz: 27.5 million statistics, 430 a sample, as counted in a port of the paper."""
    kernels = ((101, 2), (53, 3), (11, 5), (3, 3), (5, 5), (11, 11), (19, 19), (27, 27))
    model = CorrelationModel(16000, 512, 256, "ri", 257, kernels, filters, 0, correlate)
    assert model.count / 64000 == pytest.approx(known, rel=0.01)


@pytest.mark.parametrize(("spectrogram", "correlate"), CHOICES)
def test_gradients_of_every_choice_are_those_of_finite_differences(spectrogram, correlate):
    bands = 9 if spectrogram == "ri" else 5
    model = CorrelationModel(8000, 16, 4, spectrogram, bands, ((2, 2), (1, 3)), 3, 0, correlate, (1, 2))
    analyse = Analysis(model, np.linspace(2.0, 4.0, bands), dtype=torch.float64)
    x = torch.tensor(noise(44, level=1.0)[None], requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: tuple(analyse(s).values()), x)


@pytest.mark.parametrize(("spectrogram", "correlate"), CHOICES)
@pytest.mark.parametrize("kind", ["silence", "click", "tone", "square"])
def test_extremes_have_finite_statistics_gradients_and_a_picture(tmp_path, spectrogram, correlate, kind):
    x = np.zeros(2000)
    x[700:701] = {"silence": 0.0}.get(kind, 1.0)
    if kind in ("tone", "square"):
        x = np.sin(2 * np.pi * 441 * np.arange(2000) / RATE)
    x = np.sign(x) if kind == "square" else x
    found = small(tmp_path, x, spectrogram=spectrogram, correlate=correlate, autocorrelation=SECONDS)
    samples = torch.tensor(sound(x).samples.copy(), requires_grad=True)
    again = found.analysis(2000, "cpu")(samples)
    sum(values.square().sum() for values in again.values()).backward()
    assert torch.isfinite(samples.grad).all()
    for name, values in found.classes.items():
        assert np.isfinite(values).all(), name
        np.testing.assert_allclose(again[name].detach().numpy(), values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("spectrogram", "correlate"), CHOICES)
def test_statistics_of_every_choice_do_not_depend_on_length(tmp_path, spectrogram, correlate):
    options = {"spectrogram": spectrogram, "correlate": correlate, "autocorrelation": SECONDS}
    long = small(tmp_path, noise(60_000), **options)
    short = long.analysis(20_000, "cpu")(torch.tensor(noise(20_000, seed=1)[None], dtype=torch.float32))
    for name, values in long.classes.items():
        error = np.square(short[name].numpy() - values).sum() / np.square(values).sum()
        assert error < (0.1 if name == "covariance" else 0.01), name


def test_a_gram_matrix_is_the_mean_of_all_frequencies_and_tall_kernels_have_but_one(tmp_path):
    x = noise(2000)
    each, whole = (small(tmp_path, x, correlate=correlate) for correlate in ("filters", "gram"))
    np.testing.assert_allclose(whole.classes["kernel_3x2"][:, 0], each.classes["kernel_3x2"].mean(1), rtol=1e-4)
    tall = {**SMALL, "bands": 6, "kernels": [(6, 4)], "context": make_context(tmp_path)}
    each, whole = (texture_correlate(sound(x), correlate=c, **tall) for c in ("filters", "gram"))
    np.testing.assert_allclose(whole.classes["kernel_6x4"], each.classes["kernel_6x4"], rtol=1e-5)


def test_autocorrelations_find_the_period_of_a_rhythm(tmp_path):
    """Bursts every 0.2 s: feature maps are like themselves at this lag, and not at half of it."""
    t = np.arange(4 * RATE) / RATE
    bursts = noise(len(t)) * np.exp(-40 * (t % 0.2))
    found = texture_correlate(
        sound(bursts), kernels=[(5, 2)], autocorrelation=[0.1, 0.2, 0.4], context=make_context(tmp_path)
    )
    half, one, two = found.classes["autocorrelation_5x2"].mean((0, 1, 2))
    assert one > 2 * half and two == pytest.approx(one, rel=0.1)


@pytest.mark.parametrize("spectrogram", ["log", "ri"])
def test_seeds_have_statistics_of_their_own(tmp_path, spectrogram):
    options = {**SMALL, "spectrogram": spectrogram, "context": make_context(tmp_path)}
    options |= {"bands": 6} if spectrogram == "log" else {}
    one, again, other = (texture_correlate(sound(noise()), **{**options, "network_seed": s}) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.classes["kernel_3x2"], again.classes["kernel_3x2"])
    assert not np.allclose(one.classes["kernel_3x2"], other.classes["kernel_3x2"], rtol=0.05)


def test_real_and_imaginary_parts_tell_a_louder_sound_by_its_reference_alone(tmp_path):
    one, other = (small(tmp_path, gain * noise(), spectrogram="ri") for gain in (1.0, 8.0))
    np.testing.assert_allclose(other.reference, 8 * one.reference, rtol=1e-4)
    for name, values in one.classes.items():
        np.testing.assert_allclose(other.classes[name], values, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("spectrogram", "correlate"), CHOICES)
def test_every_choice_survives_storing_and_can_be_seen(tmp_path, spectrogram, correlate):
    options = {"spectrogram": spectrogram, "correlate": correlate, "autocorrelation": SECONDS}
    found = freeze(small(tmp_path, np.stack([noise(), noise(seed=1)]), **options))
    again = unpack(*pack(found))
    assert again.describe() == found.describe()
    assert vars(again.model) == vars(found.model)
    axes = found.draw().axes
    wanted = "position along frequency" if correlate == "frequencies" else "filter"
    assert {wanted, "lag (s)", "frequency (Hz)"} <= {each.get_xlabel() for each in axes}


@pytest.mark.parametrize(("spectrogram", "correlate"), CHOICES)
def test_every_choice_can_be_inverted(tmp_path, spectrogram, correlate):
    """From noise of the right spectrum a rhythm is found in 30 steps."""
    t = np.arange(2 * RATE) / RATE
    source = sound(noise(len(t)) * (0.2 + (t % 0.25 < 0.1)))
    options = {"n_fft": 128, "kernels": [(9, 3), (1, 21)], "filters": 6, "correlate": correlate}
    options |= {"bands": 20} if spectrogram == "log" else {}
    target = texture_correlate(source, spectrogram=spectrogram, **options, context=make_context(tmp_path))
    invert([target], iterations=30, optimizer="lbfgs", context=(context := make_context(tmp_path)))
    losses = {at: value for _, name, value, at in context.recorder.metrics if name == "loss"}
    assert losses[30] < 0.1 * losses[0]
