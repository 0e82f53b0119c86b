"""Bytes to values and back: strict, capped, without I/O, clock or keys (docs/FORMATS.md)."""
