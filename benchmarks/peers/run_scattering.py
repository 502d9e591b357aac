"""Our scattering, as the peers' workers do theirs: see `scattering_worker`.

    python run_scattering.py given.npz found.npz --transform joint --octaves 12 --quality 8 --octaves-fr 3

Joint rows come in the peer's order: those of the first order (which is filtered along log-frequency too), then path
after path of the second. Time rows come by second filter, then by first. Each has `row_order`, and `frequency`, `rate`
(cycles a sample) and `scale` (cycles a band).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from scattering_worker import parser, work

from nodes.scattering.core.circle import Circle
from nodes.scattering.core.design import Design
from nodes.scattering.core.differentiable import scatter
from nodes.scattering.core.transform import Transform


class Ours:
    """Scattering of orders 1 and 2."""

    def __init__(self, options: argparse.Namespace, length: int) -> None:
        design, averaging = _design(options), options.averaging or 2**options.octaves
        around: int | Circle = length
        if options.padded:
            around = Circle(length, options.before, options.padded, options.padded // averaging, averaging)
        self._transform = Transform(design, around, dtype=getattr(torch, options.dtype))
        orders = self._transform.paths()
        self.description = {
            name: np.concatenate([getattr(paths, name) for paths in orders.values()])
            for name in ("frequency", "rate", "scale")
        }
        self.description["row_order"] = np.repeat([1, 2], [len(paths.frequency) for paths in orders.values()])
        self.description["frame_centres"] = self._transform.times

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Return rows × frames."""
        return torch.cat(scatter(samples[None], self._transform), 1)[0]


def _design(options: argparse.Namespace) -> Design:
    joint = options.transform == "joint"
    return Design(
        kind=options.transform,
        octaves=options.octaves,
        quality=options.quality,
        averaging=options.averaging or 2**options.octaves,
        band_averaging=2**options.octaves_fr if joint else 0,
        band_octaves=options.octaves_fr,
        boundary=options.boundary,
        sampling=options.sampling,
        band_scales=joint,
    )


def main() -> None:
    """Run the worker."""
    arguments = parser(__doc__)
    arguments.add_argument("--transform", choices=("joint", "time"), default="joint")
    arguments.add_argument("--octaves-fr", type=int, default=3, help="octaves of the filters along log-frequency")
    arguments.add_argument("--sampling", choices=("fitted", "full"), default="fitted")
    arguments.add_argument("--padded", type=int, help="samples with what is mirrored at both ends, as a peer has it")
    arguments.add_argument("--before", type=int, default=0, help="how many of these lie before the sound")
    work(arguments.parse_args(), Ours)


if __name__ == "__main__":
    main()
