"""Short-time Fourier transform and back."""
