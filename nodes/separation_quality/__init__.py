"""How good separated sounds are, beside the true ones."""
