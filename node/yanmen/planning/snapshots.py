"""Which dataset versions one answer reads, under which schema, and which of their columns."""

from collections.abc import Iterable

from yanmen.model.catalogue import Version
from yanmen.model.stages import Scan


class Snapshots:
    """Collects the scans of one answer while it is planned."""

    def __init__(self) -> None:
        """Start with none."""
        self._schemas: dict[str, str] = {}
        self._versions: dict[str, Version] = {}
        self._columns: dict[str, set[str]] = {}
        self._counted: set[str] = set()

    def schema(self, version: Version) -> str:
        """Return the schema under which the engine finds `version`."""
        schema = self._schemas.setdefault(version.version, f"s{len(self._schemas)}")
        self._versions[schema] = version
        return schema

    def read(self, version: Version, names: Iterable[str]) -> str:
        """Note that `names` of `version` are read; return its schema."""
        schema = self.schema(version)
        self._columns.setdefault(schema, set()).update(names)
        return schema

    def count(self, schema: str) -> None:
        """Note that the rows of each unit, as `schema` holds their number, are read."""
        self._counted.add(schema)

    def scans(self) -> tuple[Scan, ...]:
        """Return the versions read, each with its columns in declared order."""
        return tuple(
            Scan(
                schema,
                version,
                tuple(c.name for c in version.dataset.visible() if c.name in self._columns[schema]),
                schema in self._counted,
            )
            for schema, version in self._versions.items()
        )
