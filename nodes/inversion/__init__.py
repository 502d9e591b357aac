"""From any representation back to sound, by gradient descent."""
