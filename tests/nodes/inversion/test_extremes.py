"""Very quiet and very short targets, targets and losses that are no numbers, many channels at once."""

import itertools
import sys
import threading

import numpy as np
import pytest
import torch
from contexts import make_context
from modulation_spectra import ModulationSpectrum, modulation_spectrum

from nodes.inversion.node import invert
from nodes.inversion.objective import Point
from nodes.inversion.optimisers import Adam
from nodes.spectra.node import stft
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers

RATE = 8000


def sound(channels=1, length=4000, seed=0, level=0.1):
    rng = np.random.default_rng(seed)
    course = 1 + np.sin(2 * np.pi * 6 * np.arange(length) / RATE)
    return Audio((rng.standard_normal((channels, length)) * course * level).astype(np.float32), RATE)


def curve(context, name="loss"):
    return [value for _, metric, value, _ in context.recorder.metrics if metric == name]


@pytest.fixture(autouse=True)
def as_many_workers_as_before():
    yield
    set_workers(0)


@pytest.mark.parametrize("optimizer", ["bold_driver", "nesterov", "lbfgs", "adam"])
@pytest.mark.parametrize("exponent", [-20, -27, 10])
def test_a_target_of_any_level_is_reached_alike(tmp_path, optimizer, exponent):
    """A power of two scales exactly: the descent of a sound at -160 dBFS takes the same steps as that of a loud one."""
    curves = []
    for level in (1.0, 2.0**exponent):
        context, target = make_context(tmp_path), modulation_spectrum(Audio(sound().samples * np.float32(level), RATE))
        made = invert([target], optimizer=optimizer, iterations=12, context=context)
        curves.append((curve(context), made.audio.samples / level))
    (loud, samples), (quiet, scaled) = curves
    assert quiet == pytest.approx(loud, rel=0.02)
    assert loud[-1] < 0.2 * loud[0]
    np.testing.assert_allclose(scaled, samples, atol=0.02)


@pytest.mark.parametrize("optimizer", ["bold_driver", "lbfgs"])
def test_a_very_quiet_target_is_approached_from_a_loud_start(tmp_path, optimizer):
    context = make_context(tmp_path)
    target = modulation_spectrum(sound(level=1e-7))
    invert([target], sound(seed=1), optimizer=optimizer, iterations=30, context=context)
    losses = curve(context)
    assert all(later <= sooner for sooner, later in itertools.pairwise(losses))
    assert losses[-1] < 0.1 * losses[0] and np.isfinite(losses).all()


@pytest.mark.parametrize("length", [1, 2, 7])
def test_sounds_of_a_few_samples_are_made(tmp_path, length):
    context = make_context(tmp_path)
    target = stft(Audio(np.full((1, length), 0.3, np.float32), RATE), context=context)
    made = invert([target], iterations=20, context=context)
    assert made.audio.length == length and curve(context)[-1] < 0.05


class Broken(ModulationSpectrum):
    """Whose coefficients of the target, or gradients, are no numbers."""

    def coefficients(self):
        return {name: values * np.float32(np.nan) for name, values in super().coefficients().items()}


class Steep(ModulationSpectrum):
    """Whose gradient at silence is infinite."""

    def analysis(self, length, device):
        return lambda samples: {"order1": samples.abs().sqrt(), "order2": samples}

    def coefficients(self):
        return {"order1": np.abs(self.samples) ** 0.5, "order2": self.samples}


def test_what_has_no_finite_loss_or_gradient_is_refused(tmp_path):
    source = sound()
    with pytest.raises(MistakeError, match="is not a finite number"):
        invert([Broken(source.samples, RATE)], context=make_context(tmp_path))
    start = Audio(np.where(np.arange(4000) == 5, 0, source.samples).astype(np.float32), RATE)
    with pytest.raises(MistakeError, match=r"no direction in which to change(.|\n)*gradient of nan"):
        invert([Steep(source.samples, RATE)], start, context=make_context(tmp_path))


def test_adam_ends_where_the_next_loss_is_no_number():
    optimiser = Adam(0.1, 10)
    at = Point(torch.zeros(1, 3), 1.0, torch.ones(1, 3), ())
    assert optimiser.step(at, lambda position: Point(position, float("nan"), position, ())) is None


@pytest.mark.parametrize("optimizer", ["bold_driver", "nesterov", "lbfgs", "adam"])
def test_the_number_of_workers_changes_no_bit(tmp_path, optimizer):
    target, made = modulation_spectrum(sound(4)), []
    for workers in (1, 2, 3):
        set_workers(workers)
        context = make_context(tmp_path)
        result = invert([target], optimizer=optimizer, iterations=6, keep="every 3", context=context)
        assert result.takes.labels == ("0", "3", "6")
        made.append((np.stack(result.takes.samples), context.recorder.metrics))
    for samples, metrics in made[1:]:
        np.testing.assert_array_equal(samples, made[0][0])
        assert metrics == made[0][1]


def test_channels_are_stepped_side_by_side(tmp_path):
    set_workers(2)
    meeting, together = threading.Barrier(2), []

    class Meeting(ModulationSpectrum):
        def analysis(self, length, device):
            plain = super().analysis(length, device)

            def analyse(samples):
                if not together:
                    meeting.wait(timeout=20)
                    together.append(threading.current_thread().name)
                return plain(samples)

            return analyse

    invert([Meeting(sound(2).samples, RATE)], iterations=1, context=make_context(tmp_path))
    assert together and threading.main_thread().name not in together


def test_fourteen_channels_are_each_as_alone(tmp_path):
    source = sound(14)
    start = sound(14, seed=1)
    together = invert([modulation_spectrum(source)], start, iterations=3, context=make_context(tmp_path / "14")).audio
    for channel in (0, 13):
        one, first = (Audio(a.samples[channel : channel + 1], RATE) for a in (source, start))
        alone = invert([modulation_spectrum(one)], first, iterations=3, context=make_context(tmp_path / "1")).audio
        np.testing.assert_array_equal(alone.samples[0], together.samples[channel])


def test_planning_needs_no_torch():
    import subprocess

    code = "import sys, nodes.inversion.node; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_other_values_of_the_bold_driver_are_taken(tmp_path):
    curves = []
    for driver in ({}, {"momentum": 0.0}, {"acceleration": 2.0}, {"brake": 0.1}):
        context = make_context(tmp_path)
        invert([modulation_spectrum(sound())], iterations=15, **driver, context=context)
        curves.append(tuple(curve(context)))
        assert all(later <= sooner for sooner, later in itertools.pairwise(curves[-1]))
    assert len(set(curves)) == 4
