import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.bins.imposing import imposed
from nodes.textures.bins.model import BinModel
from nodes.textures.bins.spectrum import Spectrum

RATE = 8000
SMALL = {"n_fft": 256, "hop": 64, "groups": 16, "lags": 8, "cross_lags": 2, "distances": (1, 3), "longest_lag": 0.2}
CLASSES = tuple(name for name in BinModel.domains if name not in BinModel.linked)


def noise(size, seed=1, channels=1, level=0.05):
    draw = np.random.default_rng(seed)
    return torch.tensor(level * draw.standard_normal((channels, size)), dtype=torch.float32)


def crackle(size, seed=0, channels=1):
    """Sparse events that all groups have in common, over a little noise."""
    draw = np.random.default_rng(seed)
    events = (draw.random((channels, size)) < 12 / RATE) * draw.standard_normal((channels, size))
    ringing = np.exp(-np.arange(300) / 30) * draw.standard_normal(300)
    sounds = np.array([np.convolve(row, ringing)[:size] for row in events])
    return torch.tensor(0.2 * sounds + 0.002 * draw.standard_normal((channels, size)), dtype=torch.float32)


def measuring(model, size, edge=0.1):
    return model.measurement(size, size / model.sample_rate, edge, "cpu", torch.float32)


def loss_to(wanted):
    """The sum over classes of the relative squared error."""
    return lambda found: sum(
        (found[name] - values).square().sum() / (values.square().sum() + 1e-6) for name, values in wanted.items()
    )


def decibels(wanted, found, name):
    return float(10 * torch.log10(wanted[name].square().sum() / (wanted[name] - found[name]).square().sum()))


@pytest.mark.parametrize(
    ("changes", "edge"),
    [
        ({}, 0.2),
        ({}, 0.0),
        ({"compression": 0.3}, 0.2),
        ({"hop": 256}, 0.2),
        ({"hop": 200, "n_fft": 250}, 0.2),
        ({"groups": 0, "n_fft": 64, "hop": 16}, 0.2),
        ({"lags": 1, "cross_lags": 1, "longest_lag": 0.01}, 0.2),
    ],
)
def test_noise_is_brought_near_to_sparse_events(changes, edge):
    model = BinModel(RATE, **(SMALL | changes))
    size = model.size(2 * RATE)
    measure = measuring(model, size, edge)
    wanted, carriers = measure(crackle(size)), noise(size)
    sound = imposed(carriers, measure, loss_to(wanted), wanted["bin_mean"], steps=100)
    assert sound.shape == carriers.shape and sound.dtype == carriers.dtype and not sound.requires_grad
    before, after = measure(carriers), measure(sound)
    for name in CLASSES:
        least = max(8.0, decibels(wanted, before, name) + 5)
        assert decibels(wanted, after, name) > least, name
    heard = torch.nn.functional.cosine_similarity(sound, crackle(size))
    assert heard.abs().max() < 0.2


def test_a_descent_on_the_waveform_goes_further_from_there():
    from nodes.inversion.objective import Point
    from nodes.inversion.optimisers import LBFGS

    model = BinModel(RATE, **SMALL)
    size = model.size(2 * RATE)
    measure = measuring(model, size, 0.2)
    loss = loss_to(measure(crackle(size)))

    def evaluate(position):
        place = position.detach().requires_grad_()
        total = loss(measure(place))
        return Point(position, float(total.detach()), torch.autograd.grad(total, place)[0], ())

    def reached(start, steps):
        optimiser, point = LBFGS(), evaluate(start)
        for _ in range(steps):
            point = optimiser.step(point, evaluate) or point
        return point.loss

    assert reached(imposed(noise(size), measure, loss), 10) < 0.5 * reached(noise(size), 20)


def test_channels_have_their_own_statistics_and_do_not_mix():
    model = BinModel(RATE, **SMALL)
    size = model.size(RATE)
    measure = measuring(model, size)
    wanted = measure(crackle(size, channels=3))
    carriers = noise(size, channels=3)
    sound = imposed(carriers, measure, loss_to(wanted), wanted["bin_mean"], 40)
    assert sound.shape == (3, size)
    after, before = measure(sound), measure(carriers)
    for row in range(3):
        for name in ("bin_mean", "bin_skewness", "bin_crosscorrelation"):
            near, far = (each[name][row] - wanted[name][row] for each in (after, before))
            assert near.square().sum() < 0.5 * far.square().sum(), name
    one = {name: values[:1] for name, values in wanted.items()}
    shared = imposed(carriers, measure, loss_to(one), one["bin_mean"], 10)
    assert shared.shape == (3, size) and torch.isfinite(shared).all()


def test_a_channel_that_is_right_stays_so_while_another_comes_near():
    model = BinModel(RATE, **SMALL)
    size = model.size(RATE)
    measure = measuring(model, size)
    right = crackle(size)
    one = measure(right)
    wanted = {name: values.repeat(2, 1) for name, values in one.items()}
    sound = imposed(torch.cat([right, noise(size)]), measure, loss_to(wanted), None, 60)
    for name in ("bin_variation", "bin_autocorrelation"):
        assert decibels(one, {key: values[:1] for key, values in measure(sound).items()}, name) > 15, name


def test_the_same_noise_gives_the_same_bits_and_is_not_written_to():
    model = BinModel(RATE, **SMALL)
    size = model.size(RATE)
    measure, carriers = measuring(model, size), noise(size)
    wanted, kept = measure(crackle(size)), carriers.clone()
    once, again = (imposed(carriers, measure, loss_to(wanted), wanted["bin_mean"], 20) for _ in range(2))
    other = imposed(noise(size, seed=2), measure, loss_to(wanted), wanted["bin_mean"], 20)
    assert torch.equal(once, again) and torch.equal(carriers, kept)
    assert torch.nn.functional.cosine_similarity(once, other).abs().max() < 0.2


@given(st.integers(0, 2**31), st.floats(-30, 30))
@settings(max_examples=10, deadline=None)
def test_a_sound_that_is_right_already_is_returned_as_it_is(seed, gain):
    model = BinModel(RATE, **SMALL)
    size = model.size(2500)
    measure, sound = measuring(model, size), 10 ** (gain / 20) * noise(size, seed)
    wanted = measure(sound)
    assert torch.equal(imposed(sound, measure, loss_to(wanted), wanted["bin_mean"], 5), sound)


def test_without_steps_groups_are_given_their_level():
    model = BinModel(RATE, **SMALL)
    size = model.size(RATE)
    measure, carriers = measuring(model, size), noise(size)
    level = measure(carriers)["bin_mean"] * torch.linspace(0.2, 5, 16)
    sound = imposed(carriers, measure, lambda found: (found["bin_mean"] / level - 1).square().sum(), level, steps=0)
    found = measure(sound)["bin_mean"][:, 1:]  # the first group also hears what leaks from the louder ones above
    torch.testing.assert_close(found, level[:, 1:], rtol=0.1, atol=0)


def test_farther_than_the_noise_it_never_goes():
    model = BinModel(RATE, **SMALL)
    size = model.size(2500)
    measure, carriers = measuring(model, size), noise(size)
    impossible = {name: torch.full_like(values, -3.0) for name, values in measure(carriers).items()}
    loss = loss_to(impossible)
    sound = imposed(carriers, measure, loss, None, 10)
    assert float(loss(measure(sound))) <= float(loss(measure(carriers)))


@pytest.mark.parametrize("carrier", ["noise", "silence", "click", "constant"])
@pytest.mark.parametrize("kind", ["silence", "click", "constant", "tone", "square"])
def test_extreme_sounds_give_finite_ones(kind, carrier):
    model = BinModel(RATE, **SMALL)
    size = model.size(RATE // 2)
    time = torch.arange(size) / RATE
    sounds = {
        "noise": noise(size)[0],
        "silence": 0 * time,
        "click": (torch.arange(size) == 1500) * 1.0,
        "constant": 0 * time + 1,
        "tone": torch.sin(2 * torch.pi * 1000 * time),
        "square": torch.sign(torch.sin(2 * torch.pi * 440 * time + 0.1)),
    }
    measure = measuring(model, size)
    wanted = measure(sounds[kind][None])
    sound = imposed(sounds[carrier][None], measure, loss_to(wanted), wanted["bin_mean"], 15)
    assert torch.isfinite(sound).all() and sound.abs().max() < 100
    if carrier == "silence":
        assert not sound.any()
    if (kind, carrier) == ("silence", "noise"):
        assert sound.square().mean() < 1e-2 * sounds["noise"].square().mean()


@pytest.mark.parametrize("floor", [1e-12, 0.0])
def test_carriers_that_fall_silent_give_a_finite_sound(floor):
    model = BinModel(RATE, floor=floor, **SMALL)
    size = model.size(RATE)
    measure, carriers = measuring(model, size), noise(size)
    carriers[:, size // 2 :] = 0
    wanted = measure(crackle(size))
    sound = imposed(carriers, measure, loss_to(wanted), wanted["bin_mean"], 15)
    assert torch.isfinite(sound).all() and sound.abs().max() < 10


def test_gradient_by_magnitudes_is_that_of_the_statistics():
    model = BinModel(800, n_fft=16, hop=4, groups=4, lags=3, cross_lags=2, distances=(1,), longest_lag=0.1)
    size = model.size(90)
    measure = model.measurement(size, size / 800, 0.02, "cpu", torch.float64)
    magnitudes = measure.magnitudes(noise(size, channels=2).double()).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: tuple(measure.statistics(values).values()), magnitudes)


@pytest.mark.parametrize("value", [0.0, 1e-6, 1.0, 1e6])
def test_gradients_of_steady_magnitudes_are_finite(value):
    model = BinModel(RATE, **SMALL)
    size = model.size(RATE)
    measure = measuring(model, size)
    magnitudes = torch.full((1, 16, size // model.hop), value, requires_grad=True)
    found = measure.statistics(magnitudes)
    (gradient,) = torch.autograd.grad(sum(values.square().sum() for values in found.values()), magnitudes)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("hop", [16, 64, 100, 256])
def test_statistics_of_a_sound_are_those_of_its_magnitudes(hop):
    model = BinModel(RATE, **(SMALL | {"hop": hop}))
    sound = crackle(model.size(RATE), channels=2)
    measure = measuring(model, sound.shape[1])
    for name, values in measure(sound).items():
        assert torch.equal(values, measure.statistics(measure.magnitudes(sound))[name])


@pytest.mark.parametrize(("n_fft", "hop"), [(256, 64), (250, 80), (255, 100), (128, 64)])
def test_bins_times_a_gain_are_the_sound_times_it(n_fft, hop):
    size = 40 * hop
    window = torch.tensor(np.hanning(n_fft + 2)[1:-1] ** 0.5)
    spectrum = Spectrum(n_fft, hop, window / window.norm())
    sound = noise(size, channels=2).double()
    louder = spectrum.changed(sound, 2.0 * spectrum.bins(sound))
    torch.testing.assert_close(louder, 3 * sound, rtol=0.05, atol=1e-3)
    torch.testing.assert_close(spectrum.changed(sound, 0 * spectrum.bins(sound)), sound)


def test_a_sound_stays_where_no_frame_reaches():
    window = torch.tensor(np.sin(np.pi * np.arange(64) / 64) ** 2)
    spectrum = Spectrum(64, 64, window)
    sound = noise(640).double()
    changed = spectrum.changed(sound, -spectrum.bins(sound))
    assert torch.equal(changed[:, 32::64], sound[:, 32::64])
    assert (changed[:, ::64].abs() < 0.05 * sound[:, ::64].abs()).all()
