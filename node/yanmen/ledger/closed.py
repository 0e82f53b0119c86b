"""A log that was closed, read as a copy: what lies in an archive is never written again, not even to be lifted."""

from pathlib import Path

from yanmen.ledger import export, key_changes
from yanmen.ledger.export import SpacePapers
from yanmen.ledger.group import internal
from yanmen.ledger.log import Identity
from yanmen.ledger.opening import opened
from yanmen.model.refusal import Fault, FaultCode


def export_copy(copy: Path, directory: Path, papers: SpacePapers) -> int:
    """Write the audit bundle of the log in the file `copy`, which is the caller's own; return its leaves."""
    store, _ = opened(copy, None, create=False)
    try:
        with store.view() as db, internal():
            row = db.execute("SELECT id, origin FROM node").fetchone()
            if row is None:
                raise Fault(FaultCode.STORAGE, "this ledger has not begun")
            stated = export.statement(db, Identity(*row), papers.name)
            _, log_public = key_changes.in_use(db)
            export.write(db, directory, stated, papers, log_public)
            return stated.size
    finally:
        store.close()
