import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.inversion.node import invert
from nodes.textures.auditory.imposing import imposed
from nodes.textures.auditory.measuring import Measuring
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.measuring import statistics_of
from nodes.textures.starting import first_sound, joined
from nodes.textures.stretches import stretches_of
from nodes.values.audio import Audio

MODEL = AuditoryModel(8000, highest=4000.0, bands=12, modulation_bands=10)
RATE = 8000


def crackle(seconds, seed=0, channels=1):
    draw = np.random.default_rng(seed)
    size = round(seconds * RATE)
    events = (draw.random((channels, size)) < 15 / RATE) * draw.standard_normal((channels, size))
    ringing = np.exp(-np.arange(400) / 40) * draw.standard_normal(400)
    sounds = [np.convolve(row, ringing)[:size] for row in events]
    return Audio((0.2 * np.array(sounds) + 0.003 * draw.standard_normal((channels, size))).astype(np.float32), RATE)


def ratios(wanted, found):
    """Signal-to-noise ratio of every class, of bands that count, in dB, 30 at most."""
    each = {}
    for name, values in wanted.classes.items():
        keep = wanted.weights[name] > 0
        error = np.square(values - found.classes[name])[keep].sum()
        each[name] = min(30.0, 10 * np.log10(np.square(values)[keep].sum() / error))
    return each


def test_envelopes_are_brought_to_statistics():
    size = MODEL.size(RATE)
    measure = Measuring(MODEL, size, 1.0, 0.0, "cpu", torch.float32)
    wanted = measure(torch.tensor(crackle(1.0).samples))
    noise = 0.05 * torch.randn(1, size, generator=torch.Generator().manual_seed(1))
    seen = []

    def loss(found):
        own = {name: found[name] for name in found if name != "band_power" and name not in MODEL.spans}
        total = sum((v - wanted[n]).square().sum() / wanted[n].square().sum() for n, v in own.items())
        seen.append(float(total.detach()))
        return total

    sound = imposed(measure, noise, wanted, loss, 60)
    assert sound.shape == noise.shape and torch.isfinite(sound).all()
    assert min(seen) < 1e-3 * seen[0]
    before, after = measure(noise), measure(sound)
    for name in ("envelope_skewness", "envelope_kurtosis", "envelope_correlation"):
        far, near = ((each[name] - wanted[name]).square().sum() for each in (before, after))
        assert near < 0.2 * far, name
    assert sound.square().mean() == pytest.approx(float(wanted["band_power"].sum()), rel=0.5)


def test_no_step_at_all_gives_bands_their_powers_only():
    size = MODEL.size(RATE)
    measure = Measuring(MODEL, size, 1.0, 0.0, "cpu", torch.float32)
    noise = 0.05 * torch.randn(1, size, generator=torch.Generator().manual_seed(1))
    own = measure(noise)
    same = imposed(measure, noise, own, lambda found: sum(v.sum() for v in found.values()), 0)
    np.testing.assert_allclose(same.numpy(), noise.numpy(), atol=1e-5)


def test_crackling_noise_is_reached(tmp_path):
    audio = crackle(2.0)
    statistics = statistics_of(audio, MODEL)
    made = invert([statistics], iterations=60, context=make_context(tmp_path)).audio
    assert made.samples.shape == audio.samples.shape
    each = ratios(statistics, statistics_of(made, MODEL))
    assert np.mean(list(each.values())) >= 20, each
    assert abs(np.corrcoef(made.samples[0], audio.samples[0])[0, 1]) < 0.2


def test_seeds_and_channels_give_sounds_of_their_own(tmp_path):
    statistics = statistics_of(crackle(1.0, channels=2), MODEL)
    once, again, other = (
        invert([statistics], iterations=3, duration=0.8, context=make_context(tmp_path / str(number), seed)).audio
        for number, seed in enumerate((1, 1, 2))
    )
    assert once.samples.shape == (2, 6400)
    np.testing.assert_array_equal(once.samples, again.samples)
    for first, second in ((once.samples[0], other.samples[0]), (once.samples[0], once.samples[1])):
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.3


def test_statistics_of_silence_give_next_to_nothing(tmp_path):
    statistics = statistics_of(Audio(np.zeros((1, RATE), np.float32), RATE), MODEL)
    made = invert([statistics], iterations=3, context=make_context(tmp_path)).audio
    assert np.isfinite(made.samples).all() and np.abs(made.samples).max() < 1e-3


@pytest.mark.parametrize("kind", ["constant", "click", "late click", "tone", "square"])
def test_extreme_sounds_give_finite_ones(tmp_path, kind):
    time = np.arange(round(0.5 * RATE)) / RATE
    samples = {
        "constant": 0 * time + 1,
        "click": (np.arange(len(time)) == 1500) * 1.0,
        "late click": (np.arange(len(time)) == len(time) - 1) * 1.0,
        "tone": np.sin(2 * np.pi * 1000 * time),
        "square": np.sign(np.sin(2 * np.pi * 440 * time + 0.1)),
    }[kind]
    statistics = statistics_of(Audio(samples[None].astype(np.float32), RATE), MODEL)
    made = invert([statistics], iterations=3, context=make_context(tmp_path)).audio
    assert np.isfinite(made.samples).all() and np.abs(made.samples).max() < 20


def test_a_click_at_the_very_start_gives_a_finite_first_sound():
    samples = np.zeros((1, RATE), np.float32)
    samples[0, 0] = 1.0
    statistics = statistics_of(Audio(samples, RATE), MODEL)
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    found = first_sound(statistics, noise[None], [0], statistics.class_emphasis(), {})
    assert found.shape == (1, RATE) and found.dtype == np.float32 and np.isfinite(found).all()


@pytest.mark.parametrize("seconds", [0.3, 2.0, 7.0, 23.0])
def test_stretches_are_joined_without_seams(seconds):
    length = round(seconds * RATE)
    layout = stretches_of(MODEL, length)
    whole = np.random.default_rng(0).standard_normal((2, length))
    parts = [whole[:, start : start + layout.samples] for start in layout.starts]
    np.testing.assert_allclose(joined(parts, layout, RATE // 20), whole, atol=1e-5)
