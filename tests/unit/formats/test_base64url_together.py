"""Base64url texts that are decoded together are what each decodes to alone, and refused when one would be."""

import pytest
from yanmen.formats import base64url
from yanmen.formats.malformed import Malformed

HELD = [b"a", b"ab", b"abc", b"abcd", b"\xff\xfe\xfd", b'n",["x"]]']


def test_each_is_what_it_is_alone() -> None:
    """Of every length, with zero bytes and empty ones among them."""
    for values in (HELD, HELD[::-1], [b"a\x00", b"b"], [b"", b"ab"], [b"\x00\x00", b"x\x00y"], []):
        assert base64url.decode_each([base64url.encode_bytes(value) for value in values]) == values


@pytest.mark.parametrize("wrong", [b"YR", b"YWJ", b"YWI=", b"Y", b"Y+Jj", b"YW/j", b"YW j", b"AB", b"=Q"])
def test_one_that_is_refused_alone_is_refused_among_others(wrong: bytes) -> None:
    """Spare bits, padding, other characters, impossible lengths: at every place, also two of them."""
    others = [base64url.encode_bytes(value) for value in HELD]
    with pytest.raises(Malformed):
        base64url.decode_bytes(wrong)
    for texts in ([wrong, *others], [*others, wrong], [others[0], wrong, others[1], wrong]):
        with pytest.raises(Malformed):
            base64url.decode_each(texts)
