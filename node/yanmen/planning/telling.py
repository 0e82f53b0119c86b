"""Every refusal of a question says where and what: a clause without a place stands where its query begins."""

from dataclasses import replace

from yanmen.model.refusal import Reason, Refused
from yanmen.planning.places import NOWHERE, SUBJECT_CHARS, CallerText, Place

NOT_IN_THE_TEXT = frozenset({Reason.PLAN_CHANGED})
"""What is about the engine, not about the caller's text."""


def told(refusal: Refused, sql: str) -> Refused:
    """Return `refusal` with a place in `sql` and a subject, where it lacks them."""
    detail = refusal.detail
    if refusal.reason in NOT_IN_THE_TEXT or (detail.line > 0 and detail.subject):
        return refusal
    text = CallerText(sql)
    place = Place(detail.line, detail.column)
    if place == NOWHERE:
        place = text.place(text.start())
    subject = detail.subject or text.word(text.offset(place))[:SUBJECT_CHARS]
    found = replace(detail, line=place.line, column=place.column, subject=subject or "SELECT")
    return Refused(refusal.reason, found, refusal.receipt, violation=refusal.violation)
