"""The same scattering by Kymatio (Andreux et al., JMLR 2020), as a reference: slower, and with its own padding.

Where the sound is no multiple of the averaging, Kymatio's frames lie a part of a frame off ours, and it may have one
less at the end.
"""

from __future__ import annotations

import numpy as np
import torch

from nodes.scattering.filters import Morlet
from nodes.scattering.transform import Transform
from pipelines.mistakes import mistake


class Reference:
    """Kymatio's time scattering with the paths, their order and the scale of ours.

    Parameters
    ----------
    ours
        The transform whose paths are taken; octaves, quality and averaging must be its own.
    length, octaves, quality, averaging, device
        As for `Transform`.
    """

    def __init__(self, ours: Transform, length: int, octaves: int, quality: int, averaging: int, device: str) -> None:
        # imported this deep because Kymatio 0.3's own package imports three-dimensional scattering, and scipy broke it
        from kymatio.scattering1d.frontend.torch_frontend import ScatteringTorch1D

        self._ours = ours
        try:
            self._peer = ScatteringTorch1D(J=octaves, shape=length, Q=quality, T=averaging).to(device)
        except ValueError as error:
            raise mistake(f"Kymatio refuses this scattering: {error}", parameter="engine", given="kymatio") from error
        meta = self._peer.meta()
        centres = np.nan_to_num(meta["xi"])
        octave = np.where(np.isnan(meta["j"]), 0, np.minimum(meta["j"], int(np.log2(averaging))))
        self._scale = torch.tensor(2.0 ** octave.sum(1), dtype=torch.float32, device=device)[:, None]
        self._first = _places(centres, [(carrier.centre, 0.0) for carrier in ours.carriers])
        self._second = _places(centres, [(carrier.centre, modulator.centre) for carrier, modulator in ours.paths()])

    @property
    def carriers(self) -> list[Morlet]:
        """Filters of the first order."""
        return self._ours.carriers

    def paths(self) -> list[tuple[Morlet, Morlet]]:
        """Filters of each path of the second order."""
        return self._ours.paths()

    def __call__(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return {'order1', 'order2'}: channels × paths × frames each, of channels × length samples."""
        found = self._peer(samples) * self._scale
        return {"order1": found[:, self._first], "order2": found[:, self._second]}


def _places(centres: np.ndarray, paths: list[tuple[float, float]]) -> list[int]:
    """Return the row of each path; Kymatio has no other order of filters than by their centres."""
    return [int(np.abs(centres - path).sum(1).argmin()) for path in paths]
