"""Every example of RFC 9901: its tokens, digests, recursive disclosures, array elements and key bindings.

The RFC signs with ES256, which no receipt does: signatures are checked by the library, digests and hashes by our code.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from yanmen.crypto import receipts
from yanmen.formats import acknowledgement, base64url, jws, receipt
from yanmen.formats.malformed import Malformed

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rfc9901.json").read_text(encoding="utf-8"))
EXAMPLES = {example["section"]: example for example in VECTORS["examples"]}
SIGNED = [section for section, example in EXAMPLES.items() if "issuer_jwt" in example]
BOUND = [section for section, example in EXAMPLES.items() if "kb_jwt" in example]
Example = dict[str, Any]


class Rejected(Exception):
    """RFC 9901 §7.1 says reject."""


@pytest.mark.parametrize("section", EXAMPLES)
def test_digests_are_those_printed(section: str) -> None:
    for digest, disclosure in EXAMPLES[section]["disclosures"].items():
        assert receipt.digest(disclosure) == digest


@pytest.mark.parametrize("section", EXAMPLES)
def test_every_disclosure_is_referenced_and_together_they_say_what_the_rfc_says(section: str) -> None:
    example = EXAMPLES[section]
    shown = [example["disclosures"][digest] for digest in example.get("presented", example["disclosures"])]
    assert processed(payload(example), shown) == example["processed"]
    processed(payload(example), list(example["disclosures"].values()))


@pytest.mark.parametrize("section", EXAMPLES)
def test_an_altered_disclosure_is_referenced_by_nothing(section: str) -> None:
    example = EXAMPLES[section]
    for disclosure in example["disclosures"].values():
        salt, *rest = json.loads(base64url.decode(disclosure))
        other = base64url.encode(json.dumps([salt[::-1], *rest]).encode())
        with pytest.raises(Rejected):
            processed(payload(example), [*example["disclosures"].values(), other])


@pytest.mark.parametrize("section", SIGNED)
def test_whole_tokens_verify(section: str) -> None:
    token = EXAMPLES[section]["issuer_jwt"]
    assert es256(token, VECTORS["issuer_key"])
    assert not es256(token.replace(".", ".e", 1), VECTORS["issuer_key"])


@pytest.mark.parametrize("section", BOUND)
def test_key_bindings_are_over_the_presentation(section: str) -> None:
    example = EXAMPLES[section]
    presentation = "~".join([example["issuer_jwt"], *(example["disclosures"][one] for one in example["presented"]), ""])
    bound = json.loads(base64url.decode(example["kb_jwt"].split(".")[1]))
    assert base64url.encode(acknowledgement.sd_hash(presentation)) == bound["sd_hash"]
    assert base64url.encode(acknowledgement.sd_hash(presentation.rpartition("~")[0])) != bound["sd_hash"]
    header = json.loads(base64url.decode(example["kb_jwt"].split(".")[0]))
    assert header == {"alg": "ES256", "typ": acknowledgement.TYP}
    assert es256(example["kb_jwt"], payload(example)["cnf"]["jwk"])
    assert not es256(example["kb_jwt"], VECTORS["issuer_key"])


@pytest.mark.parametrize("section", SIGNED)
def test_no_example_passes_for_a_receipt_or_for_one_of_our_tokens(section: str) -> None:
    example = EXAMPLES[section]
    sdjwt = "~".join([example["issuer_jwt"], *example["disclosures"].values(), ""])
    with pytest.raises(Malformed):
        receipts.verify_disclosed(sdjwt, bytes(32))
    with pytest.raises(Malformed):
        jws.split(example["issuer_jwt"].encode())


def test_spellings_of_one_claim_have_digests_of_their_own() -> None:
    spellings = VECTORS["same_claim"]
    assert [json.loads(base64url.decode(one)) for one in spellings] == [
        ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"]
    ] * 4
    assert len({receipt.digest(one) for one in spellings}) == len(spellings)


def payload(example: Example) -> Example:
    """Return the payload of an example, which some print without a token."""
    if "payload" in example:
        return dict(example["payload"])
    found: Example = json.loads(base64url.decode(example["issuer_jwt"].split(".")[1]))
    return found


def processed(claims: Example, disclosures: list[str]) -> Example:
    """Return the payload with what `disclosures` say, as RFC 9901 §7.1 has it."""
    known = {receipt.digest(one): json.loads(base64url.decode(one)) for one in disclosures}
    used: set[str] = set()
    found: Example = filled(claims, known, used)
    if known.keys() - used:
        raise Rejected("a disclosure that is not referenced")
    found.pop("_sd_alg", None)
    return found


def filled(value: Any, known: dict[str, list[Any]], used: set[str]) -> Any:
    """Return `value` with the disclosures of its digests in their place, and without the other digests."""
    if isinstance(value, list):
        return [one for item in value for one in element(item, known, used)]
    if not isinstance(value, dict):
        return value
    found = {name: filled(item, known, used) for name, item in value.items() if name != "_sd"}
    for digest in value.get("_sd", []):
        if digest in taken(digest, known, used):
            _, name, content = known[digest]
            if name in found or name in {"_sd", "..."}:
                raise Rejected("a claim that is there already")
            found[name] = filled(content, known, used)
    return found


def element(item: Any, known: dict[str, list[Any]], used: set[str]) -> list[Any]:
    """Return what an array has in the place of `item`: nothing, where it is a digest that is not disclosed."""
    if not isinstance(item, dict) or item.keys() != {"..."}:
        return [filled(item, known, used)]
    digest = item["..."]
    if digest not in taken(digest, known, used):
        return []
    _, content = known[digest]
    return [filled(content, known, used)]


def taken(digest: str, known: dict[str, list[Any]], used: set[str]) -> set[str]:
    """Return the digest if it is disclosed; none may occur twice."""
    if digest in used:
        raise Rejected("a digest that occurs twice")
    found = {digest} & known.keys()
    used |= found
    return found


def es256(token: str, key: dict[str, str]) -> bool:
    """Say whether `key` signed `token`."""
    x, y = (int.from_bytes(base64url.decode(key[name]), "big") for name in ("x", "y"))
    signed, _, signature = token.rpartition(".")
    raw = base64url.decode(signature)
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    try:
        public.verify(utils.encode_dss_signature(r, s), signed.encode("ascii"), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def test_the_vectors_are_every_example_of_the_rfc() -> None:
    early, plain = ["4.2.4.1", "4.2.4.2", "4.2.6"], ["6.1", "6.2", "6.2, country in the clear", "6.3"]
    assert list(EXAMPLES) == [*early, "5", *plain, "8.2", "8.3", "A.1", "A.2", "A.3", "A.4"]
    assert [section for section in EXAMPLES if section not in SIGNED] == early + plain
