"""The verification of an audit bundle, as a numbered procedure; docs/FORMATS.md states the same list."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from yanmen.crypto import documents, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import bundle, checkpoint, merkle, note
from yanmen.formats.bundle import Statement
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import keys_of
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.model.contract import Terms
from yanmen.model.party import LOG_KEEPERS, KeyUse, Party, Register
from yanmen.verify import attesting, dated, directory
from yanmen.verify.beside import Beside, View, compare
from yanmen.verify.directory import Missing, Unreadable
from yanmen.verify.entries import Entries, Listed, Node
from yanmen.verify.following import Following, Trust
from yanmen.verify.metering import Replay
from yanmen.verify.report import Code, Finding, Report, Severity, finding
from yanmen.verify.uses import Use

KEY_BYTES_MAX = 1024
COLLECTED_EVERY = 1_000_000
"""Objects made and kept, those of some ten thousand leaves, between two looks for cycles."""
TOGETHER = 64
"""Leaves that are checked together, one step after the other."""
LEAF_LINE_BYTES_MAX = 64
"""Longest stage, a space, 43 characters and a newline are 54."""
Told = Callable[[int, int], None]
"""Called after each leaf with how many were read, and of how many."""


class Stop(Exception):
    """What follows would rest on something that does not hold; carries the finding."""

    def __init__(self, found: Finding) -> None:
        """Carry `found`."""
        self.found = found
        super().__init__(found.en)


@dataclass(frozen=True, slots=True)
class Examined:
    """A report with what it was made from; when it is ok, `uses` has every leaf, in order.

    `terms` are those of the contracts as their consumers signed them, `steps` the digests of inspections' steps,
    `following` all that the leaves make of contracts, datasets and findings in the end.
    """

    report: Report
    trust: Trust | None
    uses: tuple[Use, ...]
    terms: Mapping[str, Terms] = field(default_factory=dict)
    steps: frozenset[str] = frozenset()
    following: Following | None = None


def verify_bundle(path: Path, space_key: bytes | None = None, beside: Beside | None = None) -> Report:
    """Return the report on the audit bundle in the directory `path`.

    `space_key` is the space's raw Ed25519 key, got another way than from the bundle; without it the
    bundle's own is used and a note says so. `beside` says what else the bundle is to be
    held against: a mirror, witnesses. Each step rests on those before it.

    1. `bundle.json` is well-formed; every file is a regular one, of bounded size.
    2. The space's key signed the register; the register lists the node, with its receipt key and log key.
    3. The log key signed the checkpoint, for the origin and size stated and for a log of that node.
    4. The leaf hashes give the checkpoint's root, so which leaf stands where is fixed from here on.
    5. Every leaf is there, has the hash and stage listed, has 2,560 bytes, is well-formed, names the
       node as issuer and is signed by the receipt key.
    6. Every receipt is there, belongs to its leaf, and every disclosure is referenced by it, once.
    7. Every inclusion proof is there and leads from its leaf to a checkpoint that the log key signed
       and whose root is that of this tree at its size.
    8. Leaf 0 and no other is a genesis; times do not go back; no `jti` occurs twice. No leaf is dated over
       10 minutes later than a witness or time stamp authority, whose key the auditor gave, saw it.
    9. Every contract's series is complete, and so is that of the leaves about no contract: `n` counts
       1, 2, 3… and `prev` is the hash of the series' leaf before.
    10. Every intent is closed by exactly one outcome or aborted leaf, and each of those closes one
        and says the same of contract, consumer, question, plan, data and charge; an answer given
        again is charged nothing and is the one given before.
    11. The running totals in `budget` and `price` are the sums of the contract's charges so far.
    12. Every intent, and every answer given again, carries a request or session grant that the consumer's
        registered key signed, for this node and contract, a request also for this question; a request is
        used once, and neither is charged beyond its maxima. The leaf lies within its life: not over 10
        minutes before `iat` nor an hour after `exp`, for clocks differ and a job may wait. What a quote or
        a refusal shows is held to the same, but used up by neither. An acknowledgement is signed by a key
        that is, or was, its consumer's in the register.
    13. The contract leaves disclose an offer that the consumer's registered key signed and a decision
        that the receipt key signed over it. Every use and answer falls while that contract is in
        force and within its signed terms: parties, scenario, dates, datasets and columns, the charge
        asked for, least group, and the caps on queries, queries of a day, micro-rho and delta.
        What is read is the newest published version, the release is no laxer than its class, the
        charge falls on its subject space, and no space is charged beyond its lifetime budget. A
        renewal of that budget adds to it, says who decided it and why, and does not come before
        the day that the last one announced. What took a version's place was signed while that was in
        force and not over; what the owner's rule or a grant signed by itself takes nothing back that a
        person had signed, and puts no proof of deletion off.
    14. The noise that an answer about persons states is what its charge demands for the sensitivities
        that the intent fixed: sigma squared is l2_squared / (2 rho), rho the aggregate's equal share.
    15. The totals of contracts and subject spaces that `bundle.json` states are those of the receipts.
    16. Every acknowledgement is signed by the key named in the receipt it acknowledges, over that receipt
        as it was given, for this log; each is acknowledged at most once. Its `iat` lies between that
        receipt and its own leaf, but for 10 minutes.
    17. What a receipt no longer discloses although it must, an erasure leaf names, of a use whose contract's
        term was over by then; then a note counts it. Anything else that is missing is withheld.
    18. No approval lets a use cost more than the ceilings published by then. Every intent is metered by
        what was published of the datasets it read, is free only as one of the contract's first uses,
        and is charged what the signed prices make of that, to the fen; no answer has more cells than
        were metered, and one given again is metered as nothing.
    19. Every leaf of a contract discloses what the contract grants the regulator and its stage says.
    20. Every step of an inspection's finding is signed by an auditor or regulator of the register, or where it
        rectifies by the node, and follows the step before it; what is rectified late, or not yet, is noted.
    21. Where the register says that a key of the node ended, the leaf there and no other records the exchange, signed
        by the new key and, if it was rotated, the old one. Every signature is by the key that counts at its place.
    22. Every document that governs catalogue or operation is signed by whom its type demands, an authority
        of the register, the node, an operator or a member, and none comes back that a later one replaced.
        Contracts under a grant of operation lie within it; objections and complaints are answered in time.
        Important data is read only under an offer that a steward and then a chief data officer approved,
        by the grade published last; no answer follows a proof of deletion of its contract.
    """
    with collected_rarely():
        return _examined(path, space_key, beside).report


def examine(
    path: Path, space_key: bytes | None = None, beside: Beside | None = None, told: Told | None = None
) -> Examined:
    """Return the report of `verify_bundle` with the leaves it was made from; `told` is called after each leaf."""
    with collected_rarely():
        return _examined(path, space_key, beside, told)


def _examined(path: Path, space_key: bytes | None, beside: Beside | None, told: Told | None = None) -> Examined:
    findings: list[Finding] = []
    try:
        trust = establish(path, space_key, findings)
    except Stop as stop:
        return Examined(_report(None, [], Replay(), [*findings, stop.found]), None, ())
    listed = leaf_lines(path, trust.head, findings)
    following = Following(trust)
    entries = Entries(path, node_of(trust), listed)
    hashes = _leaves(trust, entries, following, told)
    findings.extend(entries.findings)
    if listed is None and (len(hashes) < trust.head.size or _root(hashes) != trust.head.root):
        findings.append(finding(Code.ROOT_DIFFERS))
    view = View(trust.party, trust.head, None if listed is None else tuple(line.hash for line in listed.lines))
    cosigned = compare(path, view, beside or Beside(), findings)
    stamped = attesting.stamped(path, view, beside or Beside(), findings)
    anchored = attesting.anchored(path, view, beside or Beside(), findings)
    replay, uses = following.finish(findings), following.uses
    findings.extend(dated.ahead(uses, cosigned, stamped))
    unknown = directory.unknown(path, trust.statement.size, whole=entries.whole)
    findings.extend(finding(Code.FILE_UNKNOWN, subject=name) for name in unknown)
    report = replace(
        _report(trust, uses, replay, findings),
        cosigned=cosigned,
        stamped=stamped,
        anchored=anchored,
        inspections=following.inspections,
    )
    return Examined(report, trust, tuple(uses), following.terms, following.steps, following)


def establish(path: Path, space_key: bytes | None, findings: list[Finding]) -> Trust:
    """Take steps 1 to 3; raises `Stop`, and adds to `findings` what does not stop them."""
    statement = _statement(path)
    pinned = _space_key(path, statement, space_key, findings)
    members = _register(path, statement, pinned)
    party = members.find(statement.node)
    if party is None or party.role not in LOG_KEEPERS:
        raise Stop(finding(Code.NODE_NOT_REGISTERED))
    log_key = _vkey(path, bundle.LOG_KEY)
    if log_key != VerifierKey(statement.origin, _head_key(statement, party)):
        findings.append(finding(Code.LOG_KEY_DIFFERS))
    return Trust(statement, members, party, *_checkpoint(path, statement, party))


def _statement(path: Path) -> Statement:
    data = _read(path, bundle.STATEMENT, bundle.STATEMENT_BYTES_MAX)
    try:
        return bundle.decode(data)
    except Malformed as error:
        raise _malformed(bundle.STATEMENT, error) from error


def _space_key(path: Path, statement: Statement, pinned: bytes | None, findings: list[Finding]) -> bytes:
    if pinned is None:
        findings.append(finding(Code.SPACE_KEY_NOT_PINNED))
        return _vkey(path, bundle.SPACE_KEY).public
    try:
        enclosed = _vkey(path, bundle.SPACE_KEY)
    except Stop as stop:
        findings.append(stop.found)
        return pinned
    if enclosed != VerifierKey(statement.space, pinned):
        findings.append(finding(Code.SPACE_KEY_DIFFERS))
    return pinned


def _register(path: Path, statement: Statement, space_key: bytes) -> Register:
    token = _read(path, bundle.REGISTER, documents.REGISTER_BYTES_MAX)
    try:
        members = documents.open_register(token, space_key)
    except Malformed as error:
        raise _malformed(bundle.REGISTER, error) from error
    except BadSignature as error:
        raise Stop(finding(Code.REGISTER_SIGNATURE, subject=str(error))) from error
    if members.space != statement.space:
        raise Stop(finding(Code.REGISTER_OTHER_SPACE))
    return members


def _checkpoint(path: Path, statement: Statement, party: Party) -> tuple[Checkpoint, bytes]:
    data = _read(path, bundle.CHECKPOINT, note.BYTES_MAX)
    try:
        if checkpoint.origin_node(statement.origin) != party.id:
            raise Stop(finding(Code.CHECKPOINT_SIGNATURE, subject="origin of another node"))
        head = notes.verify_checkpoint(note.decode(data), statement.origin, _head_key(statement, party))
    except Malformed as error:
        raise _malformed(bundle.CHECKPOINT, error) from error
    except BadSignature as error:
        raise Stop(finding(Code.CHECKPOINT_SIGNATURE, subject=str(error))) from error
    if head.size != statement.size:
        raise Stop(finding(Code.CHECKPOINT_OTHER_SIZE))
    return head, data


def _leaves(trust: Trust, entries: Entries, following: Following, told: Told | None) -> list[bytes]:
    """Take steps 5 to 7, follow what could be read of each leaf at once, and return the hashes of their files."""
    hashes: list[bytes] = []
    for begin in range(0, trust.head.size, TOGETHER):
        checked = entries.check_all(range(begin, min(begin + TOGETHER, trust.head.size)))
        following.add_all(tuple((each.use, each.said) for each in checked if each.use is not None))
        hashes.extend(each.leaf_hash for each in checked if each.leaf_hash is not None)
        if told is not None:
            for count, _ in enumerate(checked, begin + 1):
                told(count, trust.head.size)
    return hashes


def _head_key(statement: Statement, party: Party) -> bytes:
    """Return the log key that counts for the head of the log stated."""
    try:
        return keys_of(party, KeyUse.LOG, statement.origin).at(statement.size - 1)
    except Malformed as error:
        raise _malformed(bundle.STATEMENT, error) from error


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Look for garbage in cycles rarely while much is made that stays: there is none, and looking takes a tenth."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECTED_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def node_of(trust: Trust) -> Node:
    """Return whose log it is."""
    party = trust.party
    origin = trust.head.origin
    receipt_keys, log_keys = (keys_of(party, use, origin) for use in (KeyUse.RECEIPT, KeyUse.LOG))
    return Node(party.id, receipt_keys, log_keys, trust.head, trust.checkpoint)


def leaf_lines(path: Path, head: Checkpoint, findings: list[Finding]) -> Listed | None:
    """Return the leaf lines when their hashes give the checkpoint's root; else add to `findings`."""
    try:
        lines = bundle.decode_lines(_read(path, bundle.LEAF_LINES, LEAF_LINE_BYTES_MAX * head.size))
    except Stop as stop:
        findings.append(stop.found)
        return None
    except Malformed as error:
        findings.append(_malformed(bundle.LEAF_LINES, error).found)
        return None
    subtrees = merkle.full_subtrees(line.hash for line in lines)
    if len(lines) != head.size or merkle.root(head.size, subtrees) != head.root:
        findings.append(finding(Code.LEAF_LINES_DIFFER))
        return None
    return Listed(lines, subtrees)


def _root(hashes: list[bytes]) -> bytes:
    return merkle.root(len(hashes), merkle.full_subtrees(hashes))


def _vkey(path: Path, name: str) -> VerifierKey:
    data = _read(path, name, KEY_BYTES_MAX)
    try:
        line = data.decode("utf-8")
        if not line.endswith("\n"):
            raise Malformed("vkey: line does not end")
        return note.decode_key(line[:-1])
    except ValueError as error:
        raise _malformed(name, error) from error


def _read(path: Path, name: str, max_bytes: int) -> bytes:
    try:
        return directory.read(path, name, max_bytes)
    except Missing as error:
        raise Stop(finding(Code.FILE_MISSING, subject=name)) from error
    except Unreadable as error:
        raise Stop(finding(Code.FILE_UNREADABLE, subject=name)) from error


def _malformed(name: str, error: ValueError) -> Stop:
    return Stop(finding(Code.FILE_MALFORMED, subject=f"{name}: {error}"))


def _report(trust: Trust | None, uses: list[Use], replay: Replay, findings: list[Finding]) -> Report:
    size = 0 if trust is None else trust.head.size
    counted = Counter(use.head.stage for use in uses)
    ordered = sorted(findings, key=lambda item: (-1 if item.index is None else item.index, item.code.value))
    return Report(
        node="" if trust is None else trust.party.id,
        origin="" if trust is None else trust.head.origin,
        size=size,
        verified=size - len({item.index for item in findings if item.severity is Severity.ERROR} - {None}),
        stages=tuple((stage, counted[stage]) for stage in sorted(counted, key=lambda stage: stage.value)),
        contracts=tuple(replay.contracts[name] for name in sorted(replay.contracts) if name),
        spaces=tuple(replay.spaces[name] for name in sorted(replay.spaces)),
        findings=tuple(ordered),
    )
