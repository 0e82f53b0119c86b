"""Reads rows of a PostgreSQL server into one file: a process without keys, closed in before the first row."""
