"""An aggregator's file: what was deposited for each federated question, the set it certified, the sum it opened.

The set of a question is written once and for all before any sum is opened. A restored older copy of this
file would not know a set that was certified since, so it is held to the log when it is opened for serving.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from yanmen.ledger import schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.store import Store
from yanmen.model.federation import Dealt
from yanmen.model.refusal import Fault, FaultCode

UNSIGNED = b"\0"
"""Stands for the certificate of a set that the log knows and this file did not: it is signed again when asked for."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """What one dealer left with this aggregator: its words, the digest of the share, the sealed share."""

    dealt: Dealt
    share_sha256: bytes
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Dealing:
    """The noise this aggregator dealt: where its receipt stands in the log, and its envelopes, in order."""

    position: int
    envelopes: tuple[bytes, ...]


class Sum:
    """One question's state, in the transaction that may move it forward."""

    __slots__ = ("_db", "manifest_sha256")

    def __init__(self, db: Connection, manifest_sha256: str) -> None:
        """Hold the open transaction."""
        self._db = db
        self.manifest_sha256 = manifest_sha256

    def deposit(self, dealer: str) -> Deposit | None:
        """Return what `dealer` left."""
        row = self._db.execute(
            "SELECT leaf, commitment, share, envelope FROM deposit WHERE manifest = ? AND dealer = ?",
            (self.manifest_sha256, dealer),
        ).fetchone()
        return None if row is None else Deposit(Dealt(dealer, row[0], row[1]), row[2], row[3])

    def keep(self, deposit: Deposit) -> None:
        """Keep what a dealer left; the first stays."""
        dealt = deposit.dealt
        self._db.execute(
            "INSERT INTO deposit (manifest, dealer, leaf, commitment, share, envelope) VALUES (?, ?, ?, ?, ?, ?)",
            (self.manifest_sha256, dealt.dealer, dealt.leaf, dealt.commitment, deposit.share_sha256, deposit.envelope),
        )

    def dealt(self) -> tuple[Dealt, ...]:
        """Return who left something, by id."""
        rows = self._db.execute(
            "SELECT dealer, leaf, commitment FROM deposit WHERE manifest = ? ORDER BY dealer", (self.manifest_sha256,)
        )
        return tuple(Dealt(*row) for row in rows)

    def noise(self) -> Dealing | None:
        """Return the noise dealt for it."""
        row = self._db.execute(
            "SELECT position, envelopes FROM noise WHERE manifest = ?", (self.manifest_sha256,)
        ).fetchone()
        return None if row is None else Dealing(row[0], _split(row[1]))

    def keep_noise(self, noise: Dealing) -> None:
        """Keep the noise dealt for it: one noise a question."""
        self._db.execute(
            "INSERT INTO noise (manifest, position, envelopes) VALUES (?, ?, ?)",
            (self.manifest_sha256, noise.position, _join(noise.envelopes)),
        )

    def certificate(self) -> tuple[str, bytes]:
        """Return the digest of the certified set and its certificate, both empty when none was."""
        row = self._db.execute(
            "SELECT set_digest, certificate FROM sum WHERE manifest = ?", (self.manifest_sha256,)
        ).fetchone()
        return str(row[0]), bytes(row[1])

    def certify(self, set_digest: str, certificate: bytes) -> None:
        """Fix the set once and for all."""
        self._db.execute(
            "UPDATE sum SET set_digest = ?, certificate = ? WHERE manifest = ?",
            (set_digest, certificate, self.manifest_sha256),
        )

    def partial(self) -> bytes:
        """Return the signed partial sum, empty when nothing was opened."""
        row = self._db.execute("SELECT partial FROM sum WHERE manifest = ?", (self.manifest_sha256,)).fetchone()
        return bytes(row[0])

    def open(self, partial: bytes) -> None:
        """Keep the signed partial sum that is opened."""
        self._db.execute("UPDATE sum SET partial = ? WHERE manifest = ?", (partial, self.manifest_sha256))


class SumBook:
    """The open file of one aggregator."""

    __slots__ = ("_store",)

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open the book in `path`, making it when `create` says so."""
        self._store = Store(path, create=create, kind=schema.SUM)

    @contextmanager
    def turn(self, manifest_sha256: str, consumer: str, token: bytes) -> Iterator[Sum]:
        """Give the state of the question `token` asks; turns never overlap, and are durable when they end."""
        with self._store.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO sum (manifest, consumer, token) VALUES (?, ?, ?)",
                (manifest_sha256, consumer, token),
            )
            yield Sum(db, manifest_sha256)

    def hold_to(self, certified: Iterable[tuple[str, str]]) -> None:
        """Fix the sets that the log says were certified, by manifest and digest, where this file does not know them."""
        with self._store.write() as db:
            for manifest, digest in certified:
                db.execute("INSERT OR IGNORE INTO sum (manifest, consumer, token) VALUES (?, '', x'')", (manifest,))
                db.execute(
                    "UPDATE sum SET set_digest = ?, certificate = ? WHERE manifest = ? AND set_digest = ''",
                    (digest, UNSIGNED, manifest),
                )
                row = db.execute("SELECT set_digest FROM sum WHERE manifest = ?", (manifest,)).fetchone()
                if row[0] != digest:
                    raise Fault(FaultCode.LOG_BEHIND, f"the sums are not of this log: question {manifest}")

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def __enter__(self) -> Self:
        """Return the book itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _join(parts: tuple[bytes, ...]) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _split(joined: bytes) -> tuple[bytes, ...]:
    parts: list[bytes] = []
    while joined:
        size = int.from_bytes(joined[:4], "big")
        parts.append(joined[4 : 4 + size])
        joined = joined[4 + size :]
    return tuple(parts)
