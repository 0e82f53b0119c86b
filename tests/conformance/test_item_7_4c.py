"""7.4c 合约履行: uses are admitted and counted by the contract itself, watched, stopped, and its end is carried out."""

from collections.abc import Iterator

import pytest
import yanmen

from tests.patience import wait_until
from tests.system.town import Town, done, run

SQL = "SELECT count(*) AS n FROM visits WHERE cost > {number}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    made.build()
    made.serve()
    yield made
    made.stop()


def test_fulfilment_is_triggered_watched_and_brought_to_its_end(town: Town) -> None:
    """A count of three, watched as it goes down; suspended, resumed, ended by the consumer, deletion proved by both."""
    limits = ("--queries", "3", "--queries-per-day", "3", "--deletion-days", "7", "--micro-rho", "300000")
    name = town.contract("main", *limits)
    by = ("--by", "张某")
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        jobs = [node.submit(SQL.format(number=number), contract=name) for number in (1, 2)]
        assert all(job.attend().rows() for job in jobs)
        assert (node.balance(name).queries_left, node.balance(name).spent_fen) == (1, 200)

        done("contract", "suspend", town.node, name, *by)
        with pytest.raises(yanmen.Refused) as stopped:
            node.query(SQL.format(number=3), contract=name)
        assert stopped.value.reason.value == "CONTRACT_SUSPENDED"
        done("contract", "resume", town.node, name, *by)
        node.query(SQL.format(number=3), contract=name)
        with pytest.raises(yanmen.Refused) as spent:
            node.query(SQL.format(number=4), contract=name)
        assert spent.value.reason.value == "QUOTA_SPENT"

        member = ("--as", town.root / "alice", "--at", "clinic", name)
        assert run("contract", "prove-deletion", *member, "--how", "太早")[0] == 1
        assert done("contract", "end", *member, "--reason", "项目结束")["status"] == "revoked"
        with pytest.raises(yanmen.Refused) as over:
            node.query(SQL.format(number=5), contract=name)
        assert over.value.reason.value == "CONTRACT_REVOKED"

    def listed() -> dict[str, object]:
        (found,) = done("contract", "list", "--node", town.node)["contracts"]
        standing = found["deletion"]
        assert isinstance(standing, dict)
        return standing

    wait_until(lambda: listed()["by_node"] is not None)
    assert listed()["by_consumer"] is None
    proved = done("contract", "prove-deletion", *member, "--how", "已从分析平台清除")
    assert len(proved["answers"]) == 3
    assert listed()["by_consumer"] is not None
    assert town.verify("bundle")["ok"]
