"""Sounds as sums of few spectra, each with its level over time (non-negative matrix factorisation)."""
