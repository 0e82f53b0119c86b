"""NDI ids of data resources and products: 32 characters like a connector's, of another type (NDI-TR-2025-04)."""

import re
from collections.abc import Mapping

from yanmen.formats import connector_id
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness

KINDS: Mapping[str, str] = {"resource": "7", "product": "6"}
_SUBJECT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)
_REGION = re.compile(r"[0-9]{4}", re.ASCII)
_PRODUCT = re.compile(r"[67][0-9A-Z]{18}[0-9]{4}[0-9A-Z]{8}[0-9A-Z*](?:•.{1,32})?", re.ASCII)
_RANDOM = connector_id.ALPHABET[:36]


def build(kind: str, subject: str, region: str, randomness: Randomness) -> str:
    """Return a new id of a `resource` or `product` of this subject and region; none ends in `*`."""
    if _SUBJECT.fullmatch(subject) is None or _REGION.fullmatch(region) is None:
        raise Malformed("an NDI id takes an 18-character credit code and four digits of GB/T 2260")
    while True:
        body = "".join(_RANDOM[byte % 36] for byte in randomness.token(8))
        made = f"{KINDS[kind]}{subject}{region}{body}"
        made += connector_id.check_character(made)
        if not made.endswith("*"):
            return made


def is_valid(text: str, kinds: str = "67") -> bool:
    """Say whether `text` is the id of a resource or product, check character and all."""
    if _PRODUCT.fullmatch(text) is None or text[0] not in kinds:
        return False
    return connector_id.check_character(text[:31]) == text[31]
