"""An incident at a node: what it names is frozen, authority and witnesses are told, the evidence is written out.

A notice is a signed file in the node's `outbox`; the department's own program hands it on (node.toml, `[notify]`).
What it took is marked by a file `.sent` beside; the rest is tried again by `yanmen incident notify`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from yanmen import regular_file
from yanmen.crypto import documents
from yanmen.execution import anchoring
from yanmen.formats.notice import BYTES_MAX, Notice, Occasion
from yanmen.model.incident import Frozen
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Fault
from yanmen.node.holder import Holder

OUTBOX, SENT = "outbox", ".sent"
AUTHORITY = "authority"
"""Whom every notice goes to in full; witnesses get the head it is under."""


@dataclass(frozen=True, slots=True)
class Told:
    """One notice, and what the hook answered; why not, when it did not take it; both empty without a hook."""

    path: Path
    answer: str = ""
    failure: str = ""


def opened(
    holder: Holder, text: str, actor: str, frozen: Sequence[Frozen], *, drill: bool
) -> tuple[Receipt, tuple[Told, ...]]:
    """Open an incident, or rehearse one, and tell of it."""
    receipt = holder.ledger.open_incident(text, actor, frozen, drill=drill)
    kind = Occasion.DRILL if drill else Occasion.OPENED
    names = tuple(f"{each.kind.value} {each.name}".rstrip() for each in frozen)
    return receipt, _tell(holder, kind, receipt.jti, receipt.index, text, names)


def closed(holder: Holder, case: str, text: str, actor: str) -> tuple[Receipt, tuple[Told, ...]]:
    """Close an incident and tell of it; what it froze stays so until it is resumed."""
    receipt = holder.ledger.close_case(Stage.INCIDENT, case, text, actor)
    return receipt, _tell(holder, Occasion.CLOSED, case, receipt.index, text, ())


def evidence(holder: Holder, target: Path) -> int:
    """Write the evidence, a bundle that anybody verifies, and return its size."""
    return holder.ledger.export(target, holder.papers())


def again(holder: Holder) -> tuple[Told, ...]:
    """Hand over every notice that was not taken yet."""
    waiting = [path for path in _notices(holder) if not _sent(path).exists()]
    return tuple(handed(holder, path) for path in waiting)


def _tell(
    holder: Holder, kind: Occasion, case: str, index: int, text: str, frozen: tuple[str, ...]
) -> tuple[Told, ...]:
    outbox = holder.directory / OUTBOX
    outbox.mkdir(mode=0o700, exist_ok=True)
    head = holder.ledger.checkpoint()
    at_ms = holder.clock.now_ms()
    written = []
    for number, name in enumerate((AUTHORITY, *(witness.name for witness in holder.config.witnesses))):
        notice = Notice(holder.config.id, name, kind, case, index, at_ms, head)
        if name == AUTHORITY:
            notice = Notice(holder.config.id, name, kind, case, index, at_ms, head, text, frozen)
        path = outbox / f"{index:09}-{number:02}-{kind.value}.jws"
        path.write_bytes(documents.sign_notice(notice, holder.receipt_signer) + b"\n")
        written.append(path)
    return tuple(handed(holder, path) for path in written)


def handed(holder: Holder, path: Path) -> Told:
    """Hand one notice of the outbox to the hook, if there is one."""
    rules = holder.config.notify
    if not rules.command:
        return Told(path)
    told = {"YANMEN_NOTICE": path.name, "YANMEN_NODE": holder.config.id}
    call: Callable[..., str] = anchoring.call
    try:
        answer = call(rules.command, regular_file.read(path, BYTES_MAX + 1), told, rules.seconds, Event())
    except Fault as fault:
        return Told(path, failure=fault.note)
    _sent(path).write_text(answer + "\n", encoding="utf-8")
    return Told(path, answer)


def _sent(path: Path) -> Path:
    return path.with_name(path.name + SENT)


def _notices(holder: Holder) -> Iterator[Path]:
    outbox = holder.directory / OUTBOX
    yield from sorted(path for path in outbox.glob("*.jws") if path.is_file())
