import dataclasses
import io
import time
from itertools import pairwise

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nodes.scattering.core.design import Paths
from nodes.scattering.drawing import Shades, draw_scattering
from nodes.scattering.maps import rate_scale_energy
from nodes.scattering.node import rate_scale_map, scatter, scattergram, scattergrams
from nodes.scattering.paths import averages, sorted_paths
from nodes.scattering.scattergrams import COLUMNS, ROWS, round_numbers, scattergram_of, side_of
from nodes.values import Audio, Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters

RATE = 8000


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(channels=1, seconds=0.5, rate=RATE, seed=0):
    return sound(np.random.default_rng(seed).standard_normal((channels, int(seconds * rate))) * 0.1, rate)


def scattered(tmp_path, audio=None, **choices):
    choices = {"octaves": 7, "quality": 4} | choices
    return scatter(audio or noise(), context=make_context(tmp_path), **choices)


def sweep(direction=1):
    t = np.arange(2 * RATE) / RATE
    return sound(sum(np.sin(2 * np.pi * 100 * 2 ** (k + 1.5 * (t % 0.5))) for k in range(4))[::direction] * 0.1)


def overlaps(figure):
    """Return pairs of neighbouring tick labels that cover each other, and labels that leave the page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    page, found = figure.bbox, []
    for axes in figure.axes:
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            boxes = [label.get_window_extent(renderer) for label in labels if label.get_text()]
            found += [(a, b) for a, b in pairwise(boxes) if a.overlaps(b)]
            found += [box for box in boxes if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0]
        for label in (axes.xaxis.label, axes.yaxis.label):
            box = label.get_window_extent(renderer)
            found += [label.get_text()] if label.get_text() and (box.x0 < 0 or box.y0 < 0) else []
    return found


@pytest.mark.parametrize("choices", [{}, {"kind": "time"}, {"averaging": "global"}, {"octave_averaging": "global"}])
def test_a_scattering_is_drawn_without_labels_over_each_other(tmp_path, choices):
    figure = draw_scattering(scattered(tmp_path, octaves=9, quality=12, **choices))
    assert not overlaps(figure)


@pytest.mark.parametrize("sort", ["norm", "frequency", "rate", "scale"])
@pytest.mark.parametrize("averaging", [None, "global"])
def test_every_order_of_paths_is_drawn_without_labels_over_each_other(tmp_path, sort, averaging):
    from nodes.scattering.drawing import draw_page

    found = scattered(tmp_path, octaves=9, quality=12, averaging=averaging)
    grams = [scattergram_of(found, order, sort) for order in ("order1", "order2")]
    assert not overlaps(draw_page(grams, None, Shades()))


def test_two_thousand_paths_and_frames_are_drawn_in_a_second(tmp_path):
    found = scattered(tmp_path, octaves=9, quality=12)
    paths = np.resize(np.arange(found.order2.shape[1]), 2000)
    order2 = np.random.default_rng(0).random((1, 2000, 2000), np.float32)
    large = dataclasses.replace(
        found,
        order1=np.ones((1, found.order1.shape[1], 2000), np.float32),
        order2=order2,
        **{name: getattr(found, name)[paths] for name in ("frequencies2", "rates2", "scales2")},
        times=np.arange(2000) * 0.01,
        samples=20 * RATE,
    )
    draw_scattering(large).savefig(tmp_path / "warm.png", dpi=100)
    begin = time.process_time()
    draw_scattering(large).savefig(tmp_path / "large.png", dpi=100)
    assert time.process_time() - begin < 2.0  # 0.6 s on an idle core
    gram = scattergram_of(large, "order2")
    assert gram.values.shape == (ROWS, COLUMNS) and gram.paths == 2000


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 300), st.integers(1, 50), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_averages_keep_the_sum(channels, paths, frames, columns, seed):
    values = np.random.default_rng(seed).standard_normal((channels, paths, frames)).astype(np.float32)
    found, widths = averages(values, slice(0, frames), columns)
    assert found.shape == (paths, min(columns, frames)) and widths.sum() == frames
    np.testing.assert_allclose(found @ widths * channels, np.abs(values).sum((0, 2)), rtol=1e-5)


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_paths_are_sorted_by_what_is_asked(count, seed):
    rng = np.random.default_rng(seed)
    paths = Paths(*(rng.choice([np.nan, 1.0, 2.0, 4.0], count) for _ in range(4)))
    norms = rng.random(count)
    assert np.all(np.diff(norms[sorted_paths(paths, norms, "norm")]) <= 0)
    for sort in ("frequency", "rate", "scale"):
        order = sorted_paths(paths, norms, sort)
        assert sorted(order) == list(range(count))
        assert np.all(np.diff(np.nan_to_num(getattr(paths, sort)[order], nan=0.0)) >= 0)


def test_the_strongest_path_stands_at_the_top_and_is_named(tmp_path):
    tone = sound(0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE))
    gram = scattergram_of(scattered(tmp_path, tone, quality=8), "order1", "norm")
    assert gram.values[-1].sum() == gram.values.sum(1).max()
    assert float(gram.side.ticks[0][1].removesuffix(" Hz")) == pytest.approx(1000, rel=0.05)


def test_ticks_stand_at_their_frequencies(tmp_path):
    found = scattered(tmp_path, quality=8)
    side = scattergram_of(found, "order1", "frequency").side
    rising = np.sort(found.frequencies1)
    for place, text in side.ticks:
        frequency = float(text.replace("k", "")) * (1000 if "k" in text else 1)
        below = rising[max(int(place - 0.5), 0)]
        assert below <= frequency * 1.0001 and frequency <= rising[min(int(place + 0.5), len(rising) - 1)] * 1.0001


@pytest.mark.parametrize(
    ("low", "high", "digits", "wanted"),
    [
        (30.0, 600.0, (1, 2, 5), [50, 100, 200, 500]),
        (300.0, 480.0, (1, 2, 5), []),
        (300.0, 480.0, range(1, 10), [300, 400]),
        (0.8, 3.5, range(1, 10), [0.8, 0.9, 1, 2, 3]),
    ],
)
def test_round_numbers_have_the_digits_that_are_asked_for(low, high, digits, wanted):
    assert round_numbers(low, high, digits) == wanted


def test_a_narrow_band_has_its_frequencies_too():
    frequencies = np.geomspace(300, 480, 9)
    none = np.full(9, np.nan)
    side = side_of(Paths(frequencies, none, none, none), "frequency")
    assert [text for _, text in side.ticks] == ["300", "400"]


@pytest.mark.parametrize("picture", ["scattergram", "rate_scale_map"])
def test_settings_of_matplotlib_do_not_change_what_is_stored(tmp_path, picture):
    import matplotlib

    like = scattered(tmp_path, sound(sweep().samples[:, :4000]))
    node = {"scattergram": scattergram, "rate_scale_map": rate_scale_map}[picture]

    def drawn():
        several = scattergrams(takes(2), like, picture=picture, width=500, context=make_context(tmp_path))
        animation = next(iter(several.animation.files.values()))
        return node(like, width=600).pixels, several.figure.pixels, animation

    plain = drawn()
    odd = {
        "font.size": 20,
        "axes.facecolor": "red",
        "figure.dpi": 31,
        "image.interpolation": "gaussian",
        "axes.grid": True,
    }
    with matplotlib.rc_context(odd):
        assert all(np.array_equal(one, other) for one, other in zip(drawn(), plain, strict=True))
        assert matplotlib.rcParams["font.size"] == 20


JOINT = {"kind": "Scattering", "classes": ("order1", "order2"), "scattering": "joint"}
ITERATES = {"kind": "Takes", "labels": ("0", "10", "20")}


def planned(node, inputs, **raw):
    spec = NodeSpec(node.__name__, node, "here")
    values, mistakes = read_parameters(spec, raw, {}, [])
    assert mistakes == []
    assert spec.mark.facts(inputs, values) == {}


@pytest.mark.parametrize(
    ("node", "inputs", "parameters", "message"),
    [
        (scattergram, {"scattering": JOINT}, {"frequencies": [5, 1]}, "upside down"),
        (scattergram, {"scattering": {}}, {"times": [3, 1]}, "upside down"),
        (rate_scale_map, {"scattering": JOINT}, {"times": ["0:03", 1]}, "upside down"),
        (scattergram, {"scattering": JOINT | {"classes": ("order1",)}}, {"order": 2}, "no second order"),
        (rate_scale_map, {"scattering": JOINT | {"classes": ("order1",)}}, {}, "no rates and scales"),
        (rate_scale_map, {"scattering": JOINT | {"scattering": "time"}}, {}, "no rates and scales"),
        (
            scattergrams,
            {"takes": {}, "like": JOINT | {"scattering": "time"}},
            {"picture": "rate_scale_map"},
            "no rates and scales",
        ),
        (scattergrams, {"takes": {}, "like": JOINT | {"classes": ("order1",)}}, {"order": 2}, "no second order"),
        (scattergrams, {"takes": ITERATES, "like": JOINT}, {"iterates": [0, 19]}, "nearest is '20'"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_anything_runs(node, inputs, parameters, message):
    plain = {"takes": ITERATES, "like": JOINT} if node is scattergrams else {"scattering": JOINT}
    planned(node, plain)
    with pytest.raises(MistakeError, match=message):
        planned(node, inputs, **parameters)


@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("floor", 3, "a level ≥ -160 and ≤ -6 (dB)"),
        ("floor", float("nan"), "a level ≥ -160 and ≤ -6 (dB)"),
        ("seconds", 0, "a time ≥ 0.02 and ≤ 60 (s)"),
    ],
)
def test_ranges_are_said_once(name, given, allowed):
    _, (mistake,) = read_parameters(NodeSpec("scattergrams", scattergrams, ""), {name: given}, {}, [])
    assert allowed in mistake.allowed and mistake.allowed.count("≥") == 1


def test_colours_show_the_logarithm_of_one_plus_the_coefficients():
    shades = Shades(floor=-60.0)
    values = np.array([0.0, 1e-3, 0.5, 1.0]) * 7.0
    np.testing.assert_allclose(shades.of(values, 7.0), np.log1p(values / 7e-3) / np.log1p(1e3))
    decibels = Shades(floor=-40.0, compressed=False)
    np.testing.assert_allclose(decibels.of(np.array([1.0, 0.1, 1e-9]), 1.0), [1.0, 0.5, 0.0])


def test_ranges_choose_frames_and_paths(tmp_path):
    found = scattered(tmp_path, noise(seconds=2.0))
    gram = scattergram_of(found, "order2", frequencies=[500.0, 2000.0], times=[0.5, 1.0])
    assert np.all((found.frequencies2[gram.chosen] >= 500) & (found.frequencies2[gram.chosen] <= 2000))
    assert gram.start == pytest.approx(0.5, abs=0.02) and gram.stop == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"frequencies": [3900.0, 3950.0]}, "no path lies in this range"),
        ({"frequencies": [2000.0, 500.0]}, "upside down"),
        ({"times": [7.0, 8.0]}, "no frame lies in this range"),
    ],
)
@pytest.mark.parametrize("node", [scattergram, rate_scale_map])
def test_a_range_without_anything_is_a_mistake(tmp_path, node, choices, message):
    with pytest.raises(MistakeError, match=message):
        node(scattered(tmp_path), **choices)


def test_a_scattergram_is_a_picture_of_the_asked_width(tmp_path):
    found = scattered(tmp_path, noise(3))
    both = scattergram(found, width=800)
    assert both.pixels.shape[1:] == (800, 3) and both.pixels.dtype == np.uint8
    assert scattergram(found, order=1, width=800).pixels.shape[0] < both.pixels.shape[0]
    assert np.array_equal(scattergram(found, width=800).pixels, both.pixels)
    assert both.pixels.std() > 10


@pytest.mark.parametrize("audio", [sound(np.zeros(4000)), sound([[0.5]]), noise(14, 0.05, 192_000)])
def test_silence_one_sample_and_many_channels_are_drawn(tmp_path, audio):
    found = scattered(tmp_path, audio)
    assert scattergram(found, width=600).pixels.size and rate_scale_map(found, width=600).pixels.size
    assert draw_scattering(found).axes


@pytest.mark.parametrize("direction", [1, -1])
def test_rising_sounds_have_their_energy_above(tmp_path, direction):
    found = rate_scale_energy(scattered(tmp_path, sweep(direction), octaves=9, quality=8))
    above, below = found.energy[found.scales > 0].sum(), found.energy[found.scales < 0].sum()
    assert (above > 3 * below) if direction > 0 else (below > 3 * above)


def test_energy_does_not_depend_on_how_densely_scales_are_sampled(tmp_path):
    fitted, full = (
        rate_scale_energy(scattered(tmp_path, sweep(), octaves=9, quality=8, averaging="global", sampling=sampling))
        for sampling in ("fitted", "full")
    )
    assert np.array_equal(fitted.scales, full.scales)
    strong = full.energy > full.energy.max() * 1e-2
    np.testing.assert_allclose(fitted.energy[strong], full.energy[strong], rtol=0.25)


def test_a_map_holds_the_mean_energy_of_each_rate_and_scale_times_its_bands(tmp_path):
    found = scattered(tmp_path, noise(2))
    mapped = rate_scale_energy(found)
    bands = {round(m.centre * RATE, 6): count for m, count in found.design.modulators}
    for column, rate in enumerate(mapped.rates):
        for row, scale in enumerate(mapped.scales):
            paths = found.order2[:, (found.rates2 == rate) & (found.scales2 == scale)]
            wanted = bands[round(rate, 6)] * np.mean(paths.astype(float) ** 2)
            assert mapped.energy[row, column] == pytest.approx(wanted, rel=1e-6)


def test_scales_without_a_path_in_the_range_are_empty(tmp_path):
    found = scattered(tmp_path, octaves=9, quality=12)
    energy = rate_scale_energy(found, frequencies=[1000.0, 1060.0]).energy
    assert np.isnan(energy).any() and np.isfinite(energy).any()
    assert rate_scale_map(found, frequencies=[1000.0, 1060.0], width=600).pixels.size


@pytest.mark.parametrize("choices", [{"kind": "time"}, {"orders": 1}])
def test_a_map_needs_rates_and_scales(tmp_path, choices):
    with pytest.raises(MistakeError, match="no rates and scales"):
        rate_scale_map(scattered(tmp_path, **choices))


def takes(count=4):
    rising = [noise(seed=1).samples * (1 - w) + sweep().samples[:, :4000] * w for w in np.linspace(0, 1, count)]
    return Takes(tuple(part.astype(np.float32) for part in rising), RATE, tuple(str(10 * i) for i in range(count)))


def animated(files):
    ((name, data),) = files.files.items()
    return name, Image.open(io.BytesIO(data.tobytes()))


@pytest.mark.parametrize(("picture", "format"), [("scattergram", "gif"), ("rate_scale_map", "png")])
def test_iterates_stand_side_by_side_and_one_after_another(tmp_path, picture, format):
    like = scattered(tmp_path, sound(sweep().samples[:, :4000]))
    context = make_context(tmp_path)
    found = scattergrams(
        takes(), like, picture=picture, format=format, width=900, seconds=0.25, iterates=["0", "20"], context=context
    )
    name, moving = animated(found.animation)
    assert name == f".{format}" and moving.n_frames == 3 and moving.is_animated
    assert moving.info["loop"] == 0 and moving.info["duration"] == 250
    assert abs(moving.size[0] - 900 * 8 / 11) <= 1 and found.figure.pixels.shape[1] == 900
    again = scattergrams(
        takes(), like, picture=picture, format=format, width=900, seconds=0.25, iterates=["0", "20"], context=context
    )
    assert np.array_equal(again.figure.pixels, found.figure.pixels)
    assert animated(again.animation)[1].tobytes() == moving.tobytes()


def test_pictures_of_iterates_share_rows_and_colours(tmp_path):
    from nodes.scattering.pictures import frames_of

    like = scattered(tmp_path, sound(sweep().samples[:, :4000]))
    frames = frames_of(takes(), like, [0, 3], 2, "norm", True, make_context(tmp_path))
    assert [frame.name for frame in frames] == ["0", "30", "target"]
    assert all(np.array_equal(frame.picture.chosen, frames[-1].picture.chosen) for frame in frames)
    np.testing.assert_allclose(frames[1].picture.values, frames[2].picture.values, rtol=1e-4, atol=1e-7)


def test_gif_colours_are_those_of_the_scale(tmp_path):
    from matplotlib import colormaps

    from nodes.scattering.multiples import GREYS

    like = scattered(tmp_path, sound(sweep().samples[:, :4000]))
    found = scattergrams(takes(2), like, width=900, context=make_context(tmp_path))
    pixels = np.unique(np.asarray(animated(found.animation)[1].convert("RGB")).reshape(-1, 3), axis=0).astype(int)
    scale = (colormaps["magma_r"](np.linspace(0, 1, 256 - GREYS))[:, :3] * 255).round()
    coloured = pixels[np.ptp(pixels, axis=1) > 40].astype(float)
    assert np.abs(coloured[:, None] - scale[None]).max(-1).min(1).max() <= 1
    assert animated(found.animation)[1].convert("RGB").getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("given", "choices", "message"),
    [
        (Takes((), RATE, ()), {}, "no takes"),
        (takes(2), {"iterates": ["7"]}, "no iterate '7'"),
        (Takes((np.zeros((1, 4000), np.float32),), 44100, ("0",)), {}, "sample rates"),
        (Takes((np.full((1, 4000), np.nan, np.float32),), RATE, ("0",)), {}, "not a finite number"),
    ],
)
def test_takes_that_cannot_be_drawn_are_a_mistake(tmp_path, given, choices, message):
    with pytest.raises(MistakeError, match=message):
        scattergrams(given, scattered(tmp_path), context=make_context(tmp_path), **choices)


def test_names_of_takes_may_be_anything(tmp_path):
    odd = dataclasses.replace(takes(2), labels=("$\\frac{", "渦巻 🌀" * 20))
    found = scattergrams(odd, scattered(tmp_path), width=600, context=make_context(tmp_path))
    assert found.figure.pixels.size


def test_a_second_order_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(MistakeError, match="no paths of order 2"):
        scattergrams(takes(1), scattered(tmp_path, orders=1), order=2, context=make_context(tmp_path))
