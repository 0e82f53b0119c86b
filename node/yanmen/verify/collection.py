"""Several bundles looked at together: each log once, of one space, and no node left out unnoticed."""

from collections.abc import Iterable, Iterator, Sequence, Set

from yanmen.formats import opening
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.party import PartyRole, PartyStatus, Register
from yanmen.verify.bill_finding import BillCode, BillFinding, bill_finding
from yanmen.verify.following import Trust


def check(trusted: Sequence[Trust], elsewhere: Set[str] = frozenset()) -> tuple[BillFinding, ...]:
    """Return what is wrong with taking these logs together; the nodes `elsewhere` are looked at another way."""
    return (*_twice(trusted), *_spaces(trusted), *_absent(trusted, elsewhere))


def before(subjects: Iterable[Json], origins: Set[str]) -> Iterator[BillFinding]:
    """Name the logs that these first leaves, each by its `subject`, say they continue and that are not among `origins`.

    A node that begins a new log could otherwise hand over that one alone.
    """
    for subject in subjects:
        try:
            told = opening.read(subject)
        except Malformed:
            continue  # a finding of the log's own
        if told is not None and told.previous.origin not in origins:
            yield bill_finding(BillCode.LOG_BEFORE_ABSENT, subject=told.previous.origin)


def newest(trusted: Iterable[Trust]) -> Register | None:
    """Return the newest register of all these, None when there is none."""
    return max((trust.members for trust in trusted), key=lambda members: members.serial, default=None)


def _twice(trusted: Iterable[Trust]) -> Iterator[BillFinding]:
    seen: set[str] = set()
    for trust in trusted:
        if trust.head.origin in seen:
            yield bill_finding(BillCode.LOG_TWICE, subject=trust.head.origin)
        seen.add(trust.head.origin)


def _spaces(trusted: Iterable[Trust]) -> Iterator[BillFinding]:
    names = sorted({trust.members.space for trust in trusted})
    if len(names) > 1:
        yield bill_finding(BillCode.SPACE_DIFFERS, subject=", ".join(names))


def _absent(trusted: Sequence[Trust], elsewhere: Set[str]) -> Iterator[BillFinding]:
    """Name the nodes of the newest register that gave no bundle: what is not there cannot be summed."""
    members = newest(trusted)
    here = {trust.party.id for trust in trusted} | elsewhere
    for party in () if members is None else members.parties:
        if party.role is PartyRole.NODE and party.status is not PartyStatus.PENDING and party.id not in here:
            yield bill_finding(BillCode.NODE_ABSENT, subject=f"{party.alias} {party.id}")
