"""What a bundle is held against: a mirror of the log's tiles, and the heads that witnesses cosigned."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yanmen.crypto import cosigning, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import bundle, checkpoint, merkle, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import keys_of
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import Note, VerifierKey
from yanmen.formats.witness_policy import Policy
from yanmen.model.party import KeyUse, Party
from yanmen.verify import directory
from yanmen.verify.directory import Missing, Unreadable
from yanmen.verify.mirror import Mirror
from yanmen.verify.report import Code, Cosigned, Finding, finding


@dataclass(frozen=True, slots=True)
class Beside:
    """The folder of a mirror, if there is one, the keys of witnesses that must have cosigned, a policy for them.

    `authority` holds the root certificates (PEM) of time stamp authorities, `anchors` the root that the auditor found
    under each answer of the anchor hook, None when it looked for none.
    """

    mirror: Path | None = None
    witnesses: tuple[VerifierKey, ...] = ()
    policy: Policy | None = None
    authority: bytes = b""
    anchors: Mapping[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """The bundle's history: whose log, its head, and its leaf hashes where they give the head's root."""

    party: Party
    head: Checkpoint
    leaves: tuple[bytes, ...] | None


def compare(root: Path, view: View, beside: Beside, findings: list[Finding]) -> tuple[Cosigned, ...]:
    """Return what witnesses saw of this history; what contradicts it is added to `findings`."""
    if beside.mirror is not None:
        mirror = Mirror(beside.mirror, view.head.origin, view.party)
        mirror.check(view.head, view.leaves)
        findings.extend(mirror.findings)
    signed = _signed(root, findings)
    head = None if signed is None else _head(signed, view, findings)
    found: list[Cosigned] = []
    for key in beside.witnesses:
        seen = _seen(signed, head, key)
        if seen is None:
            findings.append(finding(Code.NOT_COSIGNED, subject=key.name))
        else:
            found.append(seen)
    if beside.policy is not None:
        found += [one for one in _under(beside.policy, signed, head, view, findings) if one not in found]
    if found and found[0].size < view.head.size:
        findings.append(finding(Code.COSIGNED_PART, subject=str(found[0].size)))
    return tuple(found)


def _under(
    policy: Policy, signed: Note | None, head: Checkpoint | None, view: View, findings: list[Finding]
) -> tuple[Cosigned, ...]:
    """Return who cosigned of the witnesses in `policy`; too few, or a log it does not list, is added to `findings`."""
    log_key = VerifierKey(view.head.origin, keys_of(view.party, KeyUse.LOG, view.head.origin).at(view.head.size - 1))
    if policy.logs and log_key not in {key for key, _ in policy.logs}:
        findings.append(finding(Code.COSIGNED_HEAD, subject="the policy lists another log"))
    seen = {one.key: _seen(signed, head, one.key) for one in policy.witnesses}
    if not policy.satisfied({key for key, cosigned in seen.items() if cosigned is not None}):
        findings.append(finding(Code.NOT_COSIGNED, subject=f"quorum {policy.quorum}"))
    return tuple(cosigned for cosigned in seen.values() if cosigned is not None)


def _seen(signed: Note | None, head: Checkpoint | None, key: VerifierKey) -> Cosigned | None:
    if signed is None or head is None:
        return None
    try:
        return Cosigned(key.name, head.size, cosigning.verify(signed, key))
    except BadSignature:
        return None


def _signed(root: Path, findings: list[Finding]) -> Note | None:
    try:
        return note.decode(directory.read(root, bundle.COSIGNED, note.BYTES_MAX))
    except Missing:
        return None
    except Unreadable:
        findings.append(finding(Code.FILE_UNREADABLE, subject=bundle.COSIGNED))
    except Malformed as error:
        findings.append(finding(Code.FILE_MALFORMED, subject=f"{bundle.COSIGNED}: {error}"))
    return None


def _head(signed: Note, view: View, findings: list[Finding]) -> Checkpoint | None:
    """Return the cosigned head once the log signed it and it is one of this history's."""
    try:
        key = keys_of(view.party, KeyUse.LOG, view.head.origin).at(checkpoint.decode(signed.text).size - 1)
        head = notes.verify_checkpoint(signed, view.head.origin, key)
    except (Malformed, BadSignature) as error:
        findings.append(finding(Code.COSIGNED_HEAD, subject=str(error)))
        return None
    if view.leaves is None:
        return None
    known = view.leaves[: head.size]
    if len(known) < head.size or merkle.root(head.size, merkle.full_subtrees(known)) != head.root:
        findings.append(finding(Code.COSIGNED_OTHER_HISTORY))
        return None
    return head
