"""7.3b 产品上架: entries and products are listed by signature, collected by a bureau, and taken down again."""

import json
from pathlib import Path

from yanmen import cataloguing, operating
from yanmen.bureau import collecting, disclosing

from tests.unit.catalogue.hall import hall
from tests.unit.catalogue.hall import review as reviewed
from tests.unit.catalogue.operated import furnish, operator


def test_what_a_node_lists_reaches_the_platform_and_leaves_it_again(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with hall(tmp_path, "city", more=(operator(),)) as node:
        made = furnish(node)
        _, entry = cataloguing.entry("persons", node)
        documents = {"entry": entry, "product": node.ledger.products()[0][1]}
        review = reviewed(cataloguing.entry("persons", node)[0].dataset)
        cataloguing.record_review(review, node)
        (inbox / "review.jws").write_bytes(review)
        for name, token in documents.items():
            (inbox / f"{name}.jws").write_bytes(token)
        receipt, _, ended = operating.end("ab" * 16, "到期", "张某", node)
        known = node.current()
    collected = collecting.collect(collecting.files([inbox]), known)
    assert [each.dataset.name for each in collected.listed()] == ["persons"]
    assert collected.offered() == (), "no product without its grant"
    (inbox / "grant.jws").write_bytes(ended)
    assert collecting.collect(collecting.files([inbox]), known).offered() == (), "nor after its end"
    assert made.id in {each.id for each in collected.products.values()}
    names = disclosing.publish(collected, tmp_path / "site", ("目录", "Catalogue"))
    assert "catalogue.jsonld" in names
    shown = json.loads((tmp_path / "site" / "catalogue.jsonld").read_text(encoding="utf-8"))
    assert len(shown["dcat:dataset"]) == 1
    assert receipt.stage.value == "document"
