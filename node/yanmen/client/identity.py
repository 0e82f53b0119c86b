"""A member's folder: who it is, its keys, the space's register, and what it remembers of each log.

identity.json              id, space, the space's key, and where the signed register lies
signing.key                the member's Ed25519 key
tls.key  tls.crt  ca.crt   its P-256 key and certificate, and the space's root
state/                     the newest checkpoint seen of each log, and the register's serial
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from yanmen import regular_file
from yanmen.client import durable, rekeying
from yanmen.crypto import documents, keys
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemClock
from yanmen.formats import base64url, connector_id, decimals, json_canonical, json_members
from yanmen.formats.former_keys import every
from yanmen.formats.malformed import Malformed
from yanmen.model.party import KeyUse, Party, PartyRole, PartyStatus, Register
from yanmen.model.ports import Signer
from yanmen.model.refusal import Fault, FaultCode

_FILE_BYTES_MAX = 64 * 1024
_MEMBERS = frozenset({"id", "register", "space", "space_key"})
_SERIAL = "register.serial"


@dataclass(frozen=True, slots=True)
class Identity:
    """One member, ready to call nodes of its space."""

    id: str
    space: str
    register: Register
    signer: Signer = field(repr=False)
    tls_key_pem: bytes = field(repr=False)
    certificate_pem: bytes = field(repr=False)
    authority_pem: bytes = field(repr=False)
    folder: Path

    @property
    def state(self) -> Path:
        """Where this member remembers what it saw."""
        return self.folder / "state"

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every public key this member signed with, the present one first: what it signed before stays its own."""
        party = self.register.find(self.id)
        known = () if party is None else every(party, KeyUse.MEMBER)
        return (self.signer.public, *(key for key in known if key != self.signer.public))

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "Identity":
        """Return the identity in `folder`; raises `Fault` naming the file that is missing or wrong."""
        root = Path(folder)
        try:
            named = json_members.exact(json_canonical.decode(_read(root / "identity.json")), _MEMBERS)
            space_key = base64url.decode_sized(json_members.text(named, "space_key"), 32)
            member, space = connector_id.check(json_members.text(named, "id")), json_members.text(named, "space")
            place = root / json_members.text(named, "register")
        except Malformed as error:
            raise Fault(FaultCode.CONFIG, f"{root / 'identity.json'}: {error}") from error
        register = _register(place, space, space_key, root / "state")
        rekeying.finish(root, register.find(member), SystemClock())
        return cls(
            id=member,
            space=space,
            register=register,
            signer=keys.load(root / "signing.key"),
            tls_key_pem=keys.read_secret(root / "tls.key"),
            certificate_pem=_read(root / "tls.crt"),
            authority_pem=_read(root / "ca.crt"),
            folder=root,
        )

    def node(self, name: str, role: PartyRole = PartyRole.NODE) -> Party:
        """Return the active node, or aggregator, that the register lists under the id, alias or address `name`."""
        for party in self.register.parties:
            if party.role is role and name in {party.id, party.alias, party.address}:
                if party.status is not PartyStatus.ACTIVE:
                    raise Fault(
                        FaultCode.REGISTER, f"the {role.value} {party.alias} is {party.status.value} in this space"
                    )
                return party
        known = ", ".join(party.alias for party in self.register.parties if party.role is role)
        raise Fault(FaultCode.REGISTER, f"the register lists no {role.value} {name!r}; it lists: {known or 'none'}")


def _register(place: Path, space: str, space_key: bytes, state: Path) -> Register:
    """Return the register in `place`; one older than what was seen before is refused."""
    try:
        register = documents.open_register(_read(place, documents.REGISTER_BYTES_MAX), space_key)
        with durable.locked(state):
            known = durable.read(state, _SERIAL, 32)
            if known is not None and register.serial < decimals.decode(known.decode("ascii", "replace")):
                raise Fault(FaultCode.REGISTER, f"{place}: older than the register seen before")
            durable.write(state, _SERIAL, decimals.encode(register.serial).encode())
    except (Malformed, BadSignature) as error:
        raise Fault(FaultCode.REGISTER, f"{place}: {error}") from error
    if register.space != space:
        raise Fault(FaultCode.REGISTER, f"{place}: the register of another space")
    if SystemClock().now_ms() >= register.expires_ms:
        raise Fault(FaultCode.REGISTER, f"{place}: over; copy the current one from the space operator")
    return register


def _read(path: Path, max_bytes: int = _FILE_BYTES_MAX) -> bytes:
    try:
        return regular_file.read(path, max_bytes)
    except OSError as error:
        raise Fault(FaultCode.CONFIG, f"{path}: {error.strerror}") from error
