"""Sound files: reading them, writing them."""
