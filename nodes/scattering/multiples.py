"""Small multiples: the same picture of several takes, in one scale of colours, side by side and one after another."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from nodes.scattering.drawing import (
    INK,
    SMALL,
    Page,
    Shades,
    draw_map,
    draw_scattergram,
    left_of,
    peak_of,
)
from nodes.scattering.maps import RateScaleMap
from nodes.scattering.scattergrams import Scattergram
from nodes.values.drawing import shown_label
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

Format = Literal["gif", "png"]

TILE, SINGLE = 1.7, 3.6
"""Height of a picture among others, and of one alone, in inches."""

GREYS = 16
"""Colours of an animation that are not those of the picture."""


class Frame(NamedTuple):
    """One picture of several, with the name of the take."""

    name: str
    picture: Scattergram | RateScaleMap

    @property
    def peak(self) -> float:
        """The greatest value in the picture."""
        return self.picture.peak if isinstance(self.picture, Scattergram) else peak_of(self.picture)


def columns_for(count: int) -> int:
    """Return how many pictures stand side by side."""
    return min(count, max(2, math.ceil(math.sqrt(count)))) if count <= 16 else 5


def draw_multiples(frames: Sequence[Frame], columns: int, shades: Shades) -> Figure:
    """Return the pictures line by line, all with colours up to the greatest value of all of them."""
    peak, rows = max(frame.peak for frame in frames), math.ceil(len(frames) / columns)
    page = Page([TILE] * rows, left=_left(frames), columns=columns)
    for number, axes in enumerate(page.axes):
        if number >= len(frames):
            axes.set_visible(False)
            continue
        _draw(axes, frames[number], peak, shades)
        if number % columns:
            axes.set_ylabel("")
            axes.tick_params(labelleft=False)
        if number + columns < len(frames):
            axes.set_xlabel("")
    page.add_bar(page.axes[columns - 1], shades)
    return page.figure


def animation(
    frames: Sequence[Frame], seconds: float, format: Format, shades: Shades, dots: float, width: float = 8.0
) -> bytes:
    """Return the pictures one after another, for so many seconds each and over again, as a file.

    Parameters
    ----------
    frames
        One or more.
    seconds
        How long each stands.
    format
        'gif' or 'png' (APNG).
    shades
        Colours, up to the greatest value of all.
    dots
        Dots per inch.
    width
        Inches.
    """
    peak = max(frame.peak for frame in frames)
    images = [_image(frame, peak, shades, dots, width) for frame in frames]
    if format == "gif":
        images = [_in_palette(image, shades.colours) for image in images]
    file, duration = io.BytesIO(), round(1000 * seconds)
    images[0].save(file, format, save_all=True, append_images=images[1:], duration=duration, loop=0)
    return file.getvalue()


_DRAWING = Lock()


@contextmanager
def own_style() -> Iterator[None]:
    """Draw with matplotlib's own defaults, so that nobody's settings change a stored picture; one thread at a time."""
    import matplotlib

    with _DRAWING, matplotlib.rc_context():  # the settings belong to the whole process
        matplotlib.rcdefaults()
        yield


def pixels_of(figure: Figure, dots: float) -> Array:
    """Return a figure as height × width × 3, uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dots)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(np.asarray(canvas.buffer_rgba())[..., :3])  # type: ignore[no-untyped-call]


def _image(frame: Frame, peak: float, shades: Shades, dots: float, width: float) -> Image:
    from PIL import Image

    page = Page([SINGLE], width, _left([frame]))
    _draw(page.axes[0], frame, peak, shades)
    page.add_bar(page.axes[0], shades)
    return Image.fromarray(pixels_of(page.figure, dots))


def _in_palette(image: Image, colours: str) -> Image:
    """Return an image in 256 colours: those of the scale, and greys for text and lines."""
    from matplotlib import colormaps
    from PIL import Image

    scale = colormaps[colours](np.linspace(0, 1, 256 - GREYS))[:, :3] * 255
    greys = np.repeat(np.linspace(0, 255, GREYS)[:, None], 3, axis=1)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([scale, greys]).round().astype(np.uint8).tobytes())
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def _left(frames: Sequence[Frame]) -> float:
    return left_of([frame.picture for frame in frames if isinstance(frame.picture, Scattergram)])


def _draw(axes: Axes, frame: Frame, peak: float, shades: Shades) -> None:
    if isinstance(frame.picture, Scattergram):
        draw_scattergram(axes, frame.picture, peak, shades)
    else:
        draw_map(axes, frame.picture, peak, shades)
    axes.set_title(shown_label(frame.name), loc="left", fontsize=SMALL + 1, color=INK, parse_math=False)
