"""Time scattering by Kymatio 0.3.0, the newest release, on the scale of 0.4.

    python time_kymatio.py given.npz found.npz --octaves 12 --quality 8

See `scattering_worker` for what is read and written; each row is a path with `order`, `n1`, `n2` (-1 in the first
order), and `xi`, `sigma` and `j` of its (first, second) filter. Before 0.4, Kymatio took the mean instead of the sum
where it periodised a filter for a lower rate, which made a path smaller by 2^j for each of its filters (issue 984).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from kymatio.scattering1d.frontend import base_frontend

# imported this deep because Kymatio 0.3's own package imports three-dimensional scattering, which newer scipys break
from kymatio.scattering1d.frontend.torch_frontend import ScatteringTorch1D
from scattering_worker import filter_arrays, frame_centres, in_double, make_circular, parser, work


class Time:
    """Time scattering, orders 1 and 2."""

    def __init__(self, options: argparse.Namespace, length: int) -> None:
        self._transform = ScatteringTorch1D(
            J=options.octaves, shape=length, Q=(options.quality, 1), T=options.averaging
        )
        transform, dtype = self._transform, getattr(torch, options.dtype)
        if options.dtype == "float64":
            base_frontend.ScatteringBase1D.create_filters(transform)
            in_double(transform, [transform.phi_f, *transform.psi1_f, *transform.psi2_f])
        meta = transform.meta()
        self._rows = torch.tensor(np.flatnonzero(meta["order"] > 0))
        paths = {key: meta[key][self._rows] for key in ("order", "n", "xi", "sigma", "j")}
        halvings = np.minimum(np.nan_to_num(paths["j"]), transform.log2_T).sum(1)
        self._scale = torch.tensor(2.0**halvings, dtype=dtype)[:, None]
        with torch.no_grad():
            frames = self(torch.zeros(length, dtype=dtype)).shape[-1]
        n1, n2 = np.nan_to_num(paths.pop("n"), nan=-1).astype(int).T
        self.description = {
            **paths,
            "n1": n1,
            "n2": n2,
            "row_order": paths["order"],
            "frame_centres": frame_centres(transform, frames),
            "padded": np.array(transform._N_padded),
            "pad_left": np.array(transform.pad_left),
            **filter_arrays("psi1", transform.psi1_f, options.filters),
            **filter_arrays("psi2", transform.psi2_f, options.filters),
            **filter_arrays("phi", [transform.phi_f], options.filters),
        }

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Return rows × frames."""
        found: torch.Tensor = self._transform(samples)[self._rows] * self._scale
        return found


def main() -> None:
    """Run the worker."""
    options = parser(__doc__).parse_args()
    if options.boundary == "circular":
        make_circular(base_frontend)
    work(options, Time)


if __name__ == "__main__":
    main()
