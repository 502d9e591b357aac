"""Puts the toy project on the path and hands on the fixtures that the tests of the engine share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "app"))

from toys import entry, installed, program

__all__ = ["entry", "installed", "program"]
