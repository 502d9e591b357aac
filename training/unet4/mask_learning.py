"""Training the network: loss, schedule, and a running mean of the weights."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from stem_batches import Batch, drawn
from torch import Tensor, nn

from nodes.separation.unet4.bands import edges
from nodes.separation.unet4.network import STEMS, UNet4
from pipelines.value import Array

WARM = 200
"""Iterations until the step size is the largest, in a training that is not short."""

DECAY = 1e-2
STEEPEST = 5.0
"""Gradients longer than this are shortened."""

AHEAD = 3
"""Batches that are made before they are needed."""

MEMORY = 0.999
"""How slowly the running mean of the weights follows them."""

EVEN = (1.0,) * len(STEMS)

SHARE = 1e-2
"""Errors this small beside the mix, in energy, count no more: 20 dB."""


def loss_of(masks: Tensor, batch: Batch, emphasis: Sequence[float] = EVEN) -> Tensor:
    """Return how far stems are from what they should be, of complex spectra.

    With one mask for all bins of a band, the energy of the error follows from powers of bands alone. The loss is the
    mean magnitude of the errors beside the mix's, and the ratio of the energies of error and stem in bels; each stem
    counts as much as `emphasis` says.
    """
    counts = torch.tensor(emphasis).to(masks) / sum(emphasis)
    width = torch.from_numpy(edges()[1:] - edges()[:-1]).to(masks)
    mixed = batch.mixed[:, None]
    error = (masks.square() * mixed - 2 * masks * batch.shared + batch.own).clamp_min(0) * width
    whole = mixed * width
    axes = (-3, -2, -1)
    roots = width.sqrt() * (error + 1e-9 * whole.mean(axes, keepdim=True) + 1e-12).sqrt()
    magnitudes = roots.sum(axes) / ((width * whole).sqrt().sum(axes) + 1.0)
    floor = SHARE * whole.sum(axes) + 1e-9
    ratios = torch.log10((error.sum(axes) + floor) / ((batch.own * width).sum(axes) + floor))
    return ((2 * magnitudes + 0.5 * ratios) * counts).sum(-1).mean()


class Training:
    """A training that can be stopped and taken up again, to the bit, on the same machine.

    Parameters
    ----------
    pieces
        Each stems × 2 × samples, int16.
    iterations, batch
        Batches, and examples in each.
    rate
        Largest step size of Adam.
    seed
        Of the first weights and of all examples.
    emphasis
        How much each stem counts.
    start
        What it begins with, in place of weights by chance.
    """

    def __init__(
        self,
        pieces: Sequence[Array],
        iterations: int,
        batch: int,
        rate: float,
        seed: int,
        emphasis: Sequence[float] = EVEN,
        start: UNet4 | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.done = 0
        self._pieces, self._iterations, self._batch, self._rate, self._seed = pieces, iterations, batch, rate, seed
        self._emphasis = emphasis
        self._network = (start or UNet4()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network.train().requires_grad_(True)
        self._mean = copy.deepcopy(self._network).eval().requires_grad_(False)
        self._optimiser = torch.optim.AdamW(self._network.parameters(), rate, weight_decay=DECAY)
        self._waiting: deque[Future[Batch]] = deque()
        self._others = ThreadPoolExecutor(1)  # batches are made while the network learns

    def step(self) -> float:
        """Train on one batch and return its loss."""
        while len(self._waiting) < AHEAD:
            self._waiting.append(self._others.submit(self._drawn, self.done + len(self._waiting)))
        batch = self._waiting.popleft().result()
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * _share(self.done, self._iterations)
        with torch.autocast("cpu", torch.bfloat16):
            masks = self._network(batch.seen)
        loss = loss_of(masks, batch, self._emphasis)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), STEEPEST)
        self._optimiser.step()
        self.done += 1
        self._follow()
        return float(loss.detach())

    def network(self) -> UNet4:
        """Return the network with the running mean of the weights, which separates better than the last ones."""
        return self._mean

    def state(self) -> dict[str, Array]:
        """Return all that it takes to go on."""
        found = {f"network.{name}": value for name, value in self._network.state_dict().items()}
        found |= {f"mean.{name}": value for name, value in self._mean.state_dict().items()}
        for number, each in self._optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{number}.{name}": value for name, value in each.items()}
        return {name: value.numpy() for name, value in found.items()} | {"done": np.asarray(self.done)}

    def restore(self, kept: Mapping[str, Array]) -> None:
        """Go on where `state` was taken."""
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in kept.items():
            if name.startswith("optimiser."):
                number, of = name.split(".")[1:]
                state.setdefault(int(number), {})[of] = torch.from_numpy(value.copy())
        for network, prefix in ((self._network, "network."), (self._mean, "mean.")):
            own = {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
            network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in own.items()})
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": state, "param_groups": groups})
        self.done = int(kept["done"])

    def _drawn(self, iteration: int) -> Batch:
        return drawn(self._pieces, self._batch, np.random.default_rng([self._seed, iteration]))

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(MEMORY, self.done / (self.done + 10))
        for mean, new in zip(self._mean.state_dict().values(), self._network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, 1 - keep)
            else:
                mean.copy_(new)


def _share(done: int, iterations: int) -> float:
    """Return the step size at an iteration, as a share of the largest: warming up, then half a cosine."""
    warm = min(WARM, 1 + iterations // 10)
    return min(1.0, (done + 1) / warm) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done / iterations)))
