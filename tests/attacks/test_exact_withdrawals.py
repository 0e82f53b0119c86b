"""Attack: an enterprise withdraws from exact data, and what changed between two answers is its own figure."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from typing_extensions import override
from yanmen import consenting
from yanmen.crypto import unit_hash
from yanmen.disclosure import disclose, threshold
from yanmen.execution.jail import JailRunner
from yanmen.execution.run import run
from yanmen.formats import spec, spec_draft
from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Role, Version
from yanmen.model.config import NodeLimits
from yanmen.model.consent import ConsentRule
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan, Reserved
from yanmen.node.consents import Consents
from yanmen.planning.plan import plan

from tests.attacks.test_exact_trackers import firm
from tests.attacks.trackers import NAMES, market
from tests.unit.catalogue.hall import hall
from tests.unit.catalogue.operated import Bytes
from tests.unit.catalogue.test_consents import LIMITS, SEAL, Desk, said
from tests.unit.ledger.scene import PROFILE, plan_of, released, reserved
from tests.unit.ledger.scene import dataset as personal
from tests.unit.planning.engine import InProcessRunner, admitted, connect, create

SIZES = (2, 3, 2)
MADE = market(SIZES, 300, 11)
COLUMNS = tuple((name, "BIGINT") for name in ("id", *NAMES, "output"))
WHO = 17
Shown = dict[tuple[str, tuple[object, ...], int], object]
"""By question, keys and figure, what was shown; what was withheld is not there."""


class Two(InProcessRunner):
    """Has the whole version and one without those who withdrew, loaded once."""

    def __init__(self, gone: frozenset[int]) -> None:
        super().__init__()
        self._engines = {}
        for name, left_out in (("whole", frozenset[int]()), ("pruned", gone)):
            self._engines[name] = connect()
            self._engines[name].execute("ATTACH ':memory:' AS \"s0\"")
            rows = [tuple(each) for each in MADE.firms if each[0] not in left_out]
            create(self._engines[name], '"s0"."data"', COLUMNS, rows)

    @override
    def rows(self, scans: tuple[tuple[str, str], ...], sql: str) -> Any:
        ((_, version),) = scans
        return self._engines["pruned" if version == "pruned" else "whole"].execute(sql).fetchall()


def questions() -> Iterator[str]:
    """Yield tables over all dimensions, and their complements: counts and sums."""
    figures = "count(*) AS n, sum(output) AS s, count(output) AS c"
    for size in range(len(NAMES) + 1):
        for chosen in combinations(NAMES, size):
            names = "".join(f"{name}, " for name in chosen)
            grouped = f" GROUP BY {', '.join(chosen)}" if chosen else ""
            yield f"SELECT {names}{figures} FROM firm{grouped}"
            for name in NAMES:
                if name not in chosen:
                    yield f"SELECT {names}{figures} FROM firm WHERE {name} IN (0, 1){grouped}"


def asked(gone: frozenset[int]) -> Shown:
    """Return all that is shown once these withdrew."""
    declared, runner, shown = firm(SIZES), Two(gone), Shown()
    for sql in questions():
        found = plan(admitted(sql, datasets=(declared,)), runner, NodeLimits())
        instead = {scan.version.version: "pruned" for scan in found.scans} if gone else {}
        answer = disclose(run(Reserved(found, 0, ""), runner, NodeLimits(), Event(), instead), runner.post)
        keys = len(answer.labels) - 3
        for row in answer.rows:
            for at, cell in enumerate(row[keys:]):
                if cell is not None:
                    shown[sql, tuple(row[:keys]), at] = cell
    return shown


@pytest.fixture(scope="module")
def before() -> Shown:
    return asked(frozenset())


def place(number: int) -> tuple[int, ...]:
    return next(tuple(each[1:4]) for each in MADE.firms if each[0] == number)


@pytest.mark.parametrize("gone", [frozenset({WHO}), frozenset({WHO, 18, 44})], ids=["one", "three"])
def test_after_a_withdrawal_nothing_is_shown_that_was_not_shown_before(before: Shown, gone: frozenset[int]) -> None:
    after = asked(gone)
    assert after.items() <= before.items(), "so that no difference, of any answers, tells anything"
    assert after
    where = {place(number) for number in gone}
    for sql, keys, _ in after:
        dimensions = [name for name in NAMES if name in sql.partition(" FROM ")[0]]
        told = dict(zip(dimensions, keys, strict=True))
        narrowed = sql.partition("WHERE ")[2].partition(" ")[0]
        for cell in where:
            values = dict(zip(NAMES, cell, strict=True))
            inside = all(values[name] == told[name] for name in dimensions)
            assert not (inside and (not narrowed or values[narrowed] in (0, 1))), "who withdrew is in no figure"


def test_the_attack_finds_the_figure_of_who_withdrew_without_the_rule(
    before: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threshold, "_gone", lambda *_: frozenset())
    after = asked(frozenset({WHO}))
    total = "SELECT count(*) AS n, sum(output) AS s, count(output) AS c FROM firm"
    lost = int(str(before[total, (), 1])) - int(str(after[total, (), 1]))
    assert lost == next(each[4] for each in MADE.firms if each[0] == WHO)


def test_cutting_anew_without_who_withdrew_would_tell(before: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot pruned for everything, as for persons, is what the rule must not be."""
    declared, runner = firm(SIZES), Two(frozenset({WHO}))
    total = "SELECT count(*) AS n, sum(output) AS s, count(output) AS c FROM firm"
    found = plan(admitted(total, datasets=(declared,)), runner, NodeLimits())
    monkeypatch.setattr("yanmen.execution.run.NO_OTHERS", {scan.version.version: "pruned" for scan in found.scans})
    instead = {scan.version.version: "pruned" for scan in found.scans}
    answer = disclose(run(Reserved(found, 0, ""), runner, NodeLimits(), Event(), instead), runner.post)
    assert int(str(before[total, (), 0])) - int(str(answer.rows[0][0])) == 1


# From the desk to the engine.

FIRMS = (
    Column("credit_code", ColumnType.TEXT, Role.UNIT),
    Column("region", ColumnType.TEXT, Role.KEY, domain=("太原", "大同")),
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Desk]:
    with hall(tmp_path) as opened:
        opened.publish()
        yield Desk(opened.scene, opened.ledger, opened.listed)


def exact(**other: Any) -> Dataset:
    made: dict[str, Any] = {"name": "firms", "cls": DatasetClass.EXACT, "columns": FIRMS, "subject_space": ""}
    return personal(**{**made, "partition": "", "rows_per_unit": 100, "groups_per_unit": 100, **other})


class Firms:
    """Exact data about firms, published from a file."""

    def __init__(self, node: Desk, folder: Path, **stated: Any) -> None:
        self.node, self.folder = node, folder / "node"
        self.folder.mkdir()
        self.runner = JailRunner(self.folder, SEAL, Bytes(), NodeLimits())
        source = folder / "firms.csv"
        lines = "".join(f"  F{number} ,{('太原', '大同')[number % 2]}\n" for number in range(24))
        source.write_text(f"credit_code,region\n{lines}", encoding="utf-8")
        self.stated = exact(**stated)
        made = self.runner.publish(str(source), self.stated)
        self.version = Version(self.stated, made.version, made.path, made.plain_bytes, 1)
        node.ledger.publish(self.version)
        self.contract = node.scene.furnish(node.ledger, consent=self.stated.consent)

    def instead(self) -> dict[str, str]:
        scene = self.node.scene
        scan: Plan = plan_of(self.contract, scene.clock.ms, scene.name(), scene.name(), scanned=self.version)
        return dict(Consents(self.node.ledger, self.runner, SEAL, self.folder).attached(scan))

    def answer(self) -> list[tuple[object, ...]]:
        """Ask for the firms of each region."""
        question = admitted("SELECT region, count(*) AS n FROM firms GROUP BY region", datasets=(self.stated,))
        found = plan(question, self.runner, NodeLimits())
        (scan,) = found.scans
        instead = {scan.version.version: self.instead().get(self.version.version, self.version.version)}
        opened = _Opened(self.runner, {scan.version.version: self.version.version})
        raw = run(Reserved(found, 0, ""), opened, NodeLimits(), Event(), instead)
        return list(disclose(raw, self.runner.post).rows)


class _Opened:
    """The runner, to which a planned version is the published one."""

    def __init__(self, runner: JailRunner, names: dict[str, str]) -> None:
        self._runner, self._names = runner, names

    def query(self, scans: tuple[tuple[str, str], ...], *rest: Any) -> Any:
        return self._runner.query(tuple((schema, self._names.get(name, name)) for schema, name in scans), *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)


def test_an_enterprise_withdraws_and_is_in_no_figure_of_contracts_bound(node: Desk, tmp_path: Path) -> None:
    firms = Firms(node, tmp_path)
    consenting.decide("F3\u3000", said(space="firms"), node)
    assert node.ledger.withdrawn("firms", firms.contract.terms.id) == (
        unit_hash.unit_hash(unit_hash.space_key(SEAL, "firms"), "F3"),
    )
    (pruned,) = firms.instead().values()
    rows, _ = firms.runner.query(
        (("s0", pruned),), 'SELECT credit_code FROM "s0"."data"', (ColumnType.TEXT,), LIMITS, Event()
    )
    assert {str(name) for (name,) in rows} == {f"F{number}" for number in range(24) if number != 3}
    assert firms.answer() == [("太原", 12), ("大同", None)]
    consenting.decide("F3", said(space="firms", given=True, scope=firms.contract.terms.id), node)
    assert firms.answer() == [("太原", 12), ("大同", 12)]


def test_where_consent_is_asked_beforehand_a_figure_waits_for_the_last_of_its_cell(node: Desk, tmp_path: Path) -> None:
    firms = Firms(node, tmp_path, consent=ConsentRule.RECORDED)
    for number in range(0, 24, 2):
        consenting.decide(f"F{number}", said(space="firms", given=True), node)
    assert firms.answer() == [("太原", 12), ("大同", None)]


def test_only_data_with_units_take_consents(node: Desk) -> None:
    for name in ("firms", "nowhere"):
        with pytest.raises(Refused) as caught:
            consenting.decide("F3", said(space=name), node)
        assert caught.value.reason is Reason.SUBJECT_SPACE_UNKNOWN
    text = spec_draft.encode(exact(consent=ConsentRule.RECORDED, ndi_id="")).encode()
    assert spec.decode(text).consent is ConsentRule.RECORDED


def test_the_history_of_an_enterprise_has_the_uses_before_it_withdrew(node: Desk, tmp_path: Path) -> None:
    firms = Firms(node, tmp_path)
    scene = node.scene

    def use() -> int:
        name = scene.name()
        planned = plan_of(firms.contract, scene.clock.ms, scene.name(), name, scanned=firms.version, canonical=name)
        exact_ = replace(planned, release=DatasetClass.EXACT, subject_space="", micro_rho=0, delta_e12=0)
        held = reserved(node.ledger.reserve(exact_))
        given = replace(released(planned), plan=exact_)
        return node.ledger.settle(held, given, PROFILE).receipt.index

    first = use()
    consenting.decide("F3", said(space="firms"), node)
    use()
    assert [each.index for each in consenting.history(" F3", "firms", node)] == [first]
    assert len(consenting.history("F4", "firms", node)) == 2
    assert consenting.history("F3", said().space, node) == (), "another space's uses are not told"
