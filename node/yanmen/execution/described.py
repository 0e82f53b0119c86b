"""A source that a file describes instead of being it: rows of a PostgreSQL server, or an object in a store."""

from pathlib import Path

from yanmen import regular_file
from yanmen.formats import object_source, postgresql_source, toml_lines
from yanmen.formats.object_source import ObjectSource
from yanmen.formats.postgresql_source import PostgresqlSource
from yanmen.model.refusal import JobCode, JobFailed


def is_source(path: str) -> bool:
    """Say whether `path` names a file that describes a source instead of being one."""
    return Path(path).suffix.lower() == postgresql_source.SUFFIX


def load(path: str) -> PostgresqlSource | ObjectSource:
    """Return the source that the file `path` describes; refuses naming every problem."""
    try:
        text = regular_file.read(Path(path), toml_lines.BYTES_MAX + 1)
    except OSError as error:
        raise JobFailed(JobCode.BAD_SOURCE) from error
    return object_source.decode(text) if object_source.is_one(text) else postgresql_source.decode(text)
