import am_chirps
import numpy as np
import pytest
from descriptors import compressed, descriptors
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import hilbert


@settings(max_examples=20, deadline=None)
@given(st.floats(512, 1024), st.floats(4, 16), st.floats(0.5, 4))
def test_a_chirp_glides_as_fast_as_asked(carrier, modulation, chirp_rate):
    sound = am_chirps.am_chirp(carrier, modulation, chirp_rate).astype(np.float64)
    t = (np.arange(len(sound)) - len(sound) // 2) / 8192
    turns = np.diff(np.unwrap(np.angle(hilbert(sound)))) / (2 * np.pi) * 8192
    loud = np.abs(hilbert(sound))[:-1] > 0.3 * np.abs(sound).max()
    slope, middle = np.polyfit(t[:-1][loud], np.log2(turns[loud]), 1)
    assert np.linalg.norm(sound) == pytest.approx(1, abs=1e-6)
    assert slope == pytest.approx(chirp_rate, rel=0.15)
    assert 2**middle == pytest.approx(carrier, rel=0.05)


def test_the_envelope_of_a_chirp_has_the_modulation_and_width_asked_for():
    sound = am_chirps.am_chirp(700.0, 5.0, 0.5).astype(np.float64)
    t = (np.arange(len(sound)) - len(sound) // 2) / 8192
    expected = np.abs(np.sin(2 * np.pi * 5 * t)) * np.exp(-0.5 * (t / 0.4) ** 2)
    found = np.abs(hilbert(sound))
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_the_grid_holds_all_combinations_once():
    parameters = am_chirps.grid(4)
    assert parameters.shape == (64, 3)
    assert len(np.unique(parameters.round(6), axis=0)) == 64
    np.testing.assert_allclose(np.unique(parameters[:, 2].round(9)), [0.5, 1, 2, 4])
    assert parameters.min(0).tolist() == [512, 4, 0.5]
    np.testing.assert_allclose(parameters.max(0), [1024, 16, 4])


def test_neighbours_are_those_of_a_sort_without_the_sound_itself():
    rows = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32) + 100
    found = am_chirps.nearest(rows, 6)
    distances = np.linalg.norm(rows[:, None] - rows, axis=-1)
    expected = np.argsort(distances, 1)[:, 1:7]
    assert np.array_equal(np.sort(found), np.sort(expected))


def test_the_ratio_is_that_of_geometric_means():
    parameters = np.array([[1.0, 2.0, 4.0], [2.0, 2.0, 4.0], [8.0, 2.0, 1.0]])
    ratio = am_chirps.ratios(parameters, np.array([[1, 2], [0, 2], [0, 1]]))
    np.testing.assert_allclose(ratio[0], [4, 1, 0.5])


@pytest.mark.parametrize("sound", [np.zeros(20000), np.ones(1), np.random.default_rng(0).standard_normal(9000)])
def test_every_descriptor_gives_finite_rows_of_one_length_for_sounds_of_any_length(sound):
    for name, descriptor in descriptors(8192, 8, 4, "none").items():
        if len(sound) == 1 and name.startswith("MFCC"):
            continue  # librosa asks for more
        row = descriptor(sound)
        assert np.isfinite(row).all(), name
        assert row.shape == descriptor(np.ones(16000)).shape, name


def test_compression_does_not_depend_on_the_scale_of_a_path():
    rows = np.random.default_rng(0).random((5, 7)) + 0.1
    scaled = rows * np.geomspace(1, 100, 7)
    np.testing.assert_allclose(compressed(rows, 0.01), compressed(scaled, 0.01))
    np.testing.assert_allclose(compressed(rows, 0.5), np.log(1 + rows / (0.5 * rows.mean(0))))


def test_compression_leaves_paths_of_silence_finite():
    assert np.isfinite(compressed(np.array([[0.0, 1.0], [0.0, 2.0]]), 1e-3)).all()


def test_joint_scattering_tells_the_chirp_rate(capsys):
    am_chirps.main(["--steps", "3", "--neighbours", "2", "--octaves", "10", "--quality", "4", "--logarithm", "1"])
    printed = capsys.readouterr().out
    assert "27 chirps" in printed and "time, ε 1 " in printed
    rate = printed.split("chirp rate (octaves/s), estimated / true")[1]
    line = next(line for line in rate.splitlines() if line.startswith("| joint "))
    guess = next(line for line in rate.splitlines() if line.startswith("| (a blind guess)"))
    assert float(line.split("|")[-2]) > float(guess.split("|")[-2]) + 20


def test_more_neighbours_than_chirps_are_refused():
    with pytest.raises(SystemExit, match="below the number of chirps, 8"):
        am_chirps.main(["--steps", "2"])
