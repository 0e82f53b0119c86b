"""A log whose node exchanges keys, and what an operator with every key, old and new, could make of that."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from typing_extensions import override
from yanmen.crypto import documents, notes, receipts
from yanmen.crypto.keys import FileSigner
from yanmen.formats import bundle, merkle, note, proof
from yanmen.formats.bundle import Entry, Keys
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.key_change import Exchange, KeyChange, Signed
from yanmen.formats.note import VerifierKey
from yanmen.formats.proof import Proof
from yanmen.formats.receipt import Slot
from yanmen.model.party import FormerKey, KeyEnd, KeyUse, Party, Register
from yanmen.model.receipt import Stage

from tests.vectors import specimen
from tests.vectors.specimen import LOG_KEY, NODE, ORIGIN, RECEIPT_KEY, SPACE, SPACE_KEY, signer

NEXT = {KeyUse.RECEIPT: signer("receipt two"), KeyUse.LOG: signer("log two")}
FIRST = {KeyUse.RECEIPT: RECEIPT_KEY, KeyUse.LOG: LOG_KEY}


@contextmanager
def signing(key: FileSigner) -> Iterator[None]:
    """Let the specimen sign its leaves with `key`."""
    before = specimen.RECEIPT_KEY
    specimen.RECEIPT_KEY = key
    try:
        yield
    finally:
        specimen.RECEIPT_KEY = before


@dataclass
class Operator(specimen.Log):
    """A log that remembers which keys its node has, and what the space was told of those it had."""

    keys: dict[KeyUse, FileSigner] = field(default_factory=lambda: dict(FIRST))
    told: tuple[FormerKey, ...] = ()

    def begun(self) -> "Operator":
        """Append a contract and a use under the first keys."""
        self.begin()
        self.agree()
        self.ask()
        return self

    @override
    def append(self, stage: Stage, slots: Mapping[Slot, Json], intent: str = "", jti: str = "") -> str:
        """Sign a leaf with the receipt key of now."""
        with signing(self.keys[KeyUse.RECEIPT]):
            return super().append(stage, slots, intent, jti)

    def change(self, use: KeyUse, end: KeyEnd, **other: object) -> KeyChange:
        """Return the change that an honest node would sign now."""
        made = KeyChange(
            party=NODE,
            use=use,
            end=end,
            old=self.keys.get(use, RECEIPT_KEY).public,
            new=NEXT.get(use, LOG_KEY).public,
            origin=ORIGIN,
            index=len(self.leaves),
            issued_s=self.time_s,
            reason="yearly",
        )
        return replace(made, **other)  # type: ignore[arg-type]

    def signed(self, change: KeyChange) -> Signed:
        """Return `change` signed by both keys."""
        return documents.sign_key_change(change, NEXT[change.use], self.keys[change.use])

    def record(self, signed: Signed) -> int:
        """Append the leaf that records an exchange, by the receipt key of now."""
        index = len(self.leaves)
        self.append(Stage.KEY, {Slot.ACTOR: "张某", Slot.SUBJECT: signed.json()})
        return index

    def exchange(self, use: KeyUse, end: KeyEnd = KeyEnd.ROTATED, *, tell: bool = True) -> int:
        """Exchange a key as an honest node does; with `tell` the space lists it."""
        change = self.change(use, end)
        signed, old = self.signed(change), self.keys[use]
        if end is KeyEnd.REVOKED:
            self.keys[use] = NEXT[use]
        index = self.record(signed)
        self.keys[use] = NEXT[use]
        if tell:
            self.told = (*self.told, FormerKey(use, old.public, ORIGIN, index, end))
        return index

    def party(self) -> Party:
        """Return the node as the space lists it."""
        listed = {one.use: NEXT[one.use].public for one in self.told}
        found = specimen.register().find(NODE)
        assert found is not None
        return replace(
            found,
            signing_key=listed.get(KeyUse.RECEIPT, RECEIPT_KEY.public),
            log_key=listed.get(KeyUse.LOG, LOG_KEY.public),
            former_keys=self.told,
        )

    def register(self) -> Register:
        """Return the register with that party."""
        known = specimen.register()
        others = tuple(party for party in known.parties if party.id != NODE)
        return replace(known, serial=2, parties=tuple(sorted((*others, self.party()), key=lambda one: one.id)))

    def head(self, size: int | None = None) -> note.Note:
        """Return a head signed by the log key of now."""
        count = len(self.leaves) if size is None else size
        root = merkle.root(count, self.reader())
        return notes.sign_checkpoint(Checkpoint(self.origin, count, root), self.keys[KeyUse.LOG])

    def proven(self, index: int, size: int | None = None) -> str:
        """Return the proof of a leaf under a head by the log key of now."""
        count = len(self.leaves) if size is None else size
        return proof.encode(Proof(index, merkle.inclusion(index, count, self.reader()), self.head(count)))

    def handed(self, signed: Signed, index: int) -> Exchange:
        """Return what the space operator is handed."""
        return Exchange(signed, self.sdjwts[index], self.proven(index))

    def bundle(self, path: Path) -> Path:
        """Write the audit bundle."""
        head = self.head()
        keys = Keys(
            log_vkey=note.encode_key(VerifierKey(self.origin, self.keys[KeyUse.LOG].public)),
            space_vkey=note.encode_key(VerifierKey(SPACE, SPACE_KEY.public)),
            register=documents.sign_register(self.register(), SPACE_KEY),
        )
        entries = [
            Entry(stage, leaf, sdjwt, self.proven(index))
            for index, (stage, leaf, sdjwt) in enumerate(zip(self.stages, self.leaves, self.sdjwts, strict=True))
        ]
        for name, data in bundle.files(self.statement(), note.encode(head), keys, entries):
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return path

    def static(self, path: Path) -> Path:
        """Write the mirror, its head by the log key of now."""
        self.mirror(path)
        (path / "checkpoint").write_bytes(note.encode(self.head()))
        return path


def operator() -> Operator:
    """Return a log that has begun."""
    return Operator(specimen.Pinned("operator")).begun()


def without_subject(log: Operator, index: int) -> None:
    """Withhold what the leaf `index` discloses of its subject."""
    disclosed = receipts.verify_disclosed(log.sdjwts[index], RECEIPT_KEY.public)
    parts = log.sdjwts[index].split("~")
    place = list(disclosed.slots).index(Slot.SUBJECT)
    del parts[1 + place]
    log.sdjwts[index] = "~".join(parts)
