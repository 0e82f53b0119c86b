"""Consent (授权) of persons and enterprises in the data, its withdrawal, and their use history on request.

A unit is known by a keyed hash alone: the name that a person gives at the desk is hashed and forgotten. Whoever
withdrew is in no snapshot that an answer under the contract reads from then on, and no row is looked at to say so.
"""

from typing import Protocol

from yanmen.crypto import governance, unit_hash
from yanmen.formats.malformed import Malformed
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.signed import Paper
from yanmen.model.config import Config
from yanmen.model.consent import Consent, PersonsUse
from yanmen.model.governance import DocumentKind
from yanmen.model.ports import Clock, Signer
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused

UNIT_MAX = 200


class Holder(Protocol):
    """What an opened node offers this module."""

    @property
    def config(self) -> Config:
        """The node's configuration."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The node's ledger."""
        ...

    @property
    def receipt_signer(self) -> Signer:
        """The node's receipt key."""
        ...

    @property
    def clock(self) -> Clock:
        """The node's clock."""
        ...

    def seal_key(self) -> bytes:
        """Return the key that snapshots are sealed with."""
        ...


def decide(unit: str, said: Consent, holder: Holder) -> Receipt:
    """Record what the unit of this name decided; `said` has everything but who it is."""
    if holder.ledger.space_left(said.space) is None:
        raise Refused(Reason.SUBJECT_SPACE_UNKNOWN, Detail(said.space))
    if said.scope and holder.ledger.contract(said.scope) is None:
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(said.scope))
    value = Consent(
        holder.config.id,
        said.space,
        hashed(unit, said.space, holder),
        said.scope,
        said.given,
        said.evidence,
        said.recorded_by,
        holder.clock.now_ms() // 1000,
    )
    try:
        token = governance.sign_consent(value, holder.receipt_signer)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    subject = f"{value.space}/{value.unit}/{value.scope}"
    return holder.ledger.record_consent(Paper(DocumentKind.CONSENT, subject, token, value.recorded_by), value)


def history(unit: str, space: str, holder: Holder) -> tuple[PersonsUse, ...]:
    """Return the answers that may have included this unit: those about its subject space while it had not withdrawn."""
    return holder.ledger.uses_of(space, hashed(unit, space, holder))


def hashed(unit: str, space: str, holder: Holder) -> str:
    """Return the keyed hash of a unit as the data writes it."""
    name = unit.strip()
    if not 0 < len(name) <= UNIT_MAX or not name.isprintable():
        hint = Detail("unit", hint_en="Write it as the data does.", hint_zh="请按数据中的写法填写。")
        raise Refused(Reason.REQUEST_MALFORMED, hint)
    return unit_hash.unit_hash(unit_hash.space_key(holder.seal_key(), space), name)
