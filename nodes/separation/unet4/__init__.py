"""A small network of the project's own that takes music apart into vocals, drums, bass and other."""

from pathlib import Path

HEADER = "resynthesis unet4 1"
"""Under which a file of weights says in its header what it holds."""

SHIPPED = Path(__file__).with_name("unet4.safetensors")
"""The weights that come with the project."""
