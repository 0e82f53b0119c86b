"""How a node stands with its witnesses: it gets its heads cosigned, and starts only if it forgot nothing they saw."""

from collections.abc import Sequence
from dataclasses import dataclass

from yanmen.formats.add_checkpoint import AddCheckpoint
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import Witness
from yanmen.model.refusal import Fault, FaultCode
from yanmen.witness import asking
from yanmen.witness.asking import OutOfStep

WAY_ON = "only a successor that declares the gap goes on (yanmen node succeed)"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness cosigned the head of `size` leaves at the Unix time `at_s`."""

    witness: str
    size: int
    at_s: int


def check(ledger: Ledger, witnesses: Sequence[Witness]) -> None:
    """Return when the ledger holds all that every one of `witnesses` saw of it; a `Fault` stops the node otherwise.

    A witness that does not answer stops it too: a restored backup cannot be told from the log itself.
    """
    for witness in witnesses:
        saw = asking.seen(witness, ledger.origin, ledger.log_key_at)
        kept, here = ledger.cosigned(asking.key(witness)), ledger.size()
        if (0 if saw is None else saw.size) < kept:
            note = f"{witness.name} cosigned {kept} leaves and does not remember it: rely on it no longer"
            raise Fault(FaultCode.LOG_BEHIND, note)
        if saw is None:
            continue
        if saw.size > here:
            note = f"{witness.name} saw {saw.size} leaves, the ledger has {here}: this is an old copy; {WAY_ON}"
            raise Fault(FaultCode.LOG_BEHIND, note)
        if ledger.root(saw.size) != saw.root:
            raise Fault(
                FaultCode.LOG_BEHIND, f"{witness.name} saw another history of this log: it was forked; {WAY_ON}"
            )


def submit_all(ledger: Ledger, witnesses: Sequence[Witness]) -> tuple[Cosigned, ...]:
    """Get the head cosigned by each of `witnesses`; the first fault is raised when all were asked."""
    found: list[Cosigned] = []
    faults: list[Fault] = []
    for witness in witnesses:
        try:
            found.append(submit(ledger, witness))
        except Fault as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return tuple(found)


def submit(ledger: Ledger, witness: Witness, checkpoint: str = "") -> Cosigned:
    """Get `checkpoint`, or else the newest head, cosigned by `witness` and keep the cosignature."""
    signed, head = asking.head(checkpoint or ledger.checkpoint())
    old = ledger.cosigned(asking.key(witness))
    for _ in range(2):
        path = ledger.consistency(old, head.size)
        answer = asking.submit(witness, AddCheckpoint(old, path, signed))
        if not isinstance(answer, OutOfStep):
            break
        old = answer.size
        if old > ledger.size():
            note = f"{witness.name} saw {old} leaves, the ledger has {head.size}: this is an old copy"
            raise Fault(FaultCode.LOG_BEHIND, note)
        if old > head.size:
            raise Fault(FaultCode.UNREACHABLE, f"{witness.name} was asked about a newer head meanwhile")
    else:
        raise Fault(FaultCode.UNREACHABLE, f"{witness.name} is asked by somebody else at the same time; try again")
    if not answer:
        raise Fault(FaultCode.REPLY_MALFORMED, f"{witness.name} answered without a signature of its own")
    at_s = ledger.add_cosignature(head.size, asking.key(witness), answer[0])
    return Cosigned(witness.name, head.size, at_s)
