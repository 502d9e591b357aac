import warnings
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from contexts import make_context

from nodes.textures.auditory.model import PAIRS, AuditoryModel, pairs_of
from nodes.textures.bins.model import BinModel
from nodes.textures.cochleagrams import Cochleagram, cochleagrams_of
from nodes.textures.comparing import comparison_of, draw_comparison
from nodes.textures.drawing import MOST_LINES, draw_statistics
from nodes.textures.maps import gridded
from nodes.textures.measuring import statistics_of
from nodes.textures.node.comparing import cochleagram, texture_comparison
from nodes.values.audio import Audio, Takes
from pipelines.graph import build_graph
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.registry import load_registry

RATE = 8000
SOUNDS = Path(__file__).parents[3] / "sounds"
MODEL = AuditoryModel(RATE, highest=4000.0, bands=12, modulation_bands=8)
BINS = BinModel(RATE, n_fft=256, hop=128, groups=12, lags=6)


def noise(channels=1, seconds=4.0, seed=0, rate=RATE):
    found = 0.1 * np.random.default_rng(seed).standard_normal((channels, int(seconds * rate)))
    return Audio(found.astype(np.float32), rate)


def silence(channels=1, seconds=4.0):
    return Audio(np.zeros((channels, int(seconds * RATE)), np.float32), RATE)


def moving(statistics, points):
    steps = np.linspace(1, 1.5, points, dtype=np.float32)
    classes = {name: np.repeat(values, points, 2) * steps for name, values in statistics.classes.items()}
    return replace(statistics, classes=classes, weights={}, times=np.linspace(0, 20, points))


def panel(figure, title):
    found = [axes for axes in figure.axes if axes.get_title(loc="left").startswith(title)]
    assert found, f"no panel {title}"
    return found[0]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def labels(figure):
    return {text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel()) if text}


def faults(figure):
    """Return pairs of tick labels that cover each other, and texts that leave the page or cover another's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, page, found = canvas.get_renderer(), figure.bbox, []
    texts = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            both = [tick.label1 if tick.label1.get_visible() else tick.label2 for tick in ticks]
            boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in both if t.get_visible() and t.get_text()]
            found += [("tick", a, b) for (a, one), (b, other) in pairwise(boxes) if one.overlaps(other)]
            texts += [(text, box) for text, box in boxes]
            if axis.label.get_text():
                texts.append((axis.label.get_text(), axis.label.get_window_extent(renderer)))
        if axes.get_title(loc="left"):
            texts.append((axes.get_title(loc="left"), axes._left_title.get_window_extent(renderer)))
    texts += [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]
    outside = [(t, b) for t, b in texts if b.x0 < 0 or b.x1 > page.x1 or b.y0 < 0 or b.y1 > page.y1]
    crossing = [(a, b) for i, (a, one) in enumerate(texts) for b, other in texts[:i] if one.overlaps(other)]
    return found + outside + crossing


@pytest.fixture(scope="module")
def mono():
    return statistics_of(noise(), MODEL)


def test_each_class_has_a_panel_with_its_name_and_units(mono):
    figure = mono.draw()
    assert titles(figure) == [name for name in MODEL.domains if name not in MODEL.linked]
    assert titles(statistics_of(noise(2), MODEL).draw()) == list(MODEL.domains)
    assert {
        "lag (s)",
        "frequency (Hz)",
        "rate (Hz)",
        "band (Hz)",
        "mean square (dB)",
        "share of the variance (dB)",
    } <= labels(figure)
    assert any("real" in text for text in labels(figure)) and any("imaginary" in text for text in labels(figure))
    assert not faults(figure)


def test_moments_are_lines_on_a_logarithmic_axis_with_a_shade_of_one_deviation(mono):
    axes = panel(mono.draw(), "envelope_skewness")
    assert axes.get_xscale() == "log"
    x, y = axes.lines[-1].get_data()
    np.testing.assert_allclose(x, MODEL.centres)
    np.testing.assert_allclose(y, mono.classes["envelope_skewness"][0, :, 0], rtol=1e-6)
    shade = axes.collections[0].get_paths()[0].vertices
    spread = mono.deviations["envelope_skewness"][0]
    assert np.isclose(shade[:, 1].max(), (y + spread).max(), rtol=1e-5)


def test_powers_are_in_decibels(mono):
    _, y = panel(mono.draw(), "band_power").lines[-1].get_data()
    np.testing.assert_allclose(y, 10 * np.log10(mono.classes["band_power"][0, :, 0]), rtol=1e-5)


def test_correlations_are_a_symmetric_matrix_in_which_unknown_pairs_are_missing(mono):
    matrix = panel(mono.draw(), "envelope_correlation").images[0].get_array()
    known = ~np.ma.getmaskarray(matrix)
    first, second = pairs_of(MODEL.bands + 2, PAIRS)
    expected = np.zeros((14, 14), bool)
    expected[first, second] = expected[second, first] = True
    assert (known == expected).all()
    np.testing.assert_allclose(matrix[first, second], mono.classes["envelope_correlation"][0, :, 0], atol=2e-6)
    np.testing.assert_array_equal(matrix.filled(0), matrix.T.filled(0))


def test_the_modulation_spectrum_is_a_map_of_bands_and_rates_in_decibels(mono):
    mesh = panel(mono.draw(), "modulation_power").collections[0].get_array()
    values = mono.classes["modulation_power"][0, :, 0].reshape(14, 8)
    np.testing.assert_allclose(mesh, 10 * np.log10(values.T), rtol=1e-4)


def test_the_parts_of_the_phase_are_maps_below_each_other(mono):
    figure = mono.draw()
    real = panel(figure, "modulation_phase")
    imaginary = next(axes for axes in figure.axes if "imaginary" in axes.get_ylabel())
    values = mono.classes["modulation_phase"][0, :, 0].reshape(14, -1, 2)
    for axes, part in ((real, 0), (imaginary, 1)):
        np.testing.assert_allclose(axes.collections[0].get_array(), values[:, :, part].T, atol=2e-6)


def test_the_autocorrelation_is_a_map_of_bands_and_lags_in_seconds(mono):
    axes = panel(mono.draw(), "envelope_autocorrelation")
    values = mono.classes["envelope_autocorrelation"][0, :, 0].reshape(14, -1)
    np.testing.assert_allclose(axes.collections[0].get_array(), values.T, atol=2e-6)
    low, high = axes.get_ylim()
    assert low < 0.01 < 0.75 < high and axes.get_yscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("frequency (Hz)", "lag (s)")


def both_parts(figure):
    real = panel(figure, "interaural_coherence")
    imaginary = next(axes for axes in figure.axes if axes.get_ylabel() == "coherence\nimaginary")
    assert real.get_ylabel() == "coherence\nreal" and imaginary.get_xlabel() == "frequency (Hz)"
    return real, imaginary


def strong(axes):
    return [line for line in axes.lines if line.get_linewidth() > 1]


@pytest.mark.parametrize(("channels", "lines"), [(2, 1), (5, 5)])
def test_what_channels_have_in_common_is_a_line_for_each_pair(channels, lines):
    statistics = statistics_of(noise(channels), MODEL)
    figure, rows = statistics.draw(), slice(channels - lines, None)
    parts = both_parts(figure)
    for axes, part in zip(parts, (0, 1), strict=True):
        drawn = np.stack([line.get_ydata() for line in strong(axes)])
        np.testing.assert_allclose(drawn, statistics.classes["interaural_coherence"][rows, part::2, 0], rtol=1e-6)
        np.testing.assert_allclose(strong(axes)[0].get_xdata(), MODEL.centres)
    axes = panel(figure, "interaural_correlation")
    drawn = np.stack([line.get_ydata() for line in strong(axes)])
    np.testing.assert_allclose(drawn, statistics.classes["interaural_correlation"][rows, :, 0], rtol=1e-6)
    for each in (*parts, axes):
        assert each.get_ylim()[0] <= -1 and each.get_ylim()[1] >= 1
    assert not faults(figure)


def test_of_statistics_that_move_the_imaginary_part_of_two_channels_is_not_averaged_away():
    later = np.concatenate([noise().samples, np.roll(noise().samples, 2, 1)])
    statistics = statistics_of(Audio(later, RATE), MODEL)
    figure = moving(statistics, 3).draw()
    _, imaginary = both_parts(figure)
    drawn = [line.get_ydata() for line in strong(imaginary)]
    assert len(drawn) == 3 and np.abs(drawn[0]).max() > 0.8
    np.testing.assert_allclose(drawn[0], statistics.classes["interaural_coherence"][1, 1::2, 0], atol=1e-4)
    assert not faults(figure)


def test_both_parts_of_a_coherence_are_compared_as_lines():
    target, other = statistics_of(noise(2), MODEL), noise(2, seed=5)
    figure = draw_comparison(target, other, "result")
    made = statistics_of(other, MODEL)
    for axes, part in zip(both_parts(figure), (0, 1), strict=True):
        blue, red = strong(axes)
        for line, each in ((blue, target), (red, made)):
            np.testing.assert_allclose(line.get_ydata(), each.classes["interaural_coherence"][1, part::2, 0], atol=1e-4)
        assert axes.collections, "a shade of one deviation"
    assert len(strong(panel(figure, "interaural_correlation"))) == 2
    assert len(titles(figure)) == len(MODEL.domains) + 1
    assert not faults(figure)
    of_one = draw_comparison(statistics_of(noise(), MODEL), other, "result")
    assert not [title for title in titles(of_one) if "interaural" in title]


def test_modulations_of_neighbouring_bands_are_a_line_for_each_octave(mono):
    axes = panel(mono.draw(), "modulation_correlation")
    heights = [line.get_ydata() for line in axes.lines if line.get_linewidth() > 1]
    assert len(heights) == len(MODEL.octave_rates) - 1
    own, where = mono.classes["modulation_correlation"][0, :, 0], mono.axes()["modulation_correlation"]
    near = (where["rate"] == MODEL.octave_rates[1]) & (
        (where["frequency"] == MODEL.centres[3]) | (where["other"] == MODEL.centres[3])
    )
    assert np.isclose(heights[0][3], own[near].mean(), atol=1e-5)


@pytest.mark.parametrize("channels", [2, 14])
def test_each_channel_is_a_line_and_the_colours_are_told(channels):
    figure = statistics_of(noise(channels, 3.0), MODEL).draw()
    axes = panel(figure, "envelope_mean")
    assert len([line for line in axes.lines if line.get_linewidth() > 1]) == channels
    assert "channel" in labels(figure)
    assert not faults(figure)


@pytest.mark.parametrize("points", [2, 9, 1000])
def test_points_in_time_are_lines_of_changing_colour_and_the_colours_are_told_in_seconds(mono, points):
    figure = moving(mono, points).draw()
    axes = panel(figure, "envelope_kurtosis")
    assert len({line.get_color() for line in axes.lines}) == min(points, MOST_LINES)
    assert not axes.collections, "a deviation is that of the sound, not of a point"
    assert "time (s)" in labels(figure)
    assert not faults(figure)


def test_unknown_deviations_are_left_out(mono):
    unknown = {name: np.full_like(values, np.nan) for name, values in mono.deviations.items()}
    for deviations in (unknown, {}):
        shades = panel(replace(mono, deviations=deviations).draw(), "envelope_mean").collections
        assert sum(len(path.vertices) for shade in shades for path in shade.get_paths()) == 0


def test_bands_that_do_not_count_are_faint_and_do_not_stretch_the_axis(mono):
    counts = np.ones((1, 14, 1), np.float32)
    counts[:, 0] = 0
    values = mono.classes["envelope_kurtosis"].copy()
    values[:, 0] = 1e4
    found = replace(mono, classes={"envelope_kurtosis": values}, weights={"envelope_kurtosis": counts})
    axes = panel(found.draw(), "envelope_kurtosis")
    assert axes.get_ylim()[1] < 100
    assert np.isnan(axes.lines[-1].get_ydata()[0]) and axes.lines[0].get_alpha() < 0.5


@pytest.mark.parametrize("model", [MODEL, BINS])
def test_silence_and_one_block_are_drawn_without_a_warning(model):
    for sound in (silence(2), silence(1, 0.5), noise(1, 0.3)):
        figure = statistics_of(sound, model).draw()
        assert not faults(figure)


def test_not_a_number_is_drawn_as_missing(mono):
    found = replace(mono, classes={name: np.full_like(values, np.nan) for name, values in mono.classes.items()})
    assert not faults(found.draw())


def test_statistics_of_bins_are_lines_maps_over_lags_and_matrices():
    statistics = statistics_of(noise(), BINS)
    figure = draw_statistics(statistics)
    assert "lag (s)" in labels(figure)
    assert [title for title in titles(figure) if title.startswith("bin_cross")] == [
        "bin_crosscorrelation, least lag",
        "bin_crosscorrelation by lag",
    ]
    matrix = panel(figure, "bin_crosscorrelation, least").images[0].get_array()
    where, own = statistics.axes()["bin_crosscorrelation"], statistics.classes["bin_crosscorrelation"][0, :, 0]
    at_once = own[where["lag"] == 0]
    np.testing.assert_allclose(matrix[BINS.pairs[0], BINS.pairs[1]], at_once, atol=2e-6)
    assert not faults(figure)
    every = replace(BINS, groups=0, n_fft=64, hop=32)  # the first bin is at 0 Hz
    assert not faults(statistics_of(noise(), every).draw())


@dataclass(frozen=True, eq=False)
class Strange(BinModel):
    """A model of which nothing is known but what it tells."""

    domains: ClassVar = {
        "odd": "linear",
        "bare": "level",
        "alone": "correlation",
        "wrong": "linear",
        "scaled": "linear",
    }

    def axes(self):
        return {
            "odd": {"frequency": np.array([np.nan, 100.0]), "rate": np.array([1.0, 2.0])},
            "alone": {"frequency": np.array([440.0])},
            "wrong": {"frequency": np.array([1.0, 2.0])},
            "scaled": {"frequency": np.array([100.0, 100, 200, 200]), "scale": np.array([-1.0, 1, -1, 1])},
        }


def test_any_model_is_drawn(mono):
    sizes = {"odd": 2, "bare": 5, "alone": 1, "wrong": 7, "scaled": 4}
    classes = {name: np.random.default_rng(1).uniform(0.1, 0.9, (1, size, 1)) for name, size in sizes.items()}
    found = replace(mono, classes=classes, weights={}, deviations={}, model=Strange(RATE))
    figure = found.draw()
    assert titles(figure) == list(sizes)
    assert {"statistic", "scale (cycles per octave)"} <= labels(figure)
    assert not faults(figure)


def test_a_grid_has_means_where_there_are_values_and_nothing_elsewhere():
    rows, columns, grid = gridded(np.array([2.0, 1, 1, 2]), np.array([5.0, 7, 7, 7]), np.array([1.0, 2, 4, np.nan]))
    assert rows.tolist() == [1, 2] and columns.tolist() == [5, 7]
    np.testing.assert_array_equal(grid, [[np.nan, 3], [1, np.nan]])


def test_a_sound_against_its_own_statistics_is_right_in_every_panel(mono):
    figure = draw_comparison(mono, noise(), "result")
    ratios = [float(title.split(": ")[1].split(" ")[0]) for title in titles(figure) if " dB" in title]
    assert len(ratios) == len(mono.classes) and min(ratios) > 60
    dots = panel(figure, "modulation_power").collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 0], dots[:, 1], atol=1e-3)
    assert not faults(figure)


def test_target_and_result_are_two_lines(mono):
    other = noise(seed=5)
    figure = draw_comparison(mono, other, "take 3")
    blue, red = (line for line in panel(figure, "envelope_skewness").lines if line.get_linewidth() > 1)
    np.testing.assert_allclose(blue.get_ydata(), mono.classes["envelope_skewness"][0, :, 0], rtol=1e-6)
    measured = statistics_of(other, MODEL).classes["envelope_skewness"][0, :, 0]
    np.testing.assert_allclose(red.get_ydata(), measured, rtol=1e-4, atol=1e-5)
    assert panel(figure, "cochleagram of take 3").images


def test_ratios_are_those_of_the_squares(mono):
    other = noise(seed=5)
    own = comparison_of(mono, other, "cpu")
    wanted = mono.classes["envelope_mean"][0, :, 0].astype(float)
    error = statistics_of(other, MODEL).classes["envelope_mean"][0, :, 0] - wanted
    loud = mono.weights["envelope_mean"][0, :, 0] > 0
    expected = 10 * np.log10((wanted[loud] ** 2).sum() / (error[loud] ** 2).sum())
    assert own.ratio["envelope_mean"] == pytest.approx(expected, abs=0.01)


def test_statistics_that_move_are_compared_stretch_by_stretch(mono):
    figure = draw_comparison(moving(mono, 3), noise(seconds=14.0), "result")
    dots = panel(figure, "band_power").collections
    assert sum(len(each.get_offsets()) for each in dots) == 14 * 11
    assert "time (s)" in labels(figure)
    assert not faults(figure)


@pytest.mark.parametrize("model", [MODEL, BINS])
def test_other_models_and_channels_are_compared(model):
    stereo = statistics_of(noise(2), model)
    assert not faults(draw_comparison(stereo, noise(2, seed=3), "result"))
    one = draw_comparison(statistics_of(noise(), model), silence(14, 1.0), "result", noise())
    assert {"cochleagram of the source", "cochleagram of result"} <= set(titles(one))
    assert not faults(one)


def test_the_node_compares_the_take_that_is_named(tmp_path, mono):
    takes = Takes((noise(seed=3).samples, noise().samples), RATE, ("10", "20"))
    last, named, first = (
        texture_comparison(mono, takes, take=take, width=600, context=make_context(tmp_path)).pixels
        for take in (None, "20", "10")
    )
    assert last.shape[1] == 600 and last.dtype == np.uint8
    assert (last == named).all() and not (last == first).all()


@pytest.mark.parametrize(
    ("result", "take", "parameter"),
    [
        (Takes((), RATE, ()), None, "result"),
        (Takes((np.zeros((1, RATE), np.float32),), RATE, ("10",)), "11", "take"),
        (noise(), "11", "take"),
        (noise(seconds=0.01), None, "audio"),
        (noise(rate=16000), None, "result"),
        (Audio(np.full((1, RATE), np.nan, np.float32), RATE), None, None),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, mono, result, take, parameter):
    with pytest.raises(MistakeError) as caught:
        texture_comparison(mono, result, take=take, context=make_context(tmp_path))
    assert parameter is None or caught.value.mistakes[0].parameter == parameter


def test_channels_that_do_not_go_together_are_refused(tmp_path):
    with pytest.raises(MistakeError, match="channels"):
        texture_comparison(statistics_of(noise(2), MODEL), noise(), context=make_context(tmp_path))


COMPARISON = NodeSpec("texture_comparison", texture_comparison, "")
KNOWN = {"sample_rate": RATE, "channels": 2}


@pytest.mark.parametrize(
    ("target", "result", "take", "message"),
    [
        (KNOWN, KNOWN | {"kind": "Takes", "labels": ("10", "20")}, "11", "no such take"),
        ({}, {"kind": "Takes", "labels": ("10", "10")}, "10", "several takes"),
        ({}, {"kind": "Takes", "labels": ()}, None, "no takes to draw"),
        ({}, {"kind": "Audio"}, "10", "one sound has no takes"),
        (KNOWN, KNOWN | {"kind": "Audio", "channels": 1}, None, "channels do not go together"),
        (KNOWN, KNOWN | {"kind": "Takes", "channels": 14}, "10", "channels do not go together"),
    ],
)
def test_a_plan_refuses_what_cannot_be_compared(target, result, take, message):
    with pytest.raises(MistakeError, match=message):
        COMPARISON.mark.facts({"target": target, "result": result, "source": None}, {"take": take, "width": 600})


@pytest.mark.parametrize(
    ("target", "result", "take"),
    [
        (KNOWN, KNOWN | {"kind": "Takes", "labels": ("10", "20")}, "10"),
        (KNOWN, KNOWN | {"kind": "Takes"}, "11"),
        (KNOWN | {"channels": 1}, KNOWN | {"kind": "Audio"}, None),
        ({}, {"kind": "Audio"}, None),
        (None, None, None),
    ],
)
def test_a_plan_lets_pass_what_it_does_not_know(target, result, take):
    assert COMPARISON.mark.facts({"target": target, "result": result}, {"take": take, "width": 600}) == {}


def test_a_piece_whose_comparison_cannot_work_is_refused_before_it_is_rendered():
    def mistakes(result, **comparison):
        steps = {
            "source": {"node": "load", "path": "water.ogg", "sample_rate": RATE},
            "other": {"node": "load", "path": "fire.ogg", "sample_rate": 2 * RATE},
            "target": {"node": "texture_statistics", "audio": "source"},
            "made": {"node": "invert", "targets": ["target"], "iterations": 20, "keep": "every 10"},
            "figure": {"node": "texture_comparison", "target": "target", "result": result, **comparison},
        }
        try:
            build_graph({"steps": steps, "output": "figure"}, load_registry(), [SOUNDS])
        except MistakeError as error:
            return [(each.step, each.parameter) for each in error.mistakes]
        return []

    assert mistakes("made.takes", take="10") == mistakes("made") == []
    assert mistakes("made.takes", take="15") == [("figure", "take")]
    assert mistakes("made", take="10") == [("figure", "take")]
    assert mistakes("other") == [("figure", "result")]


def test_a_tone_is_bright_in_its_band_at_its_time():
    times = np.arange(2 * RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 1000 * times) * (times > 1)).astype(np.float32)
    (found,) = cochleagrams_of(Audio(tone[None], RATE), MODEL, "cpu")
    band, moment = np.unravel_index(found.argmax(), found.shape)
    assert band == np.abs(MODEL.centres - 1000).argmin()
    assert moment >= found.shape[1] // 2
    assert found[:, : int(0.45 * found.shape[1])].max() < 0.2 * found.max()
    decibels = Cochleagram("", found, MODEL.centres, 2.0, 0.3).of("decibels")
    steady = decibels[band, int(0.7 * found.shape[1]) : int(0.9 * found.shape[1])]
    assert -12.1 < steady.mean() < -5.9, "a sine of half of full scale, of which a band passes all or half the power"


def test_a_long_sound_is_joined_without_seams():
    sound = noise(seconds=15.0)
    (found,) = cochleagrams_of(sound, MODEL, "cpu")
    (part,) = cochleagrams_of(Audio(sound.samples[:, : 5 * RATE], RATE), MODEL, "cpu")
    assert found.shape == (14, 1200) and part.shape == (14, 1000)
    thirds = found[:, :400].reshape(14, 40, 10).mean(2), part.reshape(14, 40, 25).mean(2)
    np.testing.assert_allclose(thirds[0][4:, 1:-1], thirds[1][4:, 1:-1], rtol=0.03)


@pytest.mark.parametrize("scale", ["compressed", "decibels"])
@pytest.mark.parametrize("sound", [silence(), noise(14, 0.2), noise(1, 1 / RATE), noise(1, 0.2, rate=192_000)])
def test_any_sound_has_a_cochleagram(tmp_path, sound, scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cochleagram(sound, scale=scale, width=500, context=make_context(tmp_path))
    assert found.pixels.shape[1] == 500 and np.ptp(found.pixels) > 100


@pytest.mark.parametrize(
    ("choices", "parameter"), [({"highest": 5000.0}, "highest"), ({"lowest": 900.0, "highest": 800.0}, "lowest")]
)
def test_bands_that_do_not_fit_are_refused(tmp_path, choices, parameter):
    with pytest.raises(MistakeError) as caught:
        cochleagram(noise(), **choices, context=make_context(tmp_path))
    assert caught.value.mistakes[0].parameter == parameter


def test_a_sound_that_is_empty_or_not_finite_is_refused(tmp_path):
    for samples in (np.zeros((1, 0), np.float32), np.full((1, RATE), np.inf, np.float32)):
        with pytest.raises(MistakeError):
            cochleagram(Audio(samples, RATE), context=make_context(tmp_path))


def test_a_picture_is_the_same_whatever_the_settings_of_matplotlib(tmp_path):
    import matplotlib

    plain = cochleagram(noise(), width=500, context=make_context(tmp_path)).pixels
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 20}):
        assert (cochleagram(noise(), width=500, context=make_context(tmp_path)).pixels == plain).all()
