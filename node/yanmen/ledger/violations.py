"""Security events: a job of a consumer's question made a system call that only foreign code in a job makes.

The leaf is that of the question's own end, aborted or refused; here they are counted over all contracts of
the consumer, and from the last one allowed on each suspends the contract it happened under.
"""

from dataclasses import dataclass

from yanmen.ledger import contracts
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log
from yanmen.model.config import NodeLimits


@dataclass(frozen=True, slots=True)
class Violation:
    """One security event: the leaf that records it, whose question it was, when."""

    index: int
    contract: str
    consumer: str
    at_ms: int


def count(db: Connection, log_: Log, position: int, about: About, limits: NodeLimits) -> None:
    """Count the leaf at `position` against the consumer it is about."""
    db.execute(
        "INSERT INTO violation (position, contract, consumer) VALUES (?, ?, ?)",
        (position, about.contract, about.party),
    )
    if dict(counted(db)).get(about.party, 0) >= limits.violations:
        contracts.suspend(db, log_, about.contract)


def counted(db: Connection) -> tuple[tuple[str, int], ...]:
    """Return how many each consumer has made, those before this log began included."""
    rows = db.execute(
        "SELECT consumer, sum(made) FROM (SELECT consumer, count(*) AS made FROM violation GROUP BY consumer"
        " UNION ALL SELECT name, queries FROM opening WHERE kind = 'violations') AS each"
        " GROUP BY consumer ORDER BY consumer"
    )
    return tuple(rows.fetchall())


def listed(db: Connection) -> tuple[Violation, ...]:
    """Return all security events, oldest first."""
    rows = db.execute(
        "SELECT violation.position, contract, consumer, at_ms FROM violation"
        " JOIN leaf ON leaf.position = violation.position ORDER BY violation.position"
    )
    return tuple(Violation(*row) for row in rows)
