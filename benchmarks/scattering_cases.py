"""What is compared in `scattering_speed.py`: transforms, peers, limits; and the sounds that all work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from measuring import PEERS, PROJECT

from pipelines.value import Array

LENGTH, SAMPLE_RATE = 2**16, 22_050
"""3 s of sound."""

OURS = "resynthesis"
NEXT = "Kymatio 0.4.0.dev0"
RELEASED = "Kymatio 0.3.0"
WORKERS = {
    OURS: PEERS / "run_scattering.py",
    NEXT: PEERS / "jtfs_kymatio.py",
    RELEASED: PEERS / "time_kymatio.py",
}


@dataclass(frozen=True)
class Work:
    """A transform: J octaves of Q filters, joint with `octaves_fr` along log-frequency, or time scattering."""

    octaves: int
    quality: int
    octaves_fr: int | None = None

    @property
    def name(self) -> str:
        """What the tables call it."""
        joint = "time" if self.octaves_fr is None else "joint"
        fr = "" if self.octaves_fr is None else f" J_fr {self.octaves_fr}"
        return f"{joint} J {self.octaves} Q {self.quality}{fr}"

    def options(self, framework: str, smaller: int) -> list[str]:
        """Return the options of a framework's worker, with filters shorter by so many octaves."""
        options = ["--octaves", str(self.octaves - smaller), "--quality", str(self.quality)]
        if framework != RELEASED:
            options += ["--transform", "time" if self.octaves_fr is None else "joint"]
        return options if self.octaves_fr is None else [*options, "--octaves-fr", str(self.octaves_fr)]


@dataclass(frozen=True)
class Run:
    """A transform by one framework; `sampling` is ours alone."""

    work: Work
    framework: str
    boundary: str
    sampling: str = ""

    @property
    def name(self) -> str:
        """What the tables call it, apart from the transform."""
        return " ".join(filter(None, [self.framework, self.boundary, self.sampling]))


@dataclass(frozen=True)
class Comparison:
    """Two runs: how many times less CPU time and memory ours must need, where that is demanded."""

    ours: Run
    peer: Run
    times: float | None = None
    memory: float | None = None


JOINT, WIDE, TIME = Work(12, 8, 3), Work(13, 12, 5), Work(12, 8)


def _joint(work: Work, same: float, fitted: float) -> list[Comparison]:
    full, fast = Run(work, OURS, "reflect", "full"), Run(work, OURS, "circular", "fitted")
    reflect, circular = Run(work, NEXT, "reflect"), Run(work, NEXT, "circular")
    return [
        Comparison(full, reflect, same, 20),
        Comparison(fast, reflect, fitted, 20),
        Comparison(fast, circular),
    ]


COMPARISONS = [
    *_joint(JOINT, 15, 60),
    *_joint(WIDE, 10, 50),
    *(
        Comparison(Run(TIME, OURS, "reflect", sampling), Run(TIME, peer, "reflect"), 4)
        for sampling in ("full", "fitted")
        for peer in (RELEASED, NEXT)
    ),
]

SAME = [
    *((Run(work, OURS, "reflect", "full"), Run(work, NEXT, "reflect")) for work in (JOINT, WIDE, TIME)),
    (Run(TIME, OURS, "reflect", "full"), Run(TIME, RELEASED, "reflect")),
    (Run(JOINT, OURS, "circular", "full"), Run(JOINT, NEXT, "circular")),
]
"""Runs whose coefficients and gradients are the same, but for rounding and what decimation folds back."""

WRAPPED = [(Run(WIDE, OURS, "circular", "full"), Run(WIDE, NEXT, "circular"))]
"""The longest filters are longer than this circle: the peer gives them a norm of 1 around it, ours have it unrolled."""

FITTED = [
    *((Run(work, OURS, "circular", "fitted"), Run(work, OURS, "circular", "full")) for work in (JOINT, WIDE)),
    (Run(TIME, OURS, "reflect", "fitted"), Run(TIME, OURS, "reflect", "full")),
]
"""Runs that differ by the sampling alone."""


def sounds(length: int) -> Array:
    """Return noise and two of the project's sounds, at 22.05 kHz with a peak of 1: 3 × length."""
    import soundfile
    import soxr

    found = [np.random.default_rng(0).standard_normal(length)]
    for name in ("narrator", "breakbeat"):
        samples, rate = soundfile.read(PROJECT / "sounds" / f"{name}.flac", always_2d=True)
        mono = soxr.resample(samples.mean(1), rate, SAMPLE_RATE, "VHQ")
        found.append(np.resize(mono, length) / np.abs(mono).max())
    return np.stack(found)


def noise(length: int) -> dict[str, Array]:
    """Return what is measured: noise, and other noise as its target, each 1 × length."""
    return {
        name: np.random.default_rng(seed).standard_normal((1, length))
        for seed, name in enumerate(("samples", "targets"))
    }
