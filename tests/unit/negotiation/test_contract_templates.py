"""Contract templates: what they fix and bound holds in every contract that names them, and the auditor sees it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import contracting, templating
from yanmen.contracting import Approval
from yanmen.crypto import agreements, documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import contract as document
from yanmen.formats import json_canonical, template, template_draft
from yanmen.formats.malformed import Malformed
from yanmen.ledger.signed import Paper
from yanmen.model.contract import Bounds, ContractStatus, Filled, Grant, Terms
from yanmen.model.governance import DocumentKind
from yanmen.model.refusal import Reason, Refused
from yanmen.model.usage_control import Action, Rules

from tests.unit.ledger.scene import RECEIPT_KEY, START_MS, accepted, offered, signer
from tests.unit.negotiation.market import DAY_MS, DRAFT, Market, market


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        yield made


def refused(call: Any, *arguments: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value


def filled(place: Market, **other: Any) -> Terms:
    """Return terms filled into a new template."""
    return replace(template.fill(place.template(), place.terms()), **other)


def test_a_template_is_published_filled_in_and_withdrawn(place: Market, tmp_path: Path) -> None:
    made = place.template()
    terms = template.fill(made, replace(place.terms(), price_per_query_fen=7, queries=40, queries_per_day=4))
    assert terms.filled == Filled(made.template.id, made.digest)
    assert (terms.price_per_query_fen, terms.queries) == (120, 40)
    pending = place.offer(terms)
    held = contracting.approve(pending.terms.id, Approval("张某"), place.office)
    assert held.status is ContractStatus.ACTIVE
    assert document.decode(json_canonical.decode(json_canonical.encode(document.encode(terms)))) == terms
    assert templating.withdraw(made.template.id, "张某", place.hall)[1].template.withdrawn
    again = replace(terms, id="e" * 32)
    assert refused(place.offer, again).reason is Reason.OUTSIDE_TEMPLATE
    assert refused(templating.withdraw, made.template.id, "张某", place.hall).reason is Reason.OUTSIDE_TEMPLATE
    place.hall.scene.ask(place.hall.ledger, held)
    assert place.findings() == ()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"queries": 1001}, "count lteq"),
        ({"micro_rho": 999, "micro_rho_per_query_max": 999}, "yanmen:microRho lteq"),
        ({"micro_rho": 10_001}, "yanmen:microRho lteq"),
        ({"price_per_query_fen": 119}, "yanmen:priceFenPerQuery eq"),
        ({"min_group": 5}, "yanmen:minGroup gteq"),
        ({"retention_days": 31}, "yanmen:retentionDays lteq"),
        ({"regulator_discloses": ("query",)}, "yanmen:regulatorDiscloses isAnyOf"),
        ({"bounds": Bounds(rows=9)}, "yanmen:rows lteq"),
        ({"paper_sha256": "a" * 64}, "yanmen:paperSha256 eq"),
        ({"not_after_ms": START_MS + 366 * DAY_MS}, "dateTime"),
        ({"rules": Rules(prohibited=(Action.READ,))}, "rules"),
        ({"grants": (Grant("gazette", ("city",)),)}, "target:gazette"),
    ],
)
def test_filling_outside_it_is_refused_with_the_clause_named(place: Market, change: dict[str, Any], named: str) -> None:
    made = place.template()
    terms = replace(template.fill(made, place.terms()), **change)
    assert [name for name, _, _ in template.unfit(made.template, terms)] == [named]
    place.hall.publish("g1", name="gazette")
    refusal = refused(place.offer, terms)
    assert refusal.reason is Reason.OUTSIDE_TEMPLATE
    assert refusal.detail.subject == named
    assert any(clause.startswith(named) for clause in refusal.detail.clauses)


def test_columns_beyond_it_are_refused(place: Market) -> None:
    made = place.template(DRAFT.replace('["city", "id"]', '["city"]'))
    terms = replace(template.fill(made, place.terms()), grants=(Grant("persons", ("city", "id")),))
    assert refused(place.offer, terms).detail.subject == "target:persons.id"


def test_another_digest_or_no_template_is_refused(place: Market) -> None:
    terms = filled(place)
    assert terms.filled is not None
    for wrong in (replace(terms.filled, sha256="b" * 64), Filled("9" * 32, terms.filled.sha256)):
        assert refused(place.offer, replace(terms, filled=wrong)).reason is Reason.OUTSIDE_TEMPLATE


def test_a_template_over_what_is_not_published_is_refused(place: Market) -> None:
    for columns, reason in ((("shoe",), Reason.UNKNOWN_COLUMN), (("id",), None)):
        grants = (Grant("persons", columns),)
        if reason is None:
            place.template(grants=grants)
        else:
            assert refused(lambda g=grants: place.template(grants=g)).reason is reason
    assert refused(lambda: place.template(grants=(Grant("nothing", ("x",)),))).reason is Reason.DATASET_UNKNOWN
    assert refused(lambda: place.template(product="6" * 32)).reason is Reason.OPERATION_NOT_GRANTED


def test_it_is_published_once(place: Market) -> None:
    made = place.template()
    assert refused(templating.publish, made.template, place.hall).reason is Reason.REQUEST_REPLAYED


def test_every_byte_of_the_signed_template_counts(place: Market) -> None:
    made = place.template()
    assert agreements.open_template(made.token, RECEIPT_KEY.public) == made.template
    with pytest.raises(BadSignature):
        agreements.open_template(made.token, signer("other").public)
    with pytest.raises(BadSignature):
        governance.open_product(made.token, RECEIPT_KEY.public)
    for at in range(0, len(made.token), 97):
        spoiled = bytearray(made.token)
        spoiled[at] = ord("A") if spoiled[at] != ord("A") else ord("B")
        with pytest.raises((Malformed, BadSignature)):
            agreements.open_template(bytes(spoiled), RECEIPT_KEY.public)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("days_most = 365", "days_most = 0"),
        ("days_most = 365", "days_most = true"),
        ('channel = "sharing"', 'channel = "gift"'),
        ("queries = [1, 1000]", "queries = [1000, 1]"),
        ("queries = [1, 1000]", "queries = [1]"),
        ("[30, 180]", "[]"),
        ("min_group = 10\n", ""),
        ("min_group = 10", "min_group = -1"),
        ("min_group = 10", 'min_group = "ten"'),
        ("[fixed]", "[fixed]\nsurprise = 1"),
        ("[fixed]", "[fixed]\nqueries = 7"),
        ("[between]", "[between]\nchannel = [1, 2]"),
        ("[grants]", "[surprise]\nx = 1\n[grants]"),
        ('persons = ["city", "id"]', "persons = []"),
        ('persons = ["city", "id"]', ""),
        ('title_zh = "人口统计标准合约"', ""),
        ("[fixed]", '[fixed]\nfilled = { "@id" = "1", sha256 = "2" }'),
    ],
)
def test_a_file_that_makes_no_template(place: Market, old: str, new: str) -> None:
    assert old in DRAFT
    with pytest.raises((Malformed, Refused)):
        place.template(DRAFT.replace(old, new))


def test_the_payload_reads_back_as_it_was(place: Market) -> None:
    rules = '[rules]\nprohibited = ["read"]\ncontrols = [["region", "isAnyOf", ["140000"]]]\n'
    made = place.template(DRAFT.replace("[fixed]", f"{rules}[fixed]")).template
    assert made.rules.controls
    encoded = json_canonical.encode(template.encode(made))
    assert template.decode(json_canonical.decode(encoded)) == made
    assert json_canonical.encode(template.encode(template.decode(json_canonical.decode(encoded)))) == encoded
    assert template_draft.read(DRAFT.encode()).clauses[0].free


class TestTheAuditor:
    """What a node that keeps no rule writes into its log is found there."""

    def record(self, place: Market, **changed: Any) -> Any:
        made = place.template()
        gone = replace(made.template, **changed)
        token = agreements.sign_template(gone, RECEIPT_KEY)
        place.hall.ledger.record_document(Paper(DocumentKind.TEMPLATE, gone.id, token), lambda _: None)
        return made

    def test_a_contract_outside_its_template(self, place: Market) -> None:
        made = place.template()
        terms = replace(template.fill(made, place.terms()), queries=5000)
        place.hall.ledger.add_offer(offered(terms))
        place.hall.ledger.decide(terms.id, ContractStatus.ACTIVE, accepted(terms), "Li Si")
        (finding,) = place.findings()
        assert finding.startswith("DOCUMENT_WRONG")
        assert "outside its template: count" in finding

    def test_a_contract_from_a_withdrawn_template(self, place: Market) -> None:
        made = place.template()
        terms = template.fill(made, place.terms())
        templating.withdraw(made.template.id, "x", place.hall)
        place.hall.ledger.add_offer(offered(terms))
        place.hall.ledger.decide(terms.id, ContractStatus.ACTIVE, accepted(terms), "Li Si")
        assert "not on offer" in place.findings()[0]

    @pytest.mark.parametrize("change", [{"days_most": 9}, {"withdrawn": True, "title_en": "y"}, {"title_zh": "x"}])
    def test_a_template_that_was_changed(self, place: Market, change: dict[str, Any]) -> None:
        self.record(place, **change)
        assert "changed, or came back" in place.findings()[0]

    def test_a_template_of_another_key(self, place: Market) -> None:
        value = place.template().template
        token = agreements.sign_template(replace(value, id="f" * 32), signer("other"))
        place.hall.ledger.record_document(Paper(DocumentKind.TEMPLATE, "f" * 32, token), lambda _: None)
        assert place.findings()[0].startswith("DOCUMENT_WRONG")


def test_the_digest_names_what_was_signed(place: Market) -> None:
    made = place.template()
    assert made.digest == documents.digest(made.token)
