"""Sounds of any length through networks: frames and segments, sample rates, stems written as they come."""
