"""Consent (授权) of persons and enterprises in the data, its withdrawal, and their use history on request.

A unit is known by a keyed hash alone: the name that a person gives at the desk is hashed and forgotten. Whoever
withdrew is in no snapshot that an answer under the contract reads from then on, and no row is looked at to say so.
"""

from dataclasses import replace
from typing import Protocol

from yanmen.crypto import governance, unit_hash
from yanmen.formats.malformed import Malformed
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.signed import Paper
from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.config import Config
from yanmen.model.consent import Consent, PersonsUse
from yanmen.model.governance import DocumentKind
from yanmen.model.ports import Clock, Signer
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused

UNIT_MAX = 1 << 20
"""Longer than any name that stands in a file's cell."""


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
    if holder.ledger.space_left(said.space) is None and not _is_exact(said.space, holder):
        raise Refused(Reason.SUBJECT_SPACE_UNKNOWN, Detail(said.space))
    if said.scope and holder.ledger.contract(said.scope) is None:
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(said.scope))
    *rest, last = (replace(said, unit=each) for each in hashed(unit, said.space, holder))
    for value in rest:
        _record(value, holder)
    return _record(last, holder)


def _record(said: Consent, holder: Holder) -> Receipt:
    value = replace(said, by=holder.config.id, issued_s=holder.clock.now_ms() // 1000)
    try:
        token = governance.sign_consent(value, holder.receipt_signer)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    subject = f"{value.space}/{value.unit}/{value.scope}"
    return holder.ledger.record_consent(Paper(DocumentKind.CONSENT, subject, token, value.recorded_by), value)


def history(unit: str, space: str, holder: Holder) -> tuple[PersonsUse, ...]:
    """Return the answers that may have included this unit: those about its subject space while it had not withdrawn."""
    found = {use.index: use for each in hashed(unit, space, holder) for use in holder.ledger.uses_of(space, each)}
    return tuple(found[index] for index in sorted(found))


def hashed(unit: str, space: str, holder: Holder) -> tuple[str, ...]:
    """Return the keyed hashes of a unit: of its name, and of its number where data of the space has integers."""
    name = unit_hash.name_of(unit)
    if not 0 < len(name) <= UNIT_MAX:
        hint = Detail("unit", hint_en="Write it as the data does.", hint_zh="请按数据中的写法填写。")
        raise Refused(Reason.REQUEST_MALFORMED, hint)
    names = [name]
    number = unit_hash.number_of(name)
    if number not in {"", name} and _has_integers(space, holder):
        names.append(number)
    key = unit_hash.space_key(holder.seal_key(), space)
    return tuple(unit_hash.unit_hash(key, each) for each in names)


def _is_exact(name: str, holder: Holder) -> bool:
    """Say whether this is the name of exact data, whose units consent under it."""
    datasets = (version.dataset for version in holder.ledger.versions())
    return any(dataset.name == name and dataset.cls is DatasetClass.EXACT for dataset in datasets)


def _has_integers(space: str, holder: Holder) -> bool:
    datasets = (version.dataset for version in holder.ledger.versions() if version.dataset.consent_space == space)
    units = (dataset.unit() for dataset in datasets)
    return any(unit is not None and unit.type is ColumnType.INTEGER for unit in units)
