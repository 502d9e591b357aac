"""Nodes of dictionary-based methods."""

from nodes.dictionaries.node.decomposing import dbm_decompose as dbm_decompose
from nodes.dictionaries.node.drawing import dbm_picture as dbm_picture
from nodes.dictionaries.node.exchanging import dbm_export as dbm_export
from nodes.dictionaries.node.exchanging import dbm_load as dbm_load
from nodes.dictionaries.node.grains import dbm_grain_score as dbm_grain_score
from nodes.dictionaries.node.grains import dbm_grains as dbm_grains
from nodes.dictionaries.node.grains import dbm_regrain as dbm_regrain
from nodes.dictionaries.node.guiding import dbm_guide as dbm_guide
from nodes.dictionaries.node.interlinking import dbm_interlink as dbm_interlink
from nodes.dictionaries.node.morphing import dbm_exchange as dbm_exchange
from nodes.dictionaries.node.morphing import dbm_morph as dbm_morph
from nodes.dictionaries.node.moving import dbm_jitter as dbm_jitter
from nodes.dictionaries.node.moving import dbm_reverse as dbm_reverse
from nodes.dictionaries.node.moving import dbm_scrub as dbm_scrub
from nodes.dictionaries.node.moving import dbm_stretch as dbm_stretch
from nodes.dictionaries.node.pitching import dbm_quantise as dbm_quantise
from nodes.dictionaries.node.pitching import dbm_transpose as dbm_transpose
from nodes.dictionaries.node.rebuilding import dbm_layers as dbm_layers
from nodes.dictionaries.node.rebuilding import dbm_rebuild as dbm_rebuild
from nodes.dictionaries.node.refitting import dbm_refit as dbm_refit
from nodes.dictionaries.node.selecting import dbm_density as dbm_density
from nodes.dictionaries.node.selecting import dbm_filter as dbm_filter
from nodes.dictionaries.node.selecting import dbm_limit as dbm_limit
from nodes.dictionaries.node.selecting import dbm_split as dbm_split
from nodes.dictionaries.node.shaping import dbm_bleed as dbm_bleed
from nodes.dictionaries.node.shaping import dbm_window as dbm_window
