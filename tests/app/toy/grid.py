"""A kind of value of the project's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pipelines.value import Array, Value


@dataclass(frozen=True, eq=False)
class Grid(Value):
    """Numbers of any shape.

    Parameters
    ----------
    numbers
        An array of any shape and type.
    sample_rate
        Samples a second, in which inputs must agree.
    notes
        Anything worth keeping by name.
    """

    numbers: Array
    sample_rate: int = 44100
    notes: dict[str, float] = field(default_factory=dict)
    agrees: ClassVar[tuple[str, ...]] = ("sample_rate",)

    def describe(self) -> str:
        """Return the shape."""
        return f"Grid, {'×'.join(map(str, self.numbers.shape))}"

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write the bytes of the numbers."""
        path = folder / f"{name}.grid"
        path.write_bytes(self.numbers.tobytes())
        return [path]


@dataclass(frozen=True, eq=False)
class FineGrid(Grid):
    """A grid that some nodes ask for in particular."""
