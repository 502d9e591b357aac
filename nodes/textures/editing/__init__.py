"""Texture statistics scaled, freed, reversed, and made of those of several sounds."""
