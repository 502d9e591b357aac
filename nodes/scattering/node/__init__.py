"""Scattering transforms, and what can be read off them, as nodes."""

from nodes.scattering.node.comparing import scattergrams as scattergrams
from nodes.scattering.node.reading import rate_scale_map as rate_scale_map
from nodes.scattering.node.reading import scatter_to_text as scatter_to_text
from nodes.scattering.node.reading import scattergram as scattergram
from nodes.scattering.node.scattering import scatter as scatter
