"""Heads that were anchored in a chain, and since when that fails."""

from dataclasses import dataclass

from yanmen.ledger.connection import Connection

NOTE_MAX = 200


@dataclass(frozen=True, slots=True)
class Anchor:
    """The root of the first `size` leaves was written under `answer`."""

    size: int
    answer: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Failing:
    """The hook has not answered as it should since `since_ms`; `note` says how it failed last."""

    since_ms: int
    note: str


def keep(db: Connection, anchor: Anchor) -> None:
    """Keep what the hook answered; the first answer for a head stays. The hook works again."""
    db.execute(
        "INSERT OR IGNORE INTO anchor (size, answer, at_ms) VALUES (?, ?, ?)",
        (anchor.size, anchor.answer, anchor.at_ms),
    )
    db.execute("DELETE FROM anchor_failure")


def fail(db: Connection, failing: Failing) -> None:
    """Note that the hook failed; since when it does is kept."""
    db.execute(
        "INSERT INTO anchor_failure (one, since_ms, note) VALUES (1, ?, ?)"
        " ON CONFLICT (one) DO UPDATE SET note = excluded.note",
        (failing.since_ms, failing.note[:NOTE_MAX]),
    )


def failing(db: Connection) -> Failing | None:
    """Return how the hook fails, None while it works."""
    row = db.execute("SELECT since_ms, note FROM anchor_failure").fetchone()
    return None if row is None else Failing(*row)


def listed(db: Connection) -> tuple[Anchor, ...]:
    """Return every anchor, oldest first."""
    return tuple(Anchor(*row) for row in db.execute("SELECT size, answer, at_ms FROM anchor ORDER BY size"))


def newest(db: Connection) -> Anchor | None:
    """Return the newest anchor."""
    row = db.execute("SELECT size, answer, at_ms FROM anchor ORDER BY size DESC LIMIT 1").fetchone()
    return None if row is None else Anchor(*row)
