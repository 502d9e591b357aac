"""The network: a U-Net over time and bands that keeps its full resolution in time down to its first level.

Four neighbouring bands are taken as one place with more channels; levels below halve both axes. Each block has two
convolutions and, beside them, a mixing of all bands of a frame (after the time-distributed fully connected layers of
Choi, Kim, Chung, Lee and Jung, "Investigating U-Nets with various intermediate blocks for spectrogram-based singing
voice separation", ISMIR 2020); at the bottom a recurrent layer runs along time in both directions. The masks of the
stems are a softmax, so that the stems add up to the sound.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nodes.separation.unet4.bands import BANDS

STEMS = ("vocals", "drums", "bass", "other")
WIDTHS = (32, 64, 64, 80)
"""Channels of each level."""

PATCH = 4
"""Neighbouring bands that are one place of the first level."""

HIDDEN = 48
"""Units of the recurrent layer in each direction."""

VIEWS = 4
"""Left, right, their sum and their difference."""

FEWEST = 8
"""The length of what the network is given is a multiple of so many frames."""


class Mixing(nn.Module):
    """Mixes the bands of a frame, each channel alike, through a narrow middle."""

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        narrow = max(8, bands // 4)
        self.norm = nn.BatchNorm2d(channels)
        self.down = nn.Parameter(torch.randn(narrow, bands) * bands**-0.5)
        self.up = nn.Parameter(torch.randn(bands, narrow) * narrow**-0.5 * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return batch × channels × frames × bands, mixed."""
        last = self.norm(x).permute(0, 2, 3, 1)
        mixed: Tensor = self.up.to(last.dtype) @ torch.relu(self.down.to(last.dtype) @ last)
        return mixed.permute(0, 3, 1, 2)


class Block(nn.Module):
    """Two convolutions and a mixing of bands, added to what came in."""

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.mixing = Mixing(channels, bands)

    def forward(self, x: Tensor) -> Tensor:
        """Return what has the shape of `x`."""
        inner = torch.relu(self.first_norm(self.first(x)))
        x = x + self.second_norm(self.second(inner))
        return torch.relu(x + self.mixing(x))


class Recurrence(nn.Module):
    """Runs along time in both directions, each band on its own, and adds what it found."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.along = nn.GRU(channels, hidden, batch_first=True, bidirectional=True)
        self.back = nn.Linear(2 * hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return what has the shape of `x`."""
        batch, channels, frames, bands = x.shape
        with torch.autocast(x.device.type, enabled=False):
            rows = self.norm(x.float()).permute(0, 3, 2, 1).reshape(batch * bands, frames, channels)
            found = self.back(self.along(rows)[0]).view(batch, bands, frames, channels).permute(0, 3, 2, 1)
        sum_of_both: Tensor = x + found.to(x.dtype)
        return sum_of_both


class UNet4(nn.Module):
    """See the module.

    Parameters
    ----------
    widths
        Channels of each level.
    hidden
        Units of the recurrent layer in each direction.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS, hidden: int = HIDDEN) -> None:
        super().__init__()
        bands = [BANDS // PATCH // 2**level for level in range(len(widths))]
        self.entry = nn.Conv2d(VIEWS * PATCH, widths[0], 3, padding=1)
        self.before = nn.ModuleList(Block(width, band) for width, band in zip(widths, bands, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, 2) for a, b in itertools.pairwise(widths))
        self.recurrence = Recurrence(widths[-1], hidden)
        self.bottom = Block(widths[-1], bands[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in itertools.pairwise(widths))
        self.join = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for width in widths[:-1])
        self.after = nn.ModuleList(Block(width, band) for width, band in zip(widths[:-1], bands[:-1], strict=True))
        self.exit = nn.Conv2d(widths[0] + VIEWS * PATCH, len(STEMS) * 2 * PATCH, 3, padding=1)

    def forward(self, views: Tensor) -> Tensor:
        """Return the masks of all stems, which sum to one.

        Parameters
        ----------
        views
            batch × VIEWS × frames × BANDS: how loud each band is in each view, compressed; a multiple of FEWEST frames.

        Returns
        -------
        batch × stems × 2 × frames × BANDS, 0 to 1.
        """
        batch, _, frames, bands = views.shape
        patches = views.view(batch, VIEWS, frames, bands // PATCH, PATCH).permute(0, 1, 4, 2, 3).flatten(1, 2)
        patches = patches.contiguous(memory_format=torch.channels_last)
        x, kept = self.entry(patches), []
        for block, down in zip(self.before, self.down, strict=False):
            kept.append(x := block(x))
            x = down(x)
        x = self.bottom(self.recurrence(self.before[-1](x)))
        for block, up, join in reversed(list(zip(self.after, self.up, self.join, strict=True))):
            x = block(join(torch.cat([kept.pop(), up(x)], 1)))
        found = self.exit(torch.cat([x, patches.to(x.dtype)], 1)).float()
        found = found.view(batch, len(STEMS), 2, PATCH, frames, bands // PATCH).permute(0, 1, 2, 4, 5, 3).flatten(-2)
        masks: Tensor = found.softmax(1)
        return masks
