"""What the engine lends to a node while it runs: randomness, device, progress, metrics, notes, room on disk."""

from __future__ import annotations

import hashlib
import itertools
import mmap
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from pipelines.value import Array

Item = TypeVar("Item")
Result = TypeVar("Result")
DIGEST = 64
"""Bytes of the digest before the arrays of a checkpoint."""


class Watcher(Protocol):
    """Receives what a running step says of itself."""

    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None:
        """Hear how far the step's loop has come, or `what` comes before it."""

    def metric(self, step: str, name: str, value: float, at: int) -> None:
        """Hear one point of a curve, such as a loss."""

    def note(self, step: str, text: str) -> None:
        """Hear something that a composer should know of the result."""


class Context:
    """Handed to every node that asks for `context: Context`.

    Parameters
    ----------
    step
        Path of the step that runs, `a/rise`.
    key
        The step's key; the same key means the same result.
    seed
        Seed of all randomness in the step: from the piece's seed and the step's path, or the step's own. None
        where the node's code uses none.
    device
        'cpu' or 'cuda'.
    scratch
        Folder on the store's disk for `array` and `checkpoint`.
    watcher
        Who hears progress, metrics and notes.
    """

    def __init__(self, step: str, key: str, seed: int | None, device: str, scratch: Path, watcher: Watcher) -> None:
        self.step = step
        self.key = key
        self._seed = seed
        self.device = device
        self._scratch = scratch
        self._watcher = watcher
        self._arrays = itertools.count()  # asked by threads side by side

    @property
    def seed(self) -> int:
        """The step's seed, for randomness that does not come from `generator`."""
        if self._seed is None:
            raise TypeError("a node must write `context.seed` or `context.generator` plainly, so that its key sees it")
        return self._seed

    @property
    def generator(self) -> np.random.Generator:
        """A new generator at the step's seed: the same numbers at every call and every render."""
        return np.random.default_rng(self.seed)

    def progress(self, items: Iterable[Item], total: int | None = None) -> Iterator[Item]:
        """Yield the items and show how far the loop has come."""
        if total is None and isinstance(items, Sequence | range):
            total = len(items)
        for done, item in enumerate(items):
            self._watcher.progress(self.step, done, total)
            yield item
        self._watcher.progress(self.step, total or 0, total)

    def tally(self, what: str) -> Callable[[int, int], None]:
        """Return what shows how far something before the step's loop has come; threads may call it side by side.

        It is called with the number of parts that are done since the last call, and that of all parts.
        """
        lock, done = threading.Lock(), [0]

        def show(more: int, total: int) -> None:
            with lock:
                done[0] += more
                self._watcher.progress(self.step, done[0], total, what)

        return show

    def log(self, metric: str, value: float, at: int = 0) -> None:
        """Record one point of a curve (a loss at an iteration)."""
        self._watcher.metric(self.step, metric, float(value), at)

    def note(self, text: str) -> None:
        """Tell the composer what is no mistake but should be known; it is shown, and kept with the result."""
        self._watcher.note(self.step, text)

    def array(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return a zeroed array that lives on disk, for results larger than memory should hold.

        Fill it block by block and call `release` after each, so that its pages leave memory.

        Raises
        ------
        OSError
            Where the disk has no room for it.
        """
        self._scratch.mkdir(parents=True, exist_ok=True)
        path = self._scratch / f"array-{next(self._arrays)}.npy"
        if 0 in shape:
            return np.zeros(shape, dtype)
        array: Array = np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape)
        _reserve(path)
        return array

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Apply `function` to every item in order, with progress. The one way to spread a node's own work."""
        return [function(item) for item in self.progress(items)]

    def save_checkpoint(self, arrays: Mapping[str, Array]) -> None:
        """Keep the state of a long loop, so that an interrupted render continues from here."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        partial = self._scratch / "checkpoint.partial"
        with partial.open("w+b") as file:
            file.write(bytes(DIGEST))
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.seek(DIGEST)
            digest = hashlib.file_digest(file, "blake2b").digest()
            file.seek(0)
            file.write(digest)
        partial.replace(self._scratch / "checkpoint")

    def load_checkpoint(self) -> dict[str, Array] | None:
        """Return what `save_checkpoint` kept last, or None at a fresh start or where a single byte differs."""
        try:
            with (self._scratch / "checkpoint").open("rb") as file:
                if file.read(DIGEST) != hashlib.file_digest(file, "blake2b").digest():
                    return None
                file.seek(DIGEST)
                with np.load(file, allow_pickle=False) as kept:
                    return {name: kept[name] for name in kept.files}
        except OSError:
            return None


def _reserve(path: Path) -> None:
    """Take a file's whole room on the disk now: a full disk is an error here, but a crash while mapped."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def release(array: Array) -> None:
    """Let the pages of a file-backed array leave memory; they are read again when needed."""
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "_mmap", None) or getattr(base, "base", None)
    if base is not None and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
