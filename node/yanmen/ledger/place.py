"""Where a ledger is kept: a file of SQLite, or a schema of a PostgreSQL database that replicas of one node share."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from yanmen.crypto import keys
from yanmen.model.refusal import Fault, FaultCode

CONNECTION_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Database:
    """A libpq connection string, which is a secret, and the schema that is this node's own."""

    connection: str
    schema: str

    @override
    def __repr__(self) -> str:
        """Leave the connection string out."""
        return f"Database({self.schema!r})"

    def beside(self, name: str) -> "Database":
        """Return another schema of this node's: a closed log, or one that is being written."""
        return Database(self.connection, f"{self.schema}_{name}")

    def key(self, what: int) -> int:
        """Return the number of an advisory lock of this ledger."""
        digest = hashlib.sha256(f"yanmen\0{self.schema}\0{what}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def database(path: Path, schema: str) -> Database:
    """Return the database whose connection is in the private file `path`, and goes nowhere else."""
    try:
        connection = keys.read_private(path, CONNECTION_BYTES).decode("utf-8").strip()
    except UnicodeDecodeError:
        connection = ""
    if not connection or not connection.isprintable():
        raise Fault(FaultCode.CONFIG, f"{path}: one line, a connection string of libpq（须为一行 libpq 连接串）")
    return Database(connection, schema)


Place = Path | Database
