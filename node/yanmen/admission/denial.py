"""From the clauses that forbid to the reason a caller reads; every violated clause goes along."""

from collections.abc import Mapping

from yanmen.admission import clauses
from yanmen.model.contract import ContractStatus
from yanmen.model.refusal import Detail, Reason, Refused

_STATUS: Mapping[ContractStatus, tuple[Reason, str, str]] = {
    ContractStatus.ACTIVE: (Reason.POLICY_FORBIDS, "The contract is active.", "合约处于生效状态。"),
    ContractStatus.PENDING: (
        Reason.CONTRACT_PENDING,
        "Remind the department.",
        "请联系数据提供方审批。",
    ),
    ContractStatus.OFFERED: (
        Reason.CONTRACT_OFFERED,
        "Accept it or offer other terms; it stands for some days only.",
        "请接受或另提条件；反要约有答复期限。",
    ),
    ContractStatus.AGREED: (
        Reason.CONTRACT_UNSIGNED,
        "Remind the others: the last signature brings it into force.",
        "请提醒其他各方：最后一方签署后合约即生效。",
    ),
    ContractStatus.DENIED: (
        Reason.CONTRACT_DENIED,
        "Offer other terms.",
        "请另行提出合约。",
    ),
    ContractStatus.REVOKED: (
        Reason.CONTRACT_REVOKED,
        "Ask for its reasons, or offer a new one.",
        "请联系数据提供方了解原因，或另行申请。",
    ),
    ContractStatus.SUSPENDED: (
        Reason.CONTRACT_SUSPENDED,
        "Ask its holder for the reasons.",
        "请联系数据提供方了解原因。",
    ),
}
_CLAUSES: tuple[tuple[str, Reason, str, str], ...] = (
    (
        clauses.CONSUMER,
        Reason.CONTRACT_UNKNOWN,
        "See your own: yanmen contract list.",
        "请查看本人的合约：yanmen contract list。",
    ),
    (
        clauses.NOT_BEFORE,
        Reason.CONTRACT_NOT_YET_VALID,
        "Ask once it has begun.",
        "请待其生效后再查询。",
    ),
    (
        clauses.NOT_AFTER,
        Reason.CONTRACT_EXPIRED,
        "Offer a new one.",
        "请重新申请。",
    ),
    (
        clauses.SCENARIO,
        Reason.SCENARIO_MISMATCH,
        "Ask under the one made for this scenario.",
        "请使用为本场景签订的合约。",
    ),
    (
        clauses.CHARGE,
        Reason.SPEND_LIMIT,
        "Ask for fewer micro-rho: the contract admits at most its micro_rho_per_query_max (yanmen contract show).",
        "请减少微ρ：单次查询不得超过合约的 micro_rho_per_query_max（见 yanmen contract show）。",
    ),
    (
        clauses.DATASET,
        Reason.DATASET_NOT_IN_CONTRACT,
        "Offer a contract that grants it.",
        "请申请包含该数据集的合约。",
    ),
    (
        clauses.COLUMNS,
        Reason.COLUMN_NOT_IN_CONTRACT,
        "Ask for what is granted, or offer a contract that grants it.",
        "请只查询已授权的字段，或申请包含该字段的合约。",
    ),
)


def refusal(violated: tuple[str, ...], status: ContractStatus, subject: str = "") -> Refused:
    """Return the refusal for the clauses `violated`; the first of the list above gives the reason."""
    if clauses.STATUS in violated and status is not ContractStatus.ACTIVE:
        return _refused(*_STATUS[status], violated, subject)
    for name, reason, en, zh in _CLAUSES:
        if name in violated:
            return _refused(reason, en, zh, violated, subject)
    return _refused(Reason.POLICY_FORBIDS, "The clauses are named.", "违反的条款已列出。", violated, subject)


def _refused(reason: Reason, en: str, zh: str, violated: tuple[str, ...], subject: str) -> Refused:
    return Refused(reason, Detail(subject=subject or violated[0], hint_en=en, hint_zh=zh, clauses=violated))
