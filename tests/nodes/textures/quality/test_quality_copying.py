import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.quality import copying
from nodes.textures.quality.copying import likeness, likeness_of_halves, repetition, scores, snippet_starts

SEEDS = st.integers(0, 2**32 - 1)


def noise(length, seed=0):
    return np.random.default_rng(seed).standard_normal(length).astype(np.float32)


def naive(snippet, sound, own=None):
    """Return the largest |Pearson correlation| over places, one after another."""
    size = len(snippet)
    return max(
        abs(np.corrcoef(snippet, sound[lag : lag + size])[0, 1])
        for lag in range(len(sound) - size + 1)
        if own is None or abs(lag - own) >= size
    )


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(8, 40), st.integers(50, 300), st.floats(-3, 3), st.integers(40, 400))
def test_scores_are_those_of_a_loop_whatever_the_blocks(seed, size, length, offset, block):
    sound, snippets = noise(length, seed) + np.float32(offset), noise(3 * size, seed + 1).reshape(3, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "BLOCK", block)
        found = scores(snippets, sound)
    assert found == pytest.approx([naive(snippet, sound) for snippet in snippets], abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(0, 4000), st.floats(1e-3, 100), st.sampled_from([-1, 1]), st.floats(-1, 1))
def test_a_copy_is_found_at_any_place_level_polarity_and_offset(seed, place, gain, sign, offset):
    sound = noise(5000, seed)
    snippet = np.float32(sign * gain) * sound[place : place + 1000] + np.float32(gain * offset)
    assert scores(snippet[None], sound)[0] == pytest.approx(1, abs=1e-4)


def test_a_copy_is_found_beyond_the_first_block_and_in_a_passage_60_db_quieter():
    sound = noise(400_000)
    sound[200_000:300_000] *= 1e-3
    assert scores(sound[None, 250_000:254_000], sound)[0] == pytest.approx(1, abs=2e-3)


def test_places_that_overlap_with_the_snippet_itself_do_not_count():
    sound = noise(300)
    starts = np.array([0, 100, 240])
    snippets = np.stack([sound[start : start + 40] for start in starts])
    expected = [naive(snippet, sound, start) for snippet, start in zip(snippets, starts, strict=True)]
    assert scores(snippets, sound, starts) == pytest.approx(expected, abs=1e-4)
    assert max(expected) < 0.9 < min(scores(snippets, sound))


def test_a_rotated_sound_is_a_copy_and_other_noise_is_like_the_control():
    source, other = noise(60_000), noise(60_000, 1)
    control = likeness_of_halves(source, 4000, 32)
    assert likeness(np.roll(source, 17_777), source, 4000, 32).highest == pytest.approx(1, abs=1e-3)
    assert likeness(np.roll(source, 17_777), source, 4000, 32).mean > 0.9  # all but the snippets across the seam
    assert likeness(other, source, 4000, 32).mean == pytest.approx(control.mean, abs=0.02)


def test_a_loop_repeats_itself_and_noise_does_not():
    assert repetition(np.tile(noise(10_000), 3), 2000, 20).mean == pytest.approx(1, abs=1e-3)
    assert repetition(noise(30_000), 2000, 20).highest < 0.2


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_a_constant_is_like_nothing(level):
    silence, sound = np.full((1, 100), level, np.float32), noise(1000)
    assert np.isnan(scores(silence, sound)).all()
    assert scores(sound[None, :100], np.full(1000, level, np.float32))[0] == 0
    assert np.isnan(likeness(np.zeros(1000, np.float32), sound, 100, 8).mean)


@given(st.integers(1, 1000), st.integers(0, 5000), st.integers(1, 50))
def test_snippets_cover_a_sound_evenly(size, more, most):
    starts = snippet_starts(size + more, size, most)
    assert 1 <= len(starts) <= most
    assert starts[0] == 0
    assert starts[-1] == (more if len(starts) > 1 else 0)
    if len(starts) < most:
        assert (np.diff(starts) <= size / 2 + 1).all()
