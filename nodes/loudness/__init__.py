"""Loudness and peaks."""
