"""A tiny project that uses resynthesis: its own nodes, its own kind of value, its own pieces."""
