"""What the space believes of an exchanged key: signed by both keys, recorded in the node's log, and never a key back.

A revoked key does not sign its own end; then the node's other key vouches: the log key signs the head over the leaf
that the new receipt key signed, or the receipt key the leaf under the new log key's head.
"""

from dataclasses import replace

from yanmen.crypto import documents, notes, receipts, signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, former_keys, key_change, merkle, proof
from yanmen.formats.key_change import Exchange, KeyChange
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.party import LOG_KEEPERS, FormerKey, KeyEnd, KeyUse, Party, Register
from yanmen.model.receipt import Stage


def apply(exchange: Exchange, register: Register) -> Party:
    """Return the party with its new key; the party as it is when the register lists this very exchange already.

    Raises `Malformed`, `BadSignature` or `BadProof`.
    """
    change = documents.open_key_change(exchange.signed)
    party = register.find(change.party)
    if party is None:
        raise Malformed("key change: by nobody in the register")
    former = _former(change, register)
    if former in party.former_keys:
        return party
    if (change.use is KeyUse.MEMBER) == (party.role in LOG_KEEPERS):
        raise Malformed("key change: of a key that this party does not have")
    _check_keys(change, party, register)
    if change.use is KeyUse.MEMBER:
        if change.end is KeyEnd.REVOKED:
            raise Malformed("key change: a member whose key was lost applies anew")
    else:
        _check_recorded(exchange, change, party)
    listed = replace(party, former_keys=(*party.former_keys, former))
    is_log = change.use is KeyUse.LOG
    changed = replace(listed, log_key=change.new) if is_log else replace(listed, signing_key=change.new)
    former_keys.check(changed)
    return changed


def _former(change: KeyChange, register: Register) -> FormerKey:
    """Return the entry of the register; a member's key ends with the register that lists the next one."""
    index = change.index if change.origin else _serial(change, register)
    return FormerKey(change.use, change.old, change.origin, index, change.end)


def _serial(change: KeyChange, register: Register) -> int:
    party = register.find(change.party)
    listed = () if party is None else party.former_keys
    known = next((one.index for one in listed if one.key == change.old), None)
    return register.serial + 1 if known is None else known


def _check_keys(change: KeyChange, party: Party, register: Register) -> None:
    """The old key must be the one registered, the new one nobody's, now or ever."""
    registered = party.log_key if change.use is KeyUse.LOG else party.signing_key
    if change.old != registered:
        raise BadSignature("the register lists another key than the one exchanged")
    signatures.check_public(change.new)
    for other in register.parties:
        taken = {other.signing_key, other.log_key, *(one.key for one in other.former_keys)}
        if change.new in taken:
            raise Malformed("key change: the new key is, or was, in the register")


def _check_recorded(exchange: Exchange, change: KeyChange, party: Party) -> None:
    """Hold the receipt to the change it discloses, to its place in the log, and to the keys that signed both."""
    rotated = change.end is KeyEnd.ROTATED
    receipt_key, log_key = party.signing_key, party.log_key
    if change.use is KeyUse.LOG:
        log_key = change.new
    elif not rotated:
        receipt_key = change.new
    disclosed = receipts.verify_disclosed(exchange.receipt, receipt_key)
    head = disclosed.leaf.head
    if (head.iss, head.stage) != (party.id, Stage.KEY):
        raise Malformed("key change: the receipt of another stage or node")
    if key_change.read_subject(disclosed.slots.get(Slot.SUBJECT)) != exchange.signed:
        raise Malformed("key change: the receipt records another")
    inclusion = proof.decode(exchange.proof)
    place = checkpoint.decode(inclusion.checkpoint.text)
    if (place.origin, inclusion.index) != (change.origin, change.index):
        raise Malformed("key change: recorded at another place than it was signed for")
    notes.verify_checkpoint(inclusion.checkpoint, place.origin, log_key)
    leaf = merkle.leaf_hash(disclosed.leaf.jws)
    merkle.verify_inclusion(leaf, inclusion.index, place.size, inclusion.path, place.root)
