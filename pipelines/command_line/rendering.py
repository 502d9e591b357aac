"""`render`: one piece, or a sweep of it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.command_line.main import DONE, MISTAKE, OURS
from pipelines.command_line.progress import Progress
from pipelines.command_line.table import sweep_table
from pipelines.compose import Composed, compose, sweep
from pipelines.mistakes import MistakeError
from pipelines.prepare import prepare
from pipelines.registry import Registry, load_registry
from pipelines.render import Outcome
from pipelines.render import render as render_piece
from pipelines.settings import TrackingSettings


@dataclass
class _Session:
    """The renders of one command."""

    registry: Registry
    config_dirs: list[Path]
    progress: Progress
    sweep: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    code: int = DONE

    def render(self, composed: Composed) -> Outcome | None:
        """Render one job; a mistake in one job of a sweep does not stop the others."""
        earlier = self.outcomes[0].prepared if self.outcomes else None
        prepared = prepare(composed, self.registry, self.config_dirs, earlier)
        try:
            with self.progress.of(prepared.plan):
                outcome = render_piece(prepared, self.progress, self.sweep)
        except MistakeError as error:  # steps ran before files or record could not be written
            self._refused(error)
            return None
        self.outcomes.append(outcome)
        self.code = max(self.code, _code(outcome), key=(DONE, MISTAKE, OURS).index)
        _report(outcome, self.progress.quiet)
        return outcome

    def render_all(self, jobs: Sequence[Composed]) -> list[None]:
        """Render a batch of a sweep."""
        for number, job in enumerate(jobs, 1):
            if not self.progress.quiet:
                print(f"[{number}/{len(jobs)}] {' '.join(job.overrides)}")
            try:
                self.render(job)
            except MistakeError as error:
                self._refused(error)
            except Exception as error:  # a fault in one job must not cost the others
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                self.code = OURS
        return [None] * len(jobs)

    def _refused(self, error: MistakeError) -> None:
        print("\n".join(map(str, error.mistakes)), file=sys.stderr)
        self.code = max(self.code, MISTAKE, key=(DONE, MISTAKE, OURS).index)


def render(options: argparse.Namespace) -> int:
    """Render what the options ask for; return the exit code."""
    registry = load_registry(options.nodes)
    session = _Session(registry, options.config_dir, Progress(options.quiet or not sys.stdout.isatty(), options.quiet))
    try:
        _render(options, session)
    finally:
        _send(session)
    return session.code


def _render(options: argparse.Namespace, session: _Session) -> None:
    if options.multirun or "hydra.mode=MULTIRUN" in options.overrides:
        session.sweep = time.strftime("%Y-%m-%d_%H-%M-%S")
        sweep(options.overrides, options.config_dir, session.render_all)
        if not options.quiet:
            print("".join(f"{line}\n" for line in sweep_table(session.outcomes)), end="")
    else:
        session.render(compose(options.overrides, options.config_dir))


def _code(outcome: Outcome) -> int:
    failures = outcome.execution.failures.values()
    if not failures:
        return DONE
    return MISTAKE if all(isinstance(error, MistakeError) for error in failures) else OURS


def _report(outcome: Outcome, quiet: bool) -> None:
    """Name every failure with what reproduces it; the files to open have been named as soon as they were there."""
    execution = outcome.execution
    for step, error in execution.failures.items():
        _report_failure(step, error, outcome)
    for step, culprit in execution.stopped.items():
        print(f"{step}: not run, because {culprit} failed", file=sys.stderr)
    if not quiet:
        for page in outcome.pages.values():
            print(_here(page))
    if not quiet and not execution.failures:
        plan = outcome.prepared.plan
        print(f"{len(execution.ran)} steps ran, {plan.count('cached')} taken from the store")


def _report_failure(path: str, error: Exception, outcome: Outcome) -> None:
    node = outcome.prepared.plan.step(path).spec.name
    if isinstance(error, MistakeError):
        print("\n".join(map(str, error.mistakes)), file=sys.stderr)
    else:
        print(f"{path} ({node}): {type(error).__name__}: {error}", file=sys.stderr)
    print(f"    reproduce: {_here(outcome.reproductions[path])}", file=sys.stderr)


def _here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _send(session: _Session) -> None:
    """Hand the records to MLflow; where it is away they wait for the next render."""
    for settings, folder in _by_server(session.outcomes).items():
        uri = settings.uri
        from pipelines.tracking import TrackingFailed, send

        try:
            sent, refused = send(folder, settings)
        except TrackingFailed as error:
            print(
                f"MLflow at {uri} did not take the record ({error}); it waits in {_here(folder)}",
                file=sys.stderr,
            )
            continue
        for path, why in refused.items():
            print(f"MLflow refused the record {_here(path)} ({why}); it is tried again next time", file=sys.stderr)
        if sent and not session.progress.quiet:
            mlflow = _here(Path(sys.executable).with_name("mlflow"))
            print(f"recorded in MLflow; open it with: {mlflow} ui --backend-store-uri {uri}")


def _by_server(outcomes: Sequence[Outcome]) -> dict[TrackingSettings, Path]:
    return {
        outcome.prepared.settings.tracking: outcome.prepared.settings.records.absolute()
        for outcome in outcomes
        if outcome.prepared.settings.tracking.uri is not None
    }
