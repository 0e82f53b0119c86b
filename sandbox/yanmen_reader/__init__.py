"""Reads rows of a PostgreSQL server, or one object of a store, into one file: without keys of the node, closed in."""
