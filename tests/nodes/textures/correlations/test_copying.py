"""Where statistics outnumber samples, what is made is the source again."""

import numpy as np
import pytest
from contexts import make_context
from scipy.signal import fftconvolve

from nodes.inversion.node import invert
from nodes.textures.node import texture_correlate
from nodes.values import Audio

RATE = 8000


def likeness(audio, source, size=RATE // 2):
    """Mean over snippets of half a second of their largest normalised correlation with the source, at any place."""
    x, y = audio.samples[0].astype(np.float64), source.samples[0].astype(np.float64)
    norms = np.sqrt(np.convolve(y**2, np.ones(size), "valid"))
    snippets = [x[i : i + size] for i in range(0, len(x) - size + 1, size)]
    found = [np.abs(fftconvolve(y, s[::-1], "valid")) / norms / np.sqrt((s**2).sum()) for s in snippets]
    return np.mean([each.max() for each in found])


@pytest.fixture(scope="module")
def halves():
    noise = np.convolve(np.random.default_rng(0).standard_normal(2 * RATE) * 0.1, [1, 0.7, 0.4], "same")
    return tuple(Audio(np.ascontiguousarray(each[None], np.float32), RATE) for each in np.split(noise, 2))


@pytest.mark.parametrize(("correlate", "copies"), [("filters", False), ("gram", False), ("frequencies", True)])
def test_only_frequency_by_frequency_copies_real_and_imaginary_parts(tmp_path, halves, correlate, copies):
    """0.05 and 3.4 statistics a sample leave another sound; 21 begin to give the phases back."""
    first, second = halves
    options = {"n_fft": 256, "hop": 128, "kernels": [(51, 2), (11, 5)], "correlate": correlate}
    target = texture_correlate(first, spectrogram="ri", **options, context=(context := make_context(tmp_path)))
    made = invert([target], iterations=250, optimizer="lbfgs", context=make_context(tmp_path)).audio
    control = likeness(second, first)
    assert likeness(made, first) > 3 * control if copies else likeness(made, first) < 1.3 * control
    assert len(context.recorder.notes) == (target.count > RATE)
