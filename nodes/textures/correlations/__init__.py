"""Correlations of the feature maps of random networks."""
