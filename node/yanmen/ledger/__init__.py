"""All durable state of a node, in one SQLite file: the only door to a database (docs/DATA_MODEL.md)."""
