"""Networks in the ONNX format in the place of Spleeter's: each makes of the magnitudes of a sound those of a stem.

ONNX Runtime computes a segment in one thread on the CPU, so that neither the number of workers nor that of segments at
a time changes a bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nodes.separation.onnx_files import INPUT, OUTPUT, Layout, layout_of
from pipelines.mistakes import mistake
from pipelines.value import Array

ERRORS_ONLY = 3
"""From which severity on ONNX Runtime speaks on standard error."""


@dataclass(frozen=True)
class OnnxNetwork:
    """The network of one stem, ready to use.

    Parameters
    ----------
    path
        Its file.
    layout
        How magnitudes go into it.
    session
        ONNX Runtime's session; several threads may run it side by side.
    """

    path: Path
    layout: Layout
    session: Any

    def __call__(self, segment: Array) -> Array:
        """Return the magnitudes of the stem, of one segment's, both 2 × frames × bins of float32."""
        axis = 1 if self.layout.channels_first else 0
        seen = np.expand_dims(segment, axis).astype(np.float16 if self.layout.half else np.float32, copy=False)
        try:
            (found,) = self.session.run([OUTPUT], {INPUT: seen})
        except Exception as error:  # as in `_load`
            raise mistake(f"the network cannot be used: {_first_line(error)}", given=str(self.path)) from error
        if found.shape != seen.shape:
            raise mistake(
                "the network makes another shape than it takes",
                given=f"{list(found.shape)} of {self.path}",
                allowed=str(list(seen.shape)),
            )
        made: Array = found.astype(np.float32, copy=False).squeeze(axis)
        return made


@dataclass(frozen=True)
class OnnxNetworks:
    """The networks of all stems; what separates with Spleeter's separates with these.

    Parameters
    ----------
    each
        The network of each stem by its name.
    """

    each: Mapping[str, OnnxNetwork]

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of the stems."""
        return tuple(self.each)

    @property
    def bins(self) -> int:
        """How many bins the networks see."""
        return next(iter(self.each.values())).layout.bins

    @property
    def device(self) -> str:
        """Where they compute."""
        return "cpu"

    def estimates(self, magnitudes: Tensor) -> Tensor:
        """Return the magnitudes that the networks see in each stem: stems × …, of segments × 2 × frames × bins."""
        segments = magnitudes.numpy()
        return torch.from_numpy(np.stack([np.stack([run(one) for one in segments]) for run in self.each.values()]))


def load_networks(files: Mapping[str, Path]) -> OnnxNetworks:
    """Return the networks in files.

    Parameters
    ----------
    files
        The file of each stem by its name.

    Raises
    ------
    MistakeError
        Where a file cannot be read, holds no such network or one that ONNX Runtime does not know how to compute, or
        networks see different numbers of bins.
    """
    each = {stem: _load(path) for stem, path in files.items()}
    if len({network.layout.bins for network in each.values()}) > 1:
        raise mistake(
            "the networks do not see the same bins",
            parameter="model",
            given=", ".join(f"{stem} {network.layout.bins}" for stem, network in each.items()),
        )
    return OnnxNetworks(each)


def _load(path: Path) -> OnnxNetwork:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.enable_cpu_mem_arena = False  # it would keep what the largest segments took
    options.log_severity_level = ERRORS_ONLY
    try:
        content = path.read_bytes()
    except OSError as error:
        raise mistake(f"the file cannot be read: {error.strerror or error}", given=str(path)) from error
    layout = layout_of(content, path)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the errors of ONNX Runtime have nothing else in common
        raise mistake(f"the network cannot be used: {_first_line(error)}", given=str(path)) from error
    return OnnxNetwork(path, layout, session)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
