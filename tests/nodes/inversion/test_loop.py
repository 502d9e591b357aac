"""Sounds that go on into themselves: `loop` of `invert`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.inversion.node import _invert_facts, invert
from nodes.inversion.running import _closed
from nodes.scattering.node import scatter
from nodes.spectra.node import stft
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.measuring import statistics_of
from nodes.values import Audio
from pipelines.graph import build_graph
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters
from pipelines.registry import load_registry

RATE = 4000
MODEL = AuditoryModel(RATE, highest=2000.0, bands=8, modulation_bands=6)
SOUNDS = Path(__file__).parents[3] / "sounds"


def rumble(seconds, seed=0, channels=1):
    """Noise below 300 Hz, now louder, now softer: of a step at a seam nothing is masked."""
    draw, size = np.random.default_rng(seed), round(seconds * RATE)
    f = np.arange(size // 2 + 1) * RATE / size
    low, slow = (np.fft.rfft(draw.standard_normal((channels, size))) for _ in range(2))
    carrier, swell = np.fft.irfft(low / (1 + (f / 250) ** 8), n=size), np.fft.irfft(slow * ((f > 0) & (f < 6)), n=size)
    return Audio((0.1 * carrier / carrier.std() * np.exp(0.8 * swell / swell.std())).astype(np.float32), RATE)


def made(tmp_path, target, seed=0, start=None, **parameters):
    parameters = {"iterations": 8, "loop": True} | parameters
    return invert([target], start, context=make_context(tmp_path / str(seed), seed), **parameters).audio


def click(audio):
    """dB by which what is above 1 kHz is louder around the seam of a repeated sound than half of the time."""
    repeated = np.tile(audio.samples.astype(float), 3)
    f = np.arange(repeated.shape[1] // 2 + 1) * RATE / repeated.shape[1]
    high = np.fft.irfft(np.fft.rfft(repeated) * (f > 1000), n=repeated.shape[1])
    middle = np.square(high[:, audio.length : 2 * audio.length]).sum(0)
    power = np.convolve(np.roll(middle, audio.length // 2), np.ones(40) / 40, "valid")
    return 10 * np.log10(power[audio.length // 2 - 20] / np.median(power))


def errors(target, audio):
    """Relative errors of the statistics of the loop, in which every moment counts the same, of bands that count."""
    measure = MODEL.measurement(audio.length, audio.length / RATE, 0.0, "cpu", torch.float64)
    found = measure(torch.tensor(audio.samples, dtype=torch.float64), audio.channels)
    each = {}
    for name, wanted in target.classes.items():
        keep = target.weights[name][..., 0] > 0
        differences = (found[name].numpy() - wanted[..., 0])[keep]
        each[name] = np.linalg.norm(differences) / np.linalg.norm(wanted[..., 0][keep])
    return each


@pytest.fixture(scope="module")
def targets():
    return {channels: statistics_of(rumble(5.0, channels=channels), MODEL) for channels in (1, 2)}


@pytest.mark.parametrize(("seconds", "channels"), [(0.3, 1), (2.0, 1), (2.0, 2), (9.0, 1)])
def test_a_loop_has_no_seam(tmp_path, targets, seconds, channels):
    loop = made(tmp_path / "loop", targets[channels], duration=seconds)
    assert loop.samples.shape == (channels, round(seconds * RATE))
    assert click(loop) < 12
    assert click(made(tmp_path / "cut", targets[channels], duration=seconds, loop=False)) > 25


@pytest.mark.parametrize("initial", ["coloured", "energies", "tonal"])
def test_a_loop_has_no_seam_from_any_noise(tmp_path, targets, initial):
    assert click(made(tmp_path, targets[1], duration=2.0, initial=initial)) < 12


@pytest.mark.parametrize(("seconds", "factor"), [(0.3, 3.0), (2.0, 1.0), (9.0, 1.0)])
def test_every_moment_of_a_loop_counts_alike(tmp_path, targets, seconds, factor):
    seeds = (0, 1) if seconds < 9 else (0,)
    each = [errors(targets[1], made(tmp_path, targets[1], seed, duration=seconds)) for seed in seeds]
    limits = {"envelope_mean": 0.05, "envelope_variation": 0.12, "envelope_kurtosis": 0.25, "band_power": 0.3}
    for name, limit in limits.items():
        assert np.mean([error[name] for error in each]) < factor * limit, name


def test_channels_of_a_loop_have_in_common_what_they_shall(tmp_path):
    source = rumble(5.0).samples
    target = statistics_of(Audio(np.concatenate([source, 0.8 * source + 0.2 * rumble(5.0, 1).samples]), RATE), MODEL)
    each = errors(target, made(tmp_path, target, duration=2.0))
    assert each["interaural_coherence"] < 0.1 and each["interaural_correlation"] < 0.1


def crackle(seconds, seed=0):
    draw, size = np.random.default_rng(seed), round(seconds * RATE)
    events = (draw.random(size) < 15 / RATE) * draw.standard_normal(size)
    ringing = np.exp(-np.arange(200) / 20) * draw.standard_normal(200)
    sound = 0.2 * np.convolve(events, ringing)[:size] + 0.003 * draw.standard_normal(size)
    return Audio(sound[None].astype(np.float32), RATE)


def test_events_at_the_seam_of_a_loop_are_found_as_elsewhere(tmp_path):
    target = statistics_of(crackle(5.0), MODEL)
    loops = [made(tmp_path, target, seed, duration=1.5, initial="energies").samples[0] for seed in range(8)]
    moved = torch.tensor(np.roll(np.stack(loops), 3000, 1), dtype=torch.float64)  # the seam is in the middle
    measure = MODEL.measurement(6000, 1.5, 0.0, "cpu", torch.float64)
    envelopes = measure.front_end(moved).envelopes[:, 1:-1]
    count = envelopes.shape[2]
    seam, away = envelopes[:, :, count // 2 - count // 10 : count // 2 + count // 10], envelopes[:, :, : count // 4]
    sizes, asymmetries = [], []
    for part in (seam, away):
        centred = part - part.mean((0, 2), keepdim=True)
        deviation = centred.square().mean((0, 2)).sqrt()
        sizes.append(float((deviation / part.mean((0, 2))).mean()))
        asymmetries.append(float((centred.pow(3).mean((0, 2)) / deviation**3).mean()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.15)
    assert asymmetries[0] > 0.7 * asymmetries[1]


@pytest.mark.parametrize("seconds", [0.3, 2.0, 4.3, 5.5, 9.0])
def test_a_loop_is_analysed_with_the_same_weight_everywhere(targets, seconds):
    length = round(seconds * RATE)
    common = targets[1].common(length)
    analysis = _closed(targets[1].analysis(length + common, "cpu"), common)
    time = np.arange(length) - length // 2
    burst = np.exp(-np.square(time / 8) / 2) * np.cos(1.2 * time)
    places = np.linspace(-0.5, 0.5, 12) * length
    sounds = torch.tensor(np.stack([np.roll(burst, round(place)) for place in places])[:, None], dtype=torch.float32)
    powers = [float(analysis(sound)["band_power"].sum(1).mean()) for sound in sounds]
    np.testing.assert_allclose(powers, np.mean(powers), rtol=0.01)


def test_the_same_loop_is_made_again(tmp_path, targets):
    first, again, other = (made(tmp_path / n, targets[2], s, duration=0.5) for n, s in (("a", 3), ("b", 3), ("c", 4)))
    np.testing.assert_array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("samples", [1, 2, 3, 10, 100])
def test_the_shortest_loops_are_finite(tmp_path, targets, samples):
    loop = made(tmp_path, targets[2], duration=samples / RATE, iterations=2)
    assert loop.samples.shape == (2, samples) and np.isfinite(loop.samples).all()


def test_a_start_that_is_a_loop_stays_one(tmp_path, targets):
    start = rumble(2.0, 5)  # made of whole turns
    assert click(start) < 12 and click(made(tmp_path, targets[1], start=start)) < 12


@pytest.mark.parametrize("analyse", [stft, scatter])
def test_a_loop_towards_frames_is_refused_where_it_is_made(tmp_path, targets, analyse):
    context = make_context(tmp_path)
    bound = analyse(rumble(1.0), context=context)
    for given, number in (([bound], 1), ([targets[1], bound], 2)):
        with pytest.raises(MistakeError, match=f"target {number} is compared frame by frame") as caught:
            invert(given, loop=True, iterations=1, context=context)
        assert caught.value.mistakes[0].parameter == "loop"
    assert invert([bound], iterations=1, context=context).audio.length == RATE


def test_a_loop_towards_a_mean_over_all_time_is_made(tmp_path):
    target = scatter(rumble(1.0), averaging="global", context=make_context(tmp_path))
    loop = made(tmp_path, target, iterations=3)
    assert loop.length == RATE and np.isfinite(loop.samples).all()


@pytest.mark.parametrize(
    ("name", "ends", "seconds", "loop", "jumps"),
    [
        ("band_power", (1.0, 4.0, 1.0), 2.0, True, False),
        ("band_power", (1.0, 4.0, 2.0), 2.0, True, True),
        ("band_power", (1.0, 4.0, 1.0), 1.5, True, True),
        ("weights", (1.0, 0.0, 0.5), 2.0, True, True),
        ("weights", (1.0, 0.0, 1.0), 2.0, True, False),
        ("band_power", (1.0, 4.0, 2.0), 2.0, False, False),
    ],
)
def test_a_loop_of_what_does_not_end_as_it_begins_is_noted(tmp_path, targets, name, ends, seconds, loop, jumps):
    factors = {name: np.array(ends, np.float32)}
    still = targets[1]
    moving = replace(
        still,
        classes={n: values * factors.get(n, np.ones(3, np.float32)) for n, values in still.classes.items()},
        weights={n: values * factors.get("weights", np.ones(3, np.float32)) for n, values in still.weights.items()},
        times=np.array([0.0, 1.0, 2.0]),
    )
    for weights, told in ([1.0, 1.0], jumps), ([1.0, 0.0], False):
        context = make_context(tmp_path / str(weights))
        parameters = {"duration": seconds, "loop": loop, "iterations": 0, "initial": "coloured"}
        invert([still, moving], weights=weights, **parameters, context=context)
        assert [note.startswith("target 2 moves") for note in context.recorder.notes] == [True] * told


def facts(targets, **parameters):
    values, mistakes = read_parameters(NodeSpec("invert", invert, "here"), parameters, {}, [Path.cwd()])
    assert mistakes == []
    return _invert_facts({"targets": targets, "start": None}, values)


def test_a_loop_towards_frames_is_refused_before_anything_runs():
    free = {"sample_rate": RATE, "channels": 1}
    bound = free | {"duration": 1.0}
    assert facts([free], loop=True, duration=2.0)["audio"]["duration"] == 2.0
    facts([bound, free])
    for given, number in (([bound], 1), ([free, bound], 2)):
        with pytest.raises(MistakeError, match=f"target {number} is compared frame by frame") as caught:
            facts(given, loop=True)
        assert caught.value.mistakes[0].parameter == "loop"


@pytest.mark.parametrize(
    ("analysis", "refused"),
    [
        ({"node": "texture_statistics"}, False),
        ({"node": "texture_correlate"}, False),
        ({"node": "scatter", "averaging": "global"}, False),
        ({"node": "scatter", "averaging": "0.1 s"}, True),
        ({"node": "scatter"}, True),
        ({"node": "stft"}, True),
    ],
)
def test_a_piece_whose_loop_cannot_be_is_refused_before_it_is_rendered(analysis, refused):
    steps = {
        "source": {"node": "load", "path": "water.ogg"},
        "target": analysis | {"audio": "source"},
        "made": {"node": "invert", "targets": ["target"], "loop": True},
    }
    mistakes = []
    try:
        build_graph({"steps": steps, "output": "made"}, load_registry(), [SOUNDS])
    except MistakeError as error:
        mistakes = [(each.step, each.parameter) for each in error.mistakes]
    assert mistakes == ([("made", "loop")] if refused else [])
