"""Putting sounds together, at once or one after another."""
