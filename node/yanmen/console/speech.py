"""How a page speaks: one of two languages, and every figure, time and name as people write it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, unique

from yanmen.model.catalogue import Channel, DatasetClass, Grade, Role, Sharing
from yanmen.model.contract import ContractStatus
from yanmen.model.inspection import IssueState
from yanmen.model.party import PartyRole, PartyStatus
from yanmen.model.receipt import Stage
from yanmen.verify.stepwise import Verdict

CIVIL_TIME = timezone(timedelta(hours=8))
LATEST_S = 253_000_000_000
"""The year 9987: a consumer may sign any time, and the calendar ends."""
ACCEPTED_MAX = 20
"""Languages of `Accept-Language` that are looked at."""


@unique
class Language(Enum):
    """What a page may be in; the value is its BCP 47 tag."""

    CHINESE = "zh-Hans"
    ENGLISH = "en"


_WORDS: Mapping[Enum, tuple[str, str]] = {
    Stage.GENESIS: ("genesis", "创世"),
    Stage.KEY: ("key", "密钥"),
    Stage.MEMBER: ("member", "成员"),
    Stage.DATASET: ("dataset", "数据集"),
    Stage.CONTRACT: ("contract", "合约"),
    Stage.APPROVAL: ("approval", "审批"),
    Stage.EXPLAINED: ("explained", "解释"),
    Stage.INTENT: ("intent", "意图"),
    Stage.OUTCOME: ("outcome", "结果"),
    Stage.REFUSED: ("refused", "拒绝"),
    Stage.ABORTED: ("aborted", "中止"),
    Stage.ACKNOWLEDGED: ("acknowledged", "确认"),
    Stage.OBJECTION: ("objection", "异议"),
    Stage.INCIDENT: ("incident", "安全事件"),
    Stage.ERASURE: ("erasure", "销毁"),
    Stage.STATEMENT: ("statement", "账单"),
    Stage.NOISE: ("noise", "噪声"),
    Stage.SET: ("set", "节点集合"),
    Stage.OPENED: ("opened", "开启"),
    Stage.INSPECTION: ("inspection", "检查"),
    Stage.DOCUMENT: ("document", "治理文件"),
    Stage.CONTROL: ("control", "管控指令"),
    ContractStatus.PENDING: ("waiting", "待审批"),
    ContractStatus.OFFERED: ("counter-offer", "反要约待答复"),
    ContractStatus.AGREED: ("being signed", "待各方签署"),
    ContractStatus.ACTIVE: ("active", "生效"),
    ContractStatus.DENIED: ("denied", "已拒绝"),
    ContractStatus.REVOKED: ("revoked", "已撤销"),
    ContractStatus.SUSPENDED: ("suspended", "已暂停"),
    IssueState.OPEN: ("open", "待整改"),
    IssueState.RECTIFIED: ("rectified", "待复查"),
    IssueState.PASSED: ("passed", "待销号"),
    IssueState.CLOSED: ("closed", "已销号"),
    DatasetClass.OPEN: ("open", "开放"),
    DatasetClass.EXACT: ("exact", "精确"),
    DatasetClass.PERSONAL: ("personal", "个人"),
    Grade.GENERAL: ("general", "一般"),
    Grade.IMPORTANT: ("important", "重要"),
    Grade.CORE: ("core", "核心"),
    Sharing.UNCONDITIONAL: ("unconditional", "无条件共享"),
    Sharing.CONDITIONAL: ("conditional", "有条件共享"),
    Sharing.NOT_SHARED: ("not shared", "不予共享"),
    Channel.SHARING: ("sharing", "共享"),
    Channel.OPENING: ("opening", "开放"),
    Channel.AUTHORISED_OPERATION: ("authorised operation", "授权运营"),
    Role.UNIT: ("unit", "个体"),
    Role.KEY: ("key", "分组列"),
    Role.MEASURE: ("measure", "度量列"),
    Role.HIDDEN: ("hidden", "隐藏列"),
    PartyRole.NODE: ("node", "节点"),
    PartyRole.DEVELOPER: ("developer", "开发主体"),
    PartyRole.OPERATOR: ("operator", "运营机构"),
    PartyRole.AUDITOR: ("auditor", "审计方"),
    PartyRole.REGULATOR: ("regulator", "主管部门"),
    PartyRole.AGGREGATOR: ("aggregator", "聚合方"),
    PartyRole.AUTHORITY: ("data authority", "数据主管部门"),
    PartyRole.STEWARD: ("steward", "数据专管员"),
    PartyRole.CHIEF_DATA_OFFICER: ("chief data officer", "首席数据官"),
    PartyRole.SECURITY_OFFICER: ("security officer", "安全员"),
    PartyStatus.PENDING: ("pending", "待准入"),
    PartyStatus.ACTIVE: ("active", "有效"),
    PartyStatus.REVOKED: ("revoked", "已撤销"),
    Verdict.HOLDS: ("holds", "成立"),
    Verdict.FAILS: ("FAILS", "不成立"),
    Verdict.SKIPPED: ("not checked", "未核对"),
}


def of_enum(value: Enum) -> tuple[str, str]:
    """Return the words for `value` in English and Chinese; one that has none speaks for itself."""
    return _WORDS.get(value, (str(value.value), str(value.value)))


def chosen(asked: str, accepted: str) -> Language:
    """Return the language a reader asked for, else the best of the header `Accept-Language`, else Chinese."""
    for language in Language:
        if asked == language.value:
            return language
    best, found = 0.0, Language.CHINESE
    for item in accepted.split(",")[:ACCEPTED_MAX]:
        tag, _, weight = item.strip().partition(";")
        language_or_none = _of_tag(tag.strip().lower())
        quality = _quality(weight.strip())
        if language_or_none is not None and quality > best:
            best, found = quality, language_or_none
    return found


def _of_tag(tag: str) -> Language | None:
    primary = tag.partition("-")[0]
    if primary == "zh":
        return Language.CHINESE
    return Language.ENGLISH if primary == "en" else None


def _quality(weight: str) -> float:
    if not weight:
        return 1.0
    digits = weight.removeprefix("q=")
    if len(digits) > 5 or not digits.replace(".", "", 1).isdecimal() or not digits.isascii():
        return 0.0
    return float(digits)


def when(moment_ms: int) -> str:
    """Return a time to the minute, in Chinese civil time (UTC+8)."""
    seconds = moment_ms // 1000
    if not 0 <= seconds <= LATEST_S:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).astimezone(CIVIL_TIME).strftime("%Y-%m-%d %H:%M")


def day(days: int) -> str:
    """Return a calendar day counted from 1970."""
    return (datetime(1970, 1, 1, tzinfo=CIVIL_TIME) + timedelta(days=days)).strftime("%Y-%m-%d")


def number(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}"


def yuan(fen: int) -> str:
    """Return an amount in yuan, to the fen."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02}"


def percent(part: int, whole: int) -> str:
    """Return how much of `whole` is `part`."""
    if whole <= 0:
        return "-"
    tenths = part * 1000 // whole
    return "< 0.1 %" if part and not tenths else f"{tenths / 10:g} %"
