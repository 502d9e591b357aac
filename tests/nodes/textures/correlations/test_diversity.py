"""The class that grows where a sound is made of pieces of its source."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.inversion.node import invert
from nodes.textures.correlations import diversity as diversity_module
from nodes.textures.correlations.analysis import Analysis
from nodes.textures.correlations.diversity import Diversity, longest, phase_randomised, step_of
from nodes.textures.correlations.model import CorrelationModel
from nodes.textures.node import texture_correlate
from nodes.textures.quality.copying import likeness, scores
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import freeze, pack, unpack

RATE = 8000
SMALL = {"kernels": [(3, 2)], "filters": 2, "n_fft": 128, "hop": 32}
RI = CorrelationModel(RATE, 128, 32, "ri", 65, ((3, 2),), 2, 0)
LOG = replace(RI, spectrogram="log", bands=20)


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(length=2 * RATE, seed=0, channels=1):
    return np.random.default_rng(seed).standard_normal((channels, length)).astype(np.float32) * 0.1


def small(tmp_path, samples, **options):
    bands = {} if options.get("spectrogram") == "ri" else {"bands": 20}
    return texture_correlate(sound(samples), **SMALL, **bands, **options, context=make_context(tmp_path))


def tensor(values, dtype=torch.float32):
    return torch.tensor(np.asarray(values), dtype=dtype)


@pytest.mark.parametrize("bands", [1, 5])
def test_likeness_is_the_greatest_normalised_correlation_with_any_place(bands):
    """Each snippet again in numpy, place by place, with np.corrcoef's formula over all bands."""
    random = np.random.default_rng(0)
    source, features = random.standard_normal((2, bands, 90)), random.standard_normal((1, bands, 50))
    model = replace(RI, sample_rate=100)
    assert step_of(model) == 1
    found = Diversity(tensor(source, torch.float64), 50, model).likeness(tensor(features, torch.float64))[0].numpy()
    scale = source.std((0, 2))[:, None]
    size, starts = 20, [0, 10, 20, 30]
    for value, start in zip(found, starts, strict=True):
        snippet = features[0, :, start : start + size] / scale
        snippet = snippet - snippet.mean(1, keepdims=True)
        best = 0.0
        for channel in source:
            for place in range(90 - size + 1):
                part = channel[:, place : place + size] / scale
                part = part - part.mean(1, keepdims=True)
                best = max(best, abs((snippet * part).sum()) / np.sqrt((snippet**2).sum() * (part**2).sum()))
        assert best - 1e-9 <= value <= best + diversity_module.SOFTNESS


def test_of_sounds_it_is_the_score_of_the_copy_test():
    source, other = noise()[0], noise(seed=1)[0]
    mixed = (0.7 * source[500:10500] + 0.5 * other[:10000]).astype(np.float32)
    measure = Diversity(tensor(source)[None, None], len(mixed), RI)
    found = measure.likeness(tensor(mixed)[None, None])[0].numpy()
    snippets = np.stack([mixed[start : start + 1600] for start in (*range(0, 8001, 800), 8400)])
    np.testing.assert_allclose(found, scores(snippets, source), atol=diversity_module.SOFTNESS)
    assert found.min() > 0.7


def test_the_last_snippet_ends_with_the_sound():
    source, quiet = noise()[0], noise(seed=1)[0, :5500].copy()
    quiet[-700:] = source[3000:3700] * 10
    measure = Diversity(tensor(source)[None, None], len(quiet), RI)
    found = measure.likeness(tensor(quiet)[None, None])[0]
    assert len(found) == 6 and found[-1] > 0.6 > 0.2 > found[-2]


@pytest.mark.parametrize("spectrogram", ["log", "ri"])
@pytest.mark.parametrize("length", [5000, 16000, 40000])
def test_a_copy_has_it_and_another_sound_of_the_kind_has_not(tmp_path, spectrogram, length):
    """Whatever the lengths: a mosaic of shifted pieces of the source against unrelated noise."""
    source = noise()
    found = small(tmp_path, source, spectrogram=spectrogram, diversity=1.0)
    analyse = found.analysis(length, "cpu")
    pieces = [source[:, start : start + 5000] for start in (7013, 1009, 10111, 3001)]
    mosaic = np.concatenate(pieces * 2, 1)[:, :length]
    copied = float(analyse(tensor(mosaic))["diversity"])
    fresh = float(analyse(tensor(noise(length, seed=9)))["diversity"])
    assert copied > 0.4
    assert fresh < 0.03
    assert float(analyse(tensor(noise(length, seed=9) * 3))["diversity"]) == pytest.approx(fresh, abs=0.02)


def test_a_tone_is_no_copy_of_a_tone():
    """Every tone of one pitch is like every other: natural is what a phase-randomised source has."""
    t = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * 441 * t).astype(np.float32)[None, None]
    measure = Diversity(tensor(tone), 2 * RATE, RI)
    assert measure.natural > 0.95
    assert float(measure(tensor(tone * 0.5))) < 0.05


def test_phase_randomised_features_keep_their_spectra_and_nothing_else():
    features = tensor(np.random.default_rng(0).standard_normal((2, 3, 101)), torch.float64)
    for frames in (100, 101):
        each = features[..., :frames]
        found = phase_randomised(each)
        one, other = torch.fft.rfft(each), torch.fft.rfft(found)
        torch.testing.assert_close(one.abs(), other.abs())
        torch.testing.assert_close(one[0, 0] * one[1, 2].conj(), other[0, 0] * other[1, 2].conj())
        assert float((each * found).sum() / each.square().sum()) < 0.5


@pytest.mark.parametrize("spectrogram", ["log", "ri"])
def test_gradients_are_those_of_finite_differences(spectrogram):
    model = CorrelationModel(400, 16, 4, spectrogram, 9 if spectrogram == "ri" else 5, ((2, 2),), 2, 0)
    source = np.random.default_rng(0).standard_normal((2, 160))
    reference = np.linspace(2.0, 4.0, model.bands)
    plain = Analysis(model, reference, dtype=torch.float64)
    features = plain.features(tensor(source, torch.float64))
    measure = Diversity(features, features.shape[-1], model)
    analyse = Analysis(model, reference, dtype=torch.float64, diversity=measure)
    x = tensor(source[:1, :130] * 0.7 + 0.3, torch.float64).requires_grad_()
    assert float(analyse(x)["diversity"].detach()) > 0.1
    assert torch.autograd.gradcheck(lambda s: analyse(s)["diversity"], x)


def test_what_is_compared_in_parts_is_the_same(monkeypatch):
    source, samples = tensor(noise(channels=2))[:, None], tensor(noise(5000, seed=1) + noise()[:, 99:5099])[None]
    found = []
    for at_once in (2**23, 20000):
        monkeypatch.setattr(diversity_module, "AT_ONCE", at_once)
        x = samples.clone().requires_grad_()
        value = Diversity(source, 5000, RI)(x)
        value.sum().backward()
        found.append((value.detach(), x.grad))
    torch.testing.assert_close(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-3, atol=1e-7)


def test_without_it_nothing_of_the_source_is_kept(tmp_path):
    plain = small(tmp_path, noise())
    assert plain.features is None and "diversity" not in plain.classes
    assert plain.floors() is None and plain.class_emphasis() == {}
    weighed = small(tmp_path, noise(), diversity=3.0)
    for name, values in plain.classes.items():
        np.testing.assert_array_equal(weighed.classes[name], values)
    assert weighed.class_emphasis() == {"diversity": 3.0} and weighed.floors() == {"diversity": 1.0}
    assert weighed.count == plain.count


@pytest.mark.parametrize("spectrogram", ["log", "ri"])
def test_what_is_kept_is_bounded_and_survives_storing(tmp_path, monkeypatch, spectrogram):
    monkeypatch.setattr(diversity_module, "LONGEST", 1.0)
    found = freeze(small(tmp_path, noise(3 * RATE, channels=2), spectrogram=spectrogram, diversity=0.5))
    most = longest(found.model, 2)
    assert most == (RATE // 2 if spectrogram == "ri" else RATE // 64)
    assert found.features.shape == (2, 1 if spectrogram == "ri" else 20, most)
    again = unpack(*pack(found))
    assert again.diversity == 0.5 and "diversity 0.5" in again.describe()
    np.testing.assert_array_equal(again.features, found.features)
    assert again.draw() is not None


@pytest.mark.parametrize("spectrogram", ["log", "ri"])
@pytest.mark.parametrize("kind", ["silence", "click", "constant", "fourteen"])
def test_extremes_have_finite_values_and_gradients(tmp_path, spectrogram, kind):
    x = np.zeros((14 if kind == "fourteen" else 1, 4000))
    x[:, 700:701] = {"silence": 0.0}.get(kind, 1.0)
    x = np.ones_like(x) if kind == "constant" else x
    found = small(tmp_path, x, spectrogram=spectrogram, diversity=1.0)
    samples = tensor(x[:1]).requires_grad_()
    value = found.analysis(4000, "cpu")(samples)["diversity"]
    value.sum().backward()
    assert torch.isfinite(value).all() and torch.isfinite(samples.grad).all()


def test_too_short_a_sound_is_a_mistake_that_names_the_parameter(tmp_path):
    with pytest.raises(MistakeError, match="too short to tell") as caught:
        small(tmp_path, noise(128 + 5 * 32), diversity=1.0)
    assert caught.value.mistakes[0].parameter == "diversity"


@pytest.mark.parametrize("correlate", ["filters", "frequencies"])
def test_with_it_a_setting_that_copies_copies_no_longer(tmp_path, correlate):
    source = sound(np.convolve(noise(RATE)[0], [1, 0.7, 0.4], "same"))
    filters = 16 if correlate == "frequencies" else 48
    options = {"n_fft": 256, "hop": 128, "kernels": [(51, 2), (11, 5)], "filters": filters, "correlate": correlate}
    found = {}
    for weight in (0.0, 1.0):
        context = make_context(tmp_path / f"{weight:g}")
        target = texture_correlate(source, spectrogram="ri", **options, diversity=weight, context=context)
        made = invert([target], iterations=150, optimizer="lbfgs", context=make_context(tmp_path / f"{weight:g} made"))
        found[weight] = likeness(made.audio.samples[0], source.samples[0], RATE // 2, 64).mean
        names = {name for _, name, _, _ in context.recorder.metrics}
        assert names == {"statistics_per_sample"}
        assert ("or set diversity" in context.recorder.notes[0]) == (weight == 0)
    assert found[0.0] > 0.2 and found[1.0] < 0.15


def test_a_plan_knows_the_classes(tmp_path):
    rule = NodeSpec("texture_correlate", texture_correlate, "").mark.facts
    asked = {name: each.default for name, each in NodeSpec("", texture_correlate, "").parameters.items()}
    known = {"sample_rate": RATE, "channels": 2, "duration": 2.0}
    for choices in ({}, {"diversity": 1.0, "autocorrelation": [0.1]}, {"spectrogram": "ri", "diversity": 2.0}):
        told = rule({"audio": known}, {**asked, **choices})["value"]
        found = texture_correlate(sound(noise(RATE * 2)), **choices, context=make_context(tmp_path))
        assert set(told["classes"]) == set(found.classes) and told["channels"] == 2
        assert "duration" not in told
    assert rule({"audio": {}}, asked) == {}
