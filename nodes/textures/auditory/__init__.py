"""The statistics of an auditory model: tensors in, tensors out."""
