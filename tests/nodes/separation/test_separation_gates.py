"""How well separators do at least: with a rendered piece that nothing is trained on, and with real voices."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_music import plain_ratio
from scipy.signal import butter, resample_poly, sosfiltfilt

from nodes.separation.repet import Settings
from nodes.separation.repet import separate_into as by_repetition
from nodes.separation.spleeter.separating import separate_into as by_spleeter_networks
from nodes.separation.spleeter.weights import load_networks
from nodes.separation.unet4.network import STEMS
from nodes.separation.unet4.separating import separate_into as by_network
from nodes.separation.unet4.weights import load_network
from pipelines.models import model_path

RATE = 44100
HELD_OUT = Path(__file__).with_name("held_out")
NARRATOR = Path(__file__).parents[3] / "sounds/narrator.flac"

Stems = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def piece() -> Stems:
    return {name: soundfile.read(HELD_OUT / f"{name}.ogg", dtype="float32")[0].T.copy() for name in STEMS}


@pytest.fixture(scope="module")
def spoken(piece: Stems) -> Stems:
    """The piece with a reader in the place of the singer, as loud as the rest."""
    return with_voice(piece, NARRATOR)


@pytest.fixture(scope="module")
def announced(piece: Stems) -> Stems:
    """The piece with the speaker of a telephone exchange, likewise."""
    return with_voice(piece, HELD_OUT / "speaker.ogg")


def with_voice(piece: Stems, path: Path) -> Stems:
    voice, rate = soundfile.read(path, dtype="float64")
    voice = sosfiltfilt(butter(2, 20, "high", fs=rate, output="sos"), voice)  # an offset is no voice
    voice = resample_poly(voice, RATE // 100, rate // 100)
    rest = sum(piece[name][:, : len(voice)] for name in STEMS[1:])
    voice = voice[: rest.shape[1]] * np.sqrt(np.mean(rest**2) / np.mean(voice[np.abs(voice) > 0.01] ** 2))
    stems = {name: piece[name][:, : len(voice)] for name in STEMS}
    return {**stems, "vocals": np.stack([voice, voice]).astype(np.float32)}


def gains(stems: Stems, made: Stems) -> dict[str, float]:
    """Return how much nearer each stem is than the mix, in dB."""
    mix = np.sum(list(stems.values()), axis=0)
    return {
        name: plain_ratio(stems[name], made[name]) - plain_ratio(stems[name], mix) for name in STEMS if name in made
    }


def repeated(stems: Stems) -> Stems:
    mix = np.sum(list(stems.values()), axis=0)
    made = {name: np.zeros_like(mix) for name in STEMS}
    by_repetition(mix, RATE, made, settings=Settings(), heard=lambda more, total: None)
    return made


def by_unet4(stems: Stems) -> Stems:
    mix = np.sum(list(stems.values()), axis=0)
    made = {name: np.zeros_like(mix) for name in STEMS}
    by_network(mix, RATE, load_network(), list(made.values()))
    return made


def by_spleeter(stems: Stems) -> Stems:
    mix = np.sum(list(stems.values()), axis=0)
    made = [np.zeros_like(mix) for _ in range(2)]
    by_spleeter_networks(mix, RATE, load_networks(model_path("spleeter-2stems"), stems=2), made)
    return {"vocals": made[0]}


GATES = {
    ("piece", repeated): (5.8, 11.7, 5.5, 0.8),
    ("piece", by_unet4): (9.4, 13.2, 8.2, 4.5),
    ("spoken", repeated): (4.4, 11.2, 4.4, 2.2),
    ("spoken", by_unet4): (6.0, 14.0, 8.2, 4.6),
    ("announced", repeated): (4.0, 10.5, 6.0, 2.0),
    ("announced", by_unet4): (7.9, 13.2, 8.9, 5.4),
}
"""A decibel less than was measured: vocals, drums, bass, other."""

SPLEETER = {"piece": 4.2, "spoken": 7.2, "announced": 7.2}
"""What it gains at least, less a decibel: rendered pieces 5.2, real voices 8.2."""


@pytest.mark.parametrize(("what", "method"), GATES)
def test_stems_are_nearer_than_the_mix(
    what: str, method: Callable[[Stems], Stems], request: pytest.FixtureRequest
) -> None:
    stems = request.getfixturevalue(what)
    found = gains(stems, method(stems))
    assert all(found[name] >= least for name, least in zip(STEMS, GATES[what, method], strict=True)), found


@pytest.mark.skipif(
    not model_path("spleeter-2stems").is_file(), reason="needs `resynthesis models get spleeter-2stems`"
)
@pytest.mark.parametrize("what", ["piece", "spoken", "announced"])
def test_spleeter_brings_the_voice_nearer(what: str, request: pytest.FixtureRequest) -> None:
    stems = request.getfixturevalue(what)
    assert gains(stems, by_spleeter(stems))["vocals"] >= SPLEETER[what]
