"""Receipts: RFC 9901's digests, equal leaves, and everything a disclosure may not be."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import base64url, json_canonical, jws, receipt, receipt_draft
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Head, Slot
from yanmen.model.receipt import Stage

KID = "k" * 43
HEAD = Head(
    iss="591140100MA0GTTTT0X1401A1B2C3D46",
    iat_s=1_700_000_040,
    jti="0123456789abcdef" * 2,
    stage=Stage.OUTCOME,
    intent=base64url.encode(bytes(32)),
)
SALTS = [bytes([number]) * 16 for number in range(1, 25)]
DECOYS = [bytes([number]) * 32 for number in range(1, 25)]
SLOTS: dict[Slot, Json] = {Slot.CONTRACT: "c", Slot.PRICE: {"fen": 3}, Slot.QUERY: "问 SELECT"}


def signed(payload: Json, kid: str = KID, typ: str = receipt.TYP) -> bytes:
    assert isinstance(payload, dict)
    return jws.join(jws.signing_input(kid, typ, payload, {}), bytes(64))


def made(slots: dict[Slot, Json] = SLOTS, head: Head = HEAD) -> tuple[bytes, tuple[str, ...]]:
    draft = receipt_draft.draft(head, slots, SALTS[: len(slots)], DECOYS[: receipt.DIGESTS - len(slots)])
    return signed(dict(draft.payload)), draft.disclosures


@pytest.mark.parametrize(
    ("disclosure", "digest"),
    [
        (
            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
        ),
        (
            "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
            "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
        ),
        ("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0", "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"),
    ],
)
def test_digests_of_rfc_9901(disclosure: str, digest: str) -> None:
    assert receipt.digest(disclosure) == digest


@given(
    st.dictionaries(st.sampled_from(Slot), st.text(max_size=200) | st.integers(0, 2**53 - 1), max_size=20),
    st.sampled_from(Stage),
    st.integers(0, 40_000_000),
)
def test_receipts_come_back_and_leaves_are_equally_long(slots: dict[Slot, Json], stage: Stage, minute: int) -> None:
    head = HEAD._replace(stage=stage, iat_s=minute * 60)
    leaf, disclosures = made(slots, head)
    assert len(leaf) == receipt.LEAF_BYTES
    text = receipt.join(leaf, disclosures)
    value = receipt.decode(text)
    assert value.slots == slots
    assert (value.leaf.head, value.leaf.jws, value.leaf.kid) == (head, leaf, KID)
    assert receipt.join(value.leaf.jws, value.disclosures) == text


def test_leaves_tell_nothing_but_stage_time_and_node() -> None:
    """Two receipts that differ only in what they say have leaves that differ only in digests."""
    first = json.loads(base64url.decode(made({Slot.CONTRACT: "a"})[0].decode().split(".")[1]))
    second = json.loads(base64url.decode(made(dict.fromkeys(Slot, "x" * 900))[0].decode().split(".")[1]))
    assert {name for name in first if first[name] != second[name]} == {"_sd"}
    assert len(first["_sd"]) == len(second["_sd"]) == receipt.DIGESTS


def test_slots_can_be_withheld() -> None:
    leaf, disclosures = made()
    value = receipt.decode(receipt.join(leaf, disclosures[1:]))
    assert set(value.slots) == {Slot.QUERY, Slot.PRICE}
    assert receipt.decode(receipt.join(leaf, ())).slots == {}


def disclosure(value: Json) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":")).encode())


def test_an_unreferenced_disclosure_is_refused() -> None:
    """Two stock SD-JWT libraries let these pass; RFC 9901 §7.1 says reject."""
    leaf, disclosures = made()
    forged = disclosure([base64url.encode(bytes(16)), "output", {"rows": 9}])
    with pytest.raises(Malformed, match="does not reference"):
        receipt.decode(receipt.join(leaf, (*disclosures, forged)))


def test_a_disclosure_given_twice_is_refused() -> None:
    leaf, disclosures = made()
    with pytest.raises(Malformed, match="twice"):
        receipt.decode(receipt.join(leaf, (*disclosures, disclosures[0])))


def leaf_over(*texts: str) -> str:
    """Return a receipt whose leaf references `texts`, whatever they are."""
    draft = receipt_draft.draft(HEAD, {}, [], DECOYS)
    digests = [receipt.digest(text) for text in texts] + [base64url.encode(item) for item in DECOYS[len(texts) :]]
    leaf = signed({**draft.payload, "_sd": sorted(digests)})
    return receipt.join(leaf, texts)


SALT = base64url.encode(bytes(16))


@pytest.mark.parametrize(
    "value",
    [
        [SALT, "contract"],
        [SALT, "contract", 1, 2],
        {"a": 1},
        ["short", "contract", 1],
        [base64url.encode(bytes(15)), "contract", 1],
        [1, "contract", 1],
        [SALT, 1, 1],
        [SALT, "_sd", []],
        [SALT, "iss", "x"],
        [SALT, "unknown", 1],
    ],
)
def test_disclosure_refused(value: Json) -> None:
    with pytest.raises(Malformed):
        receipt.decode(leaf_over(disclosure(value)))


def test_disclosures_are_canonical_and_one_for_each_slot() -> None:
    assert receipt.decode(leaf_over(disclosure([SALT, "contract", 1]))).slots == {Slot.CONTRACT: 1}
    spaced = base64url.encode(json.dumps([SALT, "contract", 1]).encode())
    with pytest.raises(Malformed, match="canonical"):
        receipt.decode(leaf_over(spaced))
    other = base64url.encode(bytes(15) + b"\x01")
    with pytest.raises(Malformed, match="disclosed twice"):
        receipt.decode(leaf_over(disclosure([SALT, "contract", 1]), disclosure([other, "contract", 2])))


Change = Callable[[dict[str, Json]], None]


def _set(name: str, value: Json) -> Change:
    def change(payload: dict[str, Json]) -> None:
        payload[name] = value

    return change


def _reorder(payload: dict[str, Json]) -> None:
    digests = payload["_sd"]
    assert isinstance(digests, list)
    payload["_sd"] = [digests[1], digests[0], *digests[2:]]


def _repeat(payload: dict[str, Json]) -> None:
    digests = payload["_sd"]
    assert isinstance(digests, list)
    payload["_sd"] = [digests[0], *digests[:-1]]


def _covert(payload: dict[str, Json]) -> None:
    assert isinstance(payload["pad"], str)
    payload["pad"] = "x" + payload["pad"][1:]


@pytest.mark.parametrize(
    "change",
    [
        _set("iat", HEAD.iat_s + 1),
        _set("iat", -60),
        _set("iat", True),
        _set("jti", HEAD.jti.upper()),
        _set("jti", HEAD.jti[1:]),
        _set("stage", "outcomes"),
        _set("stage", 1),
        _set("iss", HEAD.iss[:-1] + "7"),
        _set("intent", HEAD.intent[:-1]),
        _set("intent", HEAD.intent[:-1] + "B"),
        _set("suite", "yanmen-1-SM2-SM3"),
        _set("_sd_alg", "sha-512"),
        _set("_sd", []),
        _set("_sd", "x"),
        _set("_sd", [f"{letter * 42}A" for letter in "BCDEFGHIJKLMNOPQRSTUVWX"] + ["x" * 43]),
        _set("_sd", [f"{letter * 42}B" for letter in "BCDEFGHIJKLMNOPQRSTUVWXY"]),
        _set(
            "_sd", [f"{letter * 42}A" for letter in "BCDEFGHIJKLMNOPQRSTUVW"] + ["X" * 42 + "A," + "Y" * 42 + "A", ""]
        ),
        _set("extra", "x"),
        lambda payload: payload.pop("jti") and None,
        _reorder,
        _repeat,
        _covert,
    ],
)
def test_payload_refused(change: Change) -> None:
    payload = dict(receipt_draft.draft(HEAD, {}, [], DECOYS).payload)
    change(payload)
    pad = payload.get("pad")
    assert isinstance(pad, str)
    missing = 1755 - len(json_canonical.encode(payload))
    payload["pad"] = pad + "." * missing if missing > 0 else pad[: len(pad) + missing]
    leaf = signed(payload)
    assert len(leaf) == receipt.LEAF_BYTES, "the length is right, so it is the change that is refused"
    with pytest.raises(Malformed):
        receipt.decode_leaf(leaf)


def test_header_is_that_of_a_receipt() -> None:
    payload = dict(receipt_draft.draft(HEAD, {}, [], DECOYS).payload)
    receipt.decode_leaf(signed(payload))
    for leaf in (signed(payload, typ="yanmen-receipt+sd-jws"), signed(payload, typ="", kid="k" * 64)):
        with pytest.raises(Malformed):
            receipt.decode_leaf(leaf)


def test_lengths_are_held() -> None:
    leaf, disclosures = made()
    text = receipt.join(leaf, disclosures)
    bare = leaf.decode()
    for wrong in (
        bare,
        bare + "x",
        text[:-1],
        text + "x",
        text + "~",
        "~" + text,
        text.replace("~", "~~", 1),
        text + "é~",
        "",
    ):
        with pytest.raises(Malformed):
            receipt.decode(wrong)
    with pytest.raises(Malformed, match="2560"):
        receipt.decode_leaf(leaf + b"A")
    with pytest.raises(Malformed, match="too long"):
        receipt.decode("a" * (receipt.BYTES_MAX + 1))


def test_drafts_need_their_salts_and_decoys() -> None:
    for salts, decoys in (
        (SALTS[:2], DECOYS[:21]),
        (SALTS[:3], DECOYS[:20]),
        ([b"short"] * 3, DECOYS[:21]),
        (SALTS[:3], [b"short"] * 21),
    ):
        with pytest.raises(Malformed):
            receipt_draft.draft(HEAD, SLOTS, salts, decoys)
    with pytest.raises(Malformed, match="query is too long"):
        receipt_draft.draft(HEAD, {Slot.QUERY: "x" * 300_000}, SALTS[:1], DECOYS[:23])


def test_drafts_that_could_not_be_read_are_not_made() -> None:
    for head, rule in (
        (HEAD._replace(jti="x"), "jti"),
        (HEAD._replace(iat_s=1), "minute"),
        (HEAD._replace(iss="x" * 32), "connector id"),
        (HEAD._replace(jti="0" * 2000), "jti"),
    ):
        with pytest.raises(Malformed, match=rule):
            receipt_draft.draft(head, {}, [], DECOYS)


def test_disclosures_are_capped() -> None:
    text = base64url.encode(json_canonical.encode([SALT, "query", "x" * 200_000]))
    with pytest.raises(Malformed, match="disclosure too long"):
        receipt.decode(leaf_over(text))


def test_time_is_rounded_down_to_the_minute() -> None:
    assert receipt.whole_minute(1_700_000_099_999) == 1_700_000_040
    assert receipt.whole_minute(1_700_000_040_000) == 1_700_000_040
