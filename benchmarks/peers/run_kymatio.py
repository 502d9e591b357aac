"""Time scattering of an array by Kymatio 0.3.0, its filters included: writes the coefficients, reports seconds.

    python run_kymatio.py sound.npy found.npz 11 12        J and Q

`order1` and `order2` are rows × frames on the scale of Kymatio 0.4 (see `time_kymatio`), the second order by second
filter, then by first.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

# imported this deep because Kymatio 0.3's own package imports three-dimensional scattering, which newer scipys break
from kymatio.scattering1d.frontend.torch_frontend import ScatteringTorch1D

torch.set_num_threads(1)
sound = torch.tensor(np.load(sys.argv[1]))
octaves, quality = int(sys.argv[3]), int(sys.argv[4])
wall, cpu = time.perf_counter(), time.process_time()
transform = ScatteringTorch1D(J=octaves, shape=len(sound), Q=quality)
found = transform(sound).numpy()
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
meta = transform.meta()
found *= 2.0 ** np.minimum(np.nan_to_num(meta["j"]), transform.log2_T).sum(1)[:, None]
first, second = (np.flatnonzero(meta["order"] == order) for order in (1, 2))
second = second[np.lexsort(meta["n"][second].T)]
np.savez(sys.argv[2], order1=found[first], order2=found[second])
print(json.dumps({"cpu": cpu, "wall": wall}))
