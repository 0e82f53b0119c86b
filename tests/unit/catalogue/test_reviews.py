"""目录审核: an entry is listed once its own level's data authority signed what it declares now, and only then."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen import cataloguing
from yanmen.admission import entries
from yanmen.crypto import governance
from yanmen.formats import declared, listing, review
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Grade
from yanmen.model.governance import covers, level
from yanmen.model.party import PartyStatus
from yanmen.model.refusal import Reason, Refused

from tests.unit.catalogue.hall import AUTHORITIES, DESCRIBED, KEYS, NOW_S, Hall, authority, hall, register
from tests.unit.catalogue.hall import review as signed
from tests.unit.ledger.scene import NODE, RECEIPT_KEY, RIVAL, dataset


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Hall]:
    with hall(tmp_path, "province", "city", "county") as made:
        yield made


def test_an_entry_is_listed_after_its_level_signed_it(node: Hall) -> None:
    published = node.publish(description=DESCRIBED)
    assert cataloguing.listed(node) == ()
    receipt, said = cataloguing.record_review(signed(published), node)
    assert (receipt.stage.value, said.passed) == ("document", True)
    assert cataloguing.listed(node) == ("persons",)
    assert cataloguing.record_review(signed(published), node)[0] == receipt


def test_the_same_declaration_published_again_stays_listed_and_another_does_not(node: Hall) -> None:
    cataloguing.record_review(signed(node.publish()), node)
    node.publish("v2")
    assert cataloguing.listed(node) == ("persons",)
    assert node.ledger.version("persons") is not None
    node.publish("v3", title_zh="人口（新）")
    assert cataloguing.listed(node) == ()


@pytest.mark.parametrize("by", ["province", "county"])
def test_another_level_cannot_review(node: Hall, by: str) -> None:
    with pytest.raises(Refused) as caught:
        cataloguing.record_review(signed(node.publish(), by), node)
    assert caught.value.reason is Reason.ROLE_NOT_ALLOWED


def test_a_refusal_takes_an_entry_off_the_list_and_an_older_review_does_not_bring_it_back(node: Hall) -> None:
    published = node.publish()
    cataloguing.record_review(signed(published), node)
    cataloguing.record_review(signed(published, passed=False, at_s=NOW_S + 60), node)
    assert cataloguing.listed(node) == ()
    with pytest.raises(Refused) as caught:
        cataloguing.record_review(signed(published, at_s=NOW_S + 30), node)
    assert caught.value.reason is Reason.REQUEST_REPLAYED
    cataloguing.record_review(signed(published, at_s=NOW_S + 90), node)
    assert cataloguing.listed(node) == ("persons",)


def test_a_review_counts_only_by_its_own_key_for_its_own_node_and_of_what_is_here(node: Hall) -> None:
    published = node.publish()
    said = governance.peek_review(signed(published))
    forged = governance.sign_review(said, RECEIPT_KEY)
    elsewhere = signed(published, node=RIVAL)
    unknown = signed(replace(published, owner="另一部门"))
    as_list = governance.sign_listing(cataloguing.entry("persons", node)[0], KEYS[AUTHORITIES["city"]])
    for token, reason in (
        (forged, Reason.SIGNATURE_INVALID),
        (elsewhere, Reason.REQUEST_FOR_ANOTHER_NODE),
        (unknown, Reason.DATASET_UNKNOWN),
        (as_list, Reason.REQUEST_MALFORMED),
        (b"x.y.z", Reason.REQUEST_MALFORMED),
    ):
        with pytest.raises(Refused) as caught:
            cataloguing.record_review(token, node)
        assert caught.value.reason is reason, token
    assert cataloguing.listed(node) == ()


def test_a_revoked_authority_reviews_nothing_and_what_it_passed_stays_until_the_register_says_otherwise(
    tmp_path: Path,
) -> None:
    revoked = replace(authority("city"), status=PartyStatus.REVOKED)
    with hall(tmp_path, "province", more=(revoked,)) as node, pytest.raises(Refused) as caught:
        cataloguing.record_review(signed(node.publish()), node)
    assert caught.value.reason is Reason.ROLE_NOT_ALLOWED


def test_a_space_without_authorities_lists_what_nodes_publish(tmp_path: Path) -> None:
    with hall(tmp_path) as node:
        node.publish()
        assert cataloguing.listed(node) == ("persons",)
        cataloguing.check_reviewed(cataloguing.entry("persons", node)[0], None, node.current())


def test_the_space_lists_a_name_only_with_the_review(node: Hall) -> None:
    published = node.publish()
    made, _ = cataloguing.entry("persons", node)
    other = signed(replace(published, owner="另一部门"))
    for token in (None, other, signed(published, passed=False)):
        with pytest.raises(Refused) as caught:
            cataloguing.check_reviewed(made, token, node.current())
        assert caught.value.reason is Reason.NOT_REVIEWED
    cataloguing.check_reviewed(made, signed(published), node.current())


def test_an_entry_says_its_versions_and_no_hidden_column_domain_or_bound(node: Hall) -> None:
    for number in range(3):
        node.publish(f"v{number}", description=DESCRIBED)
    made, token = cataloguing.entry("persons", node)
    assert len(made.earlier) == 2
    opened = governance.open_listing(token, RECEIPT_KEY.public)
    assert opened == made
    assert all(column.domain is None and column.lower is None for column in opened.dataset.columns)
    assert declared.digest(opened.dataset) == declared.digest(dataset(description=DESCRIBED))
    assert declared.decode(declared.encode(opened.dataset)) == opened.dataset
    node.ledger.retract("persons")
    with pytest.raises(Refused):
        cataloguing.entry("persons", node)


@pytest.mark.parametrize(
    "change",
    [
        {"quality": "AAE"},
        {"version": "v" * 200},
        {"node": "1"},
        {"more": 1},
        {"declared": {**declared.encode(dataset()), "grade": Grade.CORE.value}},
        {"declared": {**declared.encode(dataset()), "rights": ["own"]}},
        {"declared": {**declared.encode(dataset()), "quality": "E"}},
        {"declared": {**declared.encode(dataset()), "columns": []}},
        {"declared": {**declared.encode(dataset()), "channels": ["export"]}},
        {"declared": {**declared.encode(dataset()), "description": {}}},
    ],
)
def test_an_entry_out_of_form_is_refused(node: Hall, change: dict[str, object]) -> None:
    node.publish()
    good = listing.payload(cataloguing.entry("persons", node)[0])
    listing.parse(good)
    with pytest.raises(Malformed):
        listing.parse({**good, **change})  # type: ignore[dict-item]


def test_a_review_out_of_form_is_refused() -> None:
    good = review.encode(governance.peek_review(signed(dataset())))
    for change in ({"passed": False, "text": " "}, {"declared_sha256": "0"}, {"dataset": "A b"}, {"passed": 1}):
        with pytest.raises(Malformed):
            review.decode({**good, **change})  # type: ignore[dict-item]


def test_regions_cover_what_lies_in_them() -> None:
    assert covers("000000", "140105")
    assert covers("140000", "140105")
    assert covers("140100", "140105")
    assert not covers("140100", "140200")
    assert not covers("140105", "140100")
    assert not covers("150000", "140100")
    assert [level(each).split()[0] for each in ("000000", "140000", "140100", "140105")] == [
        "national",
        "province",
        "city",
        "county",
    ]


def test_authorities_are_the_active_ones() -> None:
    assert [each.region for each in entries.authorities(register("city", "county"))] == ["140100", "140105"]
    assert NODE not in {each.id for each in entries.authorities(register("city"))}
