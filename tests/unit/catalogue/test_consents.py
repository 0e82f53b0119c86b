"""Who withdrew is in nothing that a contract reads from then on; nobody learns who it is, and no row says so."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from yanmen import consenting
from yanmen.crypto import unit_hash
from yanmen.execution.jail import JailRunner
from yanmen.formats import consent
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.catalogue import Column, ColumnType, Role, Version
from yanmen.model.config import NodeLimits
from yanmen.model.consent import Consent
from yanmen.model.contract import Contract
from yanmen.model.ports import Limits
from yanmen.model.refusal import Fault, Reason, Refused
from yanmen.node.consents import Consents

from tests.unit.catalogue.hall import Hall, hall
from tests.unit.catalogue.operated import Bytes
from tests.unit.ledger.scene import SUBJECTS, dataset, disclosed, plan_of

SEAL = bytes(range(32))
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=10_000)


@dataclass
class Desk(Hall):
    """A node at whose desk persons decide."""

    def seal_key(self) -> bytes:
        return SEAL


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Desk]:
    with hall(tmp_path) as opened:
        opened.publish()
        yield Desk(opened.scene, opened.ledger, opened.listed)


def said(**other: Any) -> Consent:
    return replace(Consent("", SUBJECTS, "", "", False, "窗口申请第17号", "李某", 0), **other)


def hash_of(unit: str) -> str:
    return unit_hash.unit_hash(unit_hash.space_key(SEAL, SUBJECTS), unit)


def test_a_withdrawal_holds_for_every_contract_and_one_contract_may_be_given_again(node: Desk) -> None:
    first, second = node.scene.furnish(node.ledger).terms.id, node.scene.furnish(node.ledger).terms.id
    consenting.decide("u1", said(), node)
    assert node.ledger.withdrawn(SUBJECTS, first) == (hash_of("u1"),)
    consenting.decide("u1", said(scope=second, given=True), node)
    assert (node.ledger.withdrawn(SUBJECTS, first), node.ledger.withdrawn(SUBJECTS, second)) == ((hash_of("u1"),), ())
    consenting.decide("u2", said(scope=second), node)
    assert node.ledger.withdrawn(SUBJECTS, second) == (hash_of("u2"),)
    consenting.decide("u1", said(given=True), node)
    assert node.ledger.withdrawn(SUBJECTS, first) == ()
    assert node.ledger.withdrawn("other", first) == ()


def test_nothing_in_the_log_names_the_unit(node: Desk, tmp_path: Path) -> None:
    receipt = consenting.decide("140105199001011234", said(), node)
    assert "140105199001011234" not in receipt.sdjwt
    assert "140105199001011234" not in str(disclosed(receipt).slots[Slot.SUBJECT])
    other = unit_hash.unit_hash(unit_hash.space_key(SEAL, "other"), "140105199001011234")
    assert other != hash_of("140105199001011234")
    assert node.report(tmp_path).findings == ()
    for unit, reason in (("", Reason.REQUEST_MALFORMED), (" \t", Reason.REQUEST_MALFORMED)):
        with pytest.raises(Refused) as caught:
            consenting.decide(unit, said(), node)
        assert caught.value.reason is reason
    for wrong, reason in (
        ({"space": "nowhere"}, Reason.SUBJECT_SPACE_UNKNOWN),
        ({"scope": "ab" * 16}, Reason.CONTRACT_UNKNOWN),
    ):
        with pytest.raises(Refused) as caught:
            consenting.decide("u", said(**wrong), node)
        assert caught.value.reason is reason


def test_the_history_is_of_uses_before_the_withdrawal_and_after_it_was_given_again(node: Desk) -> None:
    contract = node.scene.furnish(node.ledger)
    before = node.scene.ask(node.ledger, contract).receipt.index
    consenting.decide("u1", said(), node)
    during = node.scene.ask(node.ledger, contract).receipt.index
    consenting.decide("u1", said(given=True), node)
    after = node.scene.ask(node.ledger, contract).receipt.index
    assert [use.index for use in consenting.history("u1", SUBJECTS, node)] == [before, after]
    assert [use.index for use in consenting.history("u2", SUBJECTS, node)] == [before, during, after]
    (use, *_) = consenting.history("u1", SUBJECTS, node)
    assert (use.scenario, use.datasets, use.contract) == ("慢病管理", ("persons",), contract.terms.id)


def snapshot(runner: JailRunner, folder: Path, *, integer: bool = False) -> Version:
    kind = ColumnType.INTEGER if integer else ColumnType.TEXT
    columns = (Column("id", kind, Role.UNIT, source_name="person"), dataset().columns[1])
    said_ = dataset(
        columns=(columns[0], Column("city", ColumnType.TEXT, Role.KEY, domain=("太原", "大同"))), rows_per_unit=3
    )
    path = folder / "source.csv"
    rows = "".join(
        f"{number if integer else f'u{number}'},{('太原', '大同', '外地')[number % 3]}\n" for number in range(30)
    )
    path.write_text("person,city\n" + rows, encoding="utf-8")
    made = runner.publish(str(path), said_)
    return Version(said_, made.version, made.path, made.plain_bytes, 1)


def ids(runner: JailRunner, version: str) -> list[str]:
    sql = 'SELECT CAST(id AS VARCHAR), city FROM "s0"."data" ORDER BY ALL'
    rows, _ = runner.query((("s0", version),), sql, (ColumnType.TEXT, ColumnType.TEXT), LIMITS, Event())
    return [str(row[0]) for row in rows]


def attached(node: Desk, runner: object, folder: Path, version: Version, contract: Contract) -> dict[str, str]:
    plan = plan_of(contract, node.scene.clock.ms, node.scene.name(), node.scene.name(), scanned=version)
    return dict(Consents(node.ledger, runner, SEAL, folder).attached(plan))


@pytest.mark.parametrize("integer", [False, True])
def test_rows_of_who_withdrew_are_in_no_snapshot_that_is_read(node: Desk, tmp_path: Path, integer: bool) -> None:
    folder = tmp_path / "node"
    folder.mkdir()
    runner = JailRunner(folder, SEAL, Bytes(), NodeLimits())
    version = snapshot(runner, folder, integer=integer)
    contract = node.scene.furnish(node.ledger)
    assert attached(node, runner, folder, version, contract) == {}
    names = ("3", "7") if integer else ("u3", "u7")
    for name in names:
        consenting.decide(name, said(), node)
    instead = attached(node, runner, folder, version, contract)[version.version]
    kept = ids(runner, instead)
    assert sorted(set(ids(runner, version.version)) - set(kept)) == sorted(names)
    assert len(kept) == 28
    assert attached(node, runner, folder, version, contract)[version.version] == instead, "made once"
    consenting.decide(names[0], said(given=True), node)
    again = attached(node, runner, folder, version, contract)[version.version]
    assert sorted(set(ids(runner, version.version)) - set(ids(runner, again))) == [names[1]]
    for path in folder.glob("snapshots/*"):
        path.unlink()
    with pytest.raises(Fault):
        attached(node, runner, folder, version, contract)
    with pytest.raises(Fault):
        attached(node, object(), folder, version, contract)


@pytest.mark.parametrize(
    "change", [{"unit": "u1"}, {"scope": "all"}, {"space": "A"}, {"evidence": " "}, {"recorded_by": ""}]
)
def test_a_consent_out_of_form_is_refused(change: dict[str, Any]) -> None:
    good = said(by="591140100MA0GTTTT0X1401A1B2C3D46", unit="ab" * 32)
    assert consent.decode(consent.encode(good)) == good
    with pytest.raises(Malformed):
        consent.encode(replace(good, **change))


def test_who_stays_keeps_every_value_as_it_was(node: Desk, tmp_path: Path) -> None:
    """A pruned snapshot is made of one whose decimals are whole units and clamped: nothing is scaled or cut again."""
    folder = tmp_path / "node"
    folder.mkdir()
    runner = JailRunner(folder, SEAL, Bytes(), NodeLimits())
    lower, upper = Decimal("-9.99"), Decimal("50.00")
    columns = (
        Column("id", ColumnType.TEXT, Role.UNIT),
        Column("cost", ColumnType.DECIMAL, Role.MEASURE, lower=lower, upper=upper, scale=2),
        Column("visits", ColumnType.INTEGER, Role.MEASURE, lower=Decimal(0), upper=Decimal(9)),
        Column("day", ColumnType.DATE, Role.KEY, domain=(date(2026, 1, 1), date(2026, 1, 2))),
        Column("ok", ColumnType.BOOLEAN, Role.KEY, domain=(True, False)),
        Column("price", ColumnType.DECIMAL, Role.KEY, domain=(Decimal("0.5"), Decimal("1.5")), scale=1),
    )
    stated = dataset(columns=columns, rows_per_unit=3)
    rows = "".join(
        f"u{at},{at - 20}.{at:02},{at % 12},2026-01-0{1 + at % 3},{at % 2 == 0},{at % 3}.5\n" for at in range(90)
    )
    (folder / "source.csv").write_text("id,cost,visits,day,ok,price\n" + rows, encoding="utf-8")
    made = runner.publish(str(folder / "source.csv"), stated)
    version = Version(stated, made.version, made.path, made.plain_bytes, 1)
    consenting.decide("u30", said(), node)
    instead = attached(node, runner, folder, version, node.scene.furnish(node.ledger))[version.version]
    kinds = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.INTEGER, ColumnType.DATE, ColumnType.BOOLEAN)

    def everything(name: str) -> set[tuple[object, ...]]:
        sql = 'SELECT id, cost, visits, day, ok, CAST(price AS BIGINT) FROM "s0"."data"'
        found, _ = runner.query((("s0", name),), sql, (*kinds, ColumnType.INTEGER), LIMITS, Event())
        return set(found)

    before, after = everything(version.version), everything(instead)
    assert after < before
    assert {row[0] for row in before - after} == {"u30"}
    assert len(after) == 89
