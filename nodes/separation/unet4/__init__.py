"""A small network of the project's own that takes music apart into vocals, drums, bass and other."""
