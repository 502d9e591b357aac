"""Lies here so that pytest puts this folder on the path: tests import `make_context` from `contexts`."""
