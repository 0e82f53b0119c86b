"""One question through five aggregators: all honest, one gone, one lying; each with keys, ledger and log of its own."""

import hashlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest
from yanmen.client.identity import Identity
from yanmen.client.link import Link
from yanmen.client.robust import robust_federation
from yanmen.crypto import documents, keys
from yanmen.formats import point
from yanmen.formats.point import SumPoint
from yanmen.model.federation import PartialSum
from yanmen.model.party import PartyRole
from yanmen.wire.v1 import federation_pb2, query_pb2

from tests.system.league import League
from tests.system.town import done, run

QUESTION = "SELECT ward, count(*) AS n FROM visits GROUP BY ward ORDER BY n DESC"
FIVE = ("auditors", "bureau", "finance", "statistics", "university")
GONE = "university"
_AGGREGATOR = PartyRole.AGGREGATOR


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Iterator[League]:
    """Two departments and five aggregators, served."""
    made = League(tmp_path_factory.mktemp("league"), ("city1", "city2"), FIVE, GONE)
    made.build()
    made.serve()
    yield made
    made.stop()


def words(league: League, *aggregators: str) -> list[object]:
    """Return the command line that asks all nodes through `aggregators`."""
    asked = [word for name in league.nodes for word in ("--node", f"{name}={league.contract(name)}")]
    added = [word for name in aggregators for word in ("--aggregator", name)]
    return ["--as", league.developer, *asked, *added, "--partition", "home"]


def checked(league: League, folder: Path) -> dict[str, object]:
    """Return what `verify-federation` says of the saved answer."""
    space = ("--register", league.space / "register.jws", "--space-key", league.space / "space.vkey")
    return cast("dict[str, object]", done("verify-federation", folder, *space))


def near(rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether both wards have their numbers: 2 x 300 and 2 x 100, noise of 3 x 450 far below 2,000."""
    return [row["ward"] for row in rows] == ["north", "south"] and all(
        isinstance(row["n"], int) and abs(row["n"] - truth) < 2_000 for row, truth in zip(rows, (600, 200), strict=True)
    )


class Liar:
    """The consumer's link to an aggregator that signs another sum than its own."""

    def __init__(self, league: League, name: str, link: Link) -> None:
        """Hold the honest one's link and its key."""
        self.calls, self.receipts = link.calls, link.receipts
        self._link, self._signer = link, keys.load(league.root / name / "signing.key")

    def call(self, method: object, request: object, seconds: float) -> object:
        """Call as asked; change one cell of an opened sum by one."""
        reply: object = self._link.call(method, request, seconds)  # type: ignore[arg-type]
        if not isinstance(reply, federation_pb2.OpenResponse):
            return reply
        honest = point.decode(reply.sum.share)
        assert isinstance(honest, SumPoint)
        first = (int.from_bytes(honest.vector[:8], "little") + 1) % (2**61 - 1)
        share = point.encode(SumPoint(honest.place, honest.blinding, first.to_bytes(8, "little") + honest.vector[8:]))
        said = documents.open_partial(reply.sum.partial, self._signer.public)
        digest = hashlib.sha256(share).hexdigest()
        again = PartialSum(said.aggregator, said.manifest_sha256, said.set_sha256, digest, said.issued_s)
        partial = documents.sign_partial(again, self._signer)
        return federation_pb2.OpenResponse(sum=query_pb2.OpenedSum(partial=partial, share=share))


def test_five_aggregators_answer_and_anybody_can_check_it(league: League, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    more = ("--robust", "--micro-rho", 20_000, "--save", saved)
    answer = done("federate", *words(league, *FIVE), *more, QUESTION)
    assert near(answer["rows"])
    assert (answer["mode"], answer["aggregators"], len(answer["contributors"])) == ("robust", {}, 2)
    report = checked(league, saved)
    assert report["mode"] == "robust"
    assert report["aggregators"] == {"missing": [], "lied": [], "disputed": []}
    space = ("--register", league.space / "register.jws", "--space-key", league.space / "space.vkey")
    for path in sorted(saved.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
        assert run("verify-federation", saved, *space)[0] == 1, path.name
        path.write_bytes(whole)
    for name in (*league.nodes, *FIVE[:1]):
        bundle = tmp_path / name
        done("receipts", "export", league.root / name, bundle)
        assert done("verify", bundle, "--space-key", league.space / "space.vkey")["findings"] == []


def test_a_mode_is_never_changed_for_want_of_aggregators(league: League) -> None:
    for aggregators, robust in ((FIVE, ()), (FIVE[:3], ("--robust",)), (FIVE[:4], ("--robust",)), (FIVE[:4], ())):
        assert run("federate", *words(league, *aggregators), *robust, "--micro-rho", 20_000, QUESTION)[0] == 2


def test_an_aggregator_that_lies_is_named_and_the_answer_is_right(league: League, tmp_path: Path) -> None:
    identity = Identity.load(league.developer)
    contracts = {name: league.contract(name) for name in league.nodes}
    with robust_federation(identity, contracts, FIVE) as many:
        liar = next(id_ for id_ in many.aggregators if identity.node("finance", _AGGREGATOR).id == id_)
        links = {
            id_: cast("Link", Liar(league, "finance", link)) if id_ == liar else link
            for id_, link in many.aggregators.items()
        }
        many.aggregators = links
        answer = many.query(QUESTION, micro_rho=20_000, partition="home")
    assert near(answer.rows())
    assert list(answer.faults) == [liar]
    assert "something else than its sum" in answer.faults[liar]
    assert f"aggregator 聚合方 {liar}" in str(answer)
    answer.save(tmp_path)
    assert checked(league, tmp_path)["aggregators"] == {"missing": [], "lied": [liar], "disputed": []}


def test_an_aggregator_that_is_gone_is_named_and_the_answer_comes(league: League, tmp_path: Path) -> None:
    process = league.processes.pop()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    more = ("--robust", "--micro-rho", 20_000, "--save", tmp_path)
    answer = done("federate", *words(league, *FIVE), *more, QUESTION)
    assert near(answer["rows"])
    gone = Identity.load(league.developer).node(GONE, _AGGREGATOR).id
    assert list(answer["aggregators"]) == [gone]
    assert checked(league, tmp_path)["aggregators"] == {"missing": [gone], "lied": [], "disputed": []}
    assert not (tmp_path / f"{gone}.share").exists()
    # Without it four certificates are needed: with one fewer nothing is proven.
    next(path for path in tmp_path.iterdir() if path.name.endswith(".set.jws")).unlink()
    space = ("--register", league.space / "register.jws", "--space-key", league.space / "space.vkey")
    assert run("verify-federation", tmp_path, *space)[0] == 1
