import numpy as np
import pytest
from contexts import make_context

from nodes.inversion.node import invert
from nodes.scattering.node import scatter
from nodes.values import Audio


def sound(length, channels=1):
    samples = np.random.default_rng(3).standard_normal((channels, length)).astype(np.float32)
    return Audio(samples, 16000)


@pytest.mark.parametrize(("octaves", "quality"), [(7, 8), (8, 1)])
def test_kymatio_gives_what_our_engine_gives(tmp_path, octaves, quality):
    found = [
        scatter(sound(8192, 2), octaves=octaves, quality=quality, engine=engine, context=make_context(tmp_path))
        for engine in ("fast", "kymatio")
    ]
    for name in ("order1", "order2"):
        ours, theirs = (getattr(value, name) for value in found)
        assert ours.shape == theirs.shape
        assert np.linalg.norm(ours - theirs) < 5e-3 * np.linalg.norm(theirs)


def test_a_descent_runs_through_kymatio(tmp_path):
    context = make_context(tmp_path)
    target = scatter(sound(4096), octaves=6, quality=4, engine="kymatio", context=context)
    result = invert([target], iterations=15, keep=[0], context=context)
    after = scatter(result.audio, octaves=6, quality=4, engine="kymatio", context=context)
    before = scatter(result.takes.take(0), octaves=6, quality=4, engine="kymatio", context=context)

    def distance(value):
        return np.linalg.norm(value.order1 - target.order1)

    assert distance(after) < 0.3 * distance(before)
