"""A witness on a real port that watches the specimen's log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.formats.note import VerifierKey
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.config import Witness
from yanmen.witness.serving import WitnessServer

from tests.vectors import specimen

NAME = "audit.shanxi.example/w1"


@dataclass
class Clockwork:
    """A clock that stands still until it is moved."""

    ms: int = field(default=1_780_000_000_000)

    def now_ms(self) -> int:
        """Return the time it shows."""
        return self.ms


@dataclass
class Office:
    """A witness with its server."""

    book: WitnessBook
    server: WitnessServer
    clock: Clockwork

    @property
    def entry(self) -> Witness:
        """What a node writes of it."""
        return Witness(f"http://127.0.0.1:{self.server.port}", self.book.name, self.book.signer.public)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Give a serving witness."""
    clock = Clockwork()
    with (
        WitnessBook.create(tmp_path / "witness.sqlite", NAME, SystemRandomness()) as book,
        WitnessServer(("127.0.0.1", 0), book, clock) as server,
    ):
        book.watch(VerifierKey(specimen.ORIGIN, specimen.LOG_KEY.public))
        yield Office(book, server, clock)
