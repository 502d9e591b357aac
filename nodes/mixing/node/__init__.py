"""Putting sounds together, and taking a stretch or a take out of them, as nodes."""

from nodes.mixing.node.excerpts import cut as cut
from nodes.mixing.node.excerpts import loop as loop
from nodes.mixing.node.excerpts import take as take
from nodes.mixing.node.mixing import mix as mix
from nodes.mixing.node.sequencing import sequence as sequence
