"""Where an amendment has its place: of a contract in force that is not over, one at a time, of its present version."""

from yanmen.formats import amending
from yanmen.ledger import contracts, deletions
from yanmen.ledger.connection import Connection
from yanmen.model.contract import Contract, ContractStatus, Terms
from yanmen.model.refusal import Detail, Reason, Refused


def check_place(db: Connection, now_ms: int, known: Contract | None, terms: Terms) -> None:
    """Refuse terms that are no first offer, answer no counter-offer and amend nothing that is in force."""
    if known is None:
        if terms.round is not None or terms.amends:
            raise _refused(
                Reason.CONTRACT_UNKNOWN,
                terms.id,
                "There is no such contract to answer or to amend: offer it as a first one.",
                "没有可答复或变更的该合约，请作为新合约提出。",
            )
        return
    theirs = known.terms.consumer != terms.consumer  # who is told nothing of how it stands
    draft = known.amendment or known
    if draft.status is ContractStatus.OFFERED and terms.round is not None and not theirs:
        if known.amendment is not None:
            require_going_on(db, now_ms, known)
        return
    if not terms.amends or theirs:
        hint = Detail("@id", hint_en="Give the new terms an id of their own.", hint_zh="请为新合约使用新的标识。")
        raise Refused(Reason.CONTRACT_MALFORMED, hint)
    require_going_on(db, now_ms, known)
    if known.amendment is not None:
        raise _refused(
            Reason.NEGOTIATION_OUT_OF_TURN,
            terms.id,
            f"An amendment of it is {known.amendment.status.value} already: wait for it or answer it, or end it first"
            " (yanmen contract end ID --amendment).",
            f"该合约已有变更正在协商（{known.amendment.status.value}）：请等待、答复，或先终止该变更"
            "（yanmen contract end ID --amendment）。",
        )
    check(known, terms)


def check(known: Contract, terms: Terms) -> None:
    """Refuse what amends another version than the one in force, or makes another contract of it."""
    if terms.amends != known.digest or terms.round is not None:
        raise _refused(
            Reason.NEGOTIATION_OUT_OF_TURN,
            terms.id,
            f"It amends another version than the one in force, {known.digest}: name that.",
            f"所变更的不是现行版本 {known.digest}，请以该版本为准。",
        )
    wrong = tuple(amending.forbidden(known.terms, terms))
    if wrong:
        raise forbidden(wrong)


def require_going_on(db: Connection, now_ms: int, known: Contract) -> None:
    """Refuse to change a contract that is not in force, is over, or of which deletion was proved."""
    name, status = known.terms.id, known.status
    if status in contracts.ENDED:
        raise contracts.cannot(name, status, Reason.NEGOTIATION_OUT_OF_TURN)
    if now_ms >= known.terms.not_after_ms or deletions.is_proved(db, name):
        raise _refused(
            Reason.CONTRACT_EXPIRED,
            name,
            "What is over cannot be amended: ask for a new contract, with an id of its own.",
            "已到期或已证明删除的合约不能变更，请以新的标识申请新合约。",
        )
    if status is ContractStatus.SUSPENDED:
        raise _refused(
            Reason.NEGOTIATION_OUT_OF_TURN,
            name,
            "The contract is suspended: its holder resumes it first (yanmen contract resume), then it is amended.",
            "该合约已暂停：须先由提供方恢复（yanmen contract resume），再行变更。",
        )
    if status is not ContractStatus.ACTIVE:
        raise _refused(
            Reason.NEGOTIATION_OUT_OF_TURN,
            name,
            f"The contract is {status.value}, not in force yet: end it and offer other terms under an id of their own.",
            f"该合约当前状态为 {status.value}，尚未生效：请终止后以新的标识提出其他条款。",
        )


def forbidden(wrong: tuple[tuple[str, str, str], ...]) -> Refused:
    """Return the refusal of an amendment that changes what it may not."""
    name, en, zh = wrong[0]
    clauses = tuple(f"{one} {said} {said_zh}" for one, said, said_zh in wrong)
    return Refused(
        Reason.AMENDMENT_FORBIDDEN, Detail(name, hint_en=f"{name} {en}.", hint_zh=f"{name}：{zh}。", clauses=clauses)
    )


def _refused(reason: Reason, contract_id: str, en: str, zh: str) -> Refused:
    return Refused(reason, Detail(contract_id, hint_en=en, hint_zh=zh))
