import csv
import io

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.scattering.node import scatter, scatter_to_text
from nodes.scattering.paths import energies, signed, significant
from nodes.values import Audio
from pipelines.mistakes import MistakeError

RATE = 8000


def sound(samples, rate=RATE):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def noise(channels=1, seconds=0.5, rate=RATE):
    return sound(np.random.default_rng(0).standard_normal((channels, int(seconds * rate))) * 0.1, rate)


def scattered(tmp_path, audio=None, **choices):
    choices = {"octaves": 7, "quality": 4} | choices
    return scatter(audio or noise(), context=make_context(tmp_path), **choices)


def rows_of(reading):
    return list(csv.DictReader(io.StringIO(reading.csv.text)))


def test_lines_are_the_energies_of_the_paths_in_parts_per_million_falling(tmp_path):
    found = scattered(tmp_path, noise(2))
    rows = rows_of(scatter_to_text(found, lines=None))
    squares = np.concatenate([np.sum(np.square(part, dtype=float), (0, 2)) for part in (found.order1, found.order2)])
    wanted = np.sort(squares / squares.sum() * 1e6)[::-1]
    assert [int(row["energy_ppm"]) for row in rows] == [round(ppm) for ppm in wanted]
    assert len(rows) == found.order1.shape[1] + found.order2.shape[1]


def test_the_first_order_has_neither_rate_nor_scale(tmp_path):
    found = scattered(tmp_path)
    first = rows_of(scatter_to_text(found, order=1, lines=None))
    assert len(first) == found.order1.shape[1] and not any(row["rate_hz"] for row in first)
    second = rows_of(scatter_to_text(found, order=2, lines=None))
    assert all(row["rate_hz"] and row["scale_cycles_per_octave"] for row in second)
    assert {float(row["scale_cycles_per_octave"]) for row in second} == {float(f"{s:.3g}") for s in found.scales2}


def test_scattering_in_time_has_no_scale_and_a_mean_over_octaves_no_frequency(tmp_path):
    found = rows_of(scatter_to_text(scattered(tmp_path, kind="time"), order=2))
    assert found and not any(row["scale_cycles_per_octave"] for row in found)
    mean = rows_of(scatter_to_text(scattered(tmp_path, octave_averaging="global"), order=2))
    assert any(not row["frequency_hz"] for row in mean)


def test_a_tone_stands_in_the_first_line(tmp_path):
    tone = sound(0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE))
    first = rows_of(scatter_to_text(scattered(tmp_path, tone, quality=8)))[0]
    assert float(first["frequency_hz"]) == pytest.approx(1000, rel=0.05)
    assert first["rate_hz"] == ""


@pytest.mark.parametrize(("direction", "sign"), [(1, 1), (-1, -1)])
def test_a_rising_sound_has_its_strongest_modulation_at_a_positive_scale(tmp_path, direction, sign):
    t = np.arange(2 * RATE) / RATE
    sweep = sum(np.sin(2 * np.pi * 150 / 1.5 * 2 ** (k + 1.5 * (t % 0.5))) for k in range(4))[::direction] * 0.1
    rows = rows_of(scatter_to_text(scattered(tmp_path, sound(sweep), quality=8), order=2, lines=None))
    signs = [np.sign(float(row["scale_cycles_per_octave"])) * int(row["energy_ppm"]) for row in rows]
    assert np.sign(sum(signs)) == sign


def test_the_book_ends_after_2134_lines(tmp_path):
    found = scattered(tmp_path, octaves=9, quality=12)
    assert found.order1.shape[1] + found.order2.shape[1] < 2134 * 2
    assert len(rows_of(scatter_to_text(found, lines=7))) == 7
    whole = found.order1.shape[1] + found.order2.shape[1]
    assert len(rows_of(scatter_to_text(found))) == min(whole, 2134)
    assert scatter_to_text(found, lines=7).csv.text.splitlines() == scatter_to_text(found).csv.text.splitlines()[:8]


def test_a_minimum_leaves_out_what_is_weaker(tmp_path):
    rows = rows_of(scatter_to_text(scattered(tmp_path), minimum=1000.0))
    assert rows and all(int(row["energy_ppm"]) >= 1000 for row in rows)
    assert len(rows) < len(rows_of(scatter_to_text(scattered(tmp_path))))


def test_a_share_of_its_order_makes_a_million_of_each(tmp_path):
    found = scattered(tmp_path)
    rows = rows_of(scatter_to_text(found, share="order", lines=None))
    for order in (1, 2):
        ppm = [int(row["energy_ppm"]) for row in rows if bool(row["rate_hz"]) == (order == 2)]
        assert sum(ppm) == pytest.approx(1e6, abs=len(ppm) / 2 + 1)
    assert sum(int(row["energy_ppm"]) for row in rows_of(scatter_to_text(found, lines=None))) == pytest.approx(
        1e6, abs=len(rows) / 2
    )


def test_columns_are_aligned_and_carry_what_the_csv_does(tmp_path):
    reading = scatter_to_text(scattered(tmp_path))
    title, *lines = reading.text.text.splitlines()
    assert title.split("  ") == ["Energy (ppm)", "Frequency (Hz)", "Rate (Hz)", "Scale (c/o)"]
    assert [line.replace("+", "").split() for line in lines] == [
        [cell for cell in row.values() if cell] for row in rows_of(reading)
    ]
    points = {line.index(".", 13, 28) for line in lines if "." in line[13:28]}
    assert len(points) == 1
    assert all(len(line) <= len(title) and line == line.rstrip() for line in lines)


def test_silence_says_so(tmp_path):
    reading = scatter_to_text(scattered(tmp_path, sound(np.zeros(4000))))
    assert reading.text.text.splitlines()[1] == "(no path has so much energy, or any at all)"
    assert reading.csv.text == "energy_ppm,frequency_hz,rate_hz,scale_cycles_per_octave\n"
    assert reading.csv.ending == "csv"


def test_equal_energies_go_by_frequency(tmp_path):
    found = scattered(tmp_path)
    object.__setattr__(found, "order1", np.ones_like(found.order1))
    frequencies = [float(row["frequency_hz"]) for row in rows_of(scatter_to_text(found, order=1, lines=None))]
    assert frequencies == sorted(frequencies)


def test_logarithm_and_normalisation_change_no_line(tmp_path):
    plain = scatter_to_text(scattered(tmp_path))
    assert scatter_to_text(scattered(tmp_path, logarithm=1e-3, normalise=True)).csv.text == plain.csv.text


def test_many_channels_at_a_high_rate_and_one_sample(tmp_path):
    assert rows_of(scatter_to_text(scattered(tmp_path, noise(14, 0.05, 192_000))))
    assert scatter_to_text(scattered(tmp_path, sound([[0.5]]))).text.text


def test_a_second_order_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(MistakeError, match="no paths of order 2"):
        scatter_to_text(scattered(tmp_path, orders=1), order=2)


@given(st.floats(1e-4, 1e6))
def test_three_digits_are_written_without_an_exponent(value):
    text = significant(value)
    assert float(text) == pytest.approx(value, rel=0.0051) and "e" not in text
    assert len(text.replace(".", "").strip("0")) <= 3


def test_signs():
    assert [signed(s) for s in (0.5, -0.5, 0.0, -0.0, np.nan)] == ["+0.5", "-0.5", "0", "0", ""]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 600), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_energies_are_sums_of_squares(channels, paths, frames, seed):
    values = np.random.default_rng(seed).random((channels, paths, frames)).astype(np.float32)
    np.testing.assert_allclose(energies(values), (values.astype(float) ** 2).sum((0, 2)), rtol=1e-12)


def test_the_spiral_has_a_column_more(tmp_path):
    audio = Audio(np.random.default_rng(0).standard_normal((1, 4000)).astype(np.float32), 8000)
    found = scatter(audio, kind="spiral", octaves=7, quality=4, context=make_context(tmp_path))
    assert {"scale", "octave_scale"} <= found.axes()["order2"].keys()
    written = scatter_to_text(found, lines=20)
    assert written.csv.text.splitlines()[0].endswith("octave_scale_cycles_per_octave")
    assert {line.count(",") for line in written.csv.text.splitlines()} == {4}
    assert found.draw() is not None
