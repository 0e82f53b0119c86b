"""Two runs that differ only in what is committed: whoever holds the leaves alone cannot tell them apart."""

import json
from dataclasses import replace

from yanmen.formats import base64url, receipt
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Decision, Verdict
from yanmen.model.receipt import Stage

from tests.vectors import specimen
from tests.vectors.specimen import Log, Pinned


def lived(salts: str, sql: str, rows: int, reason: str) -> Log:
    """Return a log of which only committed fields follow from the arguments, with salts of its own."""
    log = Log(Pinned(salts))
    log.begin()
    log.agree()
    request = log.request(query_sha256=specimen.sha256(sql))
    asked: dict[Slot, Json] = {Slot.QUERY: {"sha256": specimen.sha256(sql), "sql": sql}}
    slots = {
        **log.question(request),
        **asked,
        **log.charge(2_500, 0, 120),
        Slot.DECISION: Decision(Verdict.ALLOWED).json(),
    }
    reference = log.append(Stage.INTENT, slots)
    shown = replace(specimen.output(2_500), rows=rows, sha256=specimen.sha256(str(rows)))
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: shown.json()}, reference)
    log.refuse(specimen.CONTRACT, reason)
    return log


def clear(leaf: bytes) -> dict[str, object]:
    """Return what a leaf says in clear."""
    members: dict[str, object] = json.loads(base64url.decode(leaf.decode().split(".")[1]))
    return members


def test_leaves_have_one_length_and_no_digest_in_common() -> None:
    one = lived("one", "SELECT count(*) FROM persons", 3, "BUDGET_SPENT")
    other = lived(
        "other", "SELECT city, count(*) FROM persons WHERE age_band = '80+' GROUP BY city", 7_000, "SQL_MALFORMED"
    )
    assert len(one.leaves) == len(other.leaves)
    assert {len(leaf) for leaf in (*one.leaves, *other.leaves)} == {receipt.LEAF_BYTES}
    digests = [receipt.decode_leaf(leaf).digests for log in (one, other) for leaf in log.leaves]
    assert len(frozenset().union(*digests)) == sum(map(len, digests))
    # In clear they differ in nothing but what is random: ids, references, digests.
    for left, right in zip(one.leaves, other.leaves, strict=True):
        differ = {name for name, value in clear(left).items() if clear(right)[name] != value}
        assert differ <= {"_sd", "jti", "intent"}


def test_the_same_run_twice_has_no_digest_in_common_either() -> None:
    one, other = (lived(salts, "SELECT 1", 3, "BUDGET_SPENT") for salts in ("one", "other"))
    for left, right in zip(one.leaves, other.leaves, strict=True):
        assert not receipt.decode_leaf(left).digests & receipt.decode_leaf(right).digests
