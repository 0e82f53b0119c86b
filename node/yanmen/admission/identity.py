"""Who is asking: the peer's certificate against the space's signed register, at every call."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from yanmen import regular_file
from yanmen.crypto import documents, x509
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.x509 import Kind, PeerCertificate
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.ports import Clock
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused


def identify(certificate: bytes, register: Register, now_ms: int) -> Party:
    """Return the active party whose registered certificate (PEM or DER) this is, or refuse it.

    Whatever does not match is one refusal, so that a stranger learns nothing about the register.
    """
    party, peer = _named(certificate, register)
    if not peer.not_before_ms <= now_ms < peer.not_after_ms:
        raise Refused(Reason.IDENTITY_UNKNOWN, _EXPIRED)
    return _standing(party)


def named(certificate: bytes, register: Register) -> Party:
    """Return the party whose registered certificate this is, whatever its standing."""
    return _named(certificate, register)[0]


def _named(certificate: bytes, register: Register) -> tuple[Party, PeerCertificate]:
    try:
        peer = x509.parse_peer(certificate)
    except Malformed as error:
        raise Refused(Reason.IDENTITY_UNKNOWN, _STRANGER) from error
    party = register.find(peer.connector_id)
    if party is None or not _matches(peer, party, register.space):
        raise Refused(Reason.IDENTITY_UNKNOWN, _STRANGER)
    return party, peer


def active(party_id: str, register: Register) -> Party:
    """Return the party with `party_id` as the register has it now, or refuse it."""
    party = register.find(party_id)
    if party is None:
        raise Refused(Reason.IDENTITY_UNKNOWN, _STRANGER)
    return _standing(party)


def _matches(peer: PeerCertificate, party: Party, space: str) -> bool:
    kind = Kind.NODE if party.role is PartyRole.NODE else Kind.MEMBER
    return peer.space == space and peer.kind is kind and peer.sha256 == party.certificate_sha256


def _standing(party: Party) -> Party:
    match party.status:
        case PartyStatus.ACTIVE:
            return party
        case PartyStatus.PENDING:
            raise Refused(Reason.IDENTITY_PENDING, _PENDING)
        case PartyStatus.REVOKED:
            raise Refused(Reason.IDENTITY_REVOKED, _REVOKED)


_STRANGER = Detail(
    hint_en="Enrol, or use the certificate issued last; for a stock driver make the options anew with node.driver.",
    hint_zh="请先办理身份登记，或使用最新签发的证书；标准驱动请用 node.driver 重新生成连接选项。",
)
_EXPIRED = Detail(
    hint_en="This certificate is outside its validity; renew it.",
    hint_zh="该证书不在有效期内，请更新证书。",
)
_PENDING = Detail(
    hint_en="Ask the space operator to admit it.",
    hint_zh="请联系空间运营者批准接入。",
)
_REVOKED = Detail(
    hint_en="Apply to the space operator again, with new keys.",
    hint_zh="请以新密钥向空间运营者重新申请。",
)


_NEXT_STEP = "copy the current one from the space operator, who writes it with `yanmen space refresh`"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the register lies, of which space it must be, and the raw key that must have signed it."""

    path: Path
    space: str
    space_key: bytes


class RegisterFile:
    """The register as a file beside the node, read again whenever the file changes.

    A register that does not verify, is of another space, is over, or is older than one seen before stops
    every call: an old register could bring a revoked member back. `advance` makes the serial and the hex
    SHA-256 of a newer register durable before it is used; it may raise.
    """

    __slots__ = ("_advance", "_clock", "_digest", "_key", "_lock", "_mark", "_path", "_register", "_serial", "_space")

    def __init__(
        self, source: Source, clock: Clock, seen: tuple[int, str], advance: Callable[[int, str], None]
    ) -> None:
        """Read from `source`; `seen` is the last serial and digest that `advance` was given, (0, "") at first."""
        self._path = source.path
        self._space = source.space
        self._key = source.space_key
        self._clock = clock
        self._serial, self._digest = seen
        self._advance = advance
        self._lock = Lock()
        self._mark: tuple[int, ...] = ()
        self._register: Register | None = None

    def current(self) -> Register:
        """Return the register now in force."""
        with self._lock:
            register = self._newest()
        if self._clock.now_ms() >= register.expires_ms:
            day = datetime.fromtimestamp(register.expires_ms / 1000, UTC).isoformat(" ", "minutes")
            raise Fault(FaultCode.REGISTER, f"{self._path}: over since {day}; {_NEXT_STEP}")
        return register

    def _newest(self) -> Register:
        try:
            mark = _mark(self._path.stat())
            if self._register is not None and mark == self._mark:
                return self._register
            token, mark = _read(self._path)
        except OSError as error:
            raise Fault(FaultCode.REGISTER, f"{self._path}: {error.strerror}") from error
        self._register = self._accept(token)
        self._mark = mark
        return self._register

    def _accept(self, token: bytes) -> Register:
        self._register = None
        try:
            register = documents.open_register(token, self._key)
        except (Malformed, BadSignature) as error:
            raise Fault(FaultCode.REGISTER, f"{self._path}: {error}") from error
        digest = hashlib.sha256(token).hexdigest()
        if register.space != self._space:
            raise Fault(FaultCode.REGISTER, f"{self._path}: the register of another space")
        if register.serial < self._serial:
            raise Fault(FaultCode.REGISTER, f"{self._path}: serial {register.serial} after {self._serial}")
        if register.serial == self._serial and self._digest not in ("", digest):
            raise Fault(FaultCode.REGISTER, f"{self._path}: two registers with serial {register.serial}")
        if (register.serial, digest) != (self._serial, self._digest):
            self._advance(register.serial, digest)
            self._serial, self._digest = register.serial, digest
        return register


def _read(path: Path) -> tuple[bytes, tuple[int, ...]]:
    with regular_file.opened(path) as file:
        mark = _mark(os.fstat(file.fileno()))
        return file.read(documents.REGISTER_BYTES_MAX + 1).removesuffix(b"\n"), mark


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
