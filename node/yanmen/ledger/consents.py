"""Consents of units, and the snapshots that leave out who withdrew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yanmen.formats import consent
from yanmen.formats.json_canonical import Json
from yanmen.formats.question_slots import Reading, read_readings, read_scenario
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Budget
from yanmen.ledger import contracts, datasets, log, signed
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import Log
from yanmen.ledger.signed import Paper
from yanmen.model.consent import EVERY_CONTRACT, Consent, ConsentRule, PersonsUse
from yanmen.model.governance import DocumentKind
from yanmen.model.receipt import Stage


def keep(db: Connection, log_: Log, paper: Paper, value: Consent) -> int:
    """Record what a unit decided, from now on, and return the leaf."""
    position = signed.record(db, log_, paper, lambda _: None)
    db.execute(
        "INSERT INTO consent (space, unit, scope, given) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (space, unit, scope) DO UPDATE SET given = excluded.given",
        (value.space, value.unit, value.scope, int(value.given)),
    )
    return position


def withdrawn(db: Connection, space: str, contract: str) -> tuple[str, ...]:
    """Return the units that this contract may not include, in order."""
    return tuple(unit for unit, given in _last(db, space, contract) if not given)


def consenting(db: Connection, space: str, contract: str) -> tuple[str, ...]:
    """Return the units that consented to this contract and did not withdraw, in order."""
    return tuple(unit for unit, given in _last(db, space, contract) if given)


def _last(db: Connection, space: str, contract: str) -> Iterable[tuple[str, bool]]:
    """Return what each unit decided last: what is about this contract goes before what is about all."""
    rows = db.execute(
        "SELECT unit, scope, given FROM consent WHERE space = ? AND scope IN (?, ?) ORDER BY unit, scope",
        (space, EVERY_CONTRACT, contract),
    )
    return {unit: bool(given) for unit, _, given in rows}.items()  # one contract sorts after all of them


def uses_of(db: Connection, space: str, unit: str) -> tuple[PersonsUse, ...]:
    """Return the answers about a subject space given while the unit had not withdrawn from their contracts."""
    decided = _decided(db, space, unit)
    found: list[PersonsUse] = []
    rows = db.execute("SELECT position FROM leaf WHERE stage = ? ORDER BY position", (Stage.OUTCOME.value,)).fetchall()
    for (position,) in rows:
        use = _use(db, position, space)
        if use is not None and _may_include(decided, use.told, otherwise=not use.asked_beforehand):
            found.append(use.told)
    return tuple(found)


def pruned(db: Connection, version: str, exclusion: str) -> tuple[str, str] | None:
    """Return version and path of the snapshot made of `version` without these units, if there is one."""
    row = db.execute(
        "SELECT snapshot, path FROM pruned WHERE version = ? AND exclusion = ?", (version, exclusion)
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def keep_pruned(db: Connection, version: str, exclusion: str, snapshot: str, path: str) -> None:
    """Note the snapshot made of `version` without these units."""
    db.execute(
        "INSERT INTO pruned (version, exclusion, snapshot, path) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (version, exclusion) DO UPDATE SET snapshot = excluded.snapshot, path = excluded.path",
        (version, exclusion, snapshot, path),
    )


def _decided(db: Connection, space: str, unit: str) -> list[tuple[int, str, bool]]:
    """Return what the unit decided and from which leaf on: (position, scope, given), oldest first."""
    prefix = f"{space}/{unit}/"
    rows = db.execute(
        "SELECT position, token FROM document WHERE kind = ? AND subject >= ? AND subject < ? ORDER BY position",
        (DocumentKind.CONSENT.value, prefix, f"{prefix}~"),
    ).fetchall()
    said = ((position, signed.read(bytes(token), consent.decode)) for position, token in rows)
    return [(position, one.scope, one.given) for position, one in said]


def _may_include(decided: list[tuple[int, str, bool]], use: PersonsUse, *, otherwise: bool) -> bool:
    """Say what the unit's last decision before the use makes of it, and `otherwise` where there was none."""
    last = {scope: given for position, scope, given in decided if position < use.index}
    return last.get(use.contract, last.get(EVERY_CONTRACT, otherwise))


@dataclass(frozen=True, slots=True)
class _Use:
    """A use as a person is told of it, and whether it was of those alone who consented beforehand."""

    told: PersonsUse
    asked_beforehand: bool


def _use(db: Connection, position: int, space: str) -> _Use | None:
    slots = log.read_slots(db, position)
    readings = read_readings(slots[Slot.DATASETS]) if Slot.DATASETS in slots else ()
    if Slot.BUDGET not in slots or not _is_about(space, Budget.read(slots[Slot.BUDGET]).space, readings):
        return None
    scenario = read_scenario(slots[Slot.SCENARIO]).text if Slot.SCENARIO in slots else ""
    (at_ms,) = db.execute("SELECT at_ms FROM leaf WHERE position = ?", (position,)).fetchone()
    told = PersonsUse(
        index=position,
        iat_s=int(at_ms) // 60_000 * 60,
        consumer=str(slots.get(Slot.CONSUMER, "")),
        contract=str(slots.get(Slot.CONTRACT, "")),
        scenario=scenario,
        datasets=tuple(reading.name for reading in readings),
    )
    return _Use(told, _asked_beforehand(db, slots, readings))


def _is_about(space: str, charged: str, readings: Iterable[Reading]) -> bool:
    """Say whether a use was of these units: of the space it was charged to, or of the exact data it read."""
    return charged == space if charged else any(reading.name == space for reading in readings)


def _asked_beforehand(db: Connection, slots: Mapping[Slot, Json], readings: Iterable[Reading]) -> bool:
    """Say whether the contract, as it was signed at the time, or a version read asked for consent beforehand."""
    digest = str(slots.get(Slot.CONTRACT_DIGEST, ""))
    offer = db.execute(
        "SELECT offer FROM contract WHERE digest = ? UNION ALL SELECT offer FROM contract_version WHERE digest = ?",
        (digest, digest),
    ).fetchone()
    if offer is not None and contracts.terms_in(bytes(offer[0])).consent is ConsentRule.RECORDED:
        return True
    found = (datasets.of_version(db, reading.version) for reading in readings)
    return any(one is not None and one.dataset.consent is ConsentRule.RECORDED for one in found)
