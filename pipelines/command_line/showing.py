"""`plan`, `why` and `graph`: what a render would do, before anything heavy is imported."""

from __future__ import annotations

import argparse
import sys

from pipelines.compose import compose
from pipelines.graph_text import FORMATS, SIGNS, as_text
from pipelines.prepare import Prepared, prepare
from pipelines.registry import load_registry
from pipelines.why import why as explain


def plan(options: argparse.Namespace) -> None:
    """Show every step: stored, to run, or not needed."""
    prepared = _prepared(options)
    found = prepared.plan
    width = max(map(len, found.graph.steps), default=0)
    for path, step in found.graph.steps.items():
        state = found.states[path]
        print(f"{SIGNS[state]} {state:<8}  {path:<{width}}  {step.spec.name}")
        if step.decided:
            print(f"{'':<{width + 14}}{step.decided}")
    print(f"{found.count('run')} to run, {found.count('cached')} cached, {found.count('unneeded')} not needed")


def why(options: argparse.Namespace) -> None:
    """Say why a step has to run."""
    prepared = _prepared(options)
    answer = explain(prepared.plan, prepared.store, options.step)
    print(f"{answer.path}: {answer.state}")
    for line in answer.differences:
        print(f"    {line}")
    if answer.nearest:
        print(f"    compared with {answer.nearest}; unchanged: {', '.join(answer.same) or 'nothing'}")


def graph(options: argparse.Namespace) -> None:
    """Show the graph as text, Mermaid or dot."""
    found = _prepared(options).plan
    if options.format == "text":
        print(as_text(found, colour=sys.stdout.isatty()), end="")
    else:
        print(FORMATS[options.format](found), end="")


def _prepared(options: argparse.Namespace) -> Prepared:
    composed = compose(options.overrides, options.config_dir)
    return prepare(composed, load_registry(options.nodes), options.config_dir)
