"""From scattering to edit to sound: what is heard has the modulations that were asked for."""

import numpy as np
import pytest
from contexts import make_context
from plane_sounds import (
    RATE,
    beating_noise,
    chirps,
    constant,
    error,
    metamodulate,
    pitch_course,
    spectrum_of_course,
    spins,
    vibrato,
)

from nodes.inversion.node import invert
from nodes.scattering.node import scatter

SCATTERING = {"octaves": 13, "quality": 12, "averaging": 0.5, "octave_span": 16 / 12, "boundary": "circular"}
DESCENT = {"iterations": 60, "momentum": 0.97, "acceleration": 1.2}


def heard(sound, context, edit, scattering=None, descent=None):
    """Return the edited scattering, the sound that was found for it, and the scattering of that sound."""
    parameters = {**SCATTERING, **(scattering or {})}
    target = metamodulate(scatter(sound, **parameters, context=context), **edit)
    found = invert([target], **{**DESCENT, **(descent or {})}, context=context).audio
    return target, found, scatter(found, **parameters, context=context)


@pytest.mark.parametrize(("seed", "blur"), [(0, 0.0), (1, 0.0), (2, 0.05)])
def test_rising_chirps_fall(tmp_path, seed, blur):
    """The energies of rising and falling modulations change places; what is left is 3 to 4 % of the coefficients."""
    source, design = chirps(), {"octaves": 11, "quality": 8, "rates": [0, 30]}
    edit, descent = {"spin": constant(-1), "blur": constant(blur)}, {"class_weights": {"order2": 4}}
    target, _, result = heard(source, make_context(tmp_path, seed), edit, design, descent)
    rising, falling = spins(scatter(source, **{**SCATTERING, **design}, context=make_context(tmp_path)))
    assert rising > 20 * falling
    assert spins(result) == pytest.approx((falling, rising), rel=0.2)
    assert error(result, target) < 0.05
    assert error(result, target, ["order2"]) < 0.05


def test_noise_beats_twice_as_fast(tmp_path):
    """What beat is weakened by 38 dB, and what is left is 0.5 % of the coefficients, 3 % of their second order."""
    source, design = beating_noise(5.6), {"averaging": "global", "octave_averaging": 1.0, "rates": [2, 100]}
    target, found, result = heard(source, make_context(tmp_path), {"transpose_rate": constant(1)}, design)
    frequencies, before = spectrum_of_course(np.abs(source.samples[0]))
    _, after = spectrum_of_course(np.abs(found.samples[0]))
    near = [np.abs(frequencies / rate - 1) < 0.1 for rate in (5.6, 11.2)]
    assert frequencies[after.argmax()] == pytest.approx(11.2, rel=0.1)
    assert np.square(before[near[0]]).sum() > 1000 * np.square(after[near[0]]).sum()
    assert np.square(after[near[1]]).sum() > 30 * np.square(before[near[1]]).sum()
    assert error(result, target) < 0.02
    assert error(result, target, ["order2"]) < 0.05


def test_vibrato_becomes_twice_as_fast(tmp_path):
    source = vibrato(5.0)
    _, found, _ = heard(source, make_context(tmp_path), {"transpose_rate": constant(1)}, {"rates": [0, 100]})
    frequencies, depths = spectrum_of_course(pitch_course(found.samples[0]))
    assert frequencies[depths.argmax()] == pytest.approx(10.0, abs=0.5)
    assert depths.max() > 0.1
    assert depths[np.argmin(np.abs(frequencies - 5))] < 0.25 * depths.max()
    assert pitch_course(found.samples[0]).mean() == pytest.approx(np.log2(600), abs=0.1)
    assert found.sample_rate == RATE
