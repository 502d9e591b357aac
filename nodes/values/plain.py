"""Values that are not sound: texts, pictures, files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Text(Value):
    """A text, and the ending of the file it becomes."""

    text: str
    ending: str = "txt"

    def __post_init__(self) -> None:
        """Refuse an ending that is not one."""
        if not self.ending.isalnum():
            raise ValueError(f"the ending of a file must be letters and digits, not '{self.ending}'")

    def describe(self) -> str:
        """Return the number of lines and the first one."""
        lines = self.text.splitlines()
        return f"Text, {len(lines)} lines: {lines[0][:60] if lines else ''}"

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write the text in UTF-8."""
        path = folder / f"{name}.{self.ending}"
        path.write_text(self.text, encoding="utf-8")
        return [path]


@dataclass(frozen=True, eq=False)
class Figure(Value):
    """A picture: height × width × 3, uint8."""

    pixels: Array

    def describe(self) -> str:
        """Return the size."""
        return f"Figure, {self.pixels.shape[1]} × {self.pixels.shape[0]} pixels"

    def draw(self) -> MatplotlibFigure:
        """Return the picture as a figure without axes."""
        from matplotlib.figure import Figure as MatplotlibFigure

        height, width = self.pixels.shape[:2]
        figure = MatplotlibFigure(figsize=(width / 110, height / 110))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(self.pixels, aspect="auto")
        axes.set_axis_off()
        return figure


@dataclass(frozen=True, eq=False)
class Files(Value):
    """Finished files by name, each a flat uint8 array of its bytes; '.gif' takes the name of the output."""

    files: dict[str, Array]

    def __post_init__(self) -> None:
        """Refuse names that would lead out of the folder that the files are written to."""
        if any(Path(name).name != name for name in self.files):
            raise ValueError(f"files need plain file names, not {', '.join(self.files)}")

    def describe(self) -> str:
        """Return the names and sizes."""
        return "Files, " + ", ".join(f"{name} ({data.size / 1e6:.2f} MB)" for name, data in self.files.items())

    def write(self, folder: Path, name: str) -> list[Path]:
        """Copy the files out under their own names; what is only an ending is added to `name`."""
        paths = [folder / (f"{name}{file}" if file.startswith(".") else file) for file in self.files]
        for path, data in zip(paths, self.files.values(), strict=True):
            with path.open("wb") as file:
                data.tofile(file)
        return paths
