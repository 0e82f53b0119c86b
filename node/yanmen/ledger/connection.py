"""What the ledger asks of a connection to its tables, wherever they are kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

Value = str | int | bytes | None
Parameters = Sequence[Value] | Mapping[str, Value]


class Rows(Protocol):
    """What a statement found."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - a row of columns, which whoever asked knows the types of
        """Return the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Go through the rows."""
        ...


class Connection(Protocol):
    """A connection to SQLite's file or to PostgreSQL, inside a transaction; one text of each statement suits both."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open and can go on."""
        ...

    def execute(self, sql: str, parameters: Parameters = (), /) -> Rows:
        """Run a statement."""
        ...

    def executemany(self, sql: str, rows: Iterable[Parameters], /) -> object:
        """Run a statement for each of `rows`."""
        ...
