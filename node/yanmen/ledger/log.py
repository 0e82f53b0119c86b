"""The usage log: leaves, the Merkle tree over them and the signed checkpoint of every transaction.

Appending needs the write transaction of the caller: leaf, tree, series, checkpoint and whatever the
leaf is about are one commit.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from yanmen.crypto import cose_receipts, notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url, checkpoint, cose_receipt, merkle, note, proof, receipt
from yanmen.formats.acknowledgement import WITHHELD
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Series
from yanmen.ledger import remembered, tree
from yanmen.ledger.connection import Connection
from yanmen.ledger.remembered import Row
from yanmen.model.ports import Clock, Randomness, Signer
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Fault, FaultCode

Slots = Mapping[Slot, Json]

CLOCK_TOLERANCE_MS = 2_000
"""How far time may step back under the last leaf: what a clock being disciplined does."""
_JTI_PLACE, _JTI_BYTES = 12, 10
"""Hex digits of a leaf's place, which its proof tells anyway, then random bytes: ids in order stay close on disk."""
_STAGES = {stage.value: stage for stage in Stage}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who keeps this log, as its first leaf says."""

    node_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class About:
    """The contract whose series a leaf belongs to ("" = none), and the consumer who may fetch its receipt."""

    contract: str = ""
    party: str = ""


class Entry(NamedTuple):
    """A leaf just appended; `ref` is the base64url SHA-256 leaf hash."""

    position: int
    jti: str
    ref: str
    at_ms: int


class Log:
    """Appends leaves and signs heads with the node's two keys."""

    __slots__ = ("_clock", "_identity", "_log_signer", "_randomness", "_receipt_signer")

    def __init__(
        self,
        identity: Identity,
        receipt_signer: Signer,
        log_signer: Signer,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """Hold the node's identity, keys, clock and randomness."""
        self._identity = identity
        self._receipt_signer = receipt_signer
        self._log_signer = log_signer
        self._clock = clock
        self._randomness = randomness

    @property
    def identity(self) -> Identity:
        """Who keeps this log."""
        return self._identity

    def now_ms(self, db: Connection) -> int:
        """Return the time, never before that of the last leaf; a clock far behind it stops the node."""
        return self._present_ms(_end(db)[1])

    def append(self, db: Connection, stage: Stage, slots: Slots, about: About, intent: str = "") -> Entry:
        """Sign a leaf of `slots` and put it at the end of the log and of its contract's series."""
        keys, position, last_ms, (length, last) = _end_of(db, about.contract)
        _require_in_use(keys[0], self._receipt_signer)
        now_ms = self._present_ms(last_ms)
        filled = {**slots, Slot.SERIES: Series(length + 1, last).json()}
        grains = _grains(len(filled))
        jti, aside, *random = grains.unpack(self._randomness.token(grains.size))
        head = receipt.Head(
            iss=self._identity.node_id,
            iat_s=receipt.whole_minute(now_ms),
            jti=f"{position:0{_JTI_PLACE}x}{jti.hex()}",
            stage=stage,
            intent=intent or base64url.encode(aside),
        )
        salts, decoys = random[: len(filled)], random[len(filled) :]
        issued = receipts.issue_salted(head, filled, self._receipt_signer, salts, decoys)
        db.execute(
            "INSERT INTO leaf (position, jti, stage, party, at_ms, jws) VALUES (?, ?, ?, ?, ?, ?)",
            (position, head.jti, stage.value, about.party, now_ms, jws := issued.leaf.decode("ascii")),
        )
        shown, withheld = _keep_disclosures(db, position, filled, issued.disclosures)
        ref = tree.grow(db, position, issued.leaf)
        known = remembered.of(db)
        if known is not None:
            known.appended(position, Row(head.jti, stage.value, jws, shown, withheld), now_ms, keys)
            known.series[about.contract] = length + 1, ref
        db.execute(
            "INSERT INTO series (contract, length, last) VALUES (?, 1, ?)"
            " ON CONFLICT (contract) DO UPDATE SET length = series.length + 1, last = excluded.last",
            (about.contract, ref),
        )
        return Entry(position=position, jti=head.jti, ref=ref, at_ms=now_ms)

    def seal(self, db: Connection) -> None:
        """Sign the head over all leaves, unless it is signed; the last thing a transaction with new leaves does."""
        covered, now, key = _covered(db)
        if covered == now:
            return
        _require_in_use(key, self._log_signer)
        current = checkpoint.Checkpoint(self._identity.origin, now, merkle.root(now, tree.reader(db)))
        signed = notes.signed_checkpoint(current, self._log_signer)
        db.execute("INSERT INTO checkpoint (size, note) VALUES (?, ?)", (now, signed))
        known = remembered.of(db)
        if known is not None:
            known.head = now, signed

    def prove(self, db: Connection, proof_: cose_receipt.Proof) -> bytes:
        """Return a COSE Receipt: that `proof_` leads to the root of this log is signed by the log key."""
        _require_in_use(_covered(db)[2], self._log_signer)
        top = merkle.root(cose_receipt.covered(proof_), tree.reader(db))
        return cose_receipts.sign(self._identity.origin, proof_, top, self._log_signer)

    def _present_ms(self, last_ms: int) -> int:
        now_ms = self._clock.now_ms()
        if now_ms + CLOCK_TOLERANCE_MS < last_ms:
            raise Fault(FaultCode.CLOCK_BEHIND, f"the clock is {last_ms - now_ms} ms behind the last leaf")
        return max(now_ms, last_ms)

    def check(self, db: Connection) -> None:
        """Hold leaves, tree and head against each other and the head against the log key."""
        signed = note.decode(head(db).encode())
        try:
            current = notes.verify_checkpoint(signed, self._identity.origin, self._log_signer.public)
        except BadSignature as error:
            raise Fault(FaultCode.STORAGE, "ledger: the head is not signed by the log key") from error
        (last,) = db.execute("SELECT jws FROM leaf ORDER BY position DESC LIMIT 1").fetchone()
        if current.size != size(db) or merkle.root(current.size, tree.reader(db)) != current.root:
            raise Fault(FaultCode.STORAGE, "ledger: the head is not that of these leaves")
        if merkle.leaf_hash(last.encode("ascii")) != tree.reader(db)(0, current.size - 1):
            raise Fault(FaultCode.STORAGE, "ledger: the last leaf is not the one in the tree")


@lru_cache(maxsize=32)
def _grains(slots: int) -> struct.Struct:
    """Return what takes the random bytes of a leaf of so many slots apart: `jti`, `intent`, salts and decoys."""
    salts, decoys = f"{receipt.SALT_BYTES}s" * slots, f"{receipt.DIGEST_BYTES}s" * (receipt.DIGESTS - slots)
    return struct.Struct(f"={_JTI_BYTES}s{receipt.DIGEST_BYTES}s{salts}{decoys}")


def _require_in_use(key: bytes | None, signer: Signer) -> None:
    """Refuse to sign with a key that was exchanged since this process read it."""
    if key != signer.public:
        raise Fault(FaultCode.KEYS, "this node's key was exchanged meanwhile: start again")


def size(db: Connection) -> int:
    """Return the number of leaves."""
    return _end(db)[0]


def sealed(db: Connection) -> bool:
    """Say whether the newest checkpoint covers every leaf."""
    covered, now, _ = _covered(db)
    return covered == now


def head(db: Connection) -> str:
    """Return the newest checkpoint as a signed note."""
    row = db.execute("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    if row is None:
        raise Fault(FaultCode.STORAGE, "ledger: no checkpoint")
    return str(row[0])


def consistency(db: Connection, old: int, new: int) -> tuple[bytes, ...]:
    """Return the proof that the first `new` leaves begin with the first `old` leaves."""
    if new > size(db):
        raise merkle.BadProof("the log is not that long")
    return merkle.consistency(old, new, tree.reader(db))


def root(db: Connection, covered: int) -> bytes:
    """Return the root of the tree of the first `covered` leaves, which must be there."""
    return merkle.root(covered, tree.reader(db))


def jti(db: Connection, position: int) -> str:
    """Return the id of the leaf at `position`."""
    row = db.execute("SELECT jti FROM leaf WHERE position = ?", (position,)).fetchone()
    if row is None:
        raise Fault(FaultCode.INTERNAL, "ledger: no such leaf")
    return str(row[0])


_WITHHELD = {True: "coalesce(withheld, '')", False: "''"}
"""What only an auditor is given; who may not read it does not name it."""


def party(db: Connection, position: int) -> str | None:
    """Return the consumer who may fetch the receipt at `position`, None when there is no such leaf."""
    row = db.execute("SELECT party FROM leaf WHERE position = ?", (position,)).fetchone()
    return None if row is None else str(row[0])


def read_receipt(db: Connection, position: int, *, whole: bool) -> Receipt:
    """Return the receipt at `position`, proved under the newest checkpoint; `whole` adds the auditor's slots."""
    jti, stage, jws, shown, withheld, covered, signed = _written(db, position) or _row(db, position, whole=whole)
    path = merkle.inclusion(position, covered, tree.reader(db))
    return Receipt(
        index=position,
        jti=jti,
        stage=_STAGES[stage],
        sdjwt=f"{jws}~{shown}{withheld if whole else ''}",
        proof=proof.encode_under(position, path, signed),
    )


def _written(db: Connection, position: int) -> tuple[str, str, str, str, str, int, str] | None:
    """Return what `_row` does of a leaf that this very transaction appended and signed a head over."""
    known = remembered.of(db)
    if known is None or known.head is None or position not in known.leaves:
        return None
    return *known.leaves[position], *known.head


def _row(db: Connection, position: int, *, whole: bool) -> tuple[str, str, str, str, str, int, str]:
    """Return a leaf with its disclosures and the newest checkpoint."""
    row = db.execute(
        f"SELECT jti, stage, jws, coalesce(shown, ''), {_WITHHELD[whole]}, size, note"  # noqa: S608 - a name of ours
        " FROM leaf LEFT JOIN disclosure USING (position),"
        " (SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1) AS newest WHERE position = ?",
        (position,),
    ).fetchone()
    if row is None:
        raise Fault(FaultCode.INTERNAL, "ledger: no such leaf, or no checkpoint")
    jti_, stage, jws, shown, withheld, covered, signed = row
    return jti_, stage, jws, shown, withheld, covered, signed


def as_given(db: Connection, position: int) -> str:
    """Return the SD-JWT at `position` as its consumer is given it, without its proof."""
    row = db.execute(
        "SELECT jws, coalesce(shown, '') FROM leaf LEFT JOIN disclosure USING (position) WHERE position = ?",
        (position,),
    ).fetchone()
    if row is None:
        raise Fault(FaultCode.INTERNAL, "ledger: no such leaf")
    return f"{row[0]}~{row[1]}"


def read_slots(db: Connection, position: int, *, whole: bool = True) -> dict[Slot, Json]:
    """Return what the leaf at `position` disclosed and is still kept, the place in its series left out.

    What only an auditor is given is in it when it is `whole`.
    """
    row = db.execute(
        f"SELECT jws, coalesce(shown, ''), {_WITHHELD[whole]}"  # noqa: S608 - a name of ours
        " FROM leaf LEFT JOIN disclosure USING (position) WHERE position = ?",
        (position,),
    ).fetchone()
    if row is None:
        raise Fault(FaultCode.INTERNAL, "ledger: no such leaf")
    jws, shown, withheld = row
    try:
        slots = receipt.decode(f"{jws}~{shown}{withheld}").slots
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, "ledger: a receipt is not readable") from error
    return {slot: value for slot, value in slots.items() if slot is not Slot.SERIES}


def _end(db: Connection) -> tuple[int, int]:
    """Return the number of leaves and the time of the last one."""
    row = db.execute("SELECT position + 1, at_ms FROM leaf ORDER BY position DESC LIMIT 1").fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def _end_of(db: Connection, contract: str) -> tuple[tuple[bytes, bytes], int, int, tuple[int, str]]:
    """Return the two keys in use, number of leaves, time of the last one, and length and last leaf of a series."""
    known = remembered.of(db)
    if known is not None and known.leaves:
        series = known.series.get(contract)
        if series is None:
            series = db.execute("SELECT length, last FROM series WHERE contract = ?", (contract,)).fetchone()
        return known.keys, known.size, known.at_ms, series or (0, "")
    row = db.execute(
        "SELECT receipt_key, log_key, position + 1, at_ms, length, last FROM node"
        " LEFT JOIN (SELECT position, at_ms FROM leaf ORDER BY position DESC LIMIT 1) AS newest ON true"
        " LEFT JOIN series ON contract = ?",
        (contract,),
    ).fetchone()
    if row is None:
        return (b"", b""), 0, 0, (0, "")
    key, log_key, size_, last_ms, length, last = row
    return (key, log_key), size_ or 0, last_ms or 0, (length or 0, last or "")


def _covered(db: Connection) -> tuple[int, int, bytes | None]:
    """Return the size of the newest checkpoint, the number of leaves and the log key in use."""
    known = remembered.of(db)
    if known is not None and known.leaves:
        return known.head[0] if known.head else 0, known.size, known.keys[1]
    row = db.execute(
        "SELECT coalesce((SELECT max(size) FROM checkpoint), 0), coalesce((SELECT max(position) + 1 FROM leaf), 0),"
        " (SELECT log_key FROM node)"
    ).fetchone()
    return row[0], row[1], row[2]


def _keep_disclosures(db: Connection, position: int, slots: Slots, disclosures: tuple[str, ...]) -> tuple[str, str]:
    """Keep the disclosures of `slots`, which stand in their order; return those shown and those withheld."""
    shown, withheld = disclosures, disclosures[:0]
    if not WITHHELD.isdisjoint(slots):
        known = tuple(zip(receipt.in_order(slots), disclosures, strict=True))
        shown = tuple(text for slot, text in known if slot not in WITHHELD)
        withheld = tuple(text for slot, text in known if slot in WITHHELD)
    texts = _followed(shown), _followed(withheld)
    db.execute("INSERT INTO disclosure (position, shown, withheld) VALUES (?, ?, ?)", (position, *texts))
    return texts


def _followed(texts: tuple[str, ...]) -> str:
    """Return `texts`, each followed by a tilde."""
    return "~".join((*texts, ""))
