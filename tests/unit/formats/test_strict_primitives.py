"""Base64, decimals and canonical JSON: what Python's own functions let through is refused."""

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import base64std, base64url, decimals, json_canonical, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed

SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=20,
)


@given(st.binary(max_size=80))
def test_base64_comes_back(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data
    assert base64std.decode(base64std.encode(data)) == data


@pytest.mark.parametrize(
    "text",
    ["QQ==", "Q", "QR", "QQ\n", " QQ", "Q Q", "Q+Q", "Q/Q", "QQé", "QQ=", "ＱＱ", "QQQQQ"],
)
def test_base64url_refuses(text: str) -> None:
    with pytest.raises(Malformed):
        base64url.decode(text)


@pytest.mark.parametrize(
    "text",
    ["QQ", "QQ=", "QR==", "QQ==\n", "Q Q=", "Q-Q=", "Q_Q=", "=QQ=", "QQ==QQ==", "QQQ==", "====", "QUI=QUI=", "QQ==="],
)
def test_base64std_refuses(text: str) -> None:
    with pytest.raises(Malformed):
        base64std.decode(text)


@given(st.text(st.sampled_from("QRAaz09+/-_= \n"), max_size=12))
def test_base64_has_one_text_for_each_value(text: str) -> None:
    for codec in (base64std, base64url):
        try:
            data = codec.decode(text)
        except Malformed:
            continue
        assert codec.encode(data) == text


def test_base64_sizes_are_held() -> None:
    with pytest.raises(Malformed, match="32 bytes"):
        base64url.decode_sized("QQ", 32)
    with pytest.raises(Malformed, match="32 bytes"):
        base64std.decode_sized("QQ==", 32)


@given(st.integers(0, decimals.MAX))
def test_decimals_come_back(value: int) -> None:
    assert decimals.decode(decimals.encode(value)) == value


@pytest.mark.parametrize(
    "text", ["", "-5", "+5", "0005", "00", "٥", "１", "5 ", " 5", "5\n", "1_0", "0x5", "5.0", str(2**63), "9" * 5000]
)
def test_decimals_refuse(text: str) -> None:
    with pytest.raises(Malformed):
        decimals.decode(text)


@pytest.mark.parametrize("value", [-1, 2**63])
def test_decimals_refuse_to_write(value: int) -> None:
    with pytest.raises(Malformed):
        decimals.encode(value)


@given(VALUES)
def test_json_comes_back(value: Json) -> None:
    data = json_canonical.encode(value)
    assert json_canonical.decode(data) == value
    assert json_canonical.encode(json_canonical.decode(data)) == data


@given(VALUES)
def test_json_is_what_any_parser_reads(value: Json) -> None:
    assert json.loads(json_canonical.encode(value)) == value


def test_json_escapes_as_rfc_8785_section_3_2_2_shows() -> None:
    # The string of the RFC's own example, in its input and its canonical form.
    text = json.loads('"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"')
    assert json_canonical.encode(text) == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b'"\\u000A"',
        b'{"\xc3\xa9":1}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"",
        b"{",
        b"[" * 100_000,
        b"[" * 13 + b"]" * 13,
        b"'a'",
        b"01",
    ],
)
def test_json_refuses(data: bytes) -> None:
    with pytest.raises(Malformed):
        json_canonical.decode(data)


def test_json_depth_has_an_edge() -> None:
    deepest = b"[" * json_canonical.DEPTH_MAX + b"]" * json_canonical.DEPTH_MAX
    assert json_canonical.encode(json_canonical.decode(deepest)) == deepest


def test_json_size_is_capped_before_parsing() -> None:
    with pytest.raises(Malformed, match="too long"):
        json_canonical.decode(b'"aaaa"', max_bytes=5)


@pytest.mark.parametrize("value", [1.5, {"a": 1.0}, {1: 2}, {"é": 1}, b"x", {"a": {1, 2}}, 2**53, "\ud800"])
def test_json_refuses_to_write(value: object) -> None:
    with pytest.raises(Malformed):
        json_canonical.encode(value)  # type: ignore[arg-type]


def test_an_object_is_demanded() -> None:
    with pytest.raises(Malformed, match="object"):
        json_canonical.decode_object(b"[]")


def test_members_are_typed() -> None:
    members = json_members.exact({"f": True, "i": 3, "l": ["a"], "t": "x"}, frozenset("filt"))
    assert json_members.flag(members, "f")
    assert json_members.integer(members, "i", 3, 3) == 3
    assert json_members.texts(members, "l") == ("a",)
    assert json_members.items(members, "l") == ("a",)
    assert json_members.text(members, "t") == "x"


def test_members_are_refused_by_name() -> None:
    members: dict[str, Json] = {"f": 1, "i": True, "l": [1], "t": "xx"}
    wrong: list[Callable[[], object]] = [
        lambda: json_members.exact([], frozenset()),
        lambda: json_members.exact({}, frozenset("a")),
        lambda: json_members.exact({"b": 1}, frozenset()),
        lambda: json_members.flag(members, "f"),
        lambda: json_members.integer(members, "i"),
        lambda: json_members.integer(members, "f", 2),
        lambda: json_members.integer(members, "t"),
        lambda: json_members.texts(members, "l"),
        lambda: json_members.items(members, "l", max_items=0),
        lambda: json_members.items(members, "t"),
        lambda: json_members.text(members, "t", max_length=1),
        lambda: json_members.text(members, "absent"),
    ]
    for call in wrong:
        with pytest.raises(Malformed):
            call()


def test_python_alone_would_let_them_through() -> None:
    """The reason for this module: the standard library reads what is refused above."""
    assert int("٥") == 5
    assert int("0005") == 5
    assert base64.b64decode("Q Q=\n=") == b"A"
    assert json.loads('{"a":1,"a":2}') == {"a": 2}
