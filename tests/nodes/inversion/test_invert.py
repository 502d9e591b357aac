import itertools

import numpy as np
import pytest
import torch
from contexts import make_context
from modulation_spectra import modulation_spectrum

from nodes.inversion.node import invert
from nodes.spectra.node import stft
from nodes.textures.node import texture_correlate
from nodes.values import Audio
from pipelines.value import freeze

RATE = 8000


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(seconds=0.5, seed=0, level=0.1, channels=1):
    return sound(np.random.default_rng(seed).standard_normal((channels, int(seconds * RATE))) * level)


def crackle(seconds=1.0, seed=0, rate=RATE):
    """Dense resonant clicks at random times: a texture."""
    rng = np.random.default_rng(seed)
    clicks = (rng.random(int(seconds * rate)) < 150 / rate) * rng.standard_normal(int(seconds * rate))
    t = np.arange(rate // 20) / rate
    return sound(0.2 * np.convolve(clicks, np.exp(-t * 200) * np.sin(2 * np.pi * 1300 * t))[: len(clicks)], rate)


def modulate(audio, context):
    return modulation_spectrum(audio)


@pytest.fixture
def context(tmp_path):
    return make_context(tmp_path)


@pytest.fixture
def small():
    return modulation_spectrum(crackle(0.5))


def curve(context, name="loss"):
    return [value for _, metric, value, _ in context.recorder.metrics if metric == name]


@pytest.mark.parametrize("optimizer", ["bold_driver", "lbfgs"])
@pytest.mark.parametrize("analyse", [modulate, texture_correlate, stft])
def test_the_loss_falls_and_never_rises(context, analyse, optimizer):
    target = analyse(crackle(), context=context)
    result = invert([target], optimizer=optimizer, iterations=15, context=context)
    losses = curve(context)
    assert len(losses) == 16
    assert all(later <= sooner for sooner, later in itertools.pairwise(losses))
    assert losses[-1] < 0.25 * losses[0]
    assert result.audio.length == RATE and result.audio.samples.dtype == np.float32


def test_adam_gets_nearer_too(context, small):
    invert([small], optimizer="adam", iterations=20, context=context)
    assert curve(context)[-1] < 0.3 * curve(context)[0]


def test_the_error_of_each_class_is_logged_in_decibels_and_that_of_the_target_in_percent(context, small):
    result = invert([small], iterations=5, context=context)
    found = small.analysis(4000, "cpu")(torch.tensor(result.audio.samples))
    squares = {n: np.square(found[n].numpy() - w, dtype=np.float64).sum() for n, w in small.coefficients().items()}
    wanted = {n: np.square(w, dtype=np.float64).sum() for n, w in small.coefficients().items()}
    for name in wanted:
        assert curve(context, f"loss.1.{name}")[-1] == pytest.approx(
            10 * np.log10(squares[name] / wanted[name]), abs=0.05
        )
    errors = [10 ** (curve(context, f"loss.1.{name}")[-1] / 10) for name in wanted]
    assert curve(context)[-1] == pytest.approx(np.mean(errors), rel=1e-3)
    percent = 100 * np.sqrt(sum(squares.values()) / sum(wanted.values()))
    assert len(curve(context, "error.1")) == 6
    assert curve(context, "error.1")[-1] == pytest.approx(percent, rel=1e-3)


def test_the_level_is_what_the_target_demands(context):
    for level in (0.003, 0.8):
        target = stft(noise(level=level), context=context)
        result = invert([target], iterations=20, initial="white", context=context)
        assert np.std(result.audio.samples) == pytest.approx(level, rel=0.1)


def test_all_iterates_are_kept_from_the_start_on(context, small):
    start = noise()
    result = invert([small], start, iterations=4, keep="all", context=context)
    assert result.takes.labels == ("0", "1", "2", "3", "4")
    np.testing.assert_array_equal(result.takes.samples[0], start.samples)
    np.testing.assert_array_equal(result.takes.samples[4], result.audio.samples)
    assert not np.array_equal(result.takes.samples[3], result.takes.samples[4])


def test_only_the_iterates_of_a_list_are_kept(context, small):
    every = invert([small], iterations=5, keep="all", context=context)
    some = invert([small], iterations=5, keep=[3, 1], context=context)
    assert some.takes.labels == ("1", "3")
    np.testing.assert_array_equal(some.takes.samples[1], every.takes.samples[3])
    assert invert([small], iterations=2, context=context).takes.labels == ("2",)


def test_no_iteration_gives_the_start(context, small):
    start = noise()
    np.testing.assert_array_equal(invert([small], start, iterations=0, context=context).audio.samples, start.samples)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tmp_path, small):
    def make(seed):
        return invert([small], iterations=3, context=make_context(tmp_path, seed)).audio.samples.copy()

    np.testing.assert_array_equal(make(1), make(1))
    assert not np.array_equal(make(1), make(2))


def test_a_target_of_one_channel_serves_channels_that_differ(context, small):
    result = invert([small], channels=3, iterations=3, context=context)
    assert result.audio.channels == 3
    for one, other in ((0, 1), (1, 2)):
        assert abs(np.corrcoef(result.audio.samples[one], result.audio.samples[other])[0, 1]) < 0.2


def test_each_channel_reaches_its_own_target(context):
    both = Audio(np.concatenate([crackle(0.5).samples, 0.1 * noise().samples]), RATE)
    result = invert([modulation_spectrum(both)], iterations=20, context=context)
    for channel in range(2):
        wanted = modulation_spectrum(sound(both.samples[channel])).coefficients()["order1"]
        found = modulation_spectrum(sound(result.audio.samples[channel])).coefficients()["order1"]
        assert np.square(found - wanted).sum() < 0.05 * np.square(wanted).sum()
    assert np.std(result.audio.samples[1]) == pytest.approx(0.01, rel=0.2)


def test_hybrids_take_from_both_targets(context):
    texture, modulation = crackle(), noise(1.0)
    targets = [texture_correlate(texture, context=context), modulation_spectrum(modulation)]
    invert(targets, weights=[1, 3], iterations=10, context=context)
    assert curve(context)[-1] < 0.7 * curve(context)[0]
    for name in ("loss.1.mean", "loss.1.kernel_5x5", "loss.2.order1", "loss.2.order2"):
        assert len(curve(context, name)) == 11
    weights = {"loss.1": 1 / 4 / 7, "loss.2": 3 / 4 / 2}
    total = sum(
        weights[name[:6]] * 10 ** (value / 10)
        for _, name, value, at in context.recorder.metrics
        if at == 10 and name[:6] in weights
    )
    assert curve(context)[-1] == pytest.approx(total, rel=1e-3)


def test_a_class_of_weight_zero_is_left_free(tmp_path, small):
    def last(weights, name):
        context = make_context(tmp_path)
        invert([small], class_weights=weights, iterations=20, context=context)
        return curve(context, f"loss.1.{name}")[-1]

    assert last({"order2": 0.0}, "order2") > last({}, "order2") + 3
    assert last({"order1": 0.0}, "order1") > last({}, "order1") + 3


def test_a_class_weight_may_name_one_target(context):
    one, other = (modulation_spectrum(crackle(0.5, seed)) for seed in range(2))
    invert([one, other], class_weights={"1.order2": 0, "2.order1": 0}, iterations=20, context=context)
    errors = {name: curve(context, f"loss.{name}")[-1] for name in ("1.order1", "1.order2", "2.order1", "2.order2")}
    assert max(errors["1.order1"], errors["2.order2"]) < min(errors["1.order2"], errors["2.order1"]) - 3


def test_length_is_free_where_targets_are_averages(context):
    target = texture_correlate(crackle(), context=context)
    assert invert([target], iterations=1, context=context).audio.length == RATE
    assert invert([target], iterations=1, duration=1.7, context=context).audio.length == round(1.7 * RATE)
    assert invert([target], noise(2.0), iterations=1, context=context).audio.length == 2 * RATE
    bound = stft(noise(1.3), context=context)
    assert invert([target, bound], iterations=1, context=context).audio.length == round(1.3 * RATE)


def test_of_a_longer_start_the_beginning_is_used(context, small):
    start = noise(2.0)
    result = invert([small], start, iterations=1, keep=[0], context=context)
    np.testing.assert_array_equal(result.takes.samples[0], start.samples[:, :4000])


def test_read_only_inputs_are_not_written(context, small):
    start = freeze(noise())
    invert([freeze(small)], start, iterations=2, context=context)


@pytest.mark.parametrize("analyse", [modulate, texture_correlate, stft])
def test_silence_is_reached_from_nothing_and_at_once(context, analyse):
    target = analyse(sound(np.zeros(RATE)), context=context)
    result = invert([target], iterations=3, context=context)
    assert np.abs(result.audio.samples).max() < 1e-6


def test_silence_is_approached_from_a_sound(context):
    target = modulation_spectrum(sound(np.zeros(4000)))
    result = invert([target], noise(), iterations=30, context=context)
    assert np.std(result.audio.samples) < 0.5 * np.std(noise().samples)
    assert curve(context)[-1] < 0.2 * curve(context)[0]


def test_a_channel_that_has_arrived_waits_for_the_others(context):
    start = Audio(np.concatenate([crackle(0.5).samples, noise().samples]), RATE)
    target = modulation_spectrum(Audio(np.repeat(start.samples[:1], 2, 0), RATE))
    result = invert([target], start, iterations=3, keep="all", context=context)
    np.testing.assert_allclose(result.audio.samples[0], start.samples[0], atol=1e-3)
    assert not np.array_equal(result.takes.samples[2][1], result.takes.samples[3][1])


def test_fourteen_channels_at_192_kilohertz(context):
    audio = sound(np.random.default_rng(0).standard_normal((14, 4000)) * 0.1, 192_000)
    target = modulation_spectrum(audio)
    result = invert([target], iterations=2, context=context)
    assert result.audio.channels == 14 and result.audio.sample_rate == 192_000
    assert curve(context)[-1] < curve(context)[0]
