"""What a notebook shows: everything that belongs to the figures, in both languages, and nothing that runs."""

import asyncio
import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
import yanmen
from typing_extensions import override
from yanmen.client import html_table
from yanmen.client.errors import StillRunning
from yanmen.model.catalogue import ColumnType
from yanmen.model.party import Party
from yanmen.model.stages import Answer

from tests.unit.client.bench import SQL, TERMS

if TYPE_CHECKING:
    from tests.unit.client.conftest import World

ADDRESS = "civil"
EVIL = "</td><script>alert('雁门')</script><img src=x onerror=1>\u202e\x1b[2J&amp;\""


class Seen(HTMLParser):
    """Notes tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    @override
    def handle_data(self, data: str) -> None:
        self.text.append(data)


def shown(thing: Any) -> Seen:
    return Seen(thing._repr_html_())


def test_an_answer_is_shown_with_width_notice_price_and_receipt(world: "World") -> None:
    with world.connect() as node:
        answer = node.query(SQL, contract=TERMS.id)
    seen = shown(answer)
    text = "\n".join(seen.text)
    for belongs in ("9012 ± 39.2", "差分隐私估计值", "price 价格 1.5", "verified 已核验", "answer 查询结果", "性别"):
        assert belongs in text
    assert [line for line in str(answer).splitlines()[-4:] if line not in text] == []


def test_catalogue_dataset_quote_and_receipt_are_shown(world: "World") -> None:
    with world.connect() as node:
        catalogue, quote = node.catalogue(), node.explain(SQL, contract=TERMS.id)
    assert "目录" in "".join(shown(catalogue).text)
    assert "nafld1" in "".join(shown(catalogue["nafld1"]).text)
    assert "预估" in "".join(shown(quote).text)
    receipt = "".join(shown(quote.receipt).text)
    assert f"no. {quote.receipt.index}" in receipt
    assert "micro_rho" in receipt


def test_a_text_made_to_break_out_stays_text(world: "World") -> None:
    """Labels come from whoever wrote the question, titles from the holder: neither may run in the reader's page."""
    with world.connect() as node:
        answer, entry = node.query(SQL, contract=TERMS.id), node.dataset("nafld1")
    table = replace(answer.table, labels=(EVIL, *answer.table.labels[1:]), notice=EVIL)
    dataset = replace(entry.dataset, title_en=EVIL)
    for thing in (replace(answer, table=table), replace(entry, dataset=dataset)):
        seen = shown(thing)
        assert seen.tags <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "br"}
        assert seen.attributes <= {"lang", "scope", "style"}
        assert "<script>alert('雁门')" in "".join(seen.text)
        assert not {"\u202e", "\x1b"} & set("".join(seen.text))


def test_cells_of_every_row_are_under_their_heading() -> None:
    text = html_table.render("c", ("a", "b"), [("1", "2"), ("3", "4")], (True, False), ("x", ""))
    assert text.count("<tr>") == 3
    assert text.count("text-align:right") == 3
    assert text.endswith("<div>x</div></div>")


@pytest.fixture
def slow(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the double wait for an outcome as a node does."""
    fetch = world.bench.fetch

    def waiting(party: Party, job_id: str, wait_ms: int) -> Answer | None:
        time.sleep(wait_ms / 1000 if world.bench.pending else 0)
        return fetch(party, job_id, wait_ms)

    monkeypatch.setattr(world.bench, "fetch", waiting)


# The same by an event loop ---------------------------------------------------------------------------


def test_asynchronous_calls_are_the_same_calls(world: "World") -> None:
    async def ask() -> None:
        async with yanmen.aconnect(ADDRESS, world.member) as node:
            assert len(await node.catalogue()) == 1
            assert (await node.dataset("nafld1")).dataset.name == "nafld1"
            assert [one.terms.id for one in await node.contracts()] == [TERMS.id]
            assert (await node.contract(TERMS.id)).terms == TERMS
            assert (await node.balance(TERMS.id)).queries_left == 99
            assert (await node.explain(SQL, contract=TERMS.id)).price_fen == 150
            answers = await asyncio.gather(*(node.query(SQL, contract=TERMS.id) for _ in range(4)))
            assert len({answer.job_id for answer in answers}) == 4
            assert answers[0].table.types[0] is ColumnType.TEXT
            assert (await node.receipt(answers[0].receipt.index)).jti == answers[0].receipt.jti

    asyncio.run(ask())


def test_progress_is_told_while_a_job_runs(world: "World", slow: None) -> None:
    async def ask() -> list[float]:
        told: list[float] = []
        async with yanmen.aconnect(ADDRESS, world.member) as node:
            job = await node.submit(SQL, contract=TERMS.id)
            world.bench.pending = 10**9
            with pytest.raises(StillRunning):
                await job.fetch(timeout=1.5, progress=told.append)
            world.bench.pending = 0
            assert (await job.fetch(progress=told.append)).job_id == job.id
        return told

    told = asyncio.run(ask())
    assert told
    assert told == sorted(told)


def test_a_cancelled_task_stops_its_job(world: "World", slow: None) -> None:
    async def ask() -> None:
        async with yanmen.aconnect(ADDRESS, world.member) as node:
            world.bench.pending = 10**9
            task = asyncio.create_task(node.query(SQL, contract=TERMS.id))
            while not any(call[0] == "fetch" for call in world.bench.calls):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(ask())
    assert [call[0] for call in world.bench.calls if call[0] == "cancel"] == ["cancel"]


def test_waiting_is_told_and_interrupting_it_stops_the_job(world: "World", slow: None) -> None:
    told: list[float] = []

    def give_up(seconds: float) -> None:
        told.append(seconds)
        if len(told) == 3:
            raise KeyboardInterrupt

    with world.connect() as node:
        world.bench.pending = 2
        node.query(SQL, contract=TERMS.id, progress=told.append)
        assert len(told) == 2
        told.clear()
        world.bench.pending = 10**9
        with pytest.raises(KeyboardInterrupt):
            node.query(SQL, contract=TERMS.id, progress=give_up)
    assert told == sorted(told)
    assert [call[0] for call in world.bench.calls if call[0] == "cancel"] == ["cancel"]
