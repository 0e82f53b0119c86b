"""Holds the times of leaves to other parties' clocks: a leaf that was seen at a time is not dated later."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from yanmen.verify.attested import Stamped
from yanmen.verify.report import Code, Cosigned, Finding, finding
from yanmen.verify.requests import EARLY_S
from yanmen.verify.uses import Use


class _Seen(NamedTuple):
    size: int
    at_s: int
    by: str


def ahead(uses: Sequence[Use], cosigned: Sequence[Cosigned], stamped: Sequence[Stamped]) -> Iterator[Finding]:
    """Yield the leaves dated later than a witness or an authority saw them, each once; clocks may differ a little.

    A node that dates a leaf ahead could have what it owes by a term look late for nobody, or destroy what its
    contracts still keep.
    """
    seen = [_Seen(one.size, one.at_s, one.witness) for one in cosigned]
    seen += [_Seen(one.size, one.at_s, "time stamp") for one in stamped]
    latest: Use | None = None
    known: set[int] = set()
    rest = iter(uses)
    following = next(rest, None)
    for one in sorted(seen):
        while following is not None and following.index < one.size:
            if latest is None or following.head.iat_s > latest.head.iat_s:
                latest = following
            following = next(rest, None)
        if latest is not None and latest.head.iat_s > one.at_s + EARLY_S and latest.index not in known:
            known.add(latest.index)
            yield finding(Code.TIME_AHEAD, latest.index, latest.head.stage, one.by)
