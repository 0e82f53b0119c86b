"""Negotiation (合约协商): the holder's counter-offers, what further sides and the consumer sign, and ending it.

counter: other terms than the consumer's, signed by the holder, bound to the digest of the offer they answer
act: a further side signs the offer both agreed on, the consumer verifies the holder's acceptance, or ends it
break_off: the holder ends the negotiation of an amendment
"""

from dataclasses import replace

from yanmen import contracting
from yanmen.contracting import Approval, Office
from yanmen.crypto import agreements
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract, ContractStatus, Round, Terms
from yanmen.model.negotiation import ROUNDS_MAX, ActKind, missing
from yanmen.model.party import Party
from yanmen.model.refusal import Detail, Reason, Refused

DAY_MS = 24 * 60 * 60 * 1000
ANSWER_DAYS_MAX = 30


def counter(contract_id: str, terms: Terms, decided_by: str, office: Office, days: int = 7) -> Contract:
    """Offer other terms than the consumer did, to be answered within `days`; they are checked as an offer is."""
    contracting.check_approval(Approval(decided_by))
    draft = contracting.pending(contract_id, office)
    number = 2 if draft.terms.round is None else draft.terms.round.number + 1
    if number >= ROUNDS_MAX or not 1 <= days <= ANSWER_DAYS_MAX:
        hint = Detail(
            "yanmen:round",
            hint_en=f"A negotiation has {ROUNDS_MAX} rounds at most, each answered within {ANSWER_DAYS_MAX} days.",
            hint_zh=f"协商最多 {ROUNDS_MAX} 轮，每轮答复期限最长 {ANSWER_DAYS_MAX} 天。",
        )
        raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, hint)
    made = following(terms, number, draft.digest, office.clock.now_ms() + days * DAY_MS)
    contracting.check(made, office)
    try:
        token = agreements.sign_counter(made, office.signer)
    except Malformed as error:
        raise Refused(Reason.CONTRACT_MALFORMED, Detail(str(error))) from error
    office.ledger.add_counter(contract_id, token, decided_by.strip())
    return contracting.standing(contract_id, draft.digest, office)


def act(token: bytes, peer: Party, office: Office) -> Contract:
    """Take in what `peer` signed about a contract; the same again is the same."""
    try:
        word = agreements.open_act(token, peer.signing_key)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        hint = Detail("signature", hint_en="Sign it in your own name.", hint_zh="请以本成员密钥签署。")
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error
    if word.by != peer.id:
        hint = Detail("by", hint_en="Sign it in your own name.", hint_zh="只能以本成员名义签署。")
        raise Refused(Reason.SIGNATURE_INVALID, hint)
    if word.node != office.config.id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请向该节点提交。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    known = office.ledger.contract(word.contract)
    if known is None or (peer.id != known.terms.consumer and peer.id not in sides(known)):
        raise Refused(Reason.CONTRACT_UNKNOWN, Detail(word.contract))
    if word.act is ActKind.END and peer.id != known.terms.consumer:
        hint = Detail("act", hint_en="Its consumer or its holder ends it.", hint_zh="仅使用方或提供方可终止。")
        raise Refused(Reason.ROLE_NOT_ALLOWED, hint)
    draft = known.amendment or known
    if word.act is not ActKind.END and draft.status is ContractStatus.AGREED:
        contracting.check_signature(draft, office)
    office.ledger.act(token)
    return contracting.standing(word.contract, draft.digest, office)


def break_off(contract_id: str, decided_by: str, office: Office) -> Contract:
    """End the negotiation: of an amendment, which leaves the contract as it is, or of one not in force yet."""
    contracting.check_approval(Approval(decided_by))
    known = contracting.show(contract_id, office)
    if known.amendment is not None:
        office.ledger.break_off(contract_id, decided_by.strip())
        return contracting.show(contract_id, office)
    if known.status in (ContractStatus.ACTIVE, ContractStatus.SUSPENDED):
        hint = Detail(contract_id, hint_en="It is in force: revoke it.", hint_zh="该合约已生效，请使用撤销。")
        raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, hint)
    return contracting.revoke(contract_id, decided_by, office)


def following(terms: Terms, number: int, answers: str, answer_by_ms: int) -> Terms:
    """Return `terms` as the round of this number."""
    return replace(terms, round=Round(number, answers, answer_by_ms))


def sides(contract: Contract) -> frozenset[str]:
    """Return the further sides that a contract, or what is to replace it, names."""
    named = contract.terms.signers
    return frozenset(named if contract.amendment is None else (*named, *contract.amendment.terms.signers))


def unsigned(contract: Contract) -> tuple[str, ...]:
    """Return the sides whose signature a contract waits for."""
    if contract.status is not ContractStatus.AGREED:
        return ()
    words = [agreements.peek_act(token) for token in contract.signatures]
    signed = frozenset(word.by for word in words if word.act is ActKind.SIGN)
    return missing(contract.terms, signed, verified=any(word.act is ActKind.VERIFY for word in words))
