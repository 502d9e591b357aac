"""Mosaics: sounds as windowed pieces of other sounds."""
