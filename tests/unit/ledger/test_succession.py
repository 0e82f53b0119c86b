"""One log after another: all that binds goes on, all sums with it, and both logs verify."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.formats import checkpoint, note, opening, receipt
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger import violations
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.succession import Step
from yanmen.model.catalogue import Renewal, SubjectSpace
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, JobCode, Reason, Refused, Usage
from yanmen.verify import Report, chain, verify_bundle
from yanmen.verify.procedure import examine
from yanmen.verify.report import Code

from tests.unit.ledger.scene import (
    CONSUMER,
    LIFETIME_DELTA_E12,
    LIFETIME_MICRO_RHO,
    NODE,
    PROFILE,
    SPACE,
    SPACE_KEY,
    SUBJECTS,
    Scene,
    papers,
    plan_of,
    released,
    reserved,
    version,
)

YEAR_MS = 366 * 24 * 60 * 60 * 1000


def head(ledger: Ledger) -> Checkpoint:
    return checkpoint.decode(note.decode(ledger.checkpoint().encode()).text)


def year_step(ledger: Ledger, year: int = 2027) -> Step:
    seen = head(ledger)
    return Step(checkpoint.origin(NODE, year), SPACE, seen, seen.size, "", {})


def next_scene(scene: Scene) -> Scene:
    return Scene(scene.path.with_name("next.db"), scene.limits, scene.clock)


def followed(scene: Scene, ledger: Ledger, step: Step) -> Scene:
    """Close `ledger` as a node does and return the scene of the log that continues it."""
    ledger.serve_alone()
    ledger.recover()
    if scene.elsewhere is not None:
        ledger.follow(step)
        return scene
    after = next_scene(scene)
    ledger.begin_next(after.path, step)
    return after


def verified(ledger: Ledger, folder: Path) -> Report:
    ledger.export(folder, papers())
    return verify_bundle(folder, SPACE_KEY.public)


def test_what_was_spent_stays_spent_in_the_next_log(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    contract = scene.furnish(ledger, not_after_ms=scene.clock.ms * 2)
    terms = replace(contract.terms, id="e" * 32, micro_rho_per_query_max=9_000)
    wide = scene.activate(ledger, terms)
    asked = plan_of(wide, scene.clock.ms, "a" * 32, "a" * 32, micro_rho=9_000, max_micro_rho=9_000)
    ledger.settle(reserved(ledger.reserve(asked)), released(asked), PROFILE)
    left, space = ledger.balance("e" * 32), ledger.space_left(SUBJECTS)
    before = verified(ledger, tmp_path / "old")
    scene.clock.ms += YEAR_MS
    size = ledger.size()
    after = followed(scene, ledger, year_step(ledger))
    with after.open(create=False) as new:
        new.check()
        assert new.origin.endswith("/2027")
        assert replace(new.balance("e" * 32), queries_today_left=0) == replace(left, queries_today_left=0)
        assert new.space_left(SUBJECTS) == space
        carried = new.contract("e" * 32)
        assert carried == wide
        again = plan_of(wide, scene.clock.ms, "b" * 32, "b" * 32, canonical="b", micro_rho=2_000)
        with pytest.raises(Refused) as refused:
            new.reserve(again)
        assert refused.value.reason is Reason.BUDGET_SPENT, "a new year is no new budget"
        with pytest.raises(Refused) as refused:
            new.reserve(asked)
        assert refused.value.reason is Reason.REQUEST_REPLAYED
        small = plan_of(wide, scene.clock.ms, "c" * 32, "c" * 32, canonical="c", micro_rho=500)
        new.settle(reserved(new.reserve(small)), released(small), PROFILE)
        new.check()
        report = verified(new, tmp_path / "new")
    assert report.ok, report.findings
    (note_of,) = [found for found in report.findings if found.code is Code.CONTINUES]
    assert f"usage-log/2026 {size} " in note_of.subject
    assert before.ok
    old, new_ = (examine(tmp_path / name, SPACE_KEY.public) for name in ("old", "new"))
    assert chain.follows(new_, old) == ()
    totals = {total.contract: total.micro_rho for total in report.contracts}
    assert totals["e" * 32] == 9_500


def test_how_things_stand_goes_on(scene: Scene, ledger: Ledger) -> None:
    contracts = [scene.furnish(ledger) for _ in range(4)]
    ledger.set_status(contracts[1].terms.id, ContractStatus.SUSPENDED, "Li Si")
    ledger.set_status(contracts[2].terms.id, ContractStatus.REVOKED, "Li Si")
    held = reserved(ledger.reserve(scene.plan(contracts[0])))
    ledger.abort(held, Reason.RUN_FAILED, JobCode.MEMORY, Usage())
    ledger.reserve(scene.plan(contracts[0]))  # left open
    with ledger._store.write() as db:
        db.execute("INSERT INTO violation (position, contract, consumer) VALUES (0, '', ?)", (CONSUMER,))
    renewal = Renewal(SUBJECTS, 700, 0, "首席数据官", "年度续期", scene.clock.ms + 1)
    ledger.renew_space(renewal, lambda _micro_rho, _delta: "1.0")
    stood = ledger.space_left(SUBJECTS)
    ledger.publish(version("v2"))
    ledger.retract("persons")
    ledger.accept_register(SPACE, 7, "ab" * 32)
    ledger.recover()
    scene.clock.ms += YEAR_MS
    last = head(ledger)
    after = followed(scene, ledger, year_step(ledger))
    with after.open(create=False) as new:
        new.check()
        assert new.contract(contracts[0].terms.id) == contracts[0]
        suspended = new.contract(contracts[1].terms.id)
        assert suspended is not None
        assert suspended.status is ContractStatus.SUSPENDED
        assert new.contract(contracts[2].terms.id) is None
        found = new.version("persons")
        assert found is not None
        assert found.retracted
        assert new.accept_register(SPACE, 7, "ab" * 32) is None
        with pytest.raises(Fault):
            new.accept_register(SPACE, 6, "cd" * 32)
        assert new.space_left(SUBJECTS) == stood
        assert new.register_space(SubjectSpace(SUBJECTS, LIFETIME_MICRO_RHO, LIFETIME_DELTA_E12)) is None
        with new._store.read() as db:
            assert violations.counted(db) == ((CONSUMER, 1),)
            rows = db.execute("SELECT consumer, failures FROM run_failure").fetchall()
            assert rows == [(CONSUMER, 2)], "the open question counts as a failure, as after a crash"
        said = receipt.decode(new.receipt(0).sdjwt).slots[Slot.SUBJECT]
        told = opening.read(said)
        assert told is not None
        assert told.previous == last
        assert new.receipt(0).stage is Stage.GENESIS


def test_the_successor_after_a_gap_trusts_no_balance(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    contract: Contract = scene.furnish(ledger)
    ledger.register_space(SubjectSpace("firms", 500, 500))
    scene.ask(ledger, contract)
    size = ledger.size()
    seen = replace(head(ledger), size=size + 3, root=bytes(32))
    origin = checkpoint.origin(NODE, 2026, 2)
    step = Step(origin, SPACE, seen, size, "three leaves lost with a disk", {SUBJECTS: 5_000})
    after = followed(scene, ledger, step)
    with after.open(create=False) as new:
        new.check()
        assert new.origin.endswith("/2026-2")
        assert new.contracts() == ()
        assert new.space_left(SUBJECTS) == SubjectSpace(SUBJECTS, 5_000, 0)
        assert new.space_left("firms") == SubjectSpace("firms", 0, 0)
        report = verified(new, tmp_path / "new")
    assert report.ok, report.findings
    told = {found.code: found.subject for found in report.findings}
    assert told[Code.DECLARED_GAP] == f"{size}-{seen.size - 1}: three leaves lost with a disk"


def test_no_more_is_left_than_the_ledger_knew(scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger)
    scene.ask(ledger, contract)
    step = replace(year_step(ledger, 2026), gap="lost", left={SUBJECTS: 10**9}, origin=checkpoint.origin(NODE, 2026, 2))
    after = followed(scene, ledger, step)
    with after.open(create=False) as new:
        left = new.space_left(SUBJECTS)
    assert left is not None
    assert left.lifetime_micro_rho == LIFETIME_MICRO_RHO - 100


def test_only_who_serves_continues_a_log_and_never_over_a_file(scene: Scene, ledger: Ledger) -> None:
    after = next_scene(scene)
    with pytest.raises(Fault, match="by who serves it"):
        ledger.begin_next(after.path, year_step(ledger))
    ledger.recover()
    after.path.write_bytes(b"")
    with pytest.raises(Fault, match="is there already"):
        ledger.begin_next(after.path, year_step(ledger))


def test_a_node_that_forgets_what_was_spent_before_is_found(
    scene: Scene, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums that do not go on from the opening are as wrong as any others."""
    contract = scene.furnish(ledger)
    scene.ask(ledger, contract)
    honest = opening.Opening.json

    def forgetful(self: opening.Opening) -> object:
        return honest(replace(self, contracts=(), spaces=()))

    monkeypatch.setattr(opening.Opening, "json", forgetful)
    after = followed(scene, ledger, year_step(ledger))
    with after.open(create=False) as new:
        scene.ask(new, contract)
        codes = {found.code for found in verified(new, tmp_path / "new").findings}
    assert Code.SPENT_DIFFERS in codes


def test_a_log_is_held_to_the_one_it_says_it_continues(
    scene: Scene, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = scene.furnish(ledger)
    scene.ask(ledger, contract)
    verified(ledger, tmp_path / "short")
    scene.ask(ledger, contract)
    ledger.recover()
    verified(ledger, tmp_path / "old")
    honest = opening.Opening.json
    lies: dict[str, Callable[[opening.Opening], opening.Opening]] = {
        "other sums": lambda told: replace(told, contracts=(replace(told.contracts[0], micro_rho=1),)),
        "less than was spent": lambda told: replace(told, spaces=(replace(told.spaces[0], micro_rho=1),)),
        "not the last one": lambda told: replace(told, previous=replace(told.previous, root=bytes(32))),
        "it continues": lambda told: replace(
            told, previous=replace(told.previous, origin=checkpoint.origin(NODE, 2020))
        ),
    }

    def followed_by(name: str, before: str) -> list[str]:
        after = Scene(tmp_path / f"{name}.db", scene.limits, scene.clock)
        ledger.begin_next(after.path, year_step(ledger))
        with after.open(create=False) as new:
            new.export(tmp_path / name, papers())
        later, earlier = (examine(tmp_path / folder, SPACE_KEY.public) for folder in (name, before))
        return [found.subject for found in chain.follows(later, earlier)]

    assert followed_by("good", "old") == []
    assert followed_by("cut", "short") != [], "leaves between the two are not accounted for"
    for why, lie in lies.items():
        with monkeypatch.context() as patch:
            patch.setattr(opening.Opening, "json", lambda told, lie=lie: honest(lie(told)))
            (found,) = followed_by(why.replace(" ", "-"), "old")
        assert why in found
    alone = examine(tmp_path / "old", SPACE_KEY.public)
    assert [found.subject for found in chain.follows(alone, alone)] == ["it continues no log"]


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"held": 9},
        {"held": 2},
        {"root": "AA"},
        {"origin": "elsewhere"},
        {"contracts": [["c", -1, 0, 0, 0]]},
        {"spaces": [["s", 1]]},
        {"more": 1},
    ],
)
def test_a_malformed_opening_is_refused(change: dict[str, object]) -> None:
    value = {
        "contracts": [],
        "gap": "",
        "held": 8,
        "origin": checkpoint.origin(NODE, 2026),
        "root": "A" * 43,
        "size": 8,
        "spaces": [],
    }
    assert opening.read({"continues": value}) is not None  # type: ignore[dict-item]
    with pytest.raises(Malformed):
        opening.read({"continues": {**value, **change}})  # type: ignore[dict-item]


def test_a_log_that_continues_none_says_so_by_silence() -> None:
    assert opening.read({"node": NODE}) is None
    assert opening.read(None) is None


def test_a_renewed_budget_is_carried_and_the_node_still_opens(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    """node.toml goes on saying what the space began with, and must not be taken for a contradiction."""
    scene.furnish(ledger, not_after_ms=scene.clock.ms * 2)
    more = Renewal(SUBJECTS, 5_000, 7, "张三", "second survey", scene.clock.ms + 1)
    ledger.renew_space(more, lambda rho, delta: f"{rho} {delta}")
    left = ledger.space_left(SUBJECTS)
    scene.clock.ms += YEAR_MS
    after = followed(scene, ledger, year_step(ledger))
    with after.open(create=False) as new:
        assert new.register_space(SubjectSpace(SUBJECTS, LIFETIME_MICRO_RHO, LIFETIME_DELTA_E12)) is None
        assert new.space_left(SUBJECTS) == left
        new.check()
        report = verified(new, tmp_path / "new")
    assert report.ok, report.findings
