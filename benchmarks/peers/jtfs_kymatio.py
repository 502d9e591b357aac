"""Joint time-frequency scattering, or time scattering, by the Kymatio 0.4 that comes inside of scrapl-loss.

Kymatio's releases have no joint scattering; scrapl-loss 0.1.0 carries a copy of the unreleased 0.4. It runs in an
environment of its own: `pip install scrapl-loss==0.1.0 'scipy<1.17'`, without kymatio itself.

    python jtfs_kymatio.py given.npz found.npz --transform joint --octaves 12 --quality 8 --octaves-fr 3

See `scattering_worker` for what is read and written. A joint path is one of Kymatio's `format='joint'`, an image of
rows along log-frequency × frames. All paths' rows lie in one table, path after path:

    row_path, row_n1    path of each row, and the first filter on which it is centred
    row_order           order of each row
    order, n2, n_fr     of each path: its order, second filter (-1 in the first order), filter along log-frequency
    xi, sigma, j        of each path's second filter (NaN in the first order; cycles a sample; log2)
    xi_fr, sigma_fr, j_fr, spin   of its filter along log-frequency (cycles a first filter; spin 0 for the low-pass)
    n1_max, n1_stride, rows       number of first filters that it takes, distance of its rows, and their number

In time scattering each row is a path with `n1` and `n2`, and `xi`, `sigma` and `j` are of (first, second) filter.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scattering_worker import Peer, filter_arrays, frame_centres, in_double, make_circular, parser, work

_scrapl = find_spec("scrapl")
if _scrapl is None or _scrapl.origin is None:
    raise SystemExit("scrapl-loss is not installed: see the top of this file")
sys.path.insert(0, str(Path(_scrapl.origin).parent / "kymatio"))  # before a kymatio of another release

from kymatio.scattering1d.frontend import base_frontend  # noqa: E402
from kymatio.scattering1d.frontend.torch_frontend import (  # noqa: E402
    ScatteringTorch1D,
    TimeFrequencyScatteringTorch,
)


class Joint:
    """Joint time-frequency scattering, orders 1 and 2."""

    def __init__(self, options: argparse.Namespace, length: int) -> None:
        self._transform = TimeFrequencyScatteringTorch(
            J=options.octaves,
            J_fr=options.octaves_fr,
            Q=(options.quality, 1),
            shape=length,
            T=options.averaging,
            F=options.averaging_fr,
            format="joint",
            out_type="list",
        )
        transform = self._transform
        if options.dtype == "float64":
            base_frontend.ScatteringBase1D.create_filters(transform)
            base_frontend.TimeFrequencyScatteringBase.create_filters(transform)
            in_double(transform, [*_time_filters(transform), transform.filters_fr[0], *transform.filters_fr[1]])
        with torch.no_grad():
            paths = self._paths(torch.zeros(length, dtype=getattr(torch, options.dtype)))
        self.description = self._describe(paths, options.filters)

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Return rows × frames."""
        return torch.cat([path["coef"] for path in self._paths(samples)], 0)

    def _paths(self, samples: torch.Tensor) -> list[dict[str, Any]]:
        return [path for path in self._transform(samples) if path["order"] > 0]

    def _describe(self, paths: list[dict[str, Any]], responses: bool) -> dict[str, np.ndarray]:
        transform = self._transform
        second = [transform.psi2_f[path["n"][0]] if path["order"] == 2 else {} for path in paths]
        along = [transform.filters_fr[1][path["n_fr"][0]] for path in paths]
        rows = np.array([path["coef"].shape[0] for path in paths])
        stride = np.array([path["n1_stride"] for path in paths])
        order = np.array([path["order"] for path in paths])
        return {
            "order": order,
            "n2": np.array([path["n"][0] if path["order"] == 2 else -1 for path in paths]),
            "n_fr": np.array([path["n_fr"][0] for path in paths]),
            **{key: np.array([one.get(key, np.nan) for one in second]) for key in ("xi", "sigma", "j")},
            **{f"{key}_fr": np.array([one[key] for one in along]) for key in ("xi", "sigma", "j")},
            "spin": np.sign([one["xi"] for one in along]).astype(int),
            "n1_max": np.array([path["n1_max"] for path in paths]),
            "n1_stride": stride,
            "rows": rows,
            "row_path": np.repeat(np.arange(len(paths)), rows),
            "row_order": np.repeat(order, rows),
            "row_n1": np.concatenate([np.arange(count) * step for count, step in zip(rows, stride, strict=True)]),
            **_common(transform, paths[0]["coef"].shape[-1], responses),
            "padded_fr": np.array(transform._N_padded_fr),
            **filter_arrays("psi_fr", transform.filters_fr[1], responses),
            **filter_arrays("phi_fr", [transform.filters_fr[0]], responses),
        }


class Time:
    """Time scattering, orders 1 and 2."""

    def __init__(self, options: argparse.Namespace, length: int) -> None:
        self._transform = ScatteringTorch1D(
            J=options.octaves, shape=length, Q=(options.quality, 1), T=options.averaging
        )
        transform = self._transform
        if options.dtype == "float64":
            base_frontend.ScatteringBase1D.create_filters(transform)
            in_double(transform, _time_filters(transform))
        meta = transform.meta()
        self._rows = torch.tensor(np.flatnonzero(meta["order"] > 0))
        with torch.no_grad():
            frames = self(torch.zeros(length, dtype=getattr(torch, options.dtype))).shape[-1]
        paths = {key: meta[key][self._rows] for key in ("order", "n", "xi", "sigma", "j")}
        n1, n2 = np.nan_to_num(paths.pop("n"), nan=-1).astype(int).T
        self.description = {
            **paths,
            "n1": n1,
            "n2": n2,
            "row_order": paths["order"],
            **_common(transform, frames, options.filters),
        }

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Return rows × frames."""
        found: torch.Tensor = self._transform(samples)[self._rows]
        return found


def _time_filters(transform: ScatteringTorch1D) -> list[dict[str, Any]]:
    return [transform.phi_f, *transform.psi1_f, *transform.psi2_f]


def _common(transform: ScatteringTorch1D, frames: int, responses: bool) -> dict[str, np.ndarray]:
    """Return what both transforms know of their padding, frames and filters in time."""
    return {
        "frame_centres": frame_centres(transform, frames),
        "padded": np.array(transform._N_padded),
        "pad_left": np.array(transform.pad_left),
        **filter_arrays("psi1", transform.psi1_f, responses),
        **filter_arrays("psi2", transform.psi2_f, responses),
        **filter_arrays("phi", [transform.phi_f], responses),
    }


def main() -> None:
    """Run the worker."""
    arguments = parser(__doc__)
    arguments.add_argument("--transform", choices=("joint", "time"), default="joint")
    arguments.add_argument("--octaves-fr", type=int, default=3, help="J_fr: octaves of the filters along log-frequency")
    arguments.add_argument("--averaging-fr", type=int, help="F: length of that averaging in first filters (2^J_fr)")
    options = arguments.parse_args()
    if options.boundary == "circular":
        make_circular(base_frontend)
    transform: type[Peer] = Joint if options.transform == "joint" else Time
    work(options, transform)


if __name__ == "__main__":
    main()
