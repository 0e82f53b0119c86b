"""What follows the end of a contract that asks for it: consumer and node prove that its answers are destroyed.

The node destroys the answers it stored and says so in a leaf, at once while it serves; the consumer states the same
under its own key within the days that the contract gives. What is late is seen in the list and by its auditors.
"""

from yanmen import contracting
from yanmen.contracting import Office
from yanmen.crypto import agreements
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import deletion
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract
from yanmen.model.deletion import Deletion, DeletionProof
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused

LOOK_MS = 10_000
HOW = "stored answers blanked in the ledger 台账中存储的结果已清除"


def close(contract_id: str, office: Office) -> Receipt:
    """Destroy the node's stored answers of a contract that is over, and say so, signed."""
    contract = contracting.show(contract_id, office)
    found = office.ledger.released_under(contract_id)
    now_s = office.clock.now_ms() // 1000
    proof = DeletionProof(
        by=office.config.id,
        node=office.config.id,
        contract=contract_id,
        digest=contract.digest,
        answers=len(found),
        answers_sha256=deletion.answers_sha256(found),
        destroyed_s=now_s,
        text=HOW,
        issued_s=now_s,
    )
    return office.ledger.prove_deletion(agreements.sign_deletion(proof, office.signer))


def prove(token: bytes, peer: Party, office: Office) -> Contract:
    """Take in the consumer's proof that what was released to it is destroyed; the same again is the same."""
    try:
        said = agreements.open_deletion(token, peer.signing_key)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        hint = Detail("signature", hint_en="Sign it in your own name.", hint_zh="请以本成员密钥签署。")
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error
    known = office.ledger.contract(said.contract)
    if known is None or known.terms.consumer != peer.id:
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(said.contract))
    if said.by != peer.id:
        hint = Detail("by", hint_en="State it in your own name.", hint_zh="只能以本成员名义声明。")
        raise Refused(Reason.SIGNATURE_INVALID, hint)
    if said.node != office.config.id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请向该节点提交。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    if said.issued_s * 1000 > office.clock.now_ms() + 60_000:
        raise Refused(Reason.DELETION_NOT_PROVED, Detail("iat"))
    office.ledger.prove_deletion(token)
    return contracting.show(said.contract, office)


def is_proof(token: bytes) -> bool:
    """Say whether what a side hands in claims to be a proof of deletion."""
    try:
        return agreements.is_deletion(token)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error


class Closing:
    """Destroys what a serving node stored under contracts that are over, every ten seconds."""

    def __init__(self, office: Office) -> None:
        """Hold the office."""
        self._office = office
        self._looked_ms = 0

    def look(self) -> None:
        """Look, every ten seconds."""
        now_ms = self._office.clock.now_ms()
        if 0 <= now_ms - self._looked_ms < LOOK_MS:
            return
        self._looked_ms = now_ms
        for standing in due(self._office):
            try:
                close(standing.contract, self._office)
            except Refused:  # a question under it is still being answered, or another process came first
                continue


def due(office: Office) -> tuple[Deletion, ...]:
    """Return the contracts that are over and whose answers the node still holds."""
    return tuple(each for each in office.ledger.deletions() if each.ended_ms and each.by_node is None)
