"""授权运营: nothing beyond scope, term, mode and ceiling; products only reviewed; the end of a grant ends all of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import operating
from yanmen.admission import operated
from yanmen.formats import contract as document
from yanmen.formats import operation, product
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Channel, ColumnType
from yanmen.model.contract import ContractStatus, Grant, Operated, Scenario
from yanmen.model.operation import OperatingMode, Parameter, ProductReview, ReviewKind
from yanmen.model.party import PartyRole, PartyStatus
from yanmen.model.refusal import Reason, Refused
from yanmen.verify import Code

from tests.unit.catalogue import operated as made
from tests.unit.catalogue.hall import Hall, hall
from tests.unit.ledger.scene import CONSUMER, RECEIPT_KEY, START_MS, accepted, offered, reserved

ASKED = made.SQL.replace("{city}", "'太原'").replace("{least}", "7")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Hall]:
    with hall(tmp_path, more=(made.operator(),)) as opened:
        yield opened


def refused(call: Any, *arguments: Any) -> Reason:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.reason


def test_from_the_grant_to_a_contract_in_force(node: Hall, tmp_path: Path) -> None:
    offer = made.furnish(node)
    contract = made.contracted(node, offer)
    operated.check_terms(contract.terms, node.ledger.operations(), node.ledger.product, START_MS)
    operated.check_endorsed(contract, node.ledger.operations(), node.ledger.endorsement(contract.terms.id))
    operated.check_question(ASKED, contract.terms.operated, node.ledger.product)
    node.scene.ask(node.ledger, contract, sql=ASKED)
    report = node.report(tmp_path)
    assert report.findings == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"grants": (Grant("persons", ("city", "id")),)}, Reason.OPERATION_NOT_GRANTED),
        ({"grants": (Grant("gazette", ("city",)),)}, Reason.OPERATION_NOT_GRANTED),
        ({"not_after_ms": START_MS + 2 * made.YEAR_MS}, Reason.OPERATION_NOT_GRANTED),
        ({"not_before_ms": START_MS - 10_000}, Reason.OPERATION_NOT_GRANTED),
        ({"price_per_query_fen": 151}, Reason.PRICE_ABOVE_CEILING),
        ({"consumer": made.OPERATOR}, Reason.OPERATION_NOT_GRANTED),
        ({"operated": None}, Reason.OPERATION_NOT_GRANTED),
        ({"operated": Operated("cd" * 16, ("6",))}, Reason.OPERATION_NOT_GRANTED),
    ],
)
def test_terms_beyond_the_grant_are_refused(node: Hall, change: dict[str, Any], reason: Reason) -> None:
    terms = made.terms(made.furnish(node))
    grants, products = node.ledger.operations(), node.ledger.product
    operated.check_terms(terms, grants, products, START_MS)
    assert refused(operated.check_terms, replace(terms, **change), grants, products, START_MS) is reason


def test_by_scenario_only_those_named_may_be_contracted_for() -> None:
    offer = made.product()
    grants = [made.grant(mode=OperatingMode.BY_SCENARIO, scenarios=("S2",))]
    for scenario, fits in (("S1", False), ("S2", True)):
        terms = made.terms(offer, scenario=Scenario(scenario, "x", "y"))
        if fits:
            operated.check_terms(terms, grants, lambda _: offer, START_MS)
        else:
            reason = refused(operated.check_terms, terms, grants, lambda _: offer, START_MS)
            assert reason is Reason.OPERATION_NOT_GRANTED


def test_data_that_nobody_operates_is_contracted_for_without_a_grant() -> None:
    terms = replace(made.terms(made.product()), operated=None)
    operated.check_terms(terms, [], lambda _: None, START_MS)
    operated.check_terms(terms, [made.grant(ended=True, reason="r")], lambda _: None, START_MS)
    sharing = replace(terms, channel=Channel.SHARING)
    operated.check_terms(sharing, [made.grant()], lambda _: None, START_MS)


@pytest.mark.parametrize(
    "sql",
    [
        made.SQL,
        ASKED + " ",
        ASKED.lower(),
        ASKED.replace("太原", "阳泉"),
        ASKED.replace("'太原'", "'太原' OR '1' = '1'"),
        ASKED.replace("'太原'", "'太原'--"),
        ASKED.replace("'太原'", "'太''原'"),
        ASKED.replace("7", "101"),
        ASKED.replace("7", "-5"),  # after a minus sign it would begin a comment
        ASKED.replace("7", "7 OR n < 1"),
        ASKED.replace("7", "1e2"),
        ASKED.replace("> 7", "> 7; SELECT 1"),
        "SELECT city, count(*) AS n FROM persons GROUP BY city",
        "",
    ],
)
def test_what_is_no_instance_of_a_product_is_refused(sql: str) -> None:
    offer = made.product()
    named = Operated(made.GRANT, (offer.id,))
    assert refused(operated.check_question, sql, named, lambda _: offer) is Reason.NOT_A_PRODUCT


def test_instances_are_written_and_read_alike() -> None:
    offer = made.product()
    for values in ({"city": "太原", "least": "7"}, {"city": "大同", "least": "-5"}, {"city": "大同", "least": "0"}):
        assert product.fits(offer, product.render(offer, values))
    for wrong in ({"city": "太原"}, {"city": "x", "least": "1"}, {"city": "太原", "least": "101"}, {}):
        with pytest.raises(Malformed):
            product.render(offer, wrong)
    twice = made.product(sql="SELECT {city} || {city}", parameters=(Parameter("city", ColumnType.TEXT, made.CITIES),))
    assert product.fits(twice, "SELECT '太原' || '太原'")
    assert not product.fits(twice, "SELECT '太原' || '大同'")


def test_a_product_of_another_grant_or_withdrawn_answers_nothing(node: Hall) -> None:
    offer = made.furnish(node)
    contract = made.contracted(node, offer)
    other = replace(offer, operation="cd" * 16)
    reason = refused(operated.check_question, ASKED, contract.terms.operated, lambda _: other)
    assert reason is Reason.NOT_A_PRODUCT
    operating.offer(replace(offer, withdrawn=True, decided_by="张某"), node)
    reason = refused(operated.check_question, ASKED, contract.terms.operated, node.ledger.product)
    assert reason is Reason.NOT_A_PRODUCT
    assert refused(operating.offer, offer, node) is Reason.REQUEST_REPLAYED


@pytest.mark.parametrize(
    "change",
    [
        {"reviews": ()},
        {"reviews": (ProductReview(ReviewKind.ALGORITHM, "王某", "ok"),)},
        {"reviews": (ProductReview(ReviewKind.COMPLIANCE, "首席数据官", "ok"),)},
        {"reviews": (ProductReview(ReviewKind.COMPLIANCE, "法务", " "),)},
        {"fits_model": True},
        {"sql": "SELECT regr_slope(y, x) FROM persons", "parameters": ()},
        {"sql": "SELECT CORR (y, x) FROM persons", "parameters": (), "fits_model": False},
        {"sql": "SELECT {city}", "parameters": ()},
        {"parameters": (Parameter("city", ColumnType.TEXT, made.CITIES),)},
        {"sql": "SELECT {city}{least}{"},
        {"id": "791140100MA0GTTTT0X1401A1B2C3D47"},
        {"decided_by": " "},
    ],
)
def test_a_product_is_offered_only_reviewed_and_whole(node: Hall, change: dict[str, Any]) -> None:
    made.furnish(node)
    assert refused(operating.offer, made.product(**change), node) is Reason.SPEC_INVALID


def test_a_model_takes_its_own_review(node: Hall) -> None:
    made.furnish(node)
    reviews = (made.product().reviews[0], ProductReview(ReviewKind.ALGORITHM, "算法组", "可解释"))
    sql = "SELECT regr_slope(y, x) FROM persons"
    operating.offer(made.product(sql=sql, parameters=(), fits_model=True, reviews=reviews), node)


def test_a_price_above_the_ceiling_and_a_grant_to_nobody_are_refused(node: Hall) -> None:
    made.furnish(node)
    assert refused(operating.offer, made.product(price_fen=151), node) is Reason.PRICE_ABOVE_CEILING
    assert refused(operating.offer, made.product(operation="cd" * 16), node) is Reason.OPERATION_NOT_GRANTED
    assert refused(operating.grant, made.grant(), node) is Reason.REQUEST_REPLAYED
    fresh = {"id": "cd" * 16}
    assert refused(operating.grant, made.grant(**fresh, operator=CONSUMER), node) is Reason.ROLE_NOT_ALLOWED
    scope = (Grant("persons", ("salary",)),)
    assert refused(operating.grant, made.grant(**fresh, grants=scope), node) is Reason.UNKNOWN_COLUMN
    unknown = (Grant("gazette", ("city",)),)
    assert refused(operating.grant, made.grant(**fresh, grants=unknown), node) is Reason.DATASET_UNKNOWN


@pytest.mark.parametrize(
    "party",
    [made.operator(PartyStatus.REVOKED), made.operator(PartyStatus.PENDING), made.operator(role=PartyRole.AUDITOR)],
)
def test_only_an_active_operator_is_granted_anything(tmp_path: Path, party: Any) -> None:
    with hall(tmp_path, more=(party,)) as node:
        node.publish(channels=(Channel.AUTHORISED_OPERATION,))
        assert refused(operating.grant, made.grant(), node) is Reason.ROLE_NOT_ALLOWED


def test_only_the_operator_endorses_and_only_this_very_offer(node: Hall) -> None:
    offer = made.furnish(node)
    contract = offered(made.terms(offer))
    node.ledger.add_offer(contract)
    other = offered(made.terms(offer, 2))
    for token, reason in (
        (made.endorsement(contract, RECEIPT_KEY), Reason.SIGNATURE_INVALID),
        (made.endorsement(contract, by=CONSUMER), Reason.OPERATION_NOT_GRANTED),
        (made.endorsement(contract, operation="cd" * 16), Reason.OPERATION_NOT_GRANTED),
        (made.endorsement(contract, offer_sha256=other.digest), Reason.CONTRACT_UNKNOWN),
        (made.endorsement(other), Reason.CONTRACT_UNKNOWN),
        (made.endorsement(contract, node=CONSUMER), Reason.CONTRACT_UNKNOWN),
        (b"x.y.z", Reason.REQUEST_MALFORMED),
    ):
        assert refused(operating.endorse, token, node) is reason
    assert refused(operated.check_endorsed, contract, node.ledger.operations(), None) is Reason.OPERATION_NOT_GRANTED
    operating.endorse(made.endorsement(contract), node)
    operated.check_endorsed(contract, node.ledger.operations(), node.ledger.endorsement(contract.terms.id))


def test_the_end_of_a_grant_ends_every_contract_and_what_runs(node: Hall, tmp_path: Path) -> None:
    offer = made.furnish(node)
    first, second = made.contracted(node, offer), made.contracted(node, offer, 2)
    own = node.scene.activate(node.ledger, replace(made.terms(offer, 3), operated=None, channel=Channel.SHARING))
    held = reserved(node.ledger.reserve(node.scene.plan(first, sql=ASKED)))
    receipt, count, token = operating.end(made.GRANT, "违反授权", "首席数据官", node)
    assert (count, receipt.stage.value) == (2, "document")
    assert operation_ended(token)
    from tests.unit.ledger.scene import PROFILE, released

    with pytest.raises(Refused) as caught:
        node.ledger.settle(held, released(held.plan), PROFILE)
    assert caught.value.reason is Reason.CONTRACT_REVOKED
    assert refused(node.ledger.reserve, node.scene.plan(second, sql=ASKED)) is Reason.CONTRACT_REVOKED
    node.scene.ask(node.ledger, own)
    assert refused(operating.end, made.GRANT, "x", "y", node) is Reason.OPERATION_NOT_GRANTED
    assert refused(operating.offer, made.product(), node) is Reason.OPERATION_NOT_GRANTED
    assert node.report(tmp_path).findings == ()


def operation_ended(token: bytes) -> bool:
    from yanmen.crypto import governance

    return governance.peek_grant(token).ended


@pytest.mark.parametrize("kept", ["grant ended", "no endorsement", "no product"])
def test_what_a_node_does_beyond_its_grant_all_the_same_is_found(node: Hall, tmp_path: Path, kept: str) -> None:
    offer = made.furnish(node)
    if kept == "no endorsement":
        terms = made.terms(offer)
        node.ledger.add_offer(offered(terms))
        node.ledger.decide(terms.id, ContractStatus.ACTIVE, accepted(terms), "x")
        contract = node.ledger.contract(terms.id)
        assert contract is not None
    else:
        contract = made.contracted(node, offer)
    if kept == "grant ended":
        from yanmen.crypto import governance
        from yanmen.ledger.signed import Paper
        from yanmen.model.governance import DocumentKind

        token = governance.sign_grant(made.grant(ended=True, reason="r"), RECEIPT_KEY)
        node.ledger.record_document(Paper(DocumentKind.OPERATION, made.GRANT, token), lambda _: None)
    node.scene.ask(node.ledger, contract, sql="SELECT 1" if kept == "no product" else ASKED)
    report = node.report(tmp_path)
    assert {each.code for each in report.findings} == {Code.DOCUMENT_WRONG}


@pytest.mark.parametrize(
    "change",
    [
        {"mode": OperatingMode.BY_SCENARIO},
        {"scenarios": ("S1",)},
        {"grants": ()},
        {"grants": (Grant("persons", ()),)},
        {"grants": (Grant("persons", ("city",)), Grant("persons", ("id",)))},
        {"exit": " "},
        {"decided_by": ""},
        {"until_ms": 0},
        {"ended": True},
        {"reason": "because"},
        {"id": "1"},
    ],
)
def test_a_grant_out_of_form_is_refused(change: dict[str, Any]) -> None:
    assert operation.decode(operation.encode(made.grant())) == made.grant()
    with pytest.raises(Malformed):
        operation.encode(made.grant(**change))


def test_terms_that_hang_on_a_grant_survive_their_document() -> None:
    terms = made.terms(made.product())
    assert document.decode(document.encode(terms)) == terms
    for change in (
        {"channel": Channel.SHARING},
        {"operated": Operated(made.GRANT, ())},
        {"operated": Operated("1", ("6",))},
        {"operated": Operated(made.GRANT, ("691140100MA0GTTTT0X1401000000ZZA",))},
    ):
        with pytest.raises(Malformed):
            document.encode(replace(terms, **change))
