"""What is read together is read as strictly as what is read alone."""

import itertools
import json
import random

import pytest
from yanmen.formats import acknowledgement, base64std, base64url, json_canonical, receipt, receipt_leaves
from yanmen.formats.malformed import Malformed

from tests.vectors import specimen

ALPHABET = base64url.ALPHABET.decode("ascii")


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    return [bytes(leaf) for leaf in specimen.specimen().leaves]


def test_leaves_together_are_what_each_is_alone(leaves: list[bytes]) -> None:
    assert receipt_leaves.decode_each(leaves) == [receipt.decode_leaf(leaf) for leaf in leaves]


def test_a_byte_changed_in_one_leaf_of_many_is_seen_together_as_alone(leaves: list[bytes]) -> None:
    draw = random.Random(5)
    for _ in range(1_500):
        index = draw.randrange(len(leaves))
        at = draw.randrange(receipt.LEAF_BYTES)
        other = bytearray(leaves[index])
        other[at] = draw.choice(b'AQgwB_-=+/."{}[\n\x00\xff')
        if bytes(other) == leaves[index]:
            continue
        changed = [*leaves[:index], bytes(other), *leaves[index + 1 :]]
        try:
            alone = receipt.decode_leaf(bytes(other))
        except Malformed:
            alone = None
        if alone is None or other.partition(b".")[0] != leaves[0].partition(b".")[0]:
            with pytest.raises(Malformed):  # of another header: they are read one by one then
                receipt_leaves.decode_each(changed)
        else:
            assert receipt_leaves.decode_each(changed)[index] == alone


def test_leaves_of_other_lengths_or_headers_are_not_read_together(leaves: list[bytes]) -> None:
    for other in (leaves[1][:-1], leaves[1] + b"A", b"", leaves[1][:40] + leaves[1][41:] + b"A"):
        with pytest.raises(Malformed):
            receipt_leaves.decode_each([leaves[0], other])


def test_texts_of_one_length_decode_as_each_alone() -> None:
    draw = random.Random(7)
    for length in range(1, 12):
        texts = ["".join(draw.choices(ALPHABET, k=length)) for _ in range(40)]
        for one, two in itertools.pairwise(texts):
            both = [one.encode(), two.encode()]
            try:
                alone = [base64url.decode_bytes(each) for each in both]
            except Malformed:
                with pytest.raises(Malformed):
                    base64url.decode_alike(both, length)
            else:
                assert base64url.decode_alike(both, length) == alone
    for wrong in (b"AAA=", b"AA+A", b"AA A", b"AA/A", b"AAA", b"AAAAA"):
        with pytest.raises(Malformed):
            base64url.decode_alike([b"AAAA", wrong], 4)
    with pytest.raises(Malformed):
        base64url.decode_alike([b"", b""], 0)


def test_hashes_are_written_together_as_each_alone() -> None:
    hashes = [bytes([number]) * 32 for number in (0, 1, 251, 255)]
    assert base64std.encode_each(hashes) == [f"{base64std.encode(one)}\n".encode() for one in hashes]
    assert base64std.encode_each([]) == []


PAYLOAD: dict[str, str | int] = {
    "aud": "5A.yanmen/usage-log/2026",
    "iat": 7,
    "nonce": f"ack:{'0' * 32}",
    "sd_hash": "A" * 43,
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"aud": "a" * 101},
        {"aud": 'with "quotes"'},
        {"aud": "北京"},
        {"iat": 2**53 - 1},
        {"iat": 2**53},
        {"iat": -1},
        {"iat": True},
        {"nonce": "ack:"},
        {"nonce": f"ack:{'A' * 32}"},
        {"sd_hash": "A" * 42 + "B"},
        {"sd_hash": "A" * 42},
        {"more": 1},
    ],
)
def test_an_acknowledgement_is_read_from_its_bytes_as_from_its_members(change: dict[str, object]) -> None:
    members = {**PAYLOAD, **change}
    try:
        data = json_canonical.encode(members)  # type: ignore[arg-type]  # some are outside the subset on purpose
        read = acknowledgement.decode(json_canonical.decode_object(data))
    except Malformed:
        data = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        with pytest.raises(Malformed):
            acknowledgement.decode_payload(data)
    else:
        assert acknowledgement.decode_payload(data) == read


def test_an_acknowledgement_spelled_otherwise_is_refused() -> None:
    data = json_canonical.encode(dict(PAYLOAD))
    for other in (data + b"\n", data.replace(b":7,", b":07,"), data.replace(b'"iat"', b' "iat"'), b"\xff" + data, b""):
        with pytest.raises(Malformed):
            acknowledgement.decode_payload(other)
