import numpy as np
import pytest
from contexts import make_context
from modulation_spectra import modulation_spectrum

from nodes.inversion import descent
from nodes.inversion.node import invert
from nodes.textures.node import texture_correlate
from nodes.values import Audio

RATE = 8000


class Interrupted(Exception):
    """The power goes off."""


@pytest.fixture
def targets(tmp_path):
    audio = Audio((np.random.default_rng(0).standard_normal((2, 4000)) * 0.1).astype(np.float32), RATE)
    context = make_context(tmp_path / "targets")
    statistics = texture_correlate(audio, bands=20, kernels=[(3, 3)], filters=4, context=context)
    return [modulation_spectrum(audio), statistics]


def interrupted(context, at):
    """The same context, in which the loss of iteration `at` cannot be logged any more."""
    log = context.log

    def fail(metric, value, step=0):
        if step == at:
            raise Interrupted
        log(metric, value, step)

    context.log = fail
    return context


@pytest.mark.parametrize("optimizer", ["bold_driver", "nesterov", "lbfgs", "adam"])
def test_an_interrupted_inversion_ends_bit_identical(tmp_path, monkeypatch, targets, optimizer):
    bands = [{"rate": [2, 20], "weight": 3.0}, {"frequency": [0, 500], "weight": 0.0}]
    settings = {"optimizer": optimizer, "iterations": 14, "keep": [0, 3, 9, 12], "path_weights": bands}
    whole_context = make_context(tmp_path / "whole")
    whole = invert(targets, **settings, context=whole_context)
    monkeypatch.setattr(descent, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(descent, "CHECKPOINT_SHARE", 1e9)
    for at in (5, 11):
        with pytest.raises(Interrupted):
            invert(targets, **settings, context=interrupted(make_context(tmp_path / "parts"), at))
    last_context = make_context(tmp_path / "parts")
    parts = invert(targets, **settings, context=last_context)
    np.testing.assert_array_equal(parts.audio.samples, whole.audio.samples)
    for one, other in zip(parts.takes.samples, whole.takes.samples, strict=True):
        np.testing.assert_array_equal(one, other)
    assert last_context.recorder.metrics == whole_context.recorder.metrics


def test_a_resumed_inversion_does_not_start_again(tmp_path, monkeypatch, targets):
    monkeypatch.setattr(descent, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(descent, "CHECKPOINT_SHARE", 1e9)
    with pytest.raises(Interrupted):
        invert(targets, iterations=10, context=interrupted(make_context(tmp_path), 8))
    steps = []
    step = descent.Part.step
    monkeypatch.setattr(descent.Part, "step", lambda channel: (steps.append(1), step(channel))[1])
    invert(targets, iterations=10, context=make_context(tmp_path))
    assert len(steps) == 2 * 3


def test_checkpoints_are_not_written_more_often_than_worth_it(tmp_path, monkeypatch, targets):
    saved = []
    context = make_context(tmp_path)
    context.save_checkpoint = lambda arrays: saved.append(arrays)
    invert(targets, iterations=5, context=context)
    assert saved == []
    monkeypatch.setattr(descent, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(descent, "CHECKPOINT_SHARE", 1e9)
    invert(targets, iterations=5, context=context)
    assert len(saved) == 5
