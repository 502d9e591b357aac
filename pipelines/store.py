"""Results on disk, addressed by key: written beside and renamed into place, verified when read.

`objects/ab/cdef…/` holds one result: `record.json` (what it is, how it came about, the digest of each file)
and an `.npy` file for each array. A result that does not match its digests is set aside, never returned.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipelines.blobs import file_digest, format_record, parse_record, write_file, write_outputs
from pipelines.locks import is_locked, locked
from pipelines.mistakes import MistakeError, mistake
from pipelines.value import Array, Value, freeze, unpack

Verify = Literal["always", "once", "never"]
SCHEMA = 1
"""Version of the store's format and of the key itself; raise it when either changes."""
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors that say nothing of the file that is read."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
COSTLY_SECONDS = 0.05
"""Results that took longer are flushed to disk at once; a cheaper one, if torn, is found out and made again."""


class Damaged(Exception):
    """A stored result does not match its digests; it has been set aside."""

    def __init__(self, key: str, why: str) -> None:
        self.key = key
        self.why = why
        super().__init__(f"stored result {key[:12]} is damaged ({why})")


class Store:
    """A folder of results.

    Parameters
    ----------
    folder
        The store's folder; made when first written to.
    verify
        When the digests of files are compared on reading: 'always', 'once' in each process, or 'never'.

    Attributes
    ----------
    written
        Bytes of arrays that this object has written.
    """

    def __init__(self, folder: Path, verify: Verify = "always") -> None:
        self.folder = folder.absolute()
        self.verify = verify
        self.written = 0
        self._verified: set[str] = set()
        self._objects = str(self.folder / "objects")

    def path(self, key: str) -> Path:
        """Return the folder of a result."""
        return Path(self._objects, key[:2], key[2:])

    def has(self, key: str) -> bool:
        """Return whether a result is there (its files are verified when it is read)."""
        return os.path.exists(f"{self._objects}/{key[:2]}/{key[2:]}/record.json")  # noqa: PTH110 - ten times faster

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Return the lock under which a result is computed, so that no two processes compute it twice."""
        return locked(self.folder / "locks" / key)

    def is_locked(self, key: str) -> bool:
        """Return whether some process is computing a result right now."""
        return is_locked(self.folder / "locks" / key)

    def scratch(self, key: str) -> Path:
        """Return the folder for what a running step keeps: checkpoints and arrays larger than memory."""
        return self.folder / "partial" / key

    def record(self, key: str) -> dict[str, Any] | None:
        """Return the record of a result, or None where there is none.

        Raises
        ------
        Damaged
            Where the record cannot be trusted.
        """
        try:
            content = (self.path(key) / "record.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unreadable(key, "record.json", error) from None
        try:
            record = parse_record(content)
        except ValueError as error:
            raise self.set_aside(key, f"record.json: {error}") from None
        if record.get("key") != key or record.get("schema") != SCHEMA:
            raise self.set_aside(key, "record.json belongs to another key")
        return record

    def load(self, key: str, output: str, *, trusted: bool = False) -> Value:
        """Return one output of a result, its arrays mapped from disk and read-only.

        `trusted` says that this process has just written it, so that its files need no verification.

        Raises
        ------
        Damaged
            Where a file is missing or does not match its digest, or the result is not there.
        """
        record = self.record(key)
        if record is None or output not in record["outputs"]:
            raise self.set_aside(key, f"no output '{output}'")
        prefix = f"{output}."
        arrays: dict[str, Array] = {}
        for name, about in record["files"].items():
            if name.startswith(prefix):
                arrays[name[len(prefix) : -len(".npy")]] = self._read_array(key, name, about, trusted)
        try:
            value = unpack(record["outputs"][output], arrays)
        except (KeyError, TypeError, AssertionError) as error:
            raise self.set_aside(key, f"output '{output}' cannot be rebuilt: {error!r}") from None
        self._touch(key)
        return freeze(value)

    def save(self, key: str, outputs: Mapping[str, Value], about: Mapping[str, Any]) -> dict[str, Any]:
        """Store the outputs of a step; return the record.

        Parameters
        ----------
        key
            The step's key.
        outputs
            Values by output name. Arrays made by `Context.array` are moved, all others are written.
        about
            What else the record shall say: step, node, ingredients, seconds, metrics.

        Raises
        ------
        MistakeError
            Where the disk is full or cannot be written.
        """
        final = self.path(key)
        partial = final.with_name(f".{final.name}.{os.getpid()}.partial")
        costly = float(about.get("seconds", 1.0)) > COSTLY_SECONDS
        try:
            shutil.rmtree(partial, ignore_errors=True)  # a killed process had our number
            partial.mkdir(parents=True)
            record = {"schema": SCHEMA, "key": key, **about, **write_outputs(partial, outputs, costly)}
            write_file(partial / "record.json", format_record(record), costly)
            _into_place(partial, final, costly)
        except OSError as error:
            raise no_room(error, self.folder) from error
        finally:
            if partial.exists():
                shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(self.scratch(key), ignore_errors=True)
        self.written += sum(int(file["size"]) for file in record["files"].values())
        return record

    def set_aside(self, key: str, why: str) -> Damaged:
        """Move a result that cannot be trusted to `damaged/`; return the error to raise."""
        if self.path(key).exists():
            target = self.folder / "damaged" / f"{key}.{time.time_ns()}"
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # another process was faster
                self.path(key).rename(target)
        return Damaged(key, why)

    def verify_files(self, key: str) -> None:
        """Compare every file of a result with its digest.

        Raises
        ------
        Damaged
            Where one differs; the result has then been set aside.
        """
        for name, about in ((self.record(key) or {}).get("files") or {}).items():
            self._verify(key, name, about)

    def _verify(self, key: str, name: str, about: Mapping[str, Any]) -> None:
        path = self.path(key) / name
        try:
            found = {"size": path.stat().st_size, "digest": file_digest(path)}
        except OSError as error:
            raise self._unreadable(key, name, error) from None
        if found != about:
            raise self.set_aside(key, f"{name}: its content is not what was stored")

    def _read_array(self, key: str, name: str, about: Mapping[str, Any], trusted: bool) -> Array:
        mark = f"{key}/{name}"
        if trusted:
            self._verified.add(mark)
        elif self.verify == "always" or (self.verify == "once" and mark not in self._verified):
            self._verify(key, name, about)
            self._verified.add(mark)
        try:
            array: Array = np.load(self.path(key) / name, mmap_mode="r", allow_pickle=False)
        except ValueError:
            array = self._read_empty(key, name)
        except OSError as error:
            raise self._unreadable(key, name, error) from None
        return array

    def _unreadable(self, key: str, name: str, error: OSError) -> Damaged | MistakeError:
        """Return the error for a file that cannot be read: the result is set aside unless the system is to blame."""
        if error.errno in EXHAUSTED:
            return mistake(
                f"a stored result cannot be read: {error.strerror}",
                given=str(self.path(key) / name),
                hint="allow more open files (ulimit -n) or free memory, then render again: nothing is lost",
            )
        return self.set_aside(key, f"{name}: {error.strerror or error}")

    def _read_empty(self, key: str, name: str) -> Array:
        """Read an array without elements, which cannot be mapped."""
        try:
            array: Array = np.load(self.path(key) / name, allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise self.set_aside(key, f"{name}: {error}") from None
        return array

    def _touch(self, key: str) -> None:
        try:
            os.utime(self.path(key) / "record.json")
        except OSError:
            return  # a read-only store keeps no order of use


def _into_place(partial: Path, final: Path, flush: bool) -> None:
    try:
        partial.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if (final / "record.json").exists():
            return  # another process stored the same result first
        shutil.rmtree(final)  # left half-made by something that did not use this store's rename
        partial.rename(final)
    if flush:
        descriptor = os.open(final.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def no_room(error: OSError, folder: Path) -> MistakeError:
    """Return the mistake for a store that cannot be written."""
    if error.errno in FULL:
        what, hint = (
            "the disk of the store is full",
            "free some room or run `resynthesis store gc`, then render again",
        )
    else:
        what, hint = (
            f"the store cannot be written: {error.strerror}",
            "choose another one with store.folder=…",
        )
    return mistake(what, given=str(folder), hint=hint)
