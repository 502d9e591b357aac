"""Beside the original: Spleeter's own code in TensorFlow 2.12.1, whose outputs are stored (every so many samples).

`golden_2stems.npz` are those of the published weights. `golden_small.npz` are those of networks with few filters and
random weights, of 2, 4 and 5 stems, with the checkpoints that TensorFlow wrote of them.
"""

from pathlib import Path

import numpy as np
import pytest
from golden_sound import RATE, STRIDE, golden_sound

from nodes.separation.spleeter.separating import separate_into
from nodes.separation.spleeter.weights import load_networks
from pipelines.models import model_path

FOLDER = Path(__file__).parent
SMALL, SMALL_STRIDE = (2, 2, 2, 2, 2, 3), 301
MODES = {"zeros": {}, "average": {"mask_extension": "average"}, "wiener": {"wiener": True}}
WEIGHTS = model_path("spleeter-2stems")


def difference(wanted: np.ndarray, found: np.ndarray) -> list[float]:
    """Return for each stem the energy of what is wanted over that of the error, in dB."""
    energies = [np.sum(each.astype(float) ** 2, axis=(1, 2)) for each in (wanted, wanted.astype(float) - found)]
    return list(10 * np.log10(energies[0] / energies[1]))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stems", [2, 4, 5])
def test_few_filters_of_all_models(stems: int, mode: str, tmp_path: Path) -> None:
    with np.load(FOLDER / "golden_small.npz") as golden:
        (tmp_path / "model.index").write_bytes(golden[f"{stems}_index"].tobytes())
        (tmp_path / "model.data-00000-of-00001").write_bytes(golden[f"{stems}_data"].tobytes())
        wanted = golden[f"{stems}_{mode}"]
    networks = load_networks(tmp_path, stems=stems, filters=SMALL, bins=1536 if mode == "average" else 1024)
    sound = golden_sound()[:, RATE : 2 * RATE]
    found = np.zeros((stems, *sound.shape), np.float32)
    separate_into(sound, RATE, networks, list(found), **MODES[mode])
    decibels = difference(wanted, found[:, :, ::SMALL_STRIDE])
    assert min(decibels) > 90 and np.mean(decibels) > 98


@pytest.mark.skipif(not WEIGHTS.is_file(), reason="resynthesis models get spleeter-2stems")
@pytest.mark.parametrize("mode", MODES)
def test_the_published_weights_in_half_precision(mode: str) -> None:
    with np.load(FOLDER / "golden_2stems.npz") as golden:
        wanted = golden[mode]
    sound = golden_sound()
    found = np.zeros((2, *sound.shape), np.float32)
    separate_into(sound, RATE, load_networks(WEIGHTS, stems=2), list(found), **MODES[mode])
    assert min(difference(wanted, found[:, :, ::STRIDE])) > 70
