import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import rosen, rosen_der

from nodes.inversion.line_search import CURVATURE, DECREASE, strong_wolfe
from nodes.inversion.objective import Point
from nodes.inversion.optimisers import LBFGS, Adam, BoldDriver, Nesterov


def objective(function):
    """A Point from a differentiable function of a 1 × n tensor in float64."""

    def evaluate(position):
        x = position.detach().requires_grad_()
        loss = function(x)
        return Point(position, float(loss.detach()), torch.autograd.grad(loss, x)[0], ())

    return evaluate


def quadratic(curvatures):
    scale = torch.tensor(curvatures, dtype=torch.float64)
    return objective(lambda x: 0.5 * (scale * x.square()).sum())


def descend(optimiser, evaluate, start, steps):
    points = [evaluate(torch.tensor([start], dtype=torch.float64))]
    for _ in range(steps):
        point = optimiser.step(points[-1], evaluate)
        if point is None:
            break
        points.append(point)
    return points


def rosenbrock(position):
    x = position[0].numpy()
    return Point(position, float(rosen(x)), torch.tensor(rosen_der(x))[None], ())


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from([BoldDriver, Nesterov]), st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6), st.integers(0, 100)
)
def test_the_loss_of_drivers_never_rises(driver, curvatures, seed):
    start = np.random.default_rng(seed).standard_normal(len(curvatures)).tolist()
    losses = [point.loss for point in descend(driver(), quadratic(curvatures), start, 60)]
    assert all(later <= sooner for sooner, later in itertools.pairwise(losses))
    assert losses[-1] < 0.5 * losses[0]


def test_the_bold_driver_takes_the_steps_of_its_description():
    """First rate loss / |g|²; × 1.1 after success; × 0.5 after failure; no momentum after the fourth in a row."""
    evaluate = quadratic([1.0])
    x, rate, update = 1.0, 0.5 * 1.0 / 1.0, 0.0
    found = [float(point.position) for point in descend(BoldDriver(), evaluate, [1.0], 12)]
    expected, failures = [x], 0
    while len(expected) < len(found):
        tried = 0.9 * update - rate * x
        if (x + tried) ** 2 <= x**2:
            x, update, rate = x + tried, tried, rate * 1.1
            expected.append(x)
            failures = 0
        else:
            failures += 1
            rate, update = rate * 0.5, update * 0.5 if failures != 4 else 0.0
    assert found == pytest.approx(expected, abs=1e-12)


def test_nesterov_takes_the_gradient_ahead():
    """While nothing fails: v' = 0.9 v - rate g(y), and y' = y + 0.9 v' - rate g(y) is the next place ahead."""
    curvatures, rate = np.array([1.0, 2.0]), 0.02
    optimiser = Nesterov(acceleration=1.0)
    optimiser.state = {
        "rate": torch.tensor(rate, dtype=torch.float64),
        "update": torch.zeros(1, 2, dtype=torch.float64),
    }
    y, v = np.array([1.0, 1.0]), np.zeros(2)
    for point in descend(optimiser, quadratic([1.0, 2.0]), [1.0, 1.0], 6):
        np.testing.assert_allclose(point.position.numpy()[0], y, rtol=1e-12)
        v = 0.9 * v - rate * curvatures * y
        y = y + 0.9 * v - rate * curvatures * y


def test_the_bold_driver_forgets_a_momentum_that_leads_nowhere():
    evaluate = quadratic([1.0])
    optimiser = BoldDriver()
    optimiser.state = {"rate": torch.tensor(1e-6), "update": torch.tensor([[50.0]], dtype=torch.float64)}
    point = optimiser.step(evaluate(torch.tensor([[1.0]], dtype=torch.float64)), evaluate)
    assert point.loss < 0.5
    assert abs(float(optimiser.state["update"])) < 1e-6


@pytest.mark.parametrize("optimiser", [BoldDriver(), Nesterov(), LBFGS(), Adam(0.1, 10)])
def test_at_the_bottom_nothing_is_left_to_gain(optimiser):
    evaluate = quadratic([1.0, 2.0])
    assert optimiser.step(evaluate(torch.zeros(1, 2, dtype=torch.float64)), evaluate) is None


def test_adam_is_that_of_torch():
    curvatures, steps = [1.0, 30.0, 0.01], 40
    found = descend(Adam(0.3, steps), quadratic(curvatures), [1.0, -2.0, 3.0], steps)
    x = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    peer = torch.optim.Adam([x], lr=0.3, eps=0.0)
    for step in range(steps):
        peer.param_groups[0]["lr"] = 0.3 * 0.5 * (1 + math.cos(math.pi * step / steps))
        peer.zero_grad()
        (0.5 * torch.tensor(curvatures) * x.square()).sum().backward()
        peer.step()
    np.testing.assert_allclose(found[-1].position[0].numpy(), x.detach().numpy(), rtol=1e-3)


def test_lbfgs_finds_the_bottom_of_rosenbrocks_valley():
    points = descend(LBFGS(), rosenbrock, [-1.2, 1.0, -0.5, 0.8], 80)
    np.testing.assert_allclose(points[-1].position[0].numpy(), np.ones(4), atol=1e-5)
    losses = [point.loss for point in points]
    assert all(later < sooner for sooner, later in itertools.pairwise(losses))


def test_lbfgs_needs_about_as_many_evaluations_as_torch():
    calls = {"ours": 0, "torch": 0}

    def counted(position):
        calls["ours"] += 1
        return rosenbrock(position)

    descend(LBFGS(), counted, [-1.2, 1.0], 60)
    x = torch.tensor([[-1.2, 1.0]], dtype=torch.float64, requires_grad=True)
    peer = torch.optim.LBFGS([x], max_iter=60, history_size=10, line_search_fn="strong_wolfe", tolerance_change=1e-14)

    def closure():
        calls["torch"] += 1
        point = rosenbrock(x.detach())
        x.grad = point.gradient
        return torch.tensor(point.loss)

    peer.step(closure)
    assert calls["ours"] < 1.5 * calls["torch"]


@settings(max_examples=60, deadline=None)
@given(st.floats(-3, 3), st.floats(-2, 2), st.floats(1e-4, 1e3))
def test_step_lengths_satisfy_the_strong_wolfe_conditions(bend, tilt, first):
    evaluate = objective(lambda x: (0.1 * x**4 + bend * x**3 * 0.1 + x**2 + tilt * x).sum())
    at = evaluate(torch.tensor([[1.7]], dtype=torch.float64))
    direction = -at.gradient
    if abs(float(direction)) < 1e-3:
        return
    point = strong_wolfe(at, direction, first, evaluate)
    slope = float((at.gradient * direction).sum())
    length = float((point.position - at.position) / direction)
    assert point.loss <= at.loss + DECREASE * length * slope + 1e-12
    assert abs(float((point.gradient * direction).sum())) <= -CURVATURE * slope


def test_a_search_uphill_finds_nothing():
    evaluate = quadratic([1.0])
    at = evaluate(torch.tensor([[1.0]], dtype=torch.float64))
    assert strong_wolfe(at, at.gradient, 1.0, evaluate) is None


def test_a_search_survives_a_loss_that_is_no_number():
    evaluate = objective(lambda x: (x - 2 * x.clamp_max(5.0).sqrt()).sum())
    at = evaluate(torch.tensor([[4.0]], dtype=torch.float64))
    point = strong_wolfe(at, -at.gradient, 50.0, evaluate)
    assert math.isfinite(point.loss) and point.loss < at.loss
