"""What everybody who serves in a space does: know who calls, keep a log, show it."""

from yanmen import objecting
from yanmen.admission import identity
from yanmen.formats.merkle import BadProof
from yanmen.model.party import Party, PartyRole
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.node.holder import Holder

READERS = frozenset({PartyRole.AUDITOR, PartyRole.REGULATOR})
"""Who may read any receipt."""


class Doorkeeper:
    """Implements yanmen.wire.api.LogApi over one opened holder."""

    def __init__(self, holder: Holder) -> None:
        """Hold what the folder holds."""
        self._holder = holder
        self._ledger = holder.ledger

    def identify(self, certificate_pem: bytes) -> Party:
        """Return the active member whose registered certificate this is."""
        register = self._holder.register.current()
        try:
            return identity.identify(certificate_pem, register, self._holder.clock.now_ms())
        except Refused as refusal:
            if refusal.reason in {Reason.IDENTITY_PENDING, Reason.IDENTITY_REVOKED}:
                party = identity.named(certificate_pem, register)
                refusal.receipt = self.turn_away(party, refusal)
            raise

    def turn_away(self, party: Party, refusal: Refused) -> Receipt | None:
        """Record that `party` was not let in."""
        return self._ledger.turn_away(party, refusal)

    def checkpoint(self, party: Party) -> str:  # noqa: ARG002 - the head of the log is for every member
        """Return the newest checkpoint."""
        return self._ledger.checkpoint()

    def receipt(self, party: Party, index: int) -> Receipt:
        """Return the receipt at `index`: a consumer's own, any for an auditor or regulator."""
        if party.role in READERS:
            return self._ledger.receipt(index)
        return self._ledger.receipt_for(index, party.id)

    def acknowledge(self, party: Party, index: int, token: bytes) -> Receipt:
        """Record that `party` has the receipt of its answer at `index`."""
        return self._ledger.acknowledge(party, index, token)

    def object_to(self, party: Party, token: bytes) -> Receipt:
        """Record the objection that `party` signed."""
        return objecting.take(token, party, self._holder)

    def consistency(self, party: Party, old_size: int, new_size: int) -> tuple[bytes, ...]:  # noqa: ARG002 - as above
        """Return the proof that the smaller log is a prefix of the larger."""
        try:
            return self._ledger.consistency(old_size, new_size)
        except BadProof as error:
            raise Refused(Reason.REQUEST_MALFORMED, Detail(subject="log size")) from error
