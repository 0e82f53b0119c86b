"""A question that is answered soon takes one call; one that is not goes on as a job, and an interrupt stops it."""

from typing import TYPE_CHECKING

import pytest
from yanmen.client.errors import ReceiptInvalid, StillRunning
from yanmen.client.link import Link
from yanmen.model.party import Party
from yanmen.model.stages import Answer, Submission

from tests.unit.client.bench import SQL, TERMS

if TYPE_CHECKING:
    from tests.unit.client.conftest import World


def jobs(world: "World", kind: str) -> list[object]:
    return [call[1] for call in world.bench.calls if call[0] == kind]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what the SDK calls."""
    made: list[str] = []
    call = Link.call

    def noted(link: Link, method: object, request: object, *rest: float) -> object:
        made.append(type(request).__name__)
        return call(link, method, request, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Link, "call", noted)
    return made


def test_a_question_answered_soon_takes_one_call(world: "World", calls: list[str]) -> None:
    with world.connect() as node:
        node.contract(TERMS.id)
        calls.clear()
        answer = node.query(SQL, contract=TERMS.id)
        assert calls == ["SubmitRequest"]
        assert answer.acknowledgement is not None
        with node.session(TERMS.id, max_micro_rho=9, max_price_fen=9) as session:
            calls.clear()
            session.query(SQL)
        assert calls == ["SubmitRequest"]


def test_one_that_takes_longer_is_fetched_as_a_job(world: "World", calls: list[str]) -> None:
    world.bench.pending = 2
    told: list[float] = []
    with world.connect() as node:
        answer = node.query(SQL, contract=TERMS.id, progress=told.append)
    assert calls.count("SubmitRequest") == 1
    assert calls.count("FetchRequest") == 2
    assert jobs(world, "submit") == [answer.job_id]
    assert told == sorted(told)
    assert len(told) == 2


def test_who_waits_no_longer_is_told_that_it_still_runs(world: "World") -> None:
    world.bench.pending = 10**9
    with world.connect() as node, pytest.raises(StillRunning):
        node.query(SQL, contract=TERMS.id, timeout=0.0)


def test_an_interrupt_while_it_is_submitted_stops_the_job(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    call = Link.call

    def interrupted(link: Link, method: object, request: object, *rest: float) -> object:
        reply: object = call(link, method, request, *rest)  # type: ignore[arg-type]
        if type(request).__name__ == "SubmitRequest":
            raise KeyboardInterrupt
        return reply

    monkeypatch.setattr(Link, "call", interrupted)
    with world.connect() as node, pytest.raises(KeyboardInterrupt):
        node.query(SQL, contract=TERMS.id)
    assert jobs(world, "cancel") == jobs(world, "submit") != []


def test_figures_that_its_receipt_is_not_about_are_not_shown(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes with the reply of Submit is verified as what Fetch brings."""
    fetch = world.bench.fetch

    def altered(party: Party, job_id: str, wait_ms: int) -> Answer | None:
        given = fetch(party, job_id, wait_ms)
        object.__setattr__(given, "suppressed", 77)
        return given

    monkeypatch.setattr(world.bench, "fetch", altered)
    with world.connect() as node, pytest.raises(ReceiptInvalid, match="not about these figures"):
        node.query(SQL, contract=TERMS.id)
    assert isinstance(next(iter(world.bench.submissions.values())), Submission)
