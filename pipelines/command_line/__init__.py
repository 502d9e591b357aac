"""The program `resynthesis`."""
