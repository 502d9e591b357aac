"""Kinds of value that nodes take and give."""

from nodes.values.audio import Audio as Audio
from nodes.values.audio import Marker as Marker
from nodes.values.audio import Takes as Takes
from nodes.values.plain import Figure as Figure
from nodes.values.plain import Files as Files
from nodes.values.plain import Text as Text
from nodes.values.representation import Representation as Representation
from nodes.values.spectrogram import Spectrogram as Spectrogram
