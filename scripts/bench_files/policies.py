"""Policy decisions with many contracts loaded, and admission. Bars: 2,000 decisions a second; admission p50 3 ms.

A decision is Cedar over the guard rails and one contract's clauses, by turns over all contracts; admission is the
whole of it: register, signatures of request, offer and decision, clauses, guard rails and usage control; on data of
grade important also what both officers signed.
"""

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from yanmen.admission.admit import admit, contract_entity, party_entity
from yanmen.admission.policies import Question
from yanmen.crypto import documents, governance
from yanmen.formats import connector_id, usage_control
from yanmen.formats.request import Operation
from yanmen.model.catalogue import Grade
from yanmen.model.office import Act, OfficeStep
from yanmen.model.party import PartyRole
from yanmen.model.usage_control import Rules

from tests.attacks.admission.scene import ALICE, NODE, NOW_MS, World, dataset, terms

RATE_BAR, ADMISSION_BAR_MS = 2_000, 3.0
RULES = Rules(
    controls=tuple(
        usage_control.control(name, operator, (value,))
        for name, operator, value in (
            ("timeWindow", "isA", "00:00/24:00"),
            ("region", "isA", "14"),
            ("networkAddress", "isA", "10.0.0.0/8"),
            ("frequency", "lteq", "1000/PT1M"),
        )
    )
)


def main() -> int:
    """Measure, print, and return 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="scripts/bench policies", description=__doc__)
    parser.add_argument("--contracts", type=int, default=1_000, help="contracts loaded (1000)")
    parser.add_argument("--rounds", type=int, default=4, help="decisions under each (4)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder:
        world = World(Path(folder))
        for number in range(arguments.contracts):
            world.sign(dataclasses.replace(terms(rules=RULES), id=f"{number:032x}"))
        rate, cpu = decisions(world, arguments.rounds)
        spent, asked = admissions(world, min(500, arguments.contracts))
        grade_important(world)
        dear, important = admissions(world, min(500, arguments.contracts))
    print("| figure | on the clock | CPU | bar |\n|---|---:|---:|---:|")
    print(f"| decisions/s, {arguments.contracts} contracts | {rate:,.0f} | {cpu:,.0f} | >= {RATE_BAR:,} |")
    print(f"| admission p50, ms | {spent:.2f} | {asked:.2f} | <= {ADMISSION_BAR_MS} |")
    print(f"| admission p50, important data, ms | {dear:.2f} | {important:.2f} | <= {ADMISSION_BAR_MS} |")
    return int(cpu < RATE_BAR or max(asked, important) > ADMISSION_BAR_MS)


def grade_important(world: World) -> None:
    """Publish the data as important, and let both officers sign for every contract."""
    version = world.datasets["labs"]
    world.datasets["labs"] = dataclasses.replace(version, dataset=dataset(grade=Grade.IMPORTANT))
    for place, (act, role) in enumerate(((Act.REVIEW, PartyRole.STEWARD), (Act.DECIDE, PartyRole.CHIEF_DATA_OFFICER))):
        by = connector_id.build("5", "91140100MA0GTTTT0X", "1401", f"OFFICER{place}")
        world.enrol(by, role.value, world.mallory.public, role)
        for contract in world.contracts.values():
            said = (act, by, NODE, contract.terms.id, contract.digest)
            step = OfficeStep(*said, approve=True, necessity="必要", legality="合法", security="安全", issued_s=1)
            world.acts[contract.terms.id, act, contract.digest] = (place, governance.sign_office(step, world.mallory))


def decisions(world: World, rounds: int) -> tuple[float, float]:
    """Return decisions a second of the clock and of the CPU, after each contract was compiled once."""
    party, policies = world.peer(), world.desk.policies
    questions = []
    for contract in world.contracts.values():
        context = {"now_ms": NOW_MS, "scenario": "S1", "micro_rho": 10}
        entities = (party_entity(party), contract_entity(contract))
        asked = Question(ALICE, "submit", ("Contract", contract.terms.id), context, entities)
        questions.append((contract, asked))
        if not policies.decide(contract, asked).allowed:
            raise SystemExit("the specimen is not allowed")
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        for contract, asked in questions:
            policies.decide(contract, asked)
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    made = rounds * len(questions)
    return made / clock, made / cpu


def admissions(world: World, count: int) -> tuple[float, float]:
    """Return the median milliseconds of admitting a signed question, on the clock and of the CPU."""
    clocks, cpus = [], []
    for number in range(count):
        claims = world.claims(contract_id=f"{number:032x}", jti=f"{number:032x}")
        asked = world.submit(documents.sign_request(claims, world.alice), address="10.1.2.3")
        clock, cpu = time.perf_counter(), time.process_time()
        admit(asked, Operation.SUBMIT, world.desk)
        clocks.append((time.perf_counter() - clock) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return statistics.median(clocks), statistics.median(cpus)


if __name__ == "__main__":
    sys.exit(main())
