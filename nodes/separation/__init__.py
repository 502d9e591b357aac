"""Taking sounds apart."""
