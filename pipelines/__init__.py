"""The engine: config → graph → plan → execution → record. It knows nothing of sound."""
