"""Works made from the iterates of inversions, as nodes."""

from nodes.takes.node.assigning import assign as assign
from nodes.takes.node.pooling import takes_pool as takes_pool
from nodes.takes.node.rising import rise as rise
from nodes.takes.node.segmenting import segments as segments
