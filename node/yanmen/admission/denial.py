"""From the clauses that forbid to the reason a caller reads; every violated clause goes along."""

from collections.abc import Mapping

from yanmen.admission import clauses
from yanmen.model.contract import ContractStatus
from yanmen.model.refusal import Detail, Reason, Refused

_STATUS: Mapping[ContractStatus, tuple[Reason, str, str]] = {
    ContractStatus.ACTIVE: (Reason.POLICY_FORBIDS, "The contract is active.", "合约处于生效状态。"),
    ContractStatus.PENDING: (
        Reason.CONTRACT_PENDING,
        "The data holder has not decided on this contract yet.",
        "数据提供方尚未审批该合约。",
    ),
    ContractStatus.DENIED: (
        Reason.CONTRACT_DENIED,
        "The data holder denied this contract; offer another.",
        "数据提供方已驳回该合约，请另行提出。",
    ),
    ContractStatus.REVOKED: (
        Reason.CONTRACT_REVOKED,
        "The data holder revoked this contract.",
        "数据提供方已撤销该合约。",
    ),
    ContractStatus.SUSPENDED: (
        Reason.CONTRACT_SUSPENDED,
        "The data holder suspended this contract; ask for its reasons.",
        "数据提供方已暂停该合约，请联系其了解原因。",
    ),
}
_CLAUSES: tuple[tuple[str, Reason, str, str], ...] = (
    (
        clauses.CONSUMER,
        Reason.CONTRACT_UNKNOWN,
        "There is no such contract of yours.",
        "您没有此合约。",
    ),
    (
        clauses.NOT_BEFORE,
        Reason.CONTRACT_NOT_YET_VALID,
        "The contract is not valid yet.",
        "合约尚未生效。",
    ),
    (
        clauses.NOT_AFTER,
        Reason.CONTRACT_EXPIRED,
        "The contract has expired; offer a new one.",
        "合约已到期，请重新申请。",
    ),
    (
        clauses.SCENARIO,
        Reason.SCENARIO_MISMATCH,
        "The contract was made for another scenario.",
        "该合约对应的是其他应用场景。",
    ),
    (
        clauses.CHARGE,
        Reason.SPEND_LIMIT,
        "The charge asked for is above what the contract admits for one question.",
        "所申请的单次预算超过合约规定的上限。",
    ),
    (
        clauses.DATASET,
        Reason.DATASET_NOT_IN_CONTRACT,
        "The contract does not grant this dataset.",
        "合约未授权该数据集。",
    ),
    (
        clauses.COLUMNS,
        Reason.COLUMN_NOT_IN_CONTRACT,
        "The contract does not grant one of these columns.",
        "合约未授权其中的某一列。",
    ),
)


def refusal(violated: tuple[str, ...], status: ContractStatus, subject: str = "") -> Refused:
    """Return the refusal for the clauses `violated`; the first of the list above gives the reason."""
    if clauses.STATUS in violated and status is not ContractStatus.ACTIVE:
        return _refused(*_STATUS[status], violated, subject)
    for name, reason, en, zh in _CLAUSES:
        if name in violated:
            return _refused(reason, en, zh, violated, subject)
    en = "The department's policy forbids this; the clauses are named."
    return _refused(
        Reason.POLICY_FORBIDS, en, "数源部门的使用控制策略禁止该操作，违反的条款已列出。", violated, subject
    )


def _refused(reason: Reason, en: str, zh: str, violated: tuple[str, ...], subject: str) -> Refused:
    return Refused(reason, Detail(subject=subject or violated[0], hint_en=en, hint_zh=zh, clauses=violated))
