import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.scattering.core.averaging import Averaging, Frames, frame_count, smooth
from nodes.scattering.core.circle import Circle, circle_of
from nodes.scattering.core.design import Design

DESIGNS = st.builds(
    Design,
    octaves=st.integers(1, 12),
    quality=st.just(1),
    averaging=st.sampled_from([0, 1, 2, 16, 1024]),
    boundary=st.sampled_from(["reflect", "circular"]),
)
LENGTHS = st.integers(1, 100_000) | st.sampled_from([1, 2, 3, 17, 1000, 1021, 65536])


@given(st.integers(1, 200_000), DESIGNS.filter(lambda d: d.averaging and d.boundary == "reflect"))
def test_frames_lie_at_whole_averagings_from_the_first_sample_on(length, design):
    times = circle_of(length, design).times
    np.testing.assert_array_equal(times, np.arange(math.ceil(length / design.averaging)) * design.averaging)


@pytest.mark.parametrize("length", [262, 274, 1842, 1864, 1886])
def test_rounding_puts_no_frame_behind_the_end(length):
    design = Design(octaves=5 if length > 1000 else 8, quality=1, averaging=1)
    np.testing.assert_array_equal(circle_of(length, design).times, np.arange(length))


@given(LENGTHS, DESIGNS)
def test_every_grid_is_fine_enough_and_has_whole_frames(length, design):
    circle = circle_of(length, design)
    assert circle.samples(0) >= circle.total
    for halvings in range(circle.depth + 3):
        samples = circle.samples(halvings)
        assert samples % circle.count == 0 and samples >= circle.total / 2**halvings
    assert len(circle.times) == len(range(circle.count)[circle.frames.kept])
    assert circle.times.min() >= 0 and circle.times.max() < length


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 300), st.sampled_from(["reflect", "circular"]))
def test_beside_the_sound_is_the_sound_mirrored_or_again(length, padding, boundary):
    circle = Circle(length, padding, length + 2 * padding, 1, 0, boundary)
    sound = np.random.default_rng(length).standard_normal(length)
    found = circle.around(torch.tensor(sound)).numpy()
    mode = "wrap" if boundary == "circular" else "reflect"
    np.testing.assert_array_equal(found, np.pad(sound, padding, mode=mode))


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(0, 200), st.sampled_from(["reflect", "circular"]))
def test_the_adjoint_of_laying_around_gives_back_what_was_copied(length, padding, boundary):
    circle = Circle(length, padding, length + 2 * padding, 1, 0, boundary)
    sound, around = torch.randn(2, length, dtype=torch.float64), torch.randn(2, circle.total, dtype=torch.float64)
    inner = (circle.around(sound) * around).sum()
    torch.testing.assert_close((sound * circle.around_adjoint(around)).sum(), inner)


@given(st.integers(1, 10**6))
def test_counts_of_frames_have_small_prime_factors(least):
    count = frame_count(least)
    assert count >= least and (count <= 48 or count % 16 == 0)
    for prime in (2, 3, 5):
        while count % prime == 0:
            count //= prime
    assert count == 1


@pytest.mark.parametrize(("number", "found"), [(1, 1), (7, 8), (11, 12), (31, 32), (121, 125)])
def test_the_least_smooth_number(number, found):
    assert smooth(number) == found


@pytest.mark.parametrize("count", [8, 48, 64, 160])
@pytest.mark.parametrize("step", [1, 4, 16])
def test_a_constant_averages_to_itself_and_the_adjoint_is_one(count, step):
    average = Averaging(Frames(count, slice(2, count - 1), 1 / count), count * step, torch.float64, "cpu")
    ones = torch.ones(1, 2, count * step, dtype=torch.float64)
    torch.testing.assert_close(average(ones), torch.ones(1, 2, count - 3, dtype=torch.float64), atol=1e-5, rtol=0)
    values, gradient = torch.randn_like(ones), torch.randn(1, 2, count - 3, dtype=torch.float64)
    inner = (average(values) * gradient).sum()
    torch.testing.assert_close((values * average.adjoint(gradient)).sum(), inner)


@settings(deadline=None)
@given(st.integers(1, 64), st.floats(0, 0.5), st.floats(0.55, 1))
def test_one_mean_counts_the_samples_of_the_sound_and_parts_of_those_at_its_ends(samples, begin, end):
    average = Averaging(Frames(1, slice(0, 1), None, (begin, end)), samples, torch.float64, "cpu")
    assert average.weights.sum().item() == pytest.approx(1)
    inside = (average.weights[:, 0].numpy() > 0).nonzero()[0]
    assert inside.min() >= math.floor(begin * samples) and inside.max() <= math.ceil(end * samples)
