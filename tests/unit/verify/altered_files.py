"""Attacks on files on their way to the auditor, and the list that every attack goes into."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from yanmen.crypto import documents, notes
from yanmen.formats import bundle, note, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Decision, Verdict
from yanmen.model.party import PartyRole
from yanmen.model.receipt import Stage
from yanmen.verify import Code

Attack = Callable[[Any, Path], Path]
ATTACKS: dict[Code, Attack] = {}
NEW = "0" * 32


def attack(code: Code) -> Callable[[Attack], Attack]:
    """Register what the verifier must answer with `code`."""

    def register(function: Attack) -> Attack:
        ATTACKS[code] = function
        return function

    return register


def honest(made: Any, path: Path) -> Path:
    exported: Path = made.specimen().export(path)
    return exported


def given_again(made: Any, log: Any) -> dict[Slot, Json]:
    """Let a question be answered and return what the honest leaf says that gives the answer again."""
    reference, slots = log.intent(log.request())
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: made.output(2_500).json()}, reference, "cd" * 16)
    again = {Slot.REQUEST: log.request().json(), Slot.DECISION: Decision(Verdict.REPEATED).json()}
    return {**slots, **log.spent(0, 0, 0), **again, Slot.OUTPUT: replace(made.output(2_500), repeats="cd" * 16).json()}


# Files on their way to the auditor -----------------------------------------------------------------


@attack(Code.FILE_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / "register.jws").unlink()
    return path


@attack(Code.FILE_UNREADABLE)
def _(made: Any, path: Path) -> Path:
    leaf = honest(made, path) / bundle.leaf_name(3)
    leaf.rename(path / "elsewhere")
    leaf.symlink_to(path / "elsewhere")
    return path


@attack(Code.FILE_MALFORMED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / "bundle.json"
    file.write_bytes(file.read_bytes() + b"\n")
    return path


@attack(Code.FILE_UNKNOWN)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.leaf_name(20)).write_bytes(b"one leaf more")
    return path


@attack(Code.SPACE_KEY_DIFFERS)
def _(made: Any, path: Path) -> Path:
    vkey = note.encode_key(VerifierKey(made.SPACE, made.MEMBER_KEY.public))
    (honest(made, path) / "space.vkey").write_text(f"{vkey}\n")
    return path


@attack(Code.REGISTER_SIGNATURE)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / "register.jws").write_bytes(documents.sign_register(made.register(), made.MEMBER_KEY))
    return path


@attack(Code.REGISTER_OTHER_SPACE)
def _(made: Any, path: Path) -> Path:
    other = replace(made.register(), space="other.example")
    (honest(made, path) / "register.jws").write_bytes(documents.sign_register(other, made.SPACE_KEY))
    return path


@attack(Code.NODE_NOT_REGISTERED)
def _(made: Any, path: Path) -> Path:
    listed = made.register()
    members = tuple(party for party in listed.parties if party.role is not PartyRole.NODE)
    token = documents.sign_register(replace(listed, parties=members), made.SPACE_KEY)
    (honest(made, path) / "register.jws").write_bytes(token)
    return path


@attack(Code.LOG_KEY_DIFFERS)
def _(made: Any, path: Path) -> Path:
    vkey = note.encode_key(VerifierKey(made.ORIGIN, made.MEMBER_KEY.public))
    (honest(made, path) / "log.vkey").write_text(f"{vkey}\n")
    return path


@attack(Code.CHECKPOINT_SIGNATURE)
def _(made: Any, path: Path) -> Path:
    log = made.specimen()
    head = note.decode(note.encode(log.checkpoint()))
    forged = notes.sign_note(head.text, made.ORIGIN, made.MEMBER_KEY)
    (log.export(path) / "checkpoint").write_bytes(note.encode(forged))
    return path


@attack(Code.CHECKPOINT_OTHER_SIZE)
def _(made: Any, path: Path) -> Path:
    """An older, honestly signed head hides the newest leaves."""
    log = made.specimen()
    (log.export(path) / "checkpoint").write_bytes(note.encode(log.checkpoint(18)))
    return path


@attack(Code.ROOT_DIFFERS)
def _(made: Any, path: Path) -> Path:
    """The node signs another history under the same origin and exports it under the old head."""
    log, other = made.specimen(), made.specimen("rewritten")
    head = note.encode(log.checkpoint())
    (other.export(path) / "checkpoint").write_bytes(head)
    return path


@attack(Code.LEAF_LINES_DIFFER)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / "leaves.txt"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[1], lines[0], *lines[2:]]))
    return path


@attack(Code.LEAF_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.leaf_name(17)).unlink()
    return path


@attack(Code.LEAF_ALTERED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / bundle.leaf_name(5)
    file.write_bytes(file.read_bytes()[:-1] + b"A")
    return path


@attack(Code.RECEIPT_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.receipt_name(17)).unlink()
    return path


@attack(Code.RECEIPT_MALFORMED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / bundle.receipt_name(9)
    first, *rest = file.read_text().split("~")
    file.write_text("~".join([first, rest[0], *rest]))
    return path


@attack(Code.RECEIPT_OTHER_LEAF)
def _(made: Any, path: Path) -> Path:
    shutil.copy(honest(made, path) / bundle.receipt_name(8), path / bundle.receipt_name(9))
    return path


@attack(Code.PROOF_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.proof_name(2)).unlink()
    return path


@attack(Code.PROOF_MALFORMED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / bundle.proof_name(2)
    file.write_text(file.read_text().replace("\nindex 2\n", "\nextra QQ==\nindex 2\n"))
    return path


@attack(Code.PROOF_WRONG)
def _(made: Any, path: Path) -> Path:
    """A head of another history, signed by the log itself: the node showed two logs."""
    log = made.specimen()
    fork = notes.sign_checkpoint(Checkpoint(made.ORIGIN, 7, bytes(32)), made.LOG_KEY)
    shown = replace(proof.decode(log.proof(2)), checkpoint=fork)
    (log.export(path) / bundle.proof_name(2)).write_text(proof.encode(shown))
    return path


@attack(Code.SPACE_KEY_NOT_PINNED)
def _(made: Any, path: Path) -> Path:
    return honest(made, path)
