"""`store` and `doctor`: looking after results and the installation."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import time
from importlib.metadata import requires, version
from pathlib import Path

from pipelines.care import collect, entries, verify
from pipelines.command_line.main import MISTAKE
from pipelines.mistakes import mistake
from pipelines.record import pinned_keys
from pipelines.settings import find_device, read_size
from pipelines.store import Store


def store(options: argparse.Namespace) -> int:
    """List the store, bring it down to size, or verify it."""
    if not options.folder.is_dir():
        raise mistake("there is no store", parameter="--folder", given=str(options.folder), hint="render a piece first")
    found = Store(options.folder)
    return {"list": _list, "gc": _gc, "verify": _verify}[options.action](found, options)


def _list(found: Store, _: argparse.Namespace) -> int:
    total = 0
    for entry in sorted(entries(found), key=lambda entry: entry.used):
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{entry.key[:12]}  {used}  {as_size(entry.size):>9}  {entry.seconds:8.2f} s  {entry.node}  {entry.step}")
        total += entry.size
    print(f"{as_size(total)} in {found.folder}")
    return 0


def _gc(found: Store, options: argparse.Namespace) -> int:
    try:
        limit = read_size(options.limit)
    except ValueError as error:
        raise mistake("not a size", parameter="--limit", given=options.limit, allowed=str(error)) from None
    removed = collect(found, limit, pinned_keys(options.records))
    left = sum(entry.size for entry in entries(found))
    print(f"{len(removed)} results removed ({as_size(sum(e.size for e in removed))}), {as_size(left)} left")
    if left > limit:
        print(f"still above {as_size(limit)}: the rest are outputs of recorded renders in {options.records}")
    return 0


def _verify(found: Store, _: argparse.Namespace) -> int:
    whole = damaged = 0
    for _key, damage in verify(found):
        if damage is None:
            whole += 1
        else:
            damaged += 1
            print(f"{damage}; set aside in {found.folder / 'damaged'}")
    print(f"{whole} results whole, {damaged} damaged")
    return MISTAKE if damaged else 0


def as_size(count: float) -> str:
    """Return a number of bytes as a person reads it."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.4g} GB"


def doctor(_: argparse.Namespace) -> int:
    """Check libraries, device, disk and formats; say what to do where something is missing."""
    wrong = 0
    print(f"resynthesis {version('resynthesis')}, Python {sys.version.split()[0]}, {sys.executable}")
    for name in _libraries():
        try:
            print(f"  ok    {name} {version(name)}")
            importlib.import_module(_module(name))
        except Exception as error:
            wrong += 1
            print(f"  FAIL  {name}: {type(error).__name__}: {error}")
    print(f"device: {find_device('auto')}")
    free = shutil.disk_usage(Path.cwd()).free
    print(f"free disk here: {as_size(free)}" + ("  (little: a long piece needs several GB)" if free < 5e9 else ""))
    print("everything is in place" if not wrong else f"{wrong} libraries cannot be used: run `make install` again")
    return MISTAKE if wrong else 0


def _libraries() -> list[str]:
    import re

    found = [re.split(r"[\s<>=!;\[]", text)[0] for text in requires("resynthesis") or [] if "extra ==" not in text]
    return sorted(found)


def _module(name: str) -> str:
    return {"hydra-core": "hydra", "pillow": "PIL"}.get(name, name)
