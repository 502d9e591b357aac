"""The transform itself: tensors in, tensors out; knows nothing of values, nodes or seconds."""
