"""The worlds of grounded decoding, each an immutable state."""
