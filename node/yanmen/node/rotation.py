"""The exchange of a node's receipt key or log key, from the node's folder; safe to repeat after any crash.

signing.key.next   the key to be, until the ledger has recorded the exchange
exchange.json      what the space operator signs the new key for: the change, its receipt and its proof
"""

from dataclasses import dataclass
from pathlib import Path

from yanmen import enrolment
from yanmen.crypto import keys
from yanmen.crypto.keys import FileSigner
from yanmen.formats import key_change
from yanmen.formats.key_change import Exchange
from yanmen.ledger.key_changes import Demand
from yanmen.model.party import KeyEnd, KeyUse, Party
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.holder import Holder, finish_exchange, ledger_place, next_key, open_holder, read_config

EXCHANGE = "exchange.json"
FILES = {KeyUse.RECEIPT: enrolment.SIGNING_KEY, KeyUse.LOG: enrolment.LOG_KEY}
_OTHER = {KeyUse.RECEIPT: KeyUse.LOG, KeyUse.LOG: KeyUse.RECEIPT}


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An exchange on the record: its leaf, the new key, the file for the space; `again` if it was made before."""

    index: int
    public: bytes
    path: Path
    again: bool


def exchange(
    directory: Path, use: KeyUse, end: KeyEnd, actor: str, reason: str, clock: Clock | None = None
) -> Exchanged:
    """End a key of the node in `directory` and begin the next; until the space has signed it, it is the same again.

    A key whose file is gone can be revoked: the node's other key vouches for that.
    """
    gone = end is KeyEnd.REVOKED and not (directory / FILES[use]).exists()
    with open_holder(directory, clock=clock, without=use if gone else None) as holder:
        if _registered(holder, use) != _in_use(holder, use):
            return _told(holder, use, again=True)
        other = _OTHER[use]
        if _registered(holder, other) != _in_use(holder, other):
            raise Fault(FaultCode.KEYS, f"the space has not signed the exchange of the {other.value} key yet")
        holder.ledger.serve_alone()
        if not gone:  # what a dead process left open is ended by the next that serves
            holder.ledger.recover()
        demand = Demand(use, end, actor, reason, _next(holder, use))
        holder.ledger.exchange_key(demand)
    config = read_config(directory)
    finish_exchange(directory, ledger_place(directory, config))
    with open_holder(directory, clock=clock) as holder:
        return _told(holder, use, again=False)


def _next(holder: Holder, use: KeyUse) -> FileSigner:
    """Return the key to be; one made before a crash is taken."""
    path = next_key(holder.directory, FILES[use])
    if path.exists():
        return keys.load(path)
    beside = holder.directory / FILES[use]
    return keys.generate(
        path, holder.randomness, beside=beside if beside.exists() else beside.with_name(FILES[_OTHER[use]])
    )


def _told(holder: Holder, use: KeyUse, *, again: bool) -> Exchanged:
    """Write what the space operator is handed."""
    found = holder.ledger.newest_exchange(use)
    if found is None:
        raise Fault(FaultCode.KEYS, "the register has other keys for this node, and its log exchanged none")
    signed, receipt = found
    enrolment.apply_anew(holder.directory, holder.receipt_signer, holder.ledger.log_public, holder.clock)
    path = holder.directory / EXCHANGE
    path.write_bytes(key_change.encode_exchange(Exchange(signed, receipt.sdjwt, receipt.proof)))
    return Exchanged(receipt.index, _in_use(holder, use), path, again)


def _registered(holder: Holder, use: KeyUse) -> bytes:
    found: Party | None = holder.register.current().find(holder.config.id)
    if found is None:
        raise Fault(FaultCode.REGISTER, "this node is not in the register")
    return found.log_key if use is KeyUse.LOG else found.signing_key


def _in_use(holder: Holder, use: KeyUse) -> bytes:
    return holder.ledger.log_public if use is KeyUse.LOG else holder.receipt_signer.public
