"""Spleeter's network for PyTorch: one U-Net for each stem (Hennequin et al. 2020, after Jansson et al. 2017).

A U-Net sees the magnitudes of two channels, 512 frames of so many bins, and makes of them the magnitudes of one stem:
six convolutions that halve both axes, six transposed ones that double them, each joined to what the other side had at
its size, and a last one whose outcome says what part of each magnitude is the stem's. It was made in TensorFlow,
whose padding 'same' at a stride of two puts one row in front and two behind, and crops the same way.

The memory of all tensors is laid out with the channels last, which is what the convolutions of a CPU are fastest with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from nodes.separation.choosing import STEMS
from nodes.separation.streams.framing import CHANNELS

FILTERS = (16, 32, 64, 128, 256, 512)
"""Channels after each of the convolutions."""

BINS = 1024
"""Bins from 0 Hz on that a network sees: up to 11.025 kHz, as it was trained."""

WIDE_BINS = 1536
"""The same of the variants that are called 16 kHz; weights do not depend on the number."""

EPSILON = 1e-3
"""Added to variances in the normalisations: Keras's default."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "LeakyReLU": lambda values: functional.leaky_relu_(values, 0.2),
    "ReLU": functional.relu_,
    "ELU": functional.elu_,
}
"""The functions between layers by their names in Keras; each works in place."""


@dataclass(frozen=True)
class Architecture:
    """What sets the published models apart; shapes do not tell, so that a wrong one would only sound wrong.

    Parameters
    ----------
    stems
        Names of the stems, in the order of their networks in a checkpoint.
    down, up
        Names of the functions after convolutions and after transposed convolutions.
    softmax
        Whether the masks of all stems are made to sum to one, instead of each being a logistic function.
    """

    stems: tuple[str, ...]
    down: str
    up: str
    softmax: bool

    @property
    def activations(self) -> str:
        """The names of both functions as they are written into files."""
        return f"{self.down} {self.up}"


ARCHITECTURES = {
    2: Architecture(STEMS["spleeter"][2], "LeakyReLU", "ReLU", False),
    4: Architecture(STEMS["spleeter"][4], "ELU", "ELU", False),
    5: Architecture(STEMS["spleeter"][5], "ELU", "ELU", True),
}
"""The published models by their number of stems."""


class UNet(nn.Module):
    """The network of one stem; for use, not for training, so that the dropout of training has no place in it.

    Parameters
    ----------
    architecture
        Which functions stand between the layers.
    filters
        Channels after each convolution: any number of them, two at least.
    """

    def __init__(self, architecture: Architecture, filters: Sequence[int] = FILTERS) -> None:
        super().__init__()
        self._down, self._up = ACTIVATIONS[architecture.down], ACTIVATIONS[architecture.up]
        before, after = [CHANNELS, *filters[:-1]], [*filters[-2::-1], 1]
        joined = [filters[-1], *(2 * count for count in after[:-1])]
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 5, 2) for i, o in zip(before, filters, strict=True))
        self.norms = nn.ModuleList(nn.BatchNorm2d(count, EPSILON) for count in filters[:-1])
        self.transposed = nn.ModuleList(nn.ConvTranspose2d(i, o, 5, 2) for i, o in zip(joined, after, strict=True))
        self.transposed_norms = nn.ModuleList(nn.BatchNorm2d(count, EPSILON) for count in after)
        self.last = nn.Conv2d(1, CHANNELS, 4, padding=3, dilation=2)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval()

    def logits(self, magnitudes: Tensor) -> Tensor:
        """Return what becomes a mask by a logistic function or a softmax, shaped as the magnitudes.

        Parameters
        ----------
        magnitudes
            segments × 2 × frames × bins, both multiples of 2 to the number of convolutions.
        """
        values, skipped = magnitudes.contiguous(memory_format=torch.channels_last), []
        for number, convolution in enumerate(self.convolutions):
            values = convolution(functional.pad(values, (1, 2, 1, 2)))
            if number < len(self.norms):  # the innermost goes on as it is
                skipped.append(values)
                values = self._down(self.norms[number](values))
        for up, norm in zip(self.transposed, self.transposed_norms, strict=True):
            if skipped:
                values = norm(self._up(cast(Tensor, up(values))[:, :, 1:-2, 1:-2]))
                values = torch.cat([skipped.pop(), values], 1)
            else:
                values = norm(self._up(_doubled(values, up)))
        return cast(Tensor, self.last(values))

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Return the magnitudes of the stem on its own."""
        return torch.sigmoid_(self.logits(magnitudes)) * magnitudes


@dataclass(frozen=True)
class Networks:
    """The networks of all stems, ready to use.

    Parameters
    ----------
    architecture
        Which of the models this is.
    each
        The network of each stem.
    bins
        How many bins they are to see: 1024 or 1536.
    device
        Where they lie: 'cpu' or 'cuda'.
    """

    architecture: Architecture
    each: tuple[UNet, ...]
    bins: int = BINS
    device: str = "cpu"

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of the stems."""
        return self.architecture.stems

    def estimates(self, magnitudes: Tensor) -> Tensor:
        """Return the magnitudes that the networks see in each stem.

        Parameters
        ----------
        magnitudes
            segments × 2 × frames × bins, on the networks' device.

        Returns
        -------
        stems × segments × 2 × frames × bins.
        """
        if not self.architecture.softmax:
            return torch.stack([network(magnitudes) for network in self.each])
        logits = torch.stack([network.logits(magnitudes) for network in self.each])
        return torch.softmax(logits, 0).mul_(magnitudes)


def _doubled(values: Tensor, up: nn.Module) -> Tensor:
    """Return a transposed convolution to few channels, cropped as TensorFlow does, as an ordinary convolution.

    Outputs at even places see rows 3 and 1 of the kernel, those at odd places rows 4, 2 and 0: four kernels of 3 × 3
    make the four outputs of each place. With one channel that takes a third of the time.
    """
    kernel = cast(Tensor, up.weight).transpose(0, 1)
    padded = functional.pad(kernel, (0, 1, 0, 1))  # row 5 is zero
    rows = torch.tensor([[3, 1, 5], [4, 2, 0]], device=values.device)
    four = padded[:, :, rows[:, None, :, None], rows[None, :, None, :]]  # out, in, 2, 2, 3, 3
    four = four.permute(0, 2, 3, 1, 4, 5).reshape(-1, kernel.shape[1], 3, 3)
    bias = cast(Tensor, up.bias).repeat_interleave(4)
    return functional.pixel_shuffle(functional.conv2d(values, four, bias, padding=1), 2)
