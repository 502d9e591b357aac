"""How envelopes are written, for parameters that give theirs a range of its own."""

from pydantic import WithJsonSchema

ENVELOPE = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "array", "items": {"type": "array"}}]}
"""The JSON Schema of an envelope."""

AsEnvelope = WithJsonSchema(ENVELOPE)
"""Notes that schema on a parameter."""
