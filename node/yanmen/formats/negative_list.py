"""负面清单 as the payload of a JWS."""

import re

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, items, text, texts
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import REGION
from yanmen.model.catalogue import Channel
from yanmen.model.governance import NegativeItem, NegativeList

TYP = "yanmen-negative-list+jws"
BYTES_MAX = 96 * 1024
"""A leaf discloses the whole list: base64 twice and it still fits."""
ITEMS_MAX = 1_000
WORDS_MAX = 64
WORD_MAX = 100
TEXT_MAX = 500
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_MEMBERS = frozenset({"by", "iat", "items", "region", "serial"})
_ITEM = frozenset({"basis", "channels", "id", "scenarios", "text", "words"})


def encode(value: NegativeList) -> dict[str, Json]:
    """Return the payload of `value`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": value.by,
        "iat": value.issued_s,
        "items": [
            {
                "basis": item.basis,
                "channels": [channel.value for channel in item.channels],
                "id": item.id,
                "scenarios": list(item.scenarios),
                "text": item.text,
                "words": list(item.words),
            }
            for item in value.items
        ],
        "region": value.region,
        "serial": value.serial,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> NegativeList:
    """Return the list in a payload; every item says what it matches, in words and on which basis."""
    members = exact(payload, _MEMBERS)
    found = tuple(decode_item(each) for each in items(members, "items", ITEMS_MAX))
    if len({item.id for item in found}) != len(found):
        raise Malformed("negative list: an item's id stands twice")
    region = text(members, "region", 6)
    if REGION.fullmatch(region) is None:
        raise Malformed("negative list: a region has six digits")
    return NegativeList(
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        region=region,
        serial=integer(members, "serial", 1),
        items=found,
        issued_s=integer(members, "iat"),
    )


def decode_item(value: Json) -> NegativeItem:
    """Return one item."""
    members = exact(value, _ITEM)
    item = NegativeItem(
        id=text(members, "id", 32),
        text=text(members, "text", TEXT_MAX),
        basis=text(members, "basis", TEXT_MAX),
        words=texts(members, "words", WORDS_MAX, WORD_MAX),
        scenarios=texts(members, "scenarios", WORDS_MAX, WORD_MAX),
        channels=tuple(_channel(each) for each in texts(members, "channels", len(Channel))),
    )
    if _ID.fullmatch(item.id) is None or not item.text.strip() or not item.basis.strip():
        raise Malformed("negative list: an item has an id, a text and a basis")
    if not item.words and not item.scenarios:
        raise Malformed("negative list: an item that matches nothing")
    if not all(word.strip() for word in (*item.words, *item.scenarios)):
        raise Malformed("negative list: an empty word would match everything")
    return item


def _channel(value: str) -> Channel:
    for channel in Channel:
        if channel.value == value:
            return channel
    raise Malformed("negative list: unknown channel")
