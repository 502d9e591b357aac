"""Edits in the plane of modulation rate and scale."""
