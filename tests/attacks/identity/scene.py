"""A space authority and those it certifies."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.crypto import x509
from yanmen.crypto.x509 import Authority, Kind, Subject
from yanmen.formats import connector_id
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Reason, Refused

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
SPACE = "sx.example"
ALICE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
MALLORY = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "EEEEEEEE")
STAR = next(
    candidate
    for candidate in (connector_id.build("5", "91140100MA0GTTTT0X", "1401", f"{n:08d}") for n in range(200))
    if candidate.endswith("*")
)


class Counting:
    """Bytes that are all different and the same in every run."""

    def __init__(self) -> None:
        self.calls = 0

    def token(self, size: int) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(size)


def issue(authority: Authority, path: Path, identifier: str, kind: Kind = Kind.MEMBER) -> bytes:
    if not path.exists():
        x509.create_key(path)
    subject = Subject(SPACE, kind, identifier)
    return x509.sign_csr(authority, x509.create_csr(path), subject, NOW_MS, Counting())


@dataclasses.dataclass
class Clockwork:
    """A clock that stands still until it is moved."""

    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms


def party(identifier: str, certificate: bytes, status: PartyStatus = PartyStatus.ACTIVE) -> Party:
    return Party(
        id=identifier,
        alias=f"m{identifier[23:31].lower()}",
        name="某公司",
        role=PartyRole.DEVELOPER,
        status=status,
        signing_key=bytes(31) + b"\x01",
        log_key=b"",
        certificate_sha256=x509.parse_peer(certificate).sha256,
    )


def register(*parties: Party, serial: int = 1) -> Register:
    return Register(SPACE, serial, NOW_MS, NOW_MS + 30 * DAY_MS, tuple(sorted(parties, key=lambda entry: entry.id)))


def refused(call: Callable[[], object]) -> Reason:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.detail.hint_en
    assert caught.value.detail.hint_zh
    return caught.value.reason
