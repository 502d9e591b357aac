import numpy as np
import torch
from contexts import make_context
from scipy.optimize import rosen, rosen_der

from nodes.inversion import shelf
from nodes.inversion.objective import Point
from nodes.inversion.optimisers import LBFGS
from nodes.inversion.shelf import Shelf


def rosenbrock(position):
    x = position[0].double().numpy()
    return Point(position, float(rosen(x)), torch.tensor(rosen_der(x), dtype=torch.float32)[None], ())


def descended(optimiser, steps):
    point = rosenbrock(torch.tensor([[-1.2, 1.0, -0.5, 0.8]]))
    for _ in range(steps):
        point = optimiser.step(point, rosenbrock) or point
    return point


def on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "LARGE", 1)
    context = make_context(tmp_path)
    return Shelf(lambda shape: context.array(shape, np.float32))


def test_what_is_kept_on_disk_is_what_was_kept(tmp_path, monkeypatch):
    rows = on_disk(tmp_path, monkeypatch)
    first, second = torch.arange(5.0)[None], -torch.arange(5.0)[None]
    kept = rows.keep("step.0", first)
    assert kept.data_ptr() != first.data_ptr() and list(tmp_path.rglob("array-*.npy"))
    np.testing.assert_array_equal(kept, first)
    again = rows.keep("step.0", second)
    np.testing.assert_array_equal(again, second)
    assert len(list(tmp_path.rglob("array-*.npy"))) == 1, "what is forgotten makes room"
    with rows.taken({"step.0": again, "change.0": first}, 0) as (step, change):
        assert step.shape == change.shape == (5,)
        np.testing.assert_array_equal(step, second[0])


def test_short_sounds_stay_in_memory(tmp_path):
    context = make_context(tmp_path)
    row = torch.arange(5.0)[None]
    assert Shelf(lambda shape: context.array(shape, np.float32)).keep("step.0", row) is row
    assert not list(tmp_path.rglob("array-*.npy"))


def test_a_descent_is_the_same_on_disk_and_after_it_was_interrupted(tmp_path, monkeypatch):
    plain = descended(LBFGS(), 25)
    rows = on_disk(tmp_path / "whole", monkeypatch)
    kept = descended(LBFGS(rows), 25)
    assert torch.equal(plain.position, kept.position)

    before = LBFGS(on_disk(tmp_path / "before", monkeypatch))
    point = descended(before, 14)
    saved = {name: value.clone() for name, value in before.state.items()}
    after = LBFGS(on_disk(tmp_path / "after", monkeypatch))
    after.restore(saved)
    for _ in range(11):
        point = after.step(point, rosenbrock) or point
    assert torch.equal(plain.position, point.position)
