"""A node with tables of one's own and a contract over them, made by the commands a holder types."""

import contextlib
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from bench_files.place import SUBJECT, done
from yanmen import pipeline
from yanmen.client.identity import Identity
from yanmen.client.signing import EachQuestion, Signing, Spending
from yanmen.crypto import documents
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.execution import profiles
from yanmen.execution.run import run
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.request import Operation
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.refusal import Refused
from yanmen.model.stages import Answer, Binding, Submission
from yanmen.node.holder import Holder, open_holder
from yanmen.node.question import Question, Works

HEAD = """
title_zh = "攻击测试"
title_en = "Attacked"
owner = "bench"
region = "140100"
source_system = "made by the bench"
authority = "bench"
update_cycle = "never"
quality = "A"
rights = ["use"]
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
price_ceiling_fen = 0
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A spec's own lines, the names of the source's columns, its rows, and which columns a contract opens."""

    name: str
    spec: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[object]]
    granted: tuple[str, ...]


@dataclass
class Arena:
    """An opened node and a member who asks it."""

    folder: Path
    holder: Holder
    works: Works
    signing: Signing
    tables: tuple[Table, ...]
    _contracts: int = 0

    def contract(self, micro_rho: int, queries: int = 1_000_000, **other: int) -> "Asker":
        """Return who asks under a fresh contract of this budget."""
        self._contracts += 1
        terms = self._terms(f"{self._contracts:032x}", micro_rho, queries)
        terms = replace(terms, min_group=other.get("min_group", terms.min_group))
        offer = documents.sign_offer(terms, self.signing.identity.signer)
        digest = documents.digest(offer)
        self.holder.ledger.add_offer(Contract(terms, offer, b"", digest, ContractStatus.PENDING))
        now_ms = self.holder.clock.now_ms()
        decided = Acceptance(terms.id, terms.holder, digest, ContractStatus.ACTIVE, "bench", Reasons(), now_ms)
        acceptance = documents.sign_acceptance(decided, self.holder.receipt_signer)
        self.holder.ledger.decide(terms.id, ContractStatus.ACTIVE, acceptance, "bench")
        return Asker(self, terms)

    def _terms(self, name: str, micro_rho: int, queries: int) -> Terms:
        now_ms = self.holder.clock.now_ms()
        return Terms(
            id=name,
            holder=self.holder.config.id,
            consumer=self.signing.identity.id,
            channel=Channel.SHARING,
            scenario=Scenario("bench", "bench", "bench"),
            grants=tuple(Grant(table.name, table.granted) for table in self.tables if table.granted),
            min_group=10,
            micro_rho=micro_rho,
            micro_rho_per_query=min(1000, micro_rho),
            micro_rho_per_query_max=micro_rho,
            delta_e12=0,
            queries=queries,
            queries_per_day=queries,
            not_before_ms=now_ms - 1000,
            not_after_ms=now_ms + 24 * 3_600_000,
            price_per_query_fen=0,
            regulator_discloses=(),
            retention_days=30,
        )


@dataclass
class Asker:
    """Asks under one contract, through the node's own pipeline."""

    arena: Arena
    terms: Terms

    def submission(self, sql: str, micro_rho: int = 0) -> Submission:
        """Return `sql` as a signed question at this charge."""
        signing = self.arena.signing
        use = signing.new_id()
        binder = EachQuestion(signing, self.terms, Spending.within(self.terms, micro_rho))
        token = binder.bind(sql, use, Operation.SUBMIT).request_jws.encode("ascii")
        peer = self.arena.holder.register.current().find(signing.identity.id)
        assert peer is not None
        return Submission(use, peer, Binding.PER_REQUEST, token, sql, SystemClock().now_ms())

    def answer(self, sql: str, micro_rho: int = 0, *, wait: bool = False) -> Answer:
        """Ask and return the answer; the deadline is left out unless `wait`."""
        works = self.arena.works
        stages = Question(works, Operation.SUBMIT).stages()
        if not wait:
            stages = replace(
                stages, run=lambda held, cancel: run(held, works.runner, works.limits, cancel), hold=lambda *_: None
            )
        return pipeline.answer(self.submission(sql, micro_rho), stages, Event())

    def rows(self, sql: str, micro_rho: int = 0) -> tuple[tuple[object, ...], ...]:
        """Ask and return the rows."""
        return self.answer(sql, micro_rho).rows

    def refused(self, sql: str, micro_rho: int = 0) -> str:
        """Return the reason for which `sql` is refused, "" when it is answered."""
        try:
            self.answer(sql, micro_rho)
        except Refused as refusal:
            return refusal.reason.value
        return ""


@contextlib.contextmanager
def opened(
    folder: Path, tables: Sequence[Table], lifetime_micro_rho: int = 1_000_000, configure: Callable[[str], str] = str
) -> Iterator[Arena]:
    """Make space, node and member in `folder`, publish `tables`, and open the node; `configure` edits node.toml."""
    space, node, member = folder / "space", folder / "node", folder / "member"
    done("space", "init", space, "--name", "bench.example")
    who = ("--subject", SUBJECT + "1", "--region", "1401")
    done("node", "init", node, "--name", "bench", "--alias", "bench", *who, "--address", "127.0.0.1:1")
    done("member", "init", member, "--name", "lab", "--alias", "lab", "--subject", SUBJECT + "2", "--region", "1401")
    for kind, verb, home in (("node", "space sign", node), ("member", "member enrol", member)):
        grant = done(*verb.split(), space, home / "application.jws")["grant"]
        extra = ("--lifetime-micro-rho", lifetime_micro_rho) if kind == "node" else ()
        done(kind, "accept", home, grant, "--register", space / "register.jws", *extra)
    config = node / "node.toml"
    config.write_text(configure(config.read_text("utf-8")), encoding="utf-8")
    for table in tables:
        source = folder / f"{table.name}.csv"
        with source.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows(table.rows)
        spec = folder / f"{table.name}.toml"
        spec.write_text(f'name = "{table.name}"\n{HEAD}{table.spec}', encoding="utf-8")
        done("dataset", "publish", node, spec, source)
    identity = Identity.load(member)
    with profiles.serving("landlock") as spawner, open_holder(node) as holder:
        signing = Signing(identity, holder.config.id, SystemClock(), SystemRandomness())
        works = Works(holder.desk(), holder.runner(spawner), holder.ledger, holder.config.limits, SystemRandomness())
        yield Arena(folder, holder, works, signing, tuple(tables))
