"""No signed document that could be used or replayed is on a page, wherever in a receipt it stands."""

import json

import pytest
from yanmen.console import disclosed
from yanmen.crypto import documents
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.formats.request import SessionClaims

from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, NODE

GRANT = documents.sign_session(
    SessionClaims(NODE, CONSUMER, "5e" * 16, 1, 2, "c" * 32, "S1", 1, 1, 1), MEMBER_KEYS[CONSUMER]
).decode()


@pytest.mark.parametrize(
    "value",
    [
        GRANT,
        {"jws": GRANT, "binding": "session"},
        [{"a": [GRANT]}],
        f"bearer {GRANT}, {GRANT}~x",
        GRANT + "~",
        "." + GRANT,
        GRANT.replace("eyJ", "", 1),
    ],
)
def test_a_token_is_replaced_by_what_names_it(value: Json) -> None:
    text = disclosed.text(value)
    assert "signed document" in text
    for part in GRANT.split("."):
        assert part[3:] not in text
    if isinstance(value, dict):
        assert '"binding": "session"' in text


@pytest.mark.parametrize(
    "value", ["SELECT a.b, c.d FROM t.u", "2026-11-22T10:00:00.123Z", 5, None, True, ["x.y.z"], {"a": 1}]
)
def test_what_is_no_token_stays(value: Json) -> None:
    shown = disclosed.without_tokens(value)
    assert shown == value


def test_values_are_shown_by_name_and_no_longer_than_a_page_bears() -> None:
    ((name, text),) = disclosed.fields({Slot.QUERY: {"sql": "统计" * 20_000}})
    assert name == "query"
    assert len(text) < disclosed.SHOWN_MAX + 10
    assert json.dumps("统计", ensure_ascii=False)[1:-1] in text
