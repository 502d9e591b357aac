"""Where a descent keeps what it remembers: in memory, or for long sounds on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

from pipelines.context import release
from pipelines.value import Array

LARGE = 2**22
"""Samples of a position from which on it is kept on disk: 16 MB each."""

Room = Callable[[tuple[int, ...]], Array]
"""Makes an array of a shape on disk, float32."""


class Shelf:
    """Rows by name; what is kept under a name takes the place of what was.

    Parameters
    ----------
    room
        Makes arrays on disk, whose pages leave memory after each use; None to keep everything in memory.
    """

    def __init__(self, room: Room | None = None) -> None:
        self._room, self._arrays = room, dict[str, Array]()

    def keep(self, name: str, row: torch.Tensor) -> torch.Tensor:
        """Return a row (1 × samples) where it is kept."""
        if self._room is None or row.numel() < LARGE or row.device.type != "cpu":
            return row
        if name not in self._arrays:
            self._arrays[name] = self._room(tuple(row.shape))
        self._arrays[name][...] = row.numpy()
        release(self._arrays[name])
        return torch.from_numpy(self._arrays[name])

    @contextmanager
    def taken(self, rows: Mapping[str, torch.Tensor], place: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Give the step and the change of one place, each `samples`, for as long as they are needed."""
        names = (f"step.{place}", f"change.{place}")
        yield rows[names[0]][0], rows[names[1]][0]
        for name in names:
            if name in self._arrays:
                release(self._arrays[name])
