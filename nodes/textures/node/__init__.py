"""Sound textures as nodes."""

from nodes.textures.node.blending import blend as blend
from nodes.textures.node.comparing import cochleagram as cochleagram
from nodes.textures.node.comparing import texture_comparison as texture_comparison
from nodes.textures.node.correlating import texture_correlate as texture_correlate
from nodes.textures.node.editing import texture_edit as texture_edit
from nodes.textures.node.measuring import texture_statistics as texture_statistics
from nodes.textures.node.quality import texture_quality as texture_quality
