"""Files from the network: a package by pip, so that the user's own index and proxy hold, or an archive by address."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast
from urllib.error import URLError
from urllib.request import Request, urlopen

from pipelines.mistakes import mistake

TIMEOUT = 30
"""Seconds without a byte after which a server counts as away."""

BLOCK = 1 << 20
STANDARD_ERROR = 2
"""Where pip shows how far it is: what a command prints are results."""


def download_package(requirement: str, folder: Path) -> Path:
    """Download the wheel of a package, without what it depends on and without installing it; return its folder.

    Parameters
    ----------
    requirement
        Name and exact version, `name==1.0`.
    folder
        A folder; the wheel comes into `wheels` inside of it.

    Raises
    ------
    MistakeError
        Where pip ends with an error, such as without a network; carries what it said.
    """
    wheels = folder / "wheels"
    wheels.mkdir()
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--retries", "1"]
    only = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--no-cache-dir", "--dest", str(wheels)]
    ended = subprocess.run(
        [*pip, *only, requirement],
        stdin=subprocess.DEVNULL,
        stdout=STANDARD_ERROR,
        stderr=subprocess.PIPE,
        text=True,
    )
    if ended.returncode:
        errors = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")] or ended.stderr.splitlines()
        raise mistake(
            f"the package could not be downloaded: {errors[-1] if errors else 'pip said nothing'}",
            given=requirement,
            hint="without a network, bring its wheel from elsewhere and name it with --file",
        )
    return wheels


def download_archive(address: str, folder: Path, wanted: re.Pattern[str]) -> Path:
    """Download a .tar.gz and unpack those plain files whose own names match; return their folder.

    Parameters
    ----------
    address
        Its http or https address.
    folder
        A folder; the files come into `unpacked` inside of it, whatever folders they were in.
    wanted
        What names match as a whole.

    Raises
    ------
    MistakeError
        Where the server cannot be reached, refuses, or sends what is no such archive.
    """
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    try:
        with urlopen(Request(address, headers={"User-Agent": "resynthesis"}), timeout=TIMEOUT) as answer:
            _receive(answer, folder / "archive")
        with tarfile.open(folder / "archive", "r:gz") as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and wanted.fullmatch(name):
                    with cast(IO[bytes], archive.extractfile(member)) as source, (unpacked / name).open("wb") as file:
                        shutil.copyfileobj(source, file, BLOCK)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise mistake(f"what came is no .tar.gz: {error}", given=address) from error
    except URLError as error:
        raise mistake(f"the archive could not be downloaded: {error.reason}", given=address) from error
    return unpacked


def _receive(answer: Any, path: Path) -> None:
    """Write what a server sends to a file, with a bar on a terminal."""
    from rich.console import Console
    from rich.progress import wrap_file

    total = 0
    with suppress(TypeError, ValueError):
        total = int(answer.headers.get("Content-Length"))
    console = Console(stderr=True)
    shown = wrap_file(answer, total, description="downloading", console=console, disable=not console.is_terminal)
    with shown as source, path.open("wb") as file:
        shutil.copyfileobj(source, file, BLOCK)
    if total and path.stat().st_size != total:
        raise URLError(f"it broke off after {path.stat().st_size} of {total} bytes")
