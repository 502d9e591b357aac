import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RENDER = """
import resource, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from contexts import make_context
from nodes.mixing.node import mix
from nodes.spectra.node import istft, stft
from nodes.values import Audio

folder = Path(sys.argv[2])
audio = Audio(np.load(folder / "noise.npy", mmap_mode="r"), 44100)
mixed = mix([istft(stft(audio, context=make_context(folder))), audio])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.slow
def test_twenty_minutes_of_stereo_stay_under_a_gigabyte(tmp_path: Path) -> None:
    shape = (2, 20 * 60 * 44100)
    noise = np.lib.format.open_memmap(tmp_path / "noise.npy", mode="w+", dtype=np.float32, shape=shape)
    generator = np.random.default_rng(0)
    for channel in noise:
        for start in range(0, shape[1], 2**20):
            channel[start : start + 2**20] = generator.uniform(-1, 1, channel[start : start + 2**20].shape)
    noise.flush()
    command = [sys.executable, "-c", RENDER, str(Path(__file__).parents[1]), str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(finished.stdout) < 1000.0
