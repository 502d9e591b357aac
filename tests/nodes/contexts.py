"""A context for calling nodes directly, without an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipelines.context import Context


@dataclass
class Recorder:
    """A watcher that keeps what a step said of itself."""

    metrics: list[tuple[str, str, float, int]] = field(default_factory=list)
    heard: list[tuple[str, int, int | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None:
        self.heard.append((what or step, done, total))

    def metric(self, step: str, name: str, value: float, at: int) -> None:
        self.metrics.append((step, name, value, at))

    def note(self, step: str, text: str) -> None:
        self.notes.append(text)


class RecordedContext(Context):
    """A context whose watcher can be asked afterwards: `context.recorder.metrics`."""

    def __init__(self, scratch: Path, seed: int) -> None:
        self.recorder = Recorder()
        super().__init__("step", "0" * 64, seed, "cpu", scratch, self.recorder)


def make_context(tmp_path: Path, seed: int = 0) -> RecordedContext:
    """Return a context at `seed` on the CPU whose scratch folder lies in `tmp_path`."""
    return RecordedContext(tmp_path / "scratch", seed)
