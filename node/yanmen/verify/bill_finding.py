"""What can be wrong with a statement of account or with the sum of all, in both languages."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class BillCode(Enum):
    """What was found; the value is the stable code."""

    STATEMENT_MALFORMED = "STATEMENT_MALFORMED"
    STATEMENT_SIGNATURE = "STATEMENT_SIGNATURE"
    STATEMENT_OTHER_LOG = "STATEMENT_OTHER_LOG"
    STATEMENT_ROOT = "STATEMENT_ROOT"
    STATEMENT_NOT_RECORDED = "STATEMENT_NOT_RECORDED"
    PERIOD_NOT_OVER = "PERIOD_NOT_OVER"
    PERIOD_STATED_AGAIN = "PERIOD_STATED_AGAIN"
    OUTPUT_UNREADABLE = "OUTPUT_UNREADABLE"
    FIGURE_DIFFERS = "FIGURE_DIFFERS"
    SHARE_DIFFERS = "SHARE_DIFFERS"
    TERMS_WITHHELD = "TERMS_WITHHELD"
    LOG_TWICE = "LOG_TWICE"
    SPACE_DIFFERS = "SPACE_DIFFERS"
    NODE_ABSENT = "NODE_ABSENT"
    LOG_BEFORE_ABSENT = "LOG_BEFORE_ABSENT"
    REVENUE_ABOVE_MAXIMUM = "REVENUE_ABOVE_MAXIMUM"
    HEAD_WRONG = "HEAD_WRONG"
    HEAD_OTHER_HISTORY = "HEAD_OTHER_HISTORY"
    HEAD_OF_BUNDLE = "HEAD_OF_BUNDLE"
    LEAVES_SINCE = "LEAVES_SINCE"
    SEED_TOO_EARLY = "SEED_TOO_EARLY"
    SEED_UNWITNESSED = "SEED_UNWITNESSED"
    DRAWN_NODE_ABSENT = "DRAWN_NODE_ABSENT"


_TEXTS: dict[BillCode, tuple[str, str]] = {
    BillCode.STATEMENT_MALFORMED: ("the statement is malformed: {subject}", "账单格式错误：{subject}"),
    BillCode.STATEMENT_SIGNATURE: (
        "the node did not sign this as a statement: {subject}",
        "账单未经节点签名：{subject}",
    ),
    BillCode.STATEMENT_OTHER_LOG: ("the statement is about another log", "账单属于另一日志"),
    BillCode.STATEMENT_ROOT: (
        "the statement was made over another history than this log",
        "账单所依据的历史与本日志不同",
    ),
    BillCode.STATEMENT_NOT_RECORDED: (
        "this log does not record the statement after the leaves it is over",
        "本日志在所涉各叶之后没有该账单的存证",
    ),
    BillCode.PERIOD_NOT_OVER: (
        "the statement was issued before its period was over, or at another time than recorded",
        "账单在账期结束前出具，或出具时间与存证不符",
    ),
    BillCode.PERIOD_STATED_AGAIN: (
        "leaf {subject} records another statement over part of this period: it must not be paid twice",
        "第 {subject} 号叶另有账单涉及本账期：不得重复付费",
    ),
    BillCode.OUTPUT_UNREADABLE: (
        "contract {contract}: leaf {subject} does not say how many rows and columns it released",
        "合约 {contract}：第 {subject} 号叶未说明释放的行数与列数",
    ),
    BillCode.FIGURE_DIFFERS: (
        "contract {contract}: {subject} is stated as {stated}, the receipts come to {counted}",
        "合约 {contract}：{subject} 账单为 {stated}，按回执重算为 {counted}",
    ),
    BillCode.SHARE_DIFFERS: (
        "contract {contract}: the share of {subject} is stated as {stated} fen, the receipts come to {counted}",
        "合约 {contract}：{subject} 的分配额账单为 {stated} 分，按回执重算为 {counted} 分",
    ),
    BillCode.TERMS_WITHHELD: (
        "contract {contract}: its signed offer is not disclosed, so nobody can tell what its uses should cost",
        "合约 {contract}：未披露其签署的要约，无法核对应收价格",
    ),
    BillCode.LOG_TWICE: ("{subject} is given twice: it would count twice", "{subject} 重复提供：将被重复计算"),
    BillCode.SPACE_DIFFERS: ("the bundles are of different spaces: {subject}", "各审计包属于不同空间：{subject}"),
    BillCode.NODE_ABSENT: (
        "node {subject} is in the register and has no bundle here: its uses are not in the sum",
        "登记册中的节点 {subject} 没有提供审计包：其使用未计入合计",
    ),
    BillCode.LOG_BEFORE_ABSENT: (
        "a log here continues {subject}, which has no bundle here: what stands in it is not looked at",
        "此处有日志承接 {subject}，而未提供后者的审计包：其中内容未予核查",
    ),
    BillCode.REVENUE_ABOVE_MAXIMUM: (
        "the revenue is {counted} fen, {subject} fen above the maximum permitted {stated}",
        "收入 {counted} 分，超出最高准许收入 {stated} 分 {subject} 分",
    ),
    BillCode.HEAD_WRONG: (
        "a head does not count, so nothing is drawn: {subject}",
        "检查点不成立，不予抽取：{subject}",
    ),
    BillCode.HEAD_OTHER_HISTORY: (
        "the bundle of {subject} does not contain the head that was sampled: the log was shortened or rewritten",
        "{subject} 的审计包不含抽样所依据的检查点：日志被截短或改写",
    ),
    BillCode.HEAD_OF_BUNDLE: (
        "the head of {subject} came with its bundle: if that was handed over after the seed was known, its node could "
        "choose among older heads; collect heads first",
        "{subject} 的检查点随审计包提交：若在种子公布之后提交，节点可在多个旧检查点中挑选；应先收集检查点",
    ),
    BillCode.LEAVES_SINCE: (
        "{counted} leaves of {subject} lie behind the head sampled, of {stated} leaves: none of them was drawn",
        "{subject} 有 {counted} 片叶在抽样所依据的检查点（{stated} 片叶）之后：均未被抽取",
    ),
    BillCode.SEED_TOO_EARLY: (
        "the seed was made at {stated}, and a witness saw the head of {subject} at {counted} only: draw another seed",
        "种子产生于 {stated}，而 {subject} 的检查点于 {counted} 才经见证：请重新产生种子",
    ),
    BillCode.SEED_UNWITNESSED: (
        "no witness shows that the heads were there before the seed: only those who were present can tell",
        "没有见证者证明检查点早于种子：仅在场人员可以说明",
    ),
    BillCode.DRAWN_NODE_ABSENT: (
        "node {subject} was drawn and its bundle is not here",
        "节点 {subject} 已被抽中，但未提供其审计包",
    ),
}
_NOTES = frozenset(
    {
        BillCode.PERIOD_STATED_AGAIN,
        BillCode.NODE_ABSENT,
        BillCode.LOG_BEFORE_ABSENT,
        BillCode.HEAD_OF_BUNDLE,
        BillCode.LEAVES_SINCE,
        BillCode.SEED_UNWITNESSED,
    }
)


@dataclass(frozen=True, slots=True)
class BillFinding:
    """One thing that is wrong, or for the reader to judge if `note`; figures are None where there are none."""

    code: BillCode
    contract: str
    subject: str
    stated: int | None
    counted: int | None
    note: bool
    en: str
    zh: str


def bill_finding(
    code: BillCode, contract: str = "", subject: str = "", stated: int | None = None, counted: int | None = None
) -> BillFinding:
    """Return the finding `code`, in both languages."""
    words = {"contract": contract, "subject": subject, "stated": _figure(stated), "counted": _figure(counted)}
    en, zh = (text.format(**words) for text in _TEXTS[code])
    return BillFinding(code, contract, subject, stated, counted, note=code in _NOTES, en=en, zh=zh)


def _figure(value: int | None) -> str:
    return "-" if value is None else str(value)
