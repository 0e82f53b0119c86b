"""Many processes spend at once: what is spent is exactly what may be, and not one leaf is out of place."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import sleep

import pytest
from yanmen.ledger.jobs import Running
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Answer, Reserved
from yanmen.verify import verify_bundle

from tests.attacks.killed_race import raced
from tests.unit.ledger.scene import PROFILE, SPACE_KEY, Scene, papers, plan_of, released, reserved, terms_of, version

PROCESSES = 8
TRIES = 12
CHARGE = 100


def race(scene: Scene, attempt: Callable[[Ledger, int], object], tries: int = TRIES) -> Counter[str]:
    """Let `PROCESSES` processes make `tries` attempts each, all at once, and count how they ended."""
    go_reader, go_writer = os.pipe()
    reader, writer = os.pipe()
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            try:
                os.close(go_writer)
                with scene.open() as ledger:
                    os.read(go_reader, 1)  # returns at once for all when the parent closes its end
                    for turn in range(tries):
                        os.write(writer, f"{ended(ledger, attempt, number * tries + turn)}\n".encode())
            finally:
                os._exit(0)
        children.append(child)
    os.close(writer)
    os.close(go_reader)
    os.close(go_writer)
    with os.fdopen(reader, "rb") as pipe:
        counted = Counter(pipe.read().decode().splitlines())
    for child in children:
        os.waitpid(child, 0)
    return counted


def ended(ledger: Ledger, attempt: Callable[[Ledger, int], object], number: int) -> str:
    try:
        attempt(ledger, number)
    except Refused as refusal:
        return refusal.reason.value
    except Fault as fault:
        return fault.code.value
    return "answered"


def settled(scene: Scene, contract: Contract, charge: int = CHARGE, **other: str) -> Callable[[Ledger, int], None]:
    """Return an attempt that asks and settles a question of its own."""

    def attempt(ledger: Ledger, number: int) -> None:
        names = {"jti": f"{number:032x}", "job_id": f"{number:032x}", "canonical": str(number), **other}
        plan = plan_of(
            contract,
            scene.clock.ms,
            names["jti"],
            names["job_id"],
            canonical=names["canonical"],
            micro_rho=charge,
            session=names.get("session", ""),
            max_micro_rho=1_000,
        )
        held = ledger.reserve(plan)
        if isinstance(held, Reserved):
            ledger.settle(held, released(plan), PROFILE)

    return attempt


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "ledger.db", NodeLimits(failures=1_000))


def whole(scene: Scene, tmp_path: Path) -> None:
    """Let the ledger and an auditor recompute everything."""
    with scene.open() as ledger:
        ledger.check()
        ledger.export(tmp_path / "bundle", papers())
    report = verify_bundle(tmp_path / "bundle", SPACE_KEY.public)
    assert report.ok, report.findings


def test_a_contract_is_spent_exactly(scene: Scene, tmp_path: Path) -> None:
    allowed = 17
    with scene.open() as ledger:
        contract = scene.furnish(ledger, micro_rho=allowed * CHARGE + CHARGE - 1, micro_rho_per_query_max=CHARGE)
    counted = race(scene, settled(scene, contract))
    assert counted == {"answered": allowed, Reason.BUDGET_SPENT.value: PROCESSES * TRIES - allowed}
    with scene.open() as ledger:
        assert ledger.balance(contract.terms.id).micro_rho_left == CHARGE - 1
    whole(scene, tmp_path)


def test_a_subject_space_is_spent_exactly_over_all_contracts(scene: Scene, tmp_path: Path) -> None:
    allowed = 23
    with scene.open() as ledger:
        ledger.register_space(SubjectSpace("small", allowed * CHARGE, 0))
        ledger.publish(version("small", subject_space="small"))
        contracts = [scene.activate(ledger, terms_of(scene.name(), price_per_query_fen=n)) for n in range(PROCESSES)]
    read = version("small", subject_space="small")

    def attempt(ledger: Ledger, number: int) -> None:
        contract = contracts[number // TRIES]
        name = f"{number:032x}"
        ledger.reserve(
            plan_of(contract, scene.clock.ms, name, name, canonical=name, space="small", scanned=read, micro_rho=CHARGE)
        )

    counted = race(scene, attempt)
    assert counted == {"answered": allowed, Reason.BUDGET_SPENT.value: PROCESSES * TRIES - allowed}
    with scene.open() as ledger:
        assert ledger.space_left("small") == SubjectSpace("small", 0, 0)
        ledger.recover()
    whole(scene, tmp_path)


def test_a_request_is_used_once(scene: Scene) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
    counted = race(scene, settled(scene, contract, jti="f" * 32), tries=4)
    assert counted == {"answered": 1, Reason.REQUEST_REPLAYED.value: PROCESSES * 4 - 1}


def test_a_job_is_one_job(scene: Scene) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
    counted = race(scene, settled(scene, contract, job_id="f" * 32), tries=4)
    assert counted == {"answered": 1, Reason.REQUEST_REPLAYED.value: PROCESSES * 4 - 1}


def test_a_session_is_spent_exactly(scene: Scene, tmp_path: Path) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
    counted = race(scene, settled(scene, contract, session="f" * 32), tries=4)
    assert counted == {"answered": 1_000 // CHARGE, Reason.SPEND_LIMIT.value: PROCESSES * 4 - 1_000 // CHARGE}
    whole(scene, tmp_path)


def test_a_day_has_its_quota(scene: Scene) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger, queries_per_day=9)
    counted = race(scene, settled(scene, contract), tries=4)
    assert counted == {"answered": 9, Reason.QUOTA_SPENT.value: PROCESSES * 4 - 9}


def test_the_same_question_asked_at_once_by_many_is_charged_once(scene: Scene, tmp_path: Path) -> None:
    """Whoever asks while it runs waits for that answer; whoever asks after it gets it too."""
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
    again = settled(scene, contract, canonical="same")

    def attempt(ledger: Ledger, number: int) -> None:
        while True:
            try:
                return again(ledger, number)
            except Running as running:
                while ledger.is_open(running.position):
                    sleep(0.001)

    counted = race(scene, attempt, tries=4)
    assert counted == {"answered": PROCESSES * 4}
    with scene.open() as ledger:
        left = ledger.balance(contract.terms.id)
        assert contract.terms.micro_rho - left.micro_rho_left == CHARGE
        assert contract.terms.queries - left.queries_left == 1
        assert isinstance(ledger.outcome(f"{0:032x}", contract.terms.consumer), Answer)
    whole(scene, tmp_path)


def test_a_running_question_is_not_recovered_away(scene: Scene) -> None:
    """Only the process that serves may end what is open: the others cannot take its questions for a dead node's."""
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        assert ledger.recover() == 0
        held = reserved(ledger.reserve(scene.plan(contract)))
        assert race(scene, lambda other, _: other.recover(), tries=2) == {FaultCode.STORAGE.value: PROCESSES * 2}
        ledger.settle(held, released(held.plan), PROFILE)
        ledger.reserve(scene.plan(contract))
    counted = race(scene, lambda other, _: other.recover(), tries=1)
    assert counted["answered"] >= 1
    with scene.open() as ledger:
        ledger.check()
        assert ledger.recover() == 0


def test_a_stop_reaches_every_process(scene: Scene) -> None:
    """Once a contract is revoked nothing more is reserved or settled under it, in whichever process."""
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        held = ledger.reserve(scene.plan(contract))
        assert isinstance(held, Reserved)
        ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "Li Si")
    counted = race(scene, settled(scene, contract), tries=2)
    assert counted == {Reason.CONTRACT_REVOKED.value: PROCESSES * 2}


def test_killed_while_they_race_nothing_is_overspent(tmp_path: Path) -> None:
    kills, confirmed, overspent = raced(tmp_path, seed=1, kills=10)
    assert (kills, overspent) == (10, 0)
    assert confirmed > 0
