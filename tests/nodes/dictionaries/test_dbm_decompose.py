import numpy as np
import pytest
from contexts import make_context
from exact_pursuit import sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.node.decomposing import dbm_decompose
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError


def decomposed(samples, tmp_path, sample_rate=44100, **parameters):
    context = make_context(tmp_path)
    return dbm_decompose(Audio(np.atleast_2d(samples).astype(np.float32), sample_rate), context=context, **parameters)


def snr_of(audio: np.ndarray, residual: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(audio.astype(float) ** 2) / np.sum(residual.astype(float) ** 2)))


def chirps(channels: int, length: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    times = np.arange(length)
    sound = 0.05 * generator.standard_normal((channels, length))
    for start in range(0, length, 3000):
        after = np.maximum(times - start, 0)
        tone = np.sin(generator.uniform(0.02, 0.5) * after + 1e-6 * after**2) * np.exp(-after / 1500) * (times > start)
        sound += generator.uniform(-0.5, 0.5, (channels, 1)) * tone
    return sound.astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(
    length=st.integers(1, 3000),
    channels=st.integers(1, 3),
    apart=st.booleans(),
    window=st.sampled_from(["blackman", "hann", "gauss", "gamma"]),
    scales=st.lists(st.sampled_from([32, 64, 128, 256, 1024]), min_size=1, max_size=3, unique=True),
    overlap=st.sampled_from([2, 4, 8]),
    seed=st.integers(0, 9),
)
def test_book_and_residual_are_the_sound(tmp_path_factory, length, channels, apart, window, scales, overlap, seed):
    samples = np.random.default_rng(seed).uniform(-1, 1, (channels, length)).astype(np.float32)
    kind = "apart" if apart else "together"
    found = decomposed(
        samples, tmp_path_factory.getbasetemp(), scales=scales, window=window, overlap=overlap, atoms=80, channels=kind
    )
    assert found.book.count == 80 * (channels if apart else 1)
    np.testing.assert_allclose(sound_of(found.book) + found.residual.samples, samples, atol=1e-6)


@pytest.mark.parametrize(
    ("samples", "count"),
    [(np.zeros((2, 5000)), 0), (np.zeros((1, 1)), 0), (np.zeros((3, 0)), 0)],
    ids=["silence", "one silent sample", "no samples"],
)
def test_silence_has_no_atoms(tmp_path, samples, count):
    found = decomposed(samples, tmp_path)
    assert found.book.count == count
    assert found.book.weights.shape == (len(samples), 0)
    assert found.residual.samples.shape == samples.shape
    assert not found.residual.samples.any()


@pytest.mark.parametrize(
    "samples",
    [
        np.full((1, 20000), 0.5),
        np.sign(np.sin(2 * np.pi * 100 * (np.arange(20000) + 0.5) / 44100)),
        np.array([[0.7]]),
        np.eye(1, 700, 350),
        chirps(8, 6000),
    ],
    ids=["DC", "square of full scale", "one sample", "shorter than the longest scale", "8 channels"],
)
def test_sounds_at_the_edge_reach_the_ratio_that_is_asked_for(tmp_path, samples):
    samples = np.atleast_2d(samples).astype(np.float32)
    found = decomposed(samples, tmp_path, scales=[64, 512, 4096], snr=25)
    assert snr_of(samples, found.residual.samples) >= 25
    np.testing.assert_allclose(sound_of(found.book) + found.residual.samples, samples, atol=1e-6)


def test_a_constant_takes_few_atoms(tmp_path):
    found = decomposed(np.full((1, 44100), 0.25), tmp_path, scales=[4096], snr=30)
    assert found.book.count < 200


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused(tmp_path, bad):
    samples = np.zeros((2, 1000))
    samples[1, 10] = bad
    with pytest.raises(MistakeError, match="channel 2"):
        decomposed(samples, tmp_path)


@pytest.mark.parametrize(
    ("scales", "overlap", "what"),
    [([500], 4, "power of 2"), ([512, 512], 4, "once")],
)
def test_scales_that_do_not_work_are_refused(tmp_path, scales, overlap, what):
    if what:
        with pytest.raises(MistakeError, match=what):
            decomposed(np.ones((1, 100)), tmp_path, scales=scales, overlap=overlap)


def test_it_stops_at_the_first_limit(tmp_path):
    samples = chirps(1, 22050)
    count = [decomposed(samples, tmp_path, **limits).book.count for limits in ({"atoms": 150}, {"rate": 400})]
    assert count == [150, 200]
    assert decomposed(samples, tmp_path, atoms=150, rate=1000, snr=100).book.count == 150
    few = decomposed(samples, tmp_path, atoms=10**6, snr=6)
    assert few.book.count < 150
    assert 6 <= snr_of(samples, few.residual.samples) < 6.3
    assert decomposed(samples, tmp_path, atoms=0).book.count == 0


def test_without_limits_a_note_tells_where_it_stopped(tmp_path):
    samples = np.random.default_rng(0).uniform(-1, 1, (1, 44100)).astype(np.float32)
    context = make_context(tmp_path)
    found = dbm_decompose(Audio(samples, 44100), context=context)
    assert found.book.count == 10_000
    assert "10000 atoms" in context.recorder.notes[0]
    assert [name for _, name, _, _ in context.recorder.metrics] == ["snr"]
    assert context.recorder.metrics[0][2] == pytest.approx(snr_of(samples, found.residual.samples), abs=1e-3)


def test_atoms_that_begin_before_the_sound_are_found(tmp_path):
    times = np.arange(3000)
    found = decomposed(np.sin(0.3 * times) * np.exp(-times / 800), tmp_path, scales=[1024], snr=20)
    assert found.book.starts.min() < 0


def test_an_atom_of_the_dictionary_is_one_atom(tmp_path):
    window = np.hanning(1025)[:-1]
    sound = np.zeros((2, 8192), np.float32)
    sound[:, 2048:3072] = np.outer([0.5, -0.25], window * np.cos(2 * np.pi * 100 * np.arange(1024) / 1024 + 1))
    found = decomposed(sound, tmp_path, scales=[512, 1024], window="hann", snr=80)
    book = found.book
    assert (book.count, book.starts[0], book.lengths[0], book.frequencies[0]) == (1, 2048, 1024, 100 / 1024)
    np.testing.assert_allclose(np.angle(book.weights[:, 0]), [1, 1 - np.pi], atol=1e-4)
    np.testing.assert_allclose(book.energies.sum(), np.sum(sound.astype(float) ** 2), rtol=1e-5)


def test_channels_apart_are_each_as_if_alone(tmp_path):
    samples = chirps(2, 9000)
    both = decomposed(samples, tmp_path, atoms=300, channels="apart").book
    for channel in range(2):
        alone = decomposed(samples[channel], tmp_path, atoms=300).book
        own = both.taken(both.weights[channel] != 0)
        np.testing.assert_array_equal(own.starts, alone.starts)
        np.testing.assert_array_equal(own.weights[channel], alone.weights[0])
        assert not own.weights[1 - channel].any()


def test_alike_channels_have_the_atoms_of_one(tmp_path):
    samples = chirps(1, 9000)
    one = decomposed(samples, tmp_path, atoms=200).book
    two = decomposed(np.repeat(samples, 2, axis=0), tmp_path, atoms=200).book
    np.testing.assert_array_equal(one.starts, two.starts)
    np.testing.assert_array_equal(one.frequencies, two.frequencies)
    np.testing.assert_array_equal(two.weights[0], two.weights[1])
    np.testing.assert_allclose(one.weights[0], two.weights[0], rtol=1e-4, atol=1e-6)


def test_more_atoms_of_a_note_of_192_khz(tmp_path):
    found = decomposed(chirps(1, 19200), tmp_path, sample_rate=192_000, snr=15)
    assert found.book.sample_rate == found.residual.sample_rate == 192_000
    assert found.book.samples == 19200
