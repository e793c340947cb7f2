"""The sentence encoders themselves; `processing.encoder` is their common interface."""
