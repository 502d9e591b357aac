"""Processes that draw stored results, so that a render needs not wait for one picture after another.

They are started anew, not forked: the numerical libraries' threads do not survive a fork. A process is told by lines of
JSON what to draw, answers with a line of JSON and a picture, and writes no file. It ends when its input does, so that
none outlives the program, however that ends.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from pipelines.store import Damaged, Store
from pipelines.value import Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 100
"""Dots an inch of a picture."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Environment variables that hold numerical libraries to a number of threads."""

NICE = 5
"""How far a process stands back, so that steps go first where there are not cores enough for both."""

_PROGRAM = "from pipelines.painters import serve; serve()"


class Sight(NamedTuple):
    """What there is to see: an output of a stored result, or by a function all that went into a step and came out.

    Parameters
    ----------
    key
        Of the result.
    outputs
        The output's name; for a function those of all outputs.
    function
        `module:name` of what shows the step, or ''.
    inputs
        For a function what each port took: (key, output), or a list of these.
    """

    key: str
    outputs: tuple[str, ...]
    function: str = ""
    inputs: Mapping[str, Any] = {}

    def sources(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the name of every value that is needed."""
        for source in self.inputs.values():
            for key, output in source if _is_several(source) else [source]:
                yield key, output
        for output in self.outputs:
            yield self.key, output


@dataclass(frozen=True)
class Drawn:
    """A picture, as the content of a PNG file, or a page, as that of an HTML file; and why it cannot be drawn.

    The content is empty where there is nothing to see.
    """

    picture: bytes = b""
    error: str = ""


def draw(store: Store, sight: Sight) -> Drawn:
    """Draw what is stored; a picture that cannot be drawn says why, and one of a damaged result nothing.

    Parameters
    ----------
    store, sight
        Where the results are, and what to draw of them.
    """
    try:
        shown = _shown(store, sight)
        if shown is None:
            return Drawn()
        return Drawn(shown.encode() if isinstance(shown, str) else _packed(shown))
    except Damaged:
        return Drawn()
    except Exception as error:  # a picture that cannot be drawn must not cost the record
        return Drawn(error=f"{type(error).__name__}: {error}")


def _shown(store: Store, sight: Sight) -> Figure | str | None:
    if not sight.function:
        return store.load(sight.key, *sight.outputs).draw()
    module, _, name = sight.function.partition(":")
    show = getattr(importlib.import_module(module), name)
    inputs = {
        port: [store.load(*each) for each in source] if _is_several(source) else store.load(*source)
        for port, source in sight.inputs.items()
    }
    shown: Figure | str | None = show(inputs, {output: store.load(sight.key, output) for output in sight.outputs})
    return shown


def _is_several(source: Any) -> bool:
    return not source or not isinstance(source[0], str)


def _packed(figure: Figure) -> bytes:
    """Return a figure as a PNG file, quick to pack: runs of equal dots are what pictures have most."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(DOTS)
    canvas: Any = FigureCanvasAgg(figure)
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()  # an automatic layout settles in a first round
    canvas.draw()
    image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    if image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")  # a fourth value for each dot would say nothing
    packed = io.BytesIO()
    image.save(packed, "png", compress_level=1, compress_type=zlib.Z_RLE, dpi=(DOTS, DOTS))
    return packed.getvalue()


class Painter:
    """A process that draws, with the paths, kinds of values and libraries' threads of this one.

    Parameters
    ----------
    store
        Where the results are.
    threads
        Threads of the numerical libraries.

    Raises
    ------
    OSError
        Where no process can be started.
    """

    def __init__(self, store: Store, threads: int) -> None:
        paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        self.alive = True
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(THREADS, str(threads)), "PYTHONPATH": paths},
            process_group=0,  # Ctrl-C at a terminal is for this process alone, which then ends the other
        )
        homes = {name: kind.__module__ for name, kind in Value.kinds.items()}
        with suppress(OSError):  # it ended at once: `draw` finds out
            self._say({"store": str(store.folder), "verify": store.verify, "homes": homes})

    def draw(self, sight: Sight) -> Drawn | None:
        """Do what `pipelines.painters.draw` does; None where the process cannot, or has ended and is not `alive`."""
        assert self._process.stdout is not None
        try:
            self._say(sight)
            answer = json.loads(self._process.stdout.readline())
            picture = self._process.stdout.read(answer["size"])
            self.alive = len(picture) == answer["size"]
        except (OSError, ValueError):
            self.alive = False
        return Drawn(picture, answer["error"]) if self.alive and answer["able"] else None

    def end(self) -> None:
        """End the process, whatever it does; it has nothing to put in order."""
        self.alive = False
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close what connects it, once it has ended and nobody waits for an answer."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _say(self, what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()


def serve() -> None:
    """Draw what standard input asks for until it ends: what a process of a `Painter` does."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # nobody waits for an answer any more
    os.nice(NICE)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a drawing prints must not come between answers
    lines = iter(sys.stdin.buffer.readline, b"")
    for line in lines:
        setup = json.loads(line)
        store = Store(Path(setup["store"]), setup["verify"])
        for module in ("matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin"):
            importlib.import_module(module)
        gc.freeze()  # the libraries stay as long as the process: garbage need not be looked for among them
        _answer_all(lines, answers, store, setup["homes"])


def _answer_all(lines: Iterator[bytes], answers: BinaryIO, store: Store, homes: Mapping[str, str]) -> None:
    for line in lines:
        sight = Sight(*json.loads(line))
        able = _import_kinds(store, sight, homes)
        drawn = draw(store, sight) if able else Drawn()
        header = {"able": able, "size": len(drawn.picture), "error": drawn.error}
        answers.write(json.dumps(header).encode() + b"\n" + drawn.picture)
        answers.flush()


def _import_kinds(store: Store, sight: Sight, homes: Mapping[str, str]) -> bool:
    """Import the modules that define the kinds of stored values, of those alone that the program has imported.

    Returns
    -------
    Whether the values can be loaded; if not, the program does it and sees why.
    """
    try:
        trees = [(store.record(key) or {})["outputs"][output] for key, output in sight.sources()]
        kinds = set(_kinds_in(trees))
        for kind in sorted(kinds - Value.kinds.keys()):
            importlib.import_module(homes[kind])
    except Exception:
        return False
    return kinds <= Value.kinds.keys()


def _kinds_in(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        if "$kind" in tree:
            yield tree["$kind"]
        for part in tree.values():
            yield from _kinds_in(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _kinds_in(part)
