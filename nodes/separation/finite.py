"""Refusing stems that are no numbers."""

from __future__ import annotations

import numpy as np

from pipelines.mistakes import mistake
from pipelines.value import Array


def require_stems(found: Array, heard: Array | None = None) -> None:
    """Refuse stems that are not finite; `heard` is the sound, where it is at hand."""
    if not np.isfinite(found).all():
        raise mistake(
            "the sound is too loud to be separated",
            given="" if heard is None else f"samples up to {np.abs(heard).max():.3g}",
            allowed="samples around -1 to 1",
            hint="lower its level first",
        )
