"""Two replicas of one node, asked over gRPC: one budget, one log, one outcome of a job, and one of them may die."""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from yanmen.client import Answer, Node, Refused
from yanmen.client.signing import EachQuestion, Spending
from yanmen.formats.request import Operation
from yanmen.model.refusal import Reason
from yanmen.wire.v1 import query_pb2

from tests.patience import wait_until
from tests.postgresql_server import served
from tests.system.database_town import DatabaseTown
from tests.system.town import done

CHARGE, ALLOWED = 2_000, 3
COUNT = "SELECT count(*) AS n FROM visits WHERE cost > {}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseTown]:
    with served({"fsync": "on"}) as server:
        made = DatabaseTown(tmp_path_factory.mktemp("replicas"), server=server)
        made.build()
        made.limit(jobs=5, jobs_per_consumer=4)
        made.start("clinic", "two")
        yield made
        for name in tuple(made.replicas):
            made.end(name, signal.SIGKILL)


@pytest.fixture
def both(town: DatabaseTown) -> Iterator[tuple[Node, Node]]:
    with town.connected("clinic") as one, town.connected("two") as two:
        yield one, two


def test_one_budget_is_spent_exactly_over_both(town: DatabaseTown, both: tuple[Node, Node]) -> None:
    """Four questions at once, two at each replica, and a budget for three: one is refused, wherever it was asked."""
    terms = ("--micro-rho", str(CHARGE * ALLOWED), "--per-query", str(CHARGE))
    contract = town.contract("raced", *terms)

    def ask(number: int) -> Answer | Reason:
        try:
            return both[number % 2].query(COUNT.format(number), contract=contract)
        except Refused as refused:
            return refused.reason

    with ThreadPoolExecutor(ALLOWED + 1) as pool:
        ended = list(pool.map(ask, range(ALLOWED + 1)))
    answers = [one for one in ended if isinstance(one, Answer)]
    assert Counter(one for one in ended if not isinstance(one, Answer)) == {Reason.BUDGET_SPENT: 1}
    assert len({answer.receipt.index for answer in answers}) == ALLOWED, "every answer is a leaf of its own"
    for node in both:
        assert node.balance(contract).micro_rho_left == 0


def test_a_job_is_one_job_whichever_replica_hears_of_it(town: DatabaseTown, both: tuple[Node, Node]) -> None:
    """The same signed request at both, as after a lost reply: one charge, one answer, which either gives."""
    terms = ("--micro-rho", str(CHARGE * 2), "--per-query", str(CHARGE))
    contract, sql = town.contract("twice", *terms), COUNT.format(7)
    job_id = both[0]._signing.new_id()
    held = both[0].contract(contract).terms
    authorisation = EachQuestion(both[0]._signing, held, Spending.within(held)).bind(sql, job_id, Operation.SUBMIT)
    request = query_pb2.SubmitRequest(job_id=job_id, authorisation=authorisation, sql=sql)
    for node in both:
        assert node._link.call(node._calls.query.Submit, request).job_id == job_id
    one, other = (node.fetch(job_id) for node in both)
    assert (one.rows(), one.receipt.index, one.micro_rho) == (other.rows(), other.receipt.index, CHARGE)
    assert both[1].balance(contract).micro_rho_left == CHARGE


def test_a_replica_that_is_killed_leaves_the_other_serving(town: DatabaseTown, both: tuple[Node, Node]) -> None:
    terms = ("--micro-rho", str(CHARGE * 4), "--per-query", str(CHARGE))
    contract = town.contract("killed", *terms)
    left = both[0].submit(COUNT.format(11), contract=contract)
    wait_until(lambda: both[1].balance(contract).micro_rho_left == CHARGE * 3)
    town.end("clinic", signal.SIGKILL)
    held = both[1].submit(COUNT.format(12), contract=contract)
    answer = held.fetch()
    assert both[1].balance(contract).micro_rho_left == CHARGE * 2, "what the dead one was charged stays charged"
    town.start("clinic")
    with town.connected("clinic") as again:
        with pytest.raises(Refused) as refused:
            again.fetch(left.id)
        assert refused.value.reason is Reason.RUN_FAILED
        assert again.receipt(answer.receipt.index).index == answer.receipt.index, "it is in the same tree"
        assert again.fetch(held.id).rows() == answer.rows()
    assert [town.end(name) for name in ("clinic", "two")] == [0, 0]
    done("check", "node", town.node)
    assert town.verify("audit")["ok"]
