"""Digests of input files, remembered by size and time so that unchanged files are read once."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from pipelines.blobs import file_digest
from pipelines.mistakes import mistake

SETTLED_NS = 2_000_000_000
"""A file changed less than this ago may change again within the clock's step: it is not remembered."""


class FileDigests:
    """Content digests of files by path.

    Parameters
    ----------
    memory
        JSON file in which digests are kept from one run to the next.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._seen: dict[Path, tuple[str, list[int]]] = {}
        self._known: dict[str, list[object]] = self._read()
        self._changed = False

    def __call__(self, path: Path) -> str:
        """Return the BLAKE3 digest of a file's content.

        Raises
        ------
        MistakeError
            Where the file cannot be read.
        """
        if path in self._seen:
            return self._seen[path][0]
        try:
            stamp = stamp_of(path)
            known = self._known.get(str(path))
            digest = str(known[0]) if known and known[1] == stamp else file_digest(path)
        except OSError as error:
            raise mistake(f"the file cannot be read: {error.strerror}", given=str(path)) from error
        self._seen[path] = (digest, stamp)
        if (known is None or known[1] != stamp) and time.time_ns() - stamp[1] > SETTLED_NS:
            self._known[str(path)] = [digest, stamp]
            self._changed = True
        return digest

    def changed(self, path: Path) -> bool:
        """Return whether a file is no longer what it was when its digest was taken."""
        try:
            return path in self._seen and stamp_of(path) != self._seen[path][1]
        except OSError:
            return True

    def unchanged(self) -> bool:
        """Return whether every file is still what it was when its digest was taken."""
        return not any(self.changed(path) for path in list(self._seen))

    def keep(self) -> None:
        """Write the digests down for the next run."""
        if not self._changed:
            return
        write_whole(self._memory, json.dumps(self._known))
        self._changed = False

    def _read(self) -> dict[str, list[object]]:
        try:
            known = json.loads(self._memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        entries = known.items() if isinstance(known, dict) else ()
        return {path: entry for path, entry in entries if isinstance(entry, list) and len(entry) == 2}


def stamp_of(path: Path) -> list[int]:
    """Return size and times of a file: what changes when its content does."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns]


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all; what cannot be remembered is found out again."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
