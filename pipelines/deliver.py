"""Finished outputs as files that a person opens: written once for each result, whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from pipelines.mistakes import mistake
from pipelines.value import Value

MANIFEST = "contents.json"


def file_name(text: str) -> str:
    """Return a text as part of a file name: letters, digits and '-' in any script."""
    return re.sub(r"[^\w-]+", "_", text.strip()).strip("_")[:80] or "untitled"


def flat_names(paths: Iterable[str]) -> dict[str, str]:
    """Return for each path a name without '/', short enough for a file, that no other path has."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for path in paths:
        name = file_name(path.replace("/", "__"))
        others = (f"{name}__{number}" for number in count(2))
        names[path] = next(each for each in chain([name], others) if each not in taken)
        taken.add(names[path])
    return names


def deliver(folder: Path, name: str, outputs: Mapping[str, Value], keys: Mapping[str, str]) -> dict[str, list[Path]]:
    """Write each output into `folder` unless its files are there already; return the paths by output.

    Parameters
    ----------
    folder
        Folder of the render.
    name
        Stem of the files' names.
    outputs, keys
        The values, and the key and output that each came from, as one text.

    Raises
    ------
    MistakeError
        Where a file cannot be written.
    """
    known = _read(folder)
    written: dict[str, list[Path]] = {}
    for output, value in outputs.items():
        stem = name if output == "output" else f"{name}_{output}"
        entry = known.get(output)
        mark = f"{stem} {keys[output]}"
        if entry and entry["key"] == mark and entry["files"] == _stamps(folder, entry["files"]):
            written[output] = [folder / file for file in entry["files"]]
            continue
        written[output] = _write(folder, stem, value)
        _refuse_overwritten(written)
        files = _stamps(folder, [path.name for path in written[output]])
        known[output] = {"key": mark, "files": files}
        (folder / MANIFEST).write_text(json.dumps(known, indent=1), encoding="utf-8")
    return written


def place_pages(folder: Path, name: str, pages: Mapping[str, str]) -> dict[str, Path]:
    """Let the pages of a render's steps lie in `folder` too, as `NAME_STEP.html`; return the paths by step.

    A page that cannot be written there costs nothing else: standard error says why.

    Parameters
    ----------
    folder, name
        Folder of the render and stem of the files' names.
    pages
        Where the page of each step is kept.
    """
    placed: dict[str, Path] = {}
    for step, own in flat_names(pages).items():
        path = folder / f"{name}_{own}.html"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".partial") as partial:
                _link(Path(pages[step]), Path(partial, path.name)).replace(path)
            placed[step] = path
        except OSError as error:
            print(f"{step}: its page cannot be written: {error.strerror or error}", file=sys.stderr)
    return placed


def _link(source: Path, target: Path) -> Path:
    """Let a file have a second name, or copy it where the folder is on another disk."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
    return target


def _refuse_overwritten(written: Mapping[str, list[Path]]) -> None:
    paths = [path for files in written.values() for path in files]
    twice = sorted({path.name for path in paths if paths.count(path) > 1})
    if twice:
        raise mistake("two outputs write files of one name", parameter="outputs", given=", ".join(twice))


def _write(folder: Path, stem: str, value: Value) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partial") as partial:
            paths = value.write(Path(partial), stem)
            return [Path(shutil.move(path, folder / path.name)) for path in paths]
    except OSError as error:
        raise mistake(
            f"the output cannot be written: {error.strerror or error}",
            given=str(folder),
            hint="the result is in the store; mend this and render again",
        ) from error


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {output: entry for output, entry in entries if isinstance(entry, dict) and {"key", "files"} <= entry.keys()}


def _stamps(folder: Path, files: object) -> dict[str, list[int]]:
    stamps: dict[str, list[int]] = {}
    for file in files if isinstance(files, list | dict) else []:
        path = folder / str(file)
        if path.is_file():
            stamps[str(file)] = [path.stat().st_size, path.stat().st_mtime_ns]
    return stamps
