"""The picture of a sound and its parts: masks as they are defined, at every edge, in little time and memory."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from nodes.values import Audio
from nodes.values.log_spectra import ROWS, Levels, sound_levels
from nodes.values.pages import PAGE
from nodes.values.parts import draw_parts, mask_of

RATE = 44100
Array = np.ndarray[Any, Any]


def sine(frequency: float, level: float, seconds: float = 1.0, rate: int = RATE) -> Array:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate))[None].astype(np.float32)


def figure_of(mix: Array, parts: dict[str, Array], rate: int = RATE) -> Figure:
    return draw_parts(Audio(mix, rate), {name: Audio(part, rate) for name, part in parts.items()})


def pictures(figure: Figure) -> dict[str, Any]:
    return {axes.texts[0].get_text(): axes for axes in figure.axes if axes.texts}


def test_a_mask_is_the_share_of_the_mix() -> None:
    low, high = sine(200, 0.5), sine(5000, 0.2)
    axes = pictures(figure_of(low + high, {"low": low + 0.5 * high, "high": 0.5 * high}))
    assert list(axes) == ["mix", "low", "mask of low", "high", "mask of high"]
    level = sound_levels(low, RATE, 9, 16_000)
    for name, at_low, at_high in (("low", 1.0, 0.5), ("high", 0.0, 0.5)):
        mask = axes[f"mask of {name}"].images[0].get_array()
        middle = mask[:, mask.shape[1] // 2]
        assert middle[int(level.row(200))] == pytest.approx(at_low, abs=0.02)
        assert middle[int(level.row(5000))] == pytest.approx(at_high, abs=0.02)
        assert np.ma.getmaskarray(middle)[int(level.row(15_000))]  # nothing of the mix is there


def test_all_levels_have_one_scale_and_masks_another() -> None:
    axes = pictures(figure_of(sine(200, 0.5), {"a": sine(200, 0.4), "b": sine(200, 0.001)}))
    limits = {name: found.images[0].get_clim() for name, found in axes.items()}
    assert {limits[name] for name in ("mix", "a", "b")} == {(-90.0, 0.0)}
    assert {limits[f"mask of {name}"] for name in "ab"} == {(0.0, 1.0)}
    assert {found.images[0].get_cmap().name for found in axes.values()} == {"magma"}
    assert {found.get_xlim() for found in axes.values()} == {(0.0, 1.0)}


def test_a_part_that_is_louder_than_the_mix_has_all_of_it() -> None:
    levels = [Levels(np.full((ROWS, 2), decibels), 0, 1, 30, 16_000) for decibels in (-20.0, -14.0, -90.0)]
    assert (mask_of(levels[0], levels[1], -90) == 1).all()
    np.testing.assert_allclose(mask_of(levels[1], levels[0], -90), 10 ** (-6 / 20))
    assert np.isnan(mask_of(levels[2], levels[0], -90)).all()


@pytest.mark.parametrize("rate", [8000, 44100, 192_000])
def test_frequencies_end_at_16_khz_and_levels_stay_where_they_were(rate: int) -> None:
    samples = sine(1000, 0.5, rate=rate)
    whole, cut = sound_levels(samples, rate, 9), sound_levels(samples, rate, 9, 16_000)
    assert cut.high == min(16_000, rate / 2) and whole.high == rate / 2
    for levels in (whole, cut):
        column = levels.decibels[:, 4]
        assert column.max() == pytest.approx(-6, abs=1.5)
        assert column.argmax() == pytest.approx(levels.row(1000), abs=3)
    above = sound_levels(sine(20_000, 0.5, rate=192_000), 192_000, 9, 16_000)
    assert above.top < -60


@pytest.mark.parametrize(
    ("channels", "length", "parts"), [(1, 1, 1), (1, 0, 2), (14, 3000, 3), (2, 9000, 0), (2, 9000, 9)]
)
def test_every_edge_is_drawn(channels: int, length: int, parts: int) -> None:
    silence = np.zeros((channels, length), np.float32)
    figure = figure_of(silence, {f"part {number}": silence for number in range(parts)})
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] == PAGE and len(pictures(figure)) == 1 + 2 * parts
    broken = np.full((channels, length), np.nan, np.float32)
    figure_of(broken, {"a": broken}).draw_without_rendering()


def test_twenty_minutes_are_drawn_quickly_from_few_places() -> None:
    minute = np.random.default_rng(0).normal(0, 0.1, (1, 60 * RATE)).astype(np.float32)
    samples = np.broadcast_to(np.tile(minute, 20), (2, 20 * 60 * RATE))
    began = time.process_time()
    figure = figure_of(samples, dict.fromkeys("abcd", samples))
    assert time.process_time() - began < 5  # about 1 s on an idle core
    assert max(axes.images[0].get_array().shape[1] for axes in pictures(figure).values()) <= 1200
