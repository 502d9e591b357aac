"""Scattering transforms."""
