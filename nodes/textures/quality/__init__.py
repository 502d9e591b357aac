"""How near a sound comes to the texture of another one, and whether it copies it."""
