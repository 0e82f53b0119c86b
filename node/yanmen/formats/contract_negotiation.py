"""The constraints by which a contract says what it was made from, who signs it, and which round it is."""

import re

from yanmen.formats import connector_id, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Filled, Round, Terms
from yanmen.model.negotiation import ROUNDS_MAX

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FILLED = frozenset({"@id", "sha256"})
_ROUND = frozenset({"answerByMs", "answers", "number"})
SIGNERS_MAX = 4


def write_filled(value: object) -> Json:
    """Return the operand that names a template."""
    if not isinstance(value, Filled):
        raise Malformed("not a template's name")
    return {"@id": value.template, "sha256": value.sha256}


def read_filled(value: Json) -> Filled:
    """Return the template that an operand names."""
    members = json_members.exact(value, _FILLED)
    filled = Filled(json_members.text(members, "@id", 32), json_members.text(members, "sha256", 64))
    if _ID.fullmatch(filled.template) is None or _SHA256.fullmatch(filled.sha256) is None:
        raise Malformed("a template's id and the hex SHA-256 of what was signed")
    return filled


def write_signers(value: object) -> Json:
    """Return the operand that names further sides."""
    if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
        raise Malformed("not a list of parties")
    return list(value)


def read_signers(value: Json) -> tuple[str, ...]:
    """Return the further sides in an operand, in order and each once."""
    found = json_members.texts({"rightOperand": value}, "rightOperand", SIGNERS_MAX, connector_id.LENGTH)
    if not found or list(found) != sorted({connector_id.check(each) for each in found}):
        raise Malformed("not parties in order, each once")
    return found


def write_digest(value: object) -> Json:
    """Return the operand that names a signed document."""
    return read_digest(value if isinstance(value, str) else None)


def read_digest(value: Json) -> str:
    """Return the hex SHA-256 in an operand."""
    if not isinstance(value, str) or _SHA256.fullmatch(value) is None:
        raise Malformed("not hex SHA-256")
    return value


def write_round(value: object) -> Json:
    """Return the operand that says which round it is."""
    if not isinstance(value, Round):
        raise Malformed("not a round")
    return {"answerByMs": value.answer_by_ms, "answers": value.answers, "number": value.number}


def read_round(value: Json) -> Round:
    """Return the round in an operand; the first one says nothing of it."""
    members = json_members.exact(value, _ROUND)
    return Round(
        number=json_members.integer(members, "number", 2, ROUNDS_MAX),
        answers=read_digest(members["answers"]),
        answer_by_ms=json_members.integer(members, "answerByMs"),
    )


def check(terms: Terms) -> None:
    """Refuse further sides that are the two sides themselves."""
    if {terms.holder, terms.consumer} & set(terms.signers):
        raise Malformed("a further side is none of the two")
