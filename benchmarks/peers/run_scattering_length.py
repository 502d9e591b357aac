"""Our joint scattering (J 11, Q 12) of noise at 44.1 kHz of some length; prints what it costs as one line of JSON.

    python run_scattering_length.py 60 --work gradient --workers 1

`gradient` is that of ½ |S(x)|². Several channels are spread over the workers, as an inversion does with its channels;
one channel is spread chunk by chunk. `peak` is by how many bytes that raised the resident memory at most, `sound` and
`coefficients` are bytes of all channels.
"""

from __future__ import annotations

import argparse
import json
import time

import torch
from scattering_worker import forget_peak, resident

from nodes.scattering.core.chunks import Chunks, transform_for
from nodes.scattering.core.design import Design
from nodes.scattering.core.differentiable import scatter
from nodes.scattering.core.transform import Transform
from pipelines.workers import set_workers, spread

SAMPLE_RATE = 44_100
DESIGN = Design(octaves=11, quality=12, averaging=2**11)


def main() -> None:
    """Run the worker."""
    options = _options()
    torch.set_num_threads(1)
    set_workers(options.workers)
    length = round(options.seconds * SAMPLE_RATE)
    transform = transform_for(DESIGN, length, None)
    sound = 0.1 * torch.randn(options.channels, 1, length, generator=torch.Generator().manual_seed(0))
    work = forward if options.work == "forward" else gradient
    cpu, wall, peak = [], [], []
    for _ in range(options.repeats):
        before, start, used = forget_peak(), time.perf_counter(), time.process_time()
        sizes = spread(lambda channel: work(transform, channel), sound)
        cpu.append(time.process_time() - used)
        wall.append(time.perf_counter() - start)
        peak.append(resident("VmHWM") - before)
    costs = {"cpu": cpu, "wall": wall, "peak": peak}
    print(json.dumps({**costs, "sound": sound.nbytes, "coefficients": sum(sizes)}))


def forward(transform: Transform | Chunks, samples: torch.Tensor) -> int:
    """Compute the coefficients of 1 × length samples and return their size in bytes."""
    found = transform.forward(samples)
    return found.order1.nbytes + found.order2.nbytes


def gradient(transform: Transform | Chunks, samples: torch.Tensor) -> int:
    """Compute the gradient of ½ |S(x)|² with respect to 1 × length samples; return the size of S in bytes."""
    position = samples.detach().requires_grad_()
    orders = scatter(position, transform)
    torch.autograd.grad(orders, position, [order.detach() for order in orders])
    return sum(order.nbytes for order in orders)


def _options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("seconds", type=float, help="length of the sound")
    arguments.add_argument("--channels", type=int, default=1, help="how many such sounds (1)")
    arguments.add_argument("--work", choices=("forward", "gradient"), default="gradient")
    arguments.add_argument("--workers", type=int, default=1, help="threads (1)")
    arguments.add_argument("--repeats", type=int, default=1, help="how often it is measured (1)")
    return arguments.parse_args()


if __name__ == "__main__":
    main()
