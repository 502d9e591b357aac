"""The statistics of the magnitudes of a short-time spectrum: tensors in, tensors out."""
