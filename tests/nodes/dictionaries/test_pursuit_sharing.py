from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given
from hypothesis import strategies as st

from nodes.dictionaries.node import dbm_decompose
from nodes.dictionaries.pursuit.blocks import Limits, decompose
from nodes.dictionaries.pursuit.books import signal_to_noise
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.sharing import Shares
from nodes.dictionaries.pursuit.sizes import THRESHOLD
from nodes.values import Audio

DICTIONARY = dictionary_of((64, 256, 1024), "hann", 4, THRESHOLD)
Array = np.ndarray


def burst() -> Array:
    """Soft noise with one loud melody, which lies in one of many blocks."""
    generator = np.random.default_rng(0)
    sound = 0.003 * generator.standard_normal(160_000)
    time = np.arange(12_000) / 8000
    for note in (220, 330, 415, 523):
        at = 70_000 + int(generator.integers(0, 4000))
        sound[at : at + 12_000] += 0.3 * np.sin(2 * np.pi * note * time) * np.exp(-3 * time)
    return sound[None].astype(np.float32)


def reached(sound: Array, limits: Limits, block: int | None) -> tuple[int, float]:
    residual = np.zeros_like(sound)
    found = decompose(sound, DICTIONARY, limits, residual, block=block)
    return len(found.atoms), signal_to_noise(sound, residual)


def test_blocks_need_about_as_many_atoms_for_an_snr_as_the_whole() -> None:
    sound = burst()
    energy = float(np.square(sound, dtype=np.float64).sum()) * 10**-2.5
    whole, parts = (reached(sound, Limits(10**6, energy), block) for block in (None, 16_384))
    assert whole[1] == pytest.approx(25, abs=0.2)
    assert 25 <= parts[1] < 26
    assert parts[0] < 1.2 * whole[0] + 20


@pytest.mark.parametrize(("atoms", "lost"), [(50, 4.0), (400, 1.5)])
def test_blocks_use_as_many_atoms_about_as_well_as_the_whole(atoms: int, lost: float) -> None:
    whole, parts = (reached(burst(), Limits(atoms, 0.0), block) for block in (None, 16_384))
    assert whole[0] == parts[0] == atoms
    assert parts[1] > whole[1] - lost


energies = st.lists(st.floats(0, 1e6), min_size=1, max_size=12)


@given(energies, st.floats(0, 1e6), st.integers(0, 10**7), st.floats(0, 1))
def test_shares_keep_the_limits(each: list[float], energy: float, atoms: int, kept: float) -> None:
    lengths = np.linspace(1000, 3000, len(each))
    shares = Shares(np.array(each), lengths, atoms, energy)
    spent, left = 0, 0.0
    for own in each:
        most, least = shares.next()
        assert 0 <= most <= atoms - spent and least >= 0
        rest = min(own, least)
        shares.note(round(most * kept), rest)
        spent, left = spent + round(most * kept), left + rest
    assert left <= energy * (1 + 1e-9) + 1e-9
    assert kept < 1 or spent == atoms


def test_unused_energy_goes_on_to_later_blocks() -> None:
    shares = Shares(np.array([10.0, 10.0, 10.0]), np.ones(3), 10**9, 6.0)
    assert shares.next()[1] == pytest.approx(2)
    shares.note(5, 0.0)
    assert shares.next()[1] == pytest.approx(3)
    shares.note(5, 0.0)
    assert shares.next()[1] == pytest.approx(6)


def test_silence_shares_nothing_and_gets_nothing() -> None:
    shares = Shares(np.array([0.0, 8.0]), np.full(2, 1e5), 100, 0.0)
    assert shares.next() == (0, 0.0)
    shares.note(0, 0.0)
    assert shares.next() == (100, 0.0)


def test_a_floor_is_a_level_of_what_is_left(tmp_path: Path) -> None:
    sound = Audio(np.concatenate([burst()[:, 60_000:90_000]] * 2), 8000)
    for level in (-40.0, -50.0):
        made = dbm_decompose(sound, scales=[64, 256, 1024], floor=level, context=make_context(tmp_path / str(level)))
        mean = np.square(made.residual.samples, dtype=np.float64).mean()
        assert level - 0.5 < 10 * np.log10(mean) <= level
