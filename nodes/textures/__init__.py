"""Sound textures from statistics."""
