"""A node's ledger as somebody may look at it who must change nothing and must not see everything.

SQLite opens the file for reading only and holds every statement to what is listed here: no released
figure, no id of a session or request, and nothing an auditor alone is given can be read through this
connection, whatever a page asks for.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from yanmen.ledger import schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.store import faults
from yanmen.model.refusal import Fault, FaultCode

WAIT_SECONDS = 5.0
"""For a reader to wait: the node's commits never block one, but its first start after an upgrade does."""
READABLE: frozenset[str] = frozenset(
    {
        "amendment",
        "anchor",
        "anchor_failure",
        "checkpoint",
        "contract",
        "contract_day",
        "contract_side",
        "contract_signature",
        "contract_version",
        "cosignature",
        "dataset_suspended",
        "dataset_version",
        "disconnected",
        "erased",
        "inspection",
        "key_change",
        "leaf",
        "member_suspended",
        "newest_version",
        "node",
        "opening",
        "register",
        "renewal",
        "series",
        "subject_space",
        "subtree",
        "timestamp",
        "violation",
    }
)
"""Tables whose every column may be read; any table that is not named here or below is refused."""
COLUMNS: dict[str, frozenset[str]] = {
    "disclosure": frozenset({"position", "shown"}),
    "intent": frozenset(
        {"position", "consumer", "contract", "space", "release", "micro_rho", "delta_e12", "price_fen", "ended"}
    ),
}
"""Tables of which these columns alone may be read; the others read as if there were nothing."""
NOT_SERVED = "another user's ledger can be read while its node serves, and this one does not"
_UNREADABLE = frozenset({"SQLITE_READONLY_DIRECTORY", "SQLITE_READONLY_CANTINIT", "SQLITE_READONLY_RECOVERY"})
"""What SQLite says of a journal's index that is not there, in a folder where this reader may not make one."""
_SILENT = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})


class Looking(Protocol):
    """A ledger that others keep."""

    def view(self) -> AbstractContextManager[Connection]:
        """Give one consistent view."""
        ...


class ReadOnly:
    """A ledger file that another process keeps; nothing is held open between two looks."""

    __slots__ = ("_path", "_version")

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened with each look."""
        self._path = path
        self._version = len(schema.migrations())

    @contextmanager
    def view(self) -> Iterator[sqlite3.Connection]:
        """Give one consistent view, short as it is to be: a long one keeps the node's journal from being emptied."""
        if not self._path.is_file():
            raise Fault(FaultCode.STORAGE, f"there is no ledger here: no file {self._path.name}")
        with faults(), _served():
            connection = sqlite3.connect(
                f"file:{quote(str(self._path.absolute()))}?mode=ro",
                uri=True,
                timeout=WAIT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare(connection)
                connection.execute("BEGIN")
                connection.set_authorizer(_allowed)
                yield connection
            finally:
                connection.close()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        (marked,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if marked != schema.APPLICATION_ID:
            raise Fault(FaultCode.STORAGE, "this file is no ledger of ours")
        if version != self._version:
            note = f"the ledger has schema {version}, this program reads {self._version}: run the node's own version"
            raise Fault(FaultCode.STORAGE, note)


@contextmanager
def _served() -> Iterator[None]:
    """Say plainly why the ledger of another user cannot be read now."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname in _UNREADABLE:
            raise Fault(FaultCode.STORAGE, NOT_SERVED) from error
        raise


def _allowed(action: int, first: str | None, second: str | None, _database: str | None, _inside: str | None) -> int:
    """Tell SQLite whether a statement may do this."""
    if action in _SILENT:
        return sqlite3.SQLITE_OK
    if action != sqlite3.SQLITE_READ or first is None:
        return sqlite3.SQLITE_DENY
    columns = COLUMNS.get(first)
    if columns is not None:
        return sqlite3.SQLITE_OK if not second or second in columns else sqlite3.SQLITE_IGNORE
    return sqlite3.SQLITE_OK if first in READABLE else sqlite3.SQLITE_DENY
