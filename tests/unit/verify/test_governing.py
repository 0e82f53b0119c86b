"""A log that records a document nobody had the right to sign, or one that was replaced, does not verify."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen import cataloguing
from yanmen.crypto import governance
from yanmen.ledger.signed import Paper
from yanmen.model.governance import DocumentKind
from yanmen.verify import Code

from tests.unit.catalogue.hall import Hall, forbidding, hall, item, review
from tests.unit.ledger.scene import RECEIPT_KEY, RIVAL, dataset


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Hall]:
    with hall(tmp_path, "province", "city") as made:
        made.publish()
        yield made


def test_what_was_signed_by_whom_it_must_verifies(node: Hall, tmp_path: Path) -> None:
    cataloguing.record_review(review(dataset()), node)
    cataloguing.record_negative_list(forbidding(item()), node)
    cataloguing.record_negative_list(forbidding(serial=2), node)
    report = node.report(tmp_path)
    assert report.findings == ()
    assert report.ok


@pytest.mark.parametrize(
    "tokens",
    [
        [governance.sign_review(governance.peek_review(review(dataset())), RECEIPT_KEY)],
        [review(dataset(), node=RIVAL)],
        [forbidding(item(), serial=2), forbidding(serial=1)],
        [governance.sign_negative_list(governance.peek_negative_list(forbidding()), RECEIPT_KEY)],
        [b"no document"],
        [b"a.b.c"],
    ],
    ids=["review of its own", "of another node", "list that went back", "list of its own", "words", "no token"],
)
def test_what_the_node_writes_all_the_same_is_found(node: Hall, tmp_path: Path, tokens: list[bytes]) -> None:
    for number, token in enumerate(tokens):
        node.ledger.record_document(Paper(DocumentKind.REVIEW, str(number), token), lambda _: None)
    report = node.report(tmp_path)
    assert [each.code for each in report.findings] == [Code.DOCUMENT_WRONG]
    assert not report.ok
    assert all(each.en and each.zh and "{" not in each.en + each.zh for each in report.findings)
