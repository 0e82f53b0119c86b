"""One log of a node after another: a new year's, or the successor of one that lost leaves.

ledger.sqlite                 the log that is kept now
ledger-2026.sqlite            one that was closed: kept for auditors, never written again
ledger.sqlite.next            one being written; it counts for nothing until it has the first name

In a database these are schemas: `yanmen`, `yanmen_2026` and `yanmen_next`, which exchange names in one transaction.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yanmen.formats import checkpoint
from yanmen.formats.checkpoint import Checkpoint
from yanmen.ledger import genesis
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.succession import Step
from yanmen.model.config import Witness
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.holder import LEDGER, Holder, open_holder
from yanmen.witness import asking, standing

NUMBERS = 99
"""Logs a node may have in one year."""
_NEXT = f"{LEDGER}.next"


@dataclass(frozen=True, slots=True)
class Closed:
    """The file or schema of a log that was closed, and the origin of the one that continues it."""

    archive: str
    origin: str


def turn_year(directory: Path, clock: Clock | None = None) -> Closed | None:
    """Close the log of a year that is over and begin the next; None when there is nothing to do.

    A node does this when it starts to serve. One that serves through New Year's Eve goes on in the old log until then,
    and so does a replica that starts while others serve.
    """
    with open_holder(directory, clock=clock) as holder:
        ledger = holder.ledger
        year = genesis.civil_year(holder.clock.now_ms())
        if year <= checkpoint.origin_year(ledger.origin)[0]:
            return None
        if not ledger.served_alone():
            return None
        standing.check(ledger, holder.config.witnesses)  # an old copy must not become last year's log
        ledger.recover()
        head = asking.head(ledger.checkpoint())[1]
        origin = checkpoint.origin(holder.config.id, year)
        return _follow(holder, Step(origin, holder.config.space, head, head.size, "", {}))


def succeed(directory: Path, reason: str, left: Mapping[str, int], clock: Clock | None = None) -> Closed:
    """Begin the successor of a log of which witnesses saw more, or another history, than this ledger holds.

    Raises a `Fault` when no witness did: then there is no gap to declare.
    """
    with open_holder(directory, clock=clock) as holder:
        ledger = holder.ledger
        seen = _seen(ledger, holder.config.witnesses)
        held = _held(ledger, seen)
        year, number = checkpoint.origin_year(ledger.origin)
        now = genesis.civil_year(holder.clock.now_ms())
        number = number + 1 if now <= year else 1
        if number > NUMBERS:
            raise Fault(FaultCode.CONFIG, "no more logs can begin this year")
        ledger.serve_alone()
        ledger.recover()
        origin = checkpoint.origin(holder.config.id, max(year, now), number)
        return _follow(holder, Step(origin, holder.config.space, seen, held, reason, left))


def finish(directory: Path) -> None:
    """Finish what a crash interrupted: the closed log was put away and the next one not yet in its place."""
    current, following = directory / LEDGER, directory / _NEXT
    if not following.exists():
        return
    if current.exists():
        for path in directory.glob(f"{_NEXT}*"):
            path.unlink(missing_ok=True)
    else:
        following.rename(current)
        _sync(directory)


def _follow(holder: Holder, step: Step) -> Closed:
    """Write the next ledger beside the present one, then exchange them."""
    where = holder.config.ledger
    if where.postgresql:
        return Closed(f"{where.schema}_{holder.ledger.follow(step)}", step.origin)
    directory = holder.directory
    old = holder.ledger.origin.rpartition("/")[2]
    archive = directory / f"ledger-{old}.sqlite"
    if archive.exists():
        raise Fault(FaultCode.STORAGE, f"{archive.name} is there already")
    holder.ledger.begin_next(directory / _NEXT, step)
    (directory / LEDGER).rename(archive)
    holder.ledger.close()
    finish(directory)
    return Closed(str(archive), step.origin)


def _seen(ledger: Ledger, witnesses: tuple[Witness, ...]) -> Checkpoint:
    """Return the largest head of this log that a witness shows."""
    heads = [asking.seen(witness, ledger.origin, ledger.log_key_at) for witness in witnesses]
    found = max((head for head in heads if head is not None), key=lambda head: head.size, default=None)
    if found is None:
        raise Fault(FaultCode.CONFIG, "no witness in node.toml knows this log: there is no gap to declare")
    return found


def _held(ledger: Ledger, seen: Checkpoint) -> int:
    """Return how many leaves of the witnessed history this ledger holds, which must not be all."""
    here = ledger.size()
    if seen.size <= here and ledger.root(seen.size) == seen.root:
        raise Fault(FaultCode.CONFIG, "this ledger holds all that witnesses saw: there is no gap to declare")
    return min(here, seen.size)


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
