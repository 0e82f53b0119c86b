"""Connector ids: known vectors, and python-stdnum as the judge of the check character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_2
from yanmen.formats import connector_id
from yanmen.formats.connector_id import ConnectorId, NodeType
from yanmen.formats.malformed import Malformed

CHARACTERS = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
PARTS = st.builds(
    ConnectorId,
    st.sampled_from(NodeType),
    st.text(CHARACTERS, min_size=18, max_size=18),
    st.text(st.sampled_from("0123456789"), min_size=4, max_size=4),
    st.text(CHARACTERS, min_size=8, max_size=8),
)
KNOWN = "591140100MA0GTTTT0X1401A1B2C3D46"


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("591140100MA0GTTTT0X1401A1B2C3D4", "6"),
        ("191110000600037341L1101ABCDEFGH", "A"),
        ("411140000012345678X1400Z9Y8X7W6", "N"),
        ("691140100MA0GTTTT0X1401000000ZZ", "S"),
    ],
)
def test_known_check_characters(body: str, check: str) -> None:
    assert connector_id.check_character(body) == check


@given(st.text(CHARACTERS, max_size=64))
def test_check_character_is_that_of_iso_7064(body: str) -> None:
    assert connector_id.check_character(body) == mod_37_2.calc_check_digit(body)


@given(PARTS)
def test_ids_come_back(parts: ConnectorId) -> None:
    text = connector_id.encode(parts)
    assert len(text) == connector_id.LENGTH
    assert connector_id.decode(text) == parts
    assert connector_id.encode(connector_id.decode(text)) == text


@given(PARTS, st.integers(0, 31), CHARACTERS)
def test_one_wrong_character_is_found(parts: ConnectorId, place: int, other: str) -> None:
    text = connector_id.encode(parts)
    altered = text[:place] + other + text[place + 1 :]
    if altered != text:
        with pytest.raises(Malformed):
            connector_id.decode(altered)


@given(PARTS, st.integers(0, 29))
def test_two_swapped_characters_are_found(parts: ConnectorId, place: int) -> None:
    text = connector_id.encode(parts)
    altered = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if altered != text:
        with pytest.raises(Malformed):
            connector_id.decode(altered)


def test_build_is_encode_by_parts() -> None:
    assert connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4") == KNOWN
    assert connector_id.check(KNOWN) == KNOWN
    assert connector_id.decode(KNOWN).type is NodeType.CONNECTOR


@pytest.mark.parametrize(
    ("kind", "subject", "region", "random8"),
    [
        ("6", "9" * 18, "1401", "0" * 8),
        ("", "9" * 18, "1401", "0" * 8),
        ("5", "9" * 17, "1401", "0" * 8),
        ("5", "a" * 18, "1401", "0" * 8),
        ("5", "９" * 18, "1401", "0" * 8),
        ("5", "9" * 18, "140", "0" * 8),
        ("5", "9" * 18, "14A1", "0" * 8),
        ("5", "9" * 18, "１４０１", "0" * 8),
        ("5", "9" * 18, "1401", "0" * 9),
        ("5", "9" * 18, "1401", "*" * 8),
    ],
)
def test_parts_refused(kind: str, subject: str, region: str, random8: str) -> None:
    with pytest.raises(Malformed):
        connector_id.build(kind, subject, region, random8)


def _with_check(body: str) -> str:
    return body + connector_id.check_character(body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        KNOWN[:-1],
        KNOWN + "0",
        KNOWN.lower(),
        " " + KNOWN[1:],
        _with_check("6" + KNOWN[1:31]),
        _with_check(KNOWN[:19] + "14X1" + KNOWN[23:31]),
    ],
)
def test_text_refused(text: str) -> None:
    for read in (connector_id.decode, connector_id.check):
        with pytest.raises(Malformed):
            read(text)
