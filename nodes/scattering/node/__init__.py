"""Scattering transforms, and what can be read off them, as nodes."""

from nodes.scattering.node.scattering import scatter as scatter
