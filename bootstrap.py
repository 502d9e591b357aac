"""Make `.venv` with the exact versions of requirements.lock. Needs Python 3.11 or later, nothing else.

Debian and Ubuntu keep Python's `venv` in a package of its own: as root it is installed, else it is asked for.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
MARK = VENV / "installed"
LOCK = ROOT / "requirements.lock"
TOOLS = ("pip==26.3", "setuptools==80.9.0")
"""What installs the rest, so that packages are built with exact versions too."""


def main() -> None:
    """Create the environment, or bring it up to the lock file."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the interpreter is the user's
        sys.exit(f"resynthesis needs Python 3.11 or later, this is {sys.version.split()[0]}")
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if MARK.exists() and MARK.read_text() == wanted:
        return
    python = _environment()
    print("installing the locked versions into .venv; this takes a few minutes the first time", flush=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, *TOOLS], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--requirement", str(LOCK)], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--no-deps", "--editable", str(ROOT)], check=True)
    MARK.write_text(wanted)


def _environment() -> Path:
    python = VENV / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode:
        if importlib.util.find_spec("ensurepip") is None:
            _install_venv()
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    return python


def _install_venv() -> None:
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    commands = [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", package]]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        sys.exit(f"Python's venv is missing here; install it once with: sudo apt-get install {package}")
    print(f"Python's venv is missing here; installing the package {package}", flush=True)
    for command in commands:
        subprocess.run(command, check=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"the installation stopped at: {' '.join(map(str, error.cmd))}")
