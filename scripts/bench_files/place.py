"""A node with one published table of persons, made by the same commands a holder types."""

import contextlib
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yanmen.cli.main import main
from yanmen.client.identity import Identity
from yanmen.client.signing import EachQuestion, Signing, Spending
from yanmen.crypto import documents
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.execution import profiles
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.request import Operation
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.stages import Binding, Submission
from yanmen.node.holder import Holder, open_holder
from yanmen.node.question import Works

SUBJECT = "11140000MB0GTTTT0"
BUDGET = 1_000_000
SPEC = """
name = "visits"
title_zh = "就诊"
title_en = "Visits"
owner = "bench"
region = "140100"
source_system = "made by the bench"
authority = "bench"
update_cycle = "never"
quality = "A"
rights = ["use"]
class = "personal"
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
subject_space = "person"
rows_per_unit = 4
groups_per_unit = 4
rows_upto = {rows}
price_ceiling_fen = 0

[columns.id]
type = "integer"
role = "unit"

[columns.ward]
type = "integer"
role = "key"
domain = [0, 1, 2, 3, 4, 5, 6, 7]

[columns.cost]
type = "decimal"
role = "measure"
scale = 2
lower = 0.00
upper = 100.00
"""
SQL = "SELECT ward, count(DISTINCT id) AS persons, sum(cost) AS cost FROM visits WHERE cost > {0} GROUP BY ward"


@dataclass
class Place:
    """The opened node, its one contract, and the member who asks."""

    folder: Path
    source: Path
    holder: Holder
    works: Works
    contract: Contract
    signing: Signing

    def submission(self, sql: str) -> Submission:
        """Return `sql` as a signed submission of its own."""
        use = self.signing.new_id()
        binder = EachQuestion(self.signing, self.contract.terms, Spending.within(self.contract.terms))
        token = binder.bind(sql, use, Operation.SUBMIT).request_jws.encode("ascii")
        peer = self.holder.register.current().find(self.signing.identity.id)
        assert peer is not None
        return Submission(use, peer, Binding.PER_REQUEST, token, sql, SystemClock().now_ms())


def write_source(path: Path, rows: int) -> None:
    """Write `rows` visits of about a third as many persons, the same ones every time."""
    generator = random.Random(1)
    with path.open("w", encoding="ascii") as file:
        file.write("id,ward,cost\n")
        for number in range(rows):
            file.write(f"{number // 3},{generator.randrange(8)},{generator.randrange(10_000) / 100}\n")


@contextlib.contextmanager
def built(folder: Path, rows: int) -> Iterator[Place]:
    """Make space, node, member, dataset and contract in `folder`."""
    space, node, member = folder / "space", folder / "node", folder / "member"
    done("space", "init", space, "--name", "bench.example")
    who = ("--subject", SUBJECT + "1", "--region", "1401")
    done("node", "init", node, "--name", "bench", "--alias", "bench", *who, "--address", "127.0.0.1:1")
    done("member", "init", member, "--name", "lab", "--alias", "lab", "--subject", SUBJECT + "2", "--region", "1401")
    for kind, verb, home in (("node", "space sign", node), ("member", "member enrol", member)):
        grant = done(*verb.split(), space, home / "application.jws")["grant"]
        done(kind, "accept", home, grant, "--register", space / "register.jws")
    write_source(folder / "visits.csv", rows)
    (folder / "visits.toml").write_text(SPEC.format(rows=rows), encoding="utf-8")
    done("dataset", "publish", node, folder / "visits.toml", folder / "visits.csv")
    identity = Identity.load(member)
    with profiles.serving("landlock") as spawner, open_holder(node) as holder:
        contract = signed(holder, identity)
        signing = Signing(identity, holder.config.id, SystemClock(), SystemRandomness())
        works = Works(holder.desk(), holder.runner(spawner), holder.ledger, holder.config.limits, SystemRandomness())
        yield Place(folder, folder / "visits.csv", holder, works, contract, signing)


def signed(holder: Holder, identity: Identity) -> Contract:
    """Return an active contract over the table, signed by both sides."""
    now_ms = holder.clock.now_ms()
    terms = Terms(
        id="b" * 32,
        holder=holder.config.id,
        consumer=identity.id,
        channel=Channel.SHARING,
        scenario=Scenario("bench", "bench", "bench"),
        grants=(Grant("visits", ("cost", "id", "ward")),),
        min_group=10,
        micro_rho=BUDGET,
        micro_rho_per_query=1000,
        micro_rho_per_query_max=1000,
        delta_e12=0,
        queries=1_000_000,
        queries_per_day=1_000_000,
        not_before_ms=now_ms - 1000,
        not_after_ms=now_ms + 3_600_000,
        price_per_query_fen=0,
        regulator_discloses=(),
        retention_days=30,
    )
    offer = documents.sign_offer(terms, identity.signer)
    digest = documents.digest(offer)
    holder.ledger.add_offer(Contract(terms, offer, b"", digest, ContractStatus.PENDING))
    decided = Acceptance(terms.id, terms.holder, digest, ContractStatus.ACTIVE, "bench", Reasons(), now_ms)
    acceptance = documents.sign_acceptance(decided, holder.receipt_signer)
    holder.ledger.decide(terms.id, ContractStatus.ACTIVE, acceptance, "bench")
    found = holder.ledger.contract(terms.id)
    assert found is not None
    return found


def done(*words: object) -> dict[str, Any]:
    """Run `yanmen WORDS --json` in this process; it must succeed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([str(word) for word in words] + ["--json"])
    document: dict[str, Any] = json.loads(out.getvalue())
    if code != 0:
        raise RuntimeError(f"yanmen {' '.join(map(str, words))} ended with {code}: {document}")
    return document
