"""The receipt verification report (回执核验报告): totals that were recomputed, and what is wrong, by leaf."""

from dataclasses import dataclass
from enum import Enum, unique

from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.model.inspection import Issue
from yanmen.model.receipt import Stage
from yanmen.verify.attested import Anchored, Stamped
from yanmen.verify.not_proven import NOT_PROVEN
from yanmen.verify.stage_names import STAGES_ZH


@unique
class Severity(Enum):
    """An `ERROR` means the log does not hold; a `NOTE` is for the reader to judge."""

    ERROR = "error"
    NOTE = "note"


@unique
class Code(Enum):
    """What can be wrong; the value is the stable code."""

    FILE_MISSING = "FILE_MISSING"
    FILE_UNREADABLE = "FILE_UNREADABLE"
    FILE_MALFORMED = "FILE_MALFORMED"
    FILE_UNKNOWN = "FILE_UNKNOWN"
    SPACE_KEY_NOT_PINNED = "SPACE_KEY_NOT_PINNED"
    SPACE_KEY_DIFFERS = "SPACE_KEY_DIFFERS"
    REGISTER_SIGNATURE = "REGISTER_SIGNATURE"
    REGISTER_OTHER_SPACE = "REGISTER_OTHER_SPACE"
    NODE_NOT_REGISTERED = "NODE_NOT_REGISTERED"
    LOG_KEY_DIFFERS = "LOG_KEY_DIFFERS"
    CHECKPOINT_SIGNATURE = "CHECKPOINT_SIGNATURE"
    CHECKPOINT_OTHER_SIZE = "CHECKPOINT_OTHER_SIZE"
    ROOT_DIFFERS = "ROOT_DIFFERS"
    LEAF_LINES_DIFFER = "LEAF_LINES_DIFFER"
    LEAF_MISSING = "LEAF_MISSING"
    LEAF_ALTERED = "LEAF_ALTERED"
    LEAF_MALFORMED = "LEAF_MALFORMED"
    LEAF_SIGNATURE = "LEAF_SIGNATURE"
    LEAF_OTHER_NODE = "LEAF_OTHER_NODE"
    LEAF_STAGE_DIFFERS = "LEAF_STAGE_DIFFERS"
    RECEIPT_MISSING = "RECEIPT_MISSING"
    RECEIPT_MALFORMED = "RECEIPT_MALFORMED"
    RECEIPT_OTHER_LEAF = "RECEIPT_OTHER_LEAF"
    PROOF_MISSING = "PROOF_MISSING"
    PROOF_MALFORMED = "PROOF_MALFORMED"
    PROOF_WRONG = "PROOF_WRONG"
    GENESIS_WRONG = "GENESIS_WRONG"
    CONTINUES = "CONTINUES"
    DECLARED_GAP = "DECLARED_GAP"
    PREVIOUS_DIFFERS = "PREVIOUS_DIFFERS"
    TIME_BACKWARDS = "TIME_BACKWARDS"
    TIME_AHEAD = "TIME_AHEAD"
    JTI_REPEATED = "JTI_REPEATED"
    KEY_WRONG = "KEY_WRONG"
    SLOT_WITHHELD = "SLOT_WITHHELD"
    ERASED = "ERASED"
    ERASED_EARLY = "ERASED_EARLY"
    SLOT_MALFORMED = "SLOT_MALFORMED"
    SERIES_BROKEN = "SERIES_BROKEN"
    INTENT_OPEN = "INTENT_OPEN"
    INTENT_RUNNING = "INTENT_RUNNING"
    INTENT_CLOSED_TWICE = "INTENT_CLOSED_TWICE"
    OUTCOME_WITHOUT_INTENT = "OUTCOME_WITHOUT_INTENT"
    DECISION_WRONG = "DECISION_WRONG"
    CHARGE_DIFFERS = "CHARGE_DIFFERS"
    SPENT_DIFFERS = "SPENT_DIFFERS"
    CEILING_EXCEEDED = "CEILING_EXCEEDED"
    METER_DIFFERS = "METER_DIFFERS"
    PRICE_DIFFERS = "PRICE_DIFFERS"
    GRANT_WITHHELD = "GRANT_WITHHELD"
    INSPECTION_WRONG = "INSPECTION_WRONG"
    DOCUMENT_WRONG = "DOCUMENT_WRONG"
    OBJECTION_UNANSWERED = "OBJECTION_UNANSWERED"
    DELETION_WRONG = "DELETION_WRONG"
    DELETION_OVERDUE = "DELETION_OVERDUE"
    DELETION_MISSING = "DELETION_MISSING"
    RECTIFIED_LATE = "RECTIFIED_LATE"
    RECTIFICATION_OVERDUE = "RECTIFICATION_OVERDUE"
    REQUEST_SIGNATURE = "REQUEST_SIGNATURE"
    REQUEST_DIFFERS = "REQUEST_DIFFERS"
    REQUEST_REUSED = "REQUEST_REUSED"
    OUTCOME_DIFFERS = "OUTCOME_DIFFERS"
    REPEAT_DIFFERS = "REPEAT_DIFFERS"
    CONTRACT_UNSIGNED = "CONTRACT_UNSIGNED"
    CONTRACT_DIFFERS = "CONTRACT_DIFFERS"
    CONTRACT_NOT_IN_FORCE = "CONTRACT_NOT_IN_FORCE"
    TERMS_BROKEN = "TERMS_BROKEN"
    DATASET_NOT_CURRENT = "DATASET_NOT_CURRENT"
    RELEASE_TOO_LAX = "RELEASE_TOO_LAX"
    SPACE_OVERSPENT = "SPACE_OVERSPENT"
    NOISE_DIFFERS = "NOISE_DIFFERS"
    ACKNOWLEDGEMENT = "ACKNOWLEDGEMENT"
    CONTRACT_TOTAL_DIFFERS = "CONTRACT_TOTAL_DIFFERS"
    SPACE_TOTAL_DIFFERS = "SPACE_TOTAL_DIFFERS"
    COSIGNED_HEAD = "COSIGNED_HEAD"
    COSIGNED_OTHER_HISTORY = "COSIGNED_OTHER_HISTORY"
    NOT_COSIGNED = "NOT_COSIGNED"
    COSIGNED_PART = "COSIGNED_PART"
    TIME_STAMP_WRONG = "TIME_STAMP_WRONG"
    NOT_STAMPED = "NOT_STAMPED"
    NOT_CHECKED = "NOT_CHECKED"
    ANCHOR_DIFFERS = "ANCHOR_DIFFERS"
    ANCHOR_UNKNOWN = "ANCHOR_UNKNOWN"
    TILES_CHECKPOINT = "TILES_CHECKPOINT"
    TILE_MISSING = "TILE_MISSING"
    TILE_DIFFERS = "TILE_DIFFERS"
    TILES_ROOT_DIFFERS = "TILES_ROOT_DIFFERS"
    TILES_OTHER_HISTORY = "TILES_OTHER_HISTORY"


_TEXTS: dict[Code, tuple[str, str]] = {
    Code.FILE_MISSING: ("{subject} is missing", "缺少文件 {subject}"),
    Code.FILE_UNREADABLE: ("{subject} is no regular file or too large", "{subject} 不是普通文件或过大"),
    Code.FILE_MALFORMED: ("{subject}", "文件格式错误：{subject}"),
    Code.FILE_UNKNOWN: ("{subject} belongs to no bundle", "{subject} 不属于审计包"),
    Code.SPACE_KEY_NOT_PINNED: (
        "the space's key was taken from the bundle itself: compare it with one you got another way",
        "空间公钥取自审计包本身：请与经其他途径取得的公钥核对",
    ),
    Code.SPACE_KEY_DIFFERS: ("the space's key is another than yours", "空间公钥与您所持的不同"),
    Code.REGISTER_SIGNATURE: ("the space did not sign this register: {subject}", "登记册未经空间签名：{subject}"),
    Code.REGISTER_OTHER_SPACE: ("the register is that of another space", "登记册属于另一空间"),
    Code.NODE_NOT_REGISTERED: ("the register lists no such node", "登记册中没有该节点"),
    Code.LOG_KEY_DIFFERS: ("the register lists another log key", "登记册中的日志公钥与之不同"),
    Code.CHECKPOINT_SIGNATURE: ("the log did not sign this checkpoint: {subject}", "检查点未经日志签名：{subject}"),
    Code.CHECKPOINT_OTHER_SIZE: (
        "the checkpoint is over another number of leaves than stated",
        "检查点的叶数与声明不符",
    ),
    Code.ROOT_DIFFERS: (
        "the leaves do not give the checkpoint's root: history was rewritten",
        "由各叶重算的根与检查点不符：历史已被改写",
    ),
    Code.LEAF_LINES_DIFFER: ("leaves.txt does not give the checkpoint's root", "leaves.txt 与检查点的根不符"),
    Code.LEAF_MISSING: ("{leaf} is missing", "{leaf_zh}缺失"),
    Code.LEAF_ALTERED: ("{leaf} was altered", "{leaf_zh}被改动"),
    Code.LEAF_MALFORMED: ("{leaf} is malformed: {subject}", "{leaf_zh}格式错误：{subject}"),
    Code.LEAF_SIGNATURE: ("{leaf} is not signed by the node: {subject}", "{leaf_zh}未经节点签名：{subject}"),
    Code.LEAF_OTHER_NODE: ("{leaf} is by another node", "{leaf_zh}出自另一节点"),
    Code.LEAF_STAGE_DIFFERS: ("{leaf} is listed as another stage", "{leaf_zh}列表所记阶段不同"),
    Code.RECEIPT_MISSING: ("the receipt of {leaf} is missing", "{leaf_zh}的回执缺失"),
    Code.RECEIPT_MALFORMED: ("the receipt of {leaf} is malformed: {subject}", "{leaf_zh}的回执格式错误：{subject}"),
    Code.RECEIPT_OTHER_LEAF: ("the receipt of {leaf} is that of another leaf", "{leaf_zh}的回执属于另一叶"),
    Code.PROOF_MISSING: ("the inclusion proof of {leaf} is missing", "{leaf_zh}的存在性证明缺失"),
    Code.PROOF_MALFORMED: (
        "the inclusion proof of {leaf} is malformed: {subject}",
        "{leaf_zh}的存在性证明格式错误：{subject}",
    ),
    Code.PROOF_WRONG: ("the inclusion proof of {leaf} is wrong: {subject}", "{leaf_zh}的存在性证明不成立：{subject}"),
    Code.CONTINUES: (
        "this log continues another, whose last head it says was {subject}: verify that one too",
        "本日志承接另一份日志，其末次检查点为 {subject}，请一并核验",
    ),
    Code.DECLARED_GAP: (
        "the node declares that it lost leaves of the log before, {subject}",
        "节点声明已丢失前一份日志的叶 {subject}",
    ),
    Code.PREVIOUS_DIFFERS: (
        "this log is no continuation of the one before: {subject}",
        "本日志与前一份日志不相承接：{subject}",
    ),
    Code.GENESIS_WRONG: ("{leaf} is a genesis leaf out of place, or leaf 0 is none", "{leaf_zh}：创世叶位置不对"),
    Code.TIME_BACKWARDS: ("{leaf} is older than the leaf before it", "{leaf_zh}早于前一叶"),
    Code.TIME_AHEAD: ("{leaf} is dated later than {subject} saw it", "{leaf_zh}所载时间晚于 {subject} 所见时间"),
    Code.KEY_WRONG: ("{leaf} exchanges or states a key wrongly: {subject}", "{leaf_zh}密钥变更不成立：{subject}"),
    Code.JTI_REPEATED: ("{leaf} repeats the jti of an earlier leaf", "{leaf_zh}的 jti 与先前某叶重复"),
    Code.ERASED: (
        "{leaf} says that the disclosures of {subject} leaves were destroyed after their term",
        "{leaf_zh}载明 {subject} 片叶的披露内容已到期销毁",
    ),
    Code.ERASED_EARLY: (
        "{leaf} destroyed the disclosures of leaf {subject}, whose term was not over",
        "{leaf_zh}销毁了第 {subject} 号叶的披露内容，而其保存期限未满",
    ),
    Code.SLOT_WITHHELD: ("the receipt of {leaf} does not disclose {subject}", "{leaf_zh}的回执未披露 {subject}"),
    Code.SLOT_MALFORMED: ("{subject} in the receipt of {leaf} is malformed", "{leaf_zh}回执中的 {subject} 格式错误"),
    Code.SERIES_BROKEN: (
        "{leaf} does not follow the leaf before it of its series (contract {subject}): one is missing or altered",
        "{leaf_zh}与其序列（合约 {subject}）的前一叶不相接：有叶缺失或被改动",
    ),
    Code.INTENT_OPEN: ("{leaf} has no outcome: it was dropped", "{leaf_zh}没有结果：已被丢弃"),
    Code.INTENT_RUNNING: ("{leaf} has no outcome yet", "{leaf_zh}尚无结果"),
    Code.INTENT_CLOSED_TWICE: ("{leaf} closes an intent that was closed before", "{leaf_zh}重复结束同一意图"),
    Code.OUTCOME_WITHOUT_INTENT: ("{leaf} closes no intent", "{leaf_zh}没有对应的意图"),
    Code.DECISION_WRONG: ("{leaf} states a decision that does not fit it", "{leaf_zh}所述决定与其阶段不符"),
    Code.CHARGE_DIFFERS: ("{leaf} states another charge than its intent", "{leaf_zh}所记扣减与其意图不同"),
    Code.SPENT_DIFFERS: (
        "{leaf} states {subject}, which is not the sum of the contract's charges so far",
        "{leaf_zh}所记 {subject} 不等于该合约至此扣减之和",
    ),
    Code.CEILING_EXCEEDED: (
        "{leaf} approves prices {subject} fen above the ceiling then published",
        "{leaf_zh}批准的价格超出当时公布的上限收费标准 {subject} 分",
    ),
    Code.METER_DIFFERS: (
        "{leaf} states {subject} otherwise than the leaves before it and what was published make it",
        "{leaf_zh}所记计量（{subject}）与此前各叶及已公布的内容不符",
    ),
    Code.PRICE_DIFFERS: (
        "{leaf} is charged otherwise than the signed contract says, in fen: {subject}",
        "{leaf_zh}的收费与所签合约不符（实收 / 应收，分）：{subject}",
    ),
    Code.INSPECTION_WRONG: (
        "{leaf} records a step of an inspection that does not count: {subject}",
        "{leaf_zh}所记检查步骤不成立：{subject}",
    ),
    Code.DOCUMENT_WRONG: ("{leaf} records no document that counts: {subject}", "{leaf_zh}所记文书不成立：{subject}"),
    Code.DELETION_WRONG: (
        "{leaf} holds no proof of deletion that counts: {subject}",
        "{leaf_zh}的删除证明不成立：{subject}",
    ),
    Code.DELETION_OVERDUE: (
        "the consumer of contract {subject} did not prove in time that its answers are destroyed",
        "合约 {subject} 的使用方逾期未证明已删除所得结果",
    ),
    Code.DELETION_MISSING: (
        "the node did not say in time that its stored answers of contract {subject} are destroyed",
        "节点逾期未声明已销毁合约 {subject} 的存储结果",
    ),
    Code.OBJECTION_UNANSWERED: ("{subject} was not answered in time", "异议或投诉 {subject} 逾期未答复"),
    Code.RECTIFIED_LATE: (
        "{leaf} rectifies the finding {subject} after its deadline",
        "{leaf_zh}对问题 {subject} 的整改晚于期限",
    ),
    Code.RECTIFICATION_OVERDUE: (
        "the finding {subject} is past its deadline and not rectified",
        "问题 {subject} 已逾期，尚未整改",
    ),
    Code.GRANT_WITHHELD: (
        "the contract grants the regulator {subject}, and the receipt of {leaf} withholds it",
        "合约约定向主管部门披露 {subject}，而{leaf_zh}的回执未披露",
    ),
    Code.REQUEST_SIGNATURE: (
        "the consumer did not sign the request of {leaf}: {subject}",
        "{leaf_zh}的请求未经使用方签名：{subject}",
    ),
    Code.REQUEST_DIFFERS: ("the request of {leaf} is for another {subject}", "{leaf_zh}的请求针对另一 {subject}"),
    Code.ACKNOWLEDGEMENT: ("{leaf} is no acknowledgement that holds: {subject}", "{leaf_zh}不是有效的确认：{subject}"),
    Code.REQUEST_REUSED: ("{leaf} was charged on a request already used", "{leaf_zh}重复使用了已用过的请求"),
    Code.OUTCOME_DIFFERS: ("{leaf} says another {subject} than its intent", "{leaf_zh}所记 {subject} 与其意图不同"),
    Code.REPEAT_DIFFERS: (
        "{leaf} repeats no answer given before: another {subject}",
        "{leaf_zh}所重复的并非先前给出的结果：{subject} 不同",
    ),
    Code.CONTRACT_UNSIGNED: (
        "the contract in {leaf} is not signed by its party: {subject}",
        "{leaf_zh}中的合约未经当事方签名：{subject}",
    ),
    Code.CONTRACT_DIFFERS: (
        "{leaf} does not continue the contract as signed: {subject}",
        "{leaf_zh}与已签署的合约不相接：{subject}",
    ),
    Code.CONTRACT_NOT_IN_FORCE: (
        "{leaf} falls under a contract that is not in force there",
        "{leaf_zh}所依据的合约此时未生效",
    ),
    Code.TERMS_BROKEN: (
        "{leaf} goes beyond the signed terms of its contract: {subject}",
        "{leaf_zh}超出已签署的合约条款：{subject}",
    ),
    Code.DATASET_NOT_CURRENT: (
        "{leaf} reads a version of {subject} that is not published, or no longer",
        "{leaf_zh}读取的 {subject} 版本未发布或已失效",
    ),
    Code.RELEASE_TOO_LAX: (
        "{leaf} releases under a laxer rule than its data and contract demand: {subject}",
        "{leaf_zh}的发布规则宽于数据与合约的要求：{subject}",
    ),
    Code.SPACE_OVERSPENT: (
        "{leaf} charges subject space {subject} beyond its lifetime budget",
        "{leaf_zh}的扣减超出主体空间 {subject} 的终身预算",
    ),
    Code.NOISE_DIFFERS: (
        "{leaf} states noise that its charge does not give: {subject}",
        "{leaf_zh}所记噪声与其扣减不符：{subject}",
    ),
    Code.CONTRACT_TOTAL_DIFFERS: (
        "contract {subject}: the totals stated are not those of its receipts",
        "合约 {subject}：声明的合计与回执重算不符",
    ),
    Code.SPACE_TOTAL_DIFFERS: (
        "subject space {subject}: the totals stated are not those of the receipts",
        "主体空间 {subject}：声明的合计与回执重算不符",
    ),
    Code.COSIGNED_HEAD: ("the log did not sign the cosigned head: {subject}", "经见证的检查点未经日志签名：{subject}"),
    Code.COSIGNED_OTHER_HISTORY: (
        "the node showed its witnesses another history than this one: it was forked",
        "节点向见证者出示了另一种历史：日志已分叉",
    ),
    Code.NOT_COSIGNED: ("the witness {subject} cosigned no head of this log here", "见证者 {subject} 未对此日志联署"),
    Code.COSIGNED_PART: (
        "witnesses saw the first {subject} leaves; those after them are the node's word alone",
        "见证者见到前 {subject} 叶；其后各叶仅有节点自己的说法",
    ),
    Code.TIME_STAMP_WRONG: ("a time stamp does not hold: {subject}", "时间戳不成立：{subject}"),
    Code.NOT_STAMPED: ("no head has a time stamp of this authority", "没有该时间戳机构签发的时间戳"),
    Code.NOT_CHECKED: ("{subject} was not checked: nothing to check it with was given", "未核对：{subject}"),
    Code.ANCHOR_DIFFERS: ("the anchor {subject} is of another history", "锚定 {subject} 与本日志不符"),
    Code.ANCHOR_UNKNOWN: ("the log records no anchor {subject}", "日志未记录锚定 {subject}"),
    Code.TILES_CHECKPOINT: (
        "the log did not sign the mirror's checkpoint: {subject}",
        "镜像的检查点未经日志签名：{subject}",
    ),
    Code.TILE_MISSING: ("the mirror lacks {subject}", "镜像缺少 {subject}"),
    Code.TILE_DIFFERS: ("{subject} of the mirror does not fit the tree", "镜像中的 {subject} 与树不符"),
    Code.TILES_ROOT_DIFFERS: ("the mirror's tiles do not give its checkpoint's root", "镜像的分块与其检查点的根不符"),
    Code.TILES_OTHER_HISTORY: (
        "mirror and bundle are two histories of one log: it was forked",
        "镜像与审计包是同一日志的两种历史：日志已分叉",
    ),
}

_NOTES = frozenset(
    {
        Code.FILE_UNKNOWN,
        Code.INTENT_RUNNING,
        Code.SPACE_KEY_NOT_PINNED,
        Code.COSIGNED_PART,
        Code.ERASED,
        Code.CONTINUES,
        Code.DECLARED_GAP,
        Code.NOT_CHECKED,
        Code.RECTIFIED_LATE,
        Code.RECTIFICATION_OVERDUE,
        Code.DELETION_OVERDUE,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or worth knowing; `index` is the leaf's, None when it is about no leaf."""

    index: int | None
    severity: Severity
    code: Code
    subject: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness whose key was pinned saw the first `size` leaves as the whole log, at the Unix time `at_s`."""

    witness: str
    size: int
    at_s: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a bundle's verification found; every total was recomputed from receipts alone.

    `verified` counts the leaves about which nothing is wrong.
    """

    node: str
    origin: str
    size: int
    verified: int
    stages: tuple[tuple[Stage, int], ...]
    contracts: tuple[ContractTotal, ...]
    spaces: tuple[SpaceTotal, ...]
    findings: tuple[Finding, ...]
    cosigned: tuple[Cosigned, ...] = ()
    stamped: tuple[Stamped, ...] = ()
    anchored: tuple[Anchored, ...] = ()
    inspections: tuple[Issue, ...] = ()
    not_proven: tuple[tuple[str, str], ...] = NOT_PROVEN

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)


def finding(code: Code, index: int | None = None, stage: Stage | None = None, subject: str = "") -> Finding:
    """Return the finding `code` about leaf `index`, in both languages."""
    en, zh = _TEXTS[code]
    stage_en = f" ({stage.value})" if stage is not None else ""
    stage_zh = f"（{STAGES_ZH[stage]}）" if stage is not None else ""
    return Finding(
        index=index,
        severity=Severity.NOTE if code in _NOTES else Severity.ERROR,
        code=code,
        subject=subject,
        en=en.format(subject=subject, leaf=f"leaf {index}{stage_en}"),
        zh=zh.format(subject=subject, leaf_zh=f"第 {index} 号叶{stage_zh}"),
    )
