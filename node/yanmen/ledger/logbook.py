"""The ledger's part about its log: heads, proofs, cosignatures, receipts, and what an auditor takes away."""

from collections.abc import Iterable
from pathlib import Path

from yanmen.formats import key_change, merkle
from yanmen.formats.cose_receipt import Growth, Inclusion
from yanmen.formats.json_canonical import Json
from yanmen.formats.note import NoteSignature, VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.ledger import (
    anchors,
    audit,
    cosigned,
    erasing,
    export,
    key_changes,
    log,
    mirror,
    timestamps,
    tree,
    violations,
)
from yanmen.ledger.anchors import Anchor, Failing
from yanmen.ledger.connection import Connection
from yanmen.ledger.desk import Desk
from yanmen.ledger.export import SpacePapers
from yanmen.ledger.group import internal
from yanmen.ledger.key_changes import Demand
from yanmen.ledger.log import About, Slots
from yanmen.ledger.violations import Violation
from yanmen.model.party import KeyUse
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused

OWN = frozenset({Stage.NOISE, Stage.SET, Stage.OPENED})
"""Stages of an aggregator's own doings."""


class Logbook(Desk):
    """The log of usage as it can be shown."""

    __slots__ = ()

    def append_own(self, stage: Stage, slots: Slots, consumer: str) -> Receipt:
        """Record what this node did as an aggregator, for `consumer` to fetch the receipt of."""
        if stage not in OWN:
            raise Fault(FaultCode.INTERNAL, "no stage of an aggregator")
        with self._writing() as db:
            return self._receipt(db, self._log.append(db, stage, slots, About("", consumer)).position)

    def own_subjects(self, stage: Stage) -> tuple[Json, ...]:
        """Return what the leaves of an aggregator's `stage` say, oldest first; what was destroyed is left out."""
        with self._store.read() as db:
            rows = db.execute("SELECT position FROM leaf WHERE stage = ? ORDER BY position", (stage.value,)).fetchall()
            found = (log.read_slots(db, position).get(Slot.SUBJECT) for (position,) in rows)
            return tuple(subject for subject in found if subject is not None)

    @property
    def origin(self) -> str:
        """The name of the log, which is also the name of its key."""
        return self._log.identity.origin

    @property
    def log_public(self) -> bytes:
        """The raw public key that heads verify with."""
        return self._keeper.log_signer.public

    def log_key_at(self, size: int) -> bytes:
        """Return the raw public key that a head of `size` leaves is signed with."""
        with self._store.read() as db:
            return key_changes.log_key_at(db, size)

    def exchange_key(self, demand: Demand) -> int:
        """Record that a key of this node ends and return the leaf; this ledger signs nothing more afterwards.

        Only the serving process may, so that nobody signs with the old key meanwhile.
        """
        if not self._serving.held:
            raise Fault(FaultCode.INTERNAL, "keys are exchanged by who serves the node")
        with self._writing() as db:
            return key_changes.exchange(db, self._log.identity, self._keeper, demand)

    def newest_exchange(self, use: KeyUse) -> tuple[key_change.Signed, Receipt] | None:
        """Return the last exchange of a key of this use with its receipt, None when there was none."""
        with self._store.read() as db:
            position = key_changes.newest(db, use)
            if position is None:
                return None
            return key_changes.signed_at(db, position), log.read_receipt(db, position, whole=True)

    def copy(self, path: Path) -> str:
        """Write the whole ledger as it is now to the new file `path`, and return the signed head over it."""
        return self._store.copy(path, log.head)

    def check_clock(self) -> None:
        """Raise the `Fault` that the next leaf would meet when the clock is far behind the last one."""
        with self._store.read() as db:
            self._log.now_ms(db)

    def size(self) -> int:
        """Return the number of leaves."""
        with self._store.read() as db:
            return log.size(db)

    def checkpoint(self) -> str:
        """Return the newest head as a signed note."""
        with self._store.read() as db:
            return log.head(db)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the log of `new` leaves begins with that of `old`; `BadProof` if there is none."""
        with self._store.read() as db:
            return log.consistency(db, old, new)

    def cose_inclusion(self, index: int) -> bytes:
        """Return the COSE Receipt that the leaf `index` is in the log as it is now; `BadProof` if there is none."""
        with self._store.read() as db:
            size = log.size(db)
            path = merkle.inclusion(index, size, tree.reader(db))
            return self._log.prove(db, Inclusion(size, index, path))

    def cose_growth(self, old: int) -> bytes:
        """Return the COSE Receipt that the log as it is now begins with its first `old` leaves."""
        with self._store.read() as db:
            size = log.size(db)
            if not 0 < old < size:
                raise merkle.BadProof("the log has not grown since")
            return self._log.prove(db, Growth(old, size, log.consistency(db, old, size)))

    def leaf(self, index: int) -> bytes:
        """Return the leaf `index`, without disclosures."""
        with self._store.read() as db:
            return log.as_given(db, index).partition("~")[0].encode("ascii")

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves, which must be there."""
        with self._store.read() as db:
            return log.root(db, size)

    def cosigned(self, witness: VerifierKey) -> int:
        """Return the size of the newest head that `witness` cosigned, 0 when there is none."""
        with self._store.read() as db:
            return cosigned.newest(db, witness)

    def witnessed(self, witnesses: Iterable[VerifierKey], least: int) -> int:
        """Return the size of the newest head that at least `least` of `witnesses` cosigned, 0 when there is none."""
        with self._store.read() as db:
            return cosigned.quorum(db, witnesses, least)

    def add_cosignature(self, size: int, witness: VerifierKey, signature: NoteSignature) -> int:
        """Keep what `witness` signed over the head of `size` leaves and return when; refuse what does not verify."""
        with self._writing() as db:
            return cosigned.keep(db, size, witness, signature)

    def receipt(self, index: int) -> Receipt:
        """Return any receipt with all that is still disclosed: for the holder and the auditor."""
        with self._store.read() as db:
            if log.party(db, index) is None:
                raise Refused(Reason.JOB_UNKNOWN)
            return log.read_receipt(db, index, whole=True)

    def receipt_for(self, index: int, consumer: str) -> Receipt:
        """Return a consumer's own receipt, or refuse as for one that never was."""
        with self._store.read() as db:
            if not consumer or log.party(db, index) != consumer:
                raise Refused(Reason.JOB_UNKNOWN)
            return log.read_receipt(db, index, whole=False)

    def stamped(self) -> tuple[int, int]:
        """Return size and Unix time of the newest head with a time stamp, (0, 0) when there is none."""
        with self._store.read() as db:
            return timestamps.newest(db)

    def head(self, size: int = 0) -> bytes:
        """Return the head of `size` leaves, or the newest, with the log's own signature alone: what is stamped."""
        with self._store.read() as db:
            return timestamps.head_of(db, size)

    def add_timestamp(self, size: int, token: bytes, at_s: int) -> None:
        """Keep a verified time stamp over the head of `size` leaves."""
        with self._writing() as db:
            timestamps.keep(db, size, token, at_s)

    def anchored(self) -> Anchor | None:
        """Return the newest anchor."""
        with self._store.read() as db:
            return anchors.newest(db)

    def anchor_failing(self) -> Failing | None:
        """Return how the anchor hook fails, None while it works."""
        with self._store.read() as db:
            return anchors.failing(db)

    def add_anchor(self, anchor: Anchor) -> None:
        """Keep what the anchor hook answered."""
        with self._writing() as db:
            anchors.keep(db, anchor)

    def anchor_failed(self, failing: Failing) -> None:
        """Note that the anchor hook failed."""
        with self._writing() as db:
            anchors.fail(db, failing)

    def erase(self, before_ms: int, actor: str) -> Receipt | None:
        """Destroy disclosures of uses before `before_ms` whose contract's term is over; None when none are left.

        One call destroys a bounded number of them; what was destroyed is not left in the journal either.
        """

        def shown(db: Connection, position: int | None) -> Receipt | None:
            return None if position is None else log.read_receipt(db, position, whole=False)

        receipt = self._commit(lambda db: erasing.erase(db, self._log, before_ms, actor), shown)
        self._store.empty_journal()
        return receipt

    def violations(self) -> tuple[Violation, ...]:
        """Return every security event, oldest first: for the holder."""
        with self._store.read() as db:
            return violations.listed(db)

    def export(self, directory: Path, papers: SpacePapers) -> int:
        """Write the audit bundle of the whole log to the new `directory` and return the number of its leaves."""
        with self._store.view() as db, internal():
            stated = export.statement(db, self._log.identity, papers.name)
            export.write(db, directory, stated, papers, self._keeper.log_signer.public)
        return stated.size

    def tiles(self, directory: Path) -> int:
        """Bring the static tiles in `directory` up to the newest head and return the number of leaves."""
        with self._store.view() as db, internal():
            key = VerifierKey(self.origin, self._keeper.log_signer.public)
            return mirror.write(db, directory, key, cosigned.with_cosignatures(db, log.size(db)))

    def check(self) -> None:
        """Recompute tree, heads, counters and answers from leaves and intents; raise a `Fault` at what differs."""
        with self._store.view() as db:
            audit.check(db)
