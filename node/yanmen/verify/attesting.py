"""Time stamps and anchors in a bundle: each of a head of this history, held to what the auditor has got elsewhere."""

from collections.abc import Mapping
from pathlib import Path

from yanmen.crypto import notes, timestamps
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import anchors, bundle, checkpoint, merkle, note, timestamp
from yanmen.formats.former_keys import keys_of
from yanmen.formats.malformed import Malformed
from yanmen.model.party import KeyUse
from yanmen.verify import directory
from yanmen.verify.attested import Anchored, Stamped
from yanmen.verify.beside import Beside, View
from yanmen.verify.directory import Missing, Unreadable
from yanmen.verify.report import Code, Finding, finding

STAMPS_MAX = 100_000
"""One every five minutes for a year."""


def stamped(root: Path, view: View, beside: Beside, findings: list[Finding]) -> tuple[Stamped, ...]:
    """Return the stamped heads by size; what does not hold is added to `findings`.

    Without an authority's certificate nothing is checked, and a note says so.
    """
    sizes = sorted(directory.stamped(root))[:STAMPS_MAX]
    if not beside.authority:
        if sizes:
            findings.append(finding(Code.NOT_CHECKED, subject=bundle.TIMESTAMPS))
        return ()
    found = [one for one in (_stamp(root, size, view, beside.authority, findings) for size in sizes) if one is not None]
    if not found:
        findings.append(finding(Code.NOT_STAMPED))
    return tuple(found)


def anchored(root: Path, view: View, beside: Beside, findings: list[Finding]) -> tuple[Anchored, ...]:
    """Return the anchors the node lists, each held to the root that the auditor read in the chain, where it did."""
    try:
        listed = anchors.decode(directory.read(root, bundle.ANCHORS, anchors.BYTES_MAX))
    except Missing:
        listed = ()
    except (Unreadable, Malformed) as error:
        findings.append(finding(Code.FILE_MALFORMED, subject=f"{bundle.ANCHORS}: {error}"))
        return ()
    if beside.anchors is None:
        if listed:
            findings.append(finding(Code.NOT_CHECKED, subject=bundle.ANCHORS))
        return tuple(Anchored(size, given, checked=False) for size, given in listed)
    known = {given for _, given in listed}
    findings += [finding(Code.ANCHOR_UNKNOWN, subject=given) for given in beside.anchors if given not in known]
    return tuple(_anchor(size, given, view, beside.anchors, findings) for size, given in listed)


def _anchor(size: int, given: str, view: View, read: Mapping[str, bytes], findings: list[Finding]) -> Anchored:
    found = read.get(given)
    if found is None:
        findings.append(finding(Code.NOT_CHECKED, subject=given))
    elif _root(view, size) != found:
        findings.append(finding(Code.ANCHOR_DIFFERS, subject=given))
    return Anchored(size, given, checked=found is not None)


def _root(view: View, size: int) -> bytes | None:
    """Return the root of the first `size` leaves of this history, None when there are not as many."""
    known = () if view.leaves is None else view.leaves[:size]
    return merkle.root(size, merkle.full_subtrees(known)) if 0 < size == len(known) else None


def _stamp(root: Path, size: int, view: View, authority: bytes, findings: list[Finding]) -> Stamped | None:
    try:
        head = directory.read(root, bundle.stamped_name(size), note.BYTES_MAX)
        token = directory.read(root, bundle.stamp_name(size), timestamp.TOKEN_BYTES_MAX)
        _check_head(head, size, view)
        return Stamped(size, timestamps.verify(token, head, authority))
    except (Missing, Unreadable, Malformed, BadSignature) as error:
        findings.append(finding(Code.TIME_STAMP_WRONG, subject=f"{size}: {error}"))
        return None


def _check_head(data: bytes, size: int, view: View) -> None:
    """Demand that the stamped head is of this log, of so many leaves, and of this history."""
    signed = note.decode(data)
    key = keys_of(view.party, KeyUse.LOG, view.head.origin).at(checkpoint.decode(signed.text).size - 1)
    head = notes.verify_checkpoint(signed, view.head.origin, key)
    if head.size != size or _root(view, size) != head.root:
        raise Malformed("the stamped head is of another history")
