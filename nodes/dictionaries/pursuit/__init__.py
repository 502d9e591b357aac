"""Matching pursuit over scales, compiled: finds the atoms of a sound."""
