"""The heads a sample is drawn over: signed by their logs, and seen by a witness before the seed was made.

What a node signed after it knew the seed could be made to hide what the sample would find. A cosignature of a
witness whose key the auditor has tells that a head was there at a time; a seed of that time or earlier is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yanmen.crypto import cosigning, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import keys_of
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import Note, VerifierKey
from yanmen.model.party import KeyUse, PartyRole, Register
from yanmen.verify.bill_finding import BillCode, BillFinding, bill_finding
from yanmen.verify.following import Trust
from yanmen.verify.selected import OpenBundle


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A head of the node `node`, and the Unix time at which the first witness saw it, None when none was asked."""

    node: str
    head: Checkpoint
    at_s: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Heads handed over beside the bundles, keys of witnesses, and when the seed was made, as people recorded it."""

    heads: tuple[bytes, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    seed_at_s: int | None = None


def read(data: bytes, members: Register, witnesses: Sequence[VerifierKey]) -> Witnessed:
    """Return the head in a signed note, once its log's key signed it and, if any is asked, a witness cosigned it."""
    signed = note.decode(data)
    head = checkpoint.decode(signed.text)
    node = checkpoint.origin_node(head.origin)
    party = members.find(node)
    if party is None or party.role is not PartyRole.NODE:
        raise BadSignature("the register lists no such node")
    key = keys_of(party, KeyUse.LOG, head.origin).at(head.size - 1)
    head = notes.verify_checkpoint(signed, head.origin, key)
    if not witnesses:
        return Witnessed(node, head)
    times = tuple(_times(signed, witnesses))
    if not times:
        raise BadSignature(f"no witness cosigned {head.origin}")
    return Witnessed(node, head, min(times))


def check_seed(seen: Sequence[Witnessed], evidence: Evidence) -> Iterator[BillFinding]:
    """Refuse a seed made before a witness saw every head; without witnesses only people can tell."""
    if not evidence.witnesses or evidence.seed_at_s is None:
        yield bill_finding(BillCode.SEED_UNWITNESSED)
        return
    for each in seen:
        if each.at_s is None or evidence.seed_at_s <= each.at_s:
            yield bill_finding(
                BillCode.SEED_TOO_EARLY, subject=each.head.origin, stated=evidence.seed_at_s, counted=each.at_s
            )


def population(
    bundles: Sequence[OpenBundle], members: Register | None, evidence: Evidence
) -> tuple[tuple[Witnessed, ...], list[BillFinding]]:
    """Return the head of each log, once it counts, and what is wrong with the others."""
    seen: dict[str, Witnessed] = {}
    findings: list[BillFinding] = []
    for data in evidence.heads:
        try:
            if members is None:
                raise BadSignature("no register tells whose it is")
            found = read(data, members, evidence.witnesses)
        except (Malformed, BadSignature) as error:
            findings.append(bill_finding(BillCode.HEAD_WRONG, subject=str(error)))
            continue
        if found.head.origin in seen:
            findings.append(bill_finding(BillCode.LOG_TWICE, subject=found.head.origin))
        seen[found.head.origin] = found
    for bundle in bundles:
        if bundle.trust is not None:
            findings += _of_bundle(bundle, bundle.trust, evidence, seen)
    return tuple(seen.values()), findings


def _of_bundle(
    bundle: OpenBundle, trust: Trust, evidence: Evidence, seen: dict[str, Witnessed]
) -> Iterator[BillFinding]:
    """Take the bundle's own head where none was handed over; hold the bundle to the head that is sampled."""
    origin = trust.head.origin
    try:
        if origin not in seen:
            seen[origin] = _own(bundle, trust, evidence.witnesses)
            if evidence.witnesses:
                yield bill_finding(BillCode.HEAD_OF_BUNDLE, subject=origin)
    except (Malformed, BadSignature) as error:
        yield bill_finding(BillCode.HEAD_WRONG, subject=str(error))
        return
    if not bundle.holds_head(seen[origin].head):
        yield bill_finding(BillCode.HEAD_OTHER_HISTORY, subject=origin)
    elif (size := seen[origin].head.size) < trust.head.size:
        yield bill_finding(BillCode.LEAVES_SINCE, subject=origin, stated=size, counted=trust.head.size - size)


def _own(bundle: OpenBundle, trust: Trust, witnesses: Sequence[VerifierKey]) -> Witnessed:
    if not witnesses:
        return Witnessed(trust.party.id, trust.head)
    signed = bundle.cosigned()
    if signed is None:
        raise BadSignature(f"no witness cosigned {trust.head.origin}")
    found = read(signed, trust.members, witnesses)
    if found.head.origin != trust.head.origin:
        raise BadSignature(f"the bundle of {trust.head.origin} has the head of another log")
    return found


def _times(signed: Note, witnesses: Sequence[VerifierKey]) -> Iterator[int]:
    for key in witnesses:
        try:
            yield cosigning.verify(signed, key)
        except BadSignature:
            continue
