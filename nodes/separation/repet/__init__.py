"""Voice, drums, bass and the rest by what repeats and what lies in the middle, without trained weights."""

from nodes.separation.repet.separating import STEMS as STEMS
from nodes.separation.repet.separating import separate_into as separate_into
from nodes.separation.repet.settings import Settings as Settings
