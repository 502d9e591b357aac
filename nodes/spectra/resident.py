"""Spectra that lie in a file: frames in and out, while only a small part is in memory."""

from __future__ import annotations

import numpy as np

from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

LIMIT = 2**27
"""Bytes of the file that may be in memory at a time."""

WRITTEN, READ = 2**13, 2**16
"""Bytes that come into memory when part of a bin's row is written, and read (with what lies around it)."""


class Resident:
    """Access to frames of `spectra` (channels × bins × frames), which lets go of pages as it proceeds."""

    def __init__(self, spectra: Array) -> None:
        self._spectra = spectra
        self._touched = 0

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self._spectra.shape[2])

    def write(self, channel: int, first: int, block: Array) -> None:
        """Write a block (frames × bins) from frame `first` on."""
        for low, high in spans(block.shape[1], LIMIT // WRITTEN):
            self._spectra[channel, low:high, first : first + len(block)] = block[:, low:high].T
            self._touch((high - low) * WRITTEN)

    def read(self, channel: int, first: int, last: int) -> Array:
        """Return frames `first` to `last` (not included) as frames × bins."""
        block = np.empty((last - first, self._spectra.shape[1]), self._spectra.dtype)
        for low, high in spans(block.shape[1], LIMIT // READ):
            block[:, low:high] = self._spectra[channel, low:high, first:last].T
            self._touch((high - low) * READ)
        return block

    def release(self) -> None:
        """Let all pages leave memory."""
        release(self._spectra)
        self._touched = 0

    def _touch(self, count: int) -> None:
        self._touched += count
        if self._touched >= LIMIT:
            self.release()
