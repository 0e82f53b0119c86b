"""What the controls of a contract mean: whether a node can enforce one, whether one is kept, what they count and bound.

One place says it for signing (admission), for each use (admission and ledger) and for the auditor (verify).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from yanmen.formats import control_values as values
from yanmen.formats.control_values import Daily, Interval, Uses
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Bounds, Terms
from yanmen.model.usage_control import Constraint, Control, Facts, Operator

ENVIRONMENT = frozenset({"02"})
"""executionEnv: every question runs in a data sandbox (数据沙箱)."""
ENCRYPTION = frozenset({"01"})
"""encryptMode: inside the sandbox data is used as it is (明文使用)."""
DELIVERY = frozenset({"03"})
"""deliveryMethod: an answer is the reply of an API (API 传输)."""
ALGORITHMS = frozenset({"avg", "count", "count-distinct", "sum"})
"""algorithm: what a plan is made of; anything else a question asks is made of these."""

_WITHIN = frozenset({Operator.EQ, Operator.IS_A, Operator.IS_ANY_OF, Operator.IS_PART_OF})
_OUTSIDE = frozenset({Operator.NEQ, Operator.IS_NONE_OF})
_SETS = _WITHIN | _OUTSIDE
_MOST = frozenset({Operator.LT, Operator.LTEQ})
_ORDER = _MOST | {Operator.GT, Operator.GTEQ}
_SINGLE = _ORDER | {Operator.EQ, Operator.NEQ}
_REGION = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{4}00", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What controls allow at most: uses by period, bytes of a reply, rows of an answer; None = they do not say."""

    uses: tuple[Uses, ...] = ()
    reply_bytes: int | None = None
    rows: int | None = None


def unenforceable(control: Control) -> tuple[str, str] | None:
    """Return why, in English and Chinese, a node cannot enforce `control`; None when it can."""
    known = _RULES.get(control.constraint)
    if known is None:
        return _NEVER[control.constraint]
    if control.operator not in known.operators:
        names = ", ".join(sorted(operator.value for operator in known.operators))
        return f"it is enforced with {names} only", f"该约束仅支持运算符：{names}"
    if control.operator in _SINGLE and len(control.values) != 1:
        return "this operator takes one value", "该运算符只接受一个约束值"
    try:
        known.check(control)
    except Malformed as error:
        return str(error), "约束值不符合规定的格式，或本节点无法满足"
    return None


def kept(control: Control, facts: Facts) -> bool:
    """Say whether `control` is kept, as far as `facts` tell; what cannot be enforced is never kept."""
    if unenforceable(control) is not None:
        return False
    return _RULES[control.constraint].kept(control, facts)


def narrowed(terms: Terms) -> Bounds:
    """Return what one question may use under `terms`: their own bounds, and those that their controls say."""
    found, bounds = ceilings(terms.rules.controls), terms.bounds
    return replace(
        bounds,
        reply_bytes=_least(bounds.reply_bytes, found.reply_bytes),
        rows=_least(bounds.rows, found.rows),
        groups=_least(bounds.groups, found.rows),
    )


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def broken(controls: tuple[Control, ...], facts: Facts) -> tuple[str, ...]:
    """Return the names of the controls that a use of these facts breaks."""
    return tuple(sorted({control.constraint.value for control in controls if not kept(control, facts)}))


def ceilings(controls: tuple[Control, ...]) -> Ceilings:
    """Return what `controls` allow at most, the least where several say it."""
    period_ms = max((_period_ms(control) for control in controls), default=0)
    uses = tuple(_uses(control, period_ms) for control in controls if control.constraint in _COUNTED)
    return Ceilings(
        uses,
        min(_most(controls, Constraint.DATA_SIZE, values.size), default=None),
        min(_most(controls, Constraint.DATA_RECORD, _records), default=None),
    )


_COUNTED = frozenset({Constraint.COUNT, Constraint.FREQUENCY})


def _uses(control: Control, period_ms: int) -> Uses:
    """Return the ceiling of a count, which a `timeWindow eq P1D` beside it makes one of each such period."""
    found = values.uses(control.values[0])
    most = found.most - (control.operator is Operator.LT)
    counted = control.constraint is Constraint.COUNT and not found.period_ms
    return Uses(most, period_ms if counted else found.period_ms)


def _period_ms(control: Control) -> int:
    if control.constraint is not Constraint.TIME_WINDOW or control.operator is not Operator.EQ:
        return 0
    return values.span_ms(control.values[0])


def _most(controls: tuple[Control, ...], constraint: Constraint, read: Callable[[str], int]) -> Iterator[int]:
    for control in controls:
        if control.constraint is constraint:
            yield read(control.values[0]) - (control.operator is Operator.LT)


def _records(text: str) -> int:
    found = values.uses(text)
    if found.period_ms:
        raise Malformed("not a number of records")
    return found.most


def contradictory(controls: tuple[Control, ...], terms: Terms) -> tuple[str, ...]:
    """Return the names of the constraints that no use under `terms` could keep, as their `controls` stand together."""
    found = {name for name in _CANDIDATES if not _some(controls, name, terms)}
    timed = [each for each in controls if each.constraint in _TIMED]
    moments = _moments(timed, terms)
    if not any(all(kept(each, Facts(at, terms.not_before_ms)) for each in timed) for at in moments):
        found |= {each.constraint for each in timed}
    limits = ceilings(controls)
    if min((*(uses.most for uses in limits.uses), limits.reply_bytes or 1, limits.rows or 1), default=1) < 1:
        found.add(Constraint.COUNT)
    return tuple(sorted(constraint.value for constraint in found))


_TIMED = frozenset({Constraint.TIME, Constraint.TIME_WINDOW})


def _some(controls: tuple[Control, ...], name: Constraint, terms: Terms) -> bool:
    """Say whether anything keeps all that is said of `name`; what only keeps things away always leaves some."""
    about = [each for each in controls if each.constraint is name]
    if not any(each.operator in _WITHIN | _MOST for each in about):
        return name is not Constraint.DATA_FIELD or not about or _kept_by_all(about, _CANDIDATES[name](about, terms))
    return _kept_by_all(about, _CANDIDATES[name](about, terms))


def _kept_by_all(about: list[Control], candidates: Iterable[Facts]) -> bool:
    return any(all(kept(each, facts) for each in about) for facts in candidates)


def _texts(about: list[Control]) -> Iterator[str]:
    for control in about:
        yield from control.values


_CANDIDATES: Mapping[Constraint, Callable[[list[Control], Terms], Iterable[Facts]]] = {
    Constraint.REGION: lambda about, _: (Facts(region=text[:4].ljust(4, "0")) for text in _texts(about)),
    Constraint.NETWORK_ADDRESS: lambda about, _: (
        Facts(address=str(at)) for text in _texts(about) for at in (values.network(text)[0], values.network(text)[-1])
    ),
    Constraint.DATA_FIELD: lambda _, terms: (
        Facts(fields=frozenset({column.lower()})) for grant in terms.grants for column in grant.columns
    ),
    Constraint.ALGORITHM: lambda _, __: (Facts(algorithms=frozenset({name})) for name in sorted(ALGORITHMS)),
    Constraint.PAY_AMOUNT: lambda _, terms: (Facts(price_fen=terms.price_per_query_fen),),
}
"""What is tried to see whether anything keeps the controls of a constraint."""


def _moments(timed: list[Control], terms: Terms) -> Iterator[int]:
    """Yield every moment within the contract at which one of `timed` begins or ceases to hold."""
    begin_ms, end_ms = terms.not_before_ms, terms.not_after_ms
    edges = {begin_ms, end_ms - 1}
    for control in timed:
        for text in control.values:
            edges |= set(_edges(control, text, begin_ms))
    yield from (edge for edge in sorted(edges) if begin_ms <= edge < end_ms)


def _edges(control: Control, text: str, begin_ms: int) -> Iterator[int]:
    if control.constraint is Constraint.TIME and control.operator in _ORDER:
        bound = values.moment(text)
        yield from (bound - 1, bound, bound + 1)
    elif control.operator in _SETS - {Operator.EQ} or control.constraint is Constraint.TIME:
        found = values.window(text)
        if isinstance(found, Interval):
            yield from (found.begin_ms, found.end_ms)
            return
        midnight = (begin_ms + _CIVIL_MS) // values.DAY_MS * values.DAY_MS - _CIVIL_MS
        for day in range(_DAYS):
            yield midnight + day * values.DAY_MS + found.begin * values.MINUTE_MS
            yield midnight + day * values.DAY_MS + found.end * values.MINUTE_MS


_CIVIL_MS = 8 * values.HOUR_MS
_DAYS = 9
"""A week, and the days it begins and ends in."""


# Whether each can be enforced, and whether it is kept ------------------------------------------------


def _check_time(control: Control) -> None:
    for text in control.values:
        (values.moment if control.operator in _ORDER else values.interval)(text)


def _time_kept(control: Control, facts: Facts) -> bool:
    if facts.now_ms is None:
        return True
    if control.operator not in _ORDER:
        return _in_windows(control, facts.now_ms)
    bound = values.moment(control.values[0])
    match control.operator:
        case Operator.LT:
            return facts.now_ms < bound
        case Operator.LTEQ:
            return facts.now_ms <= bound
        case Operator.GT:
            return facts.now_ms > bound
        case _:
            return facts.now_ms >= bound


def _check_window(control: Control) -> None:
    if control.operator is Operator.EQ or control.operator in _MOST:
        values.span_ms(control.values[0])
        return
    for text in control.values:
        values.window(text)


def _window_kept(control: Control, facts: Facts) -> bool:
    if facts.now_ms is None or control.operator is Operator.EQ:
        return True  # the period of a count, which is the ledger's to count
    if control.operator in _MOST:
        return facts.now_ms - facts.begun_ms < values.span_ms(control.values[0])
    return _in_windows(control, facts.now_ms)


def _in_windows(control: Control, now_ms: int) -> bool:
    found: list[Interval | Daily] = [values.window(text) for text in control.values]
    return any(each.holds(now_ms) for each in found) is (control.operator not in _OUTSIDE)


def _check_region(control: Control) -> None:
    if not all(map(_REGION.fullmatch, control.values)):
        raise Malformed("a region is 2 or 4 digits of GB/T 2260: the connector id tells no more")


def _region_kept(control: Control, facts: Facts) -> bool:
    if facts.region is None:
        return True
    region = facts.region
    within = any(region.startswith(text[:4]) for text in control.values)
    return within is (control.operator in _WITHIN)


def _check_network(control: Control) -> None:
    for text in control.values:
        values.network(text)


def _network_kept(control: Control, facts: Facts) -> bool:
    if facts.address is None:
        return True
    try:
        caller = ip_address(facts.address)
    except ValueError:
        return False  # a caller whose address is not known is in no network, and outside none
    mapped = getattr(caller, "ipv4_mapped", None)
    within = any((mapped or caller) in values.network(text) for text in control.values)
    return within is (control.operator in _WITHIN)


def _check_uses(control: Control) -> None:
    found = values.uses(control.values[0])
    if control.constraint is Constraint.FREQUENCY and not found.period_ms:
        raise Malformed("a frequency says its period: 10 次/分钟, /小时 or /天")


def _check_size(control: Control) -> None:
    values.size(control.values[0])


def _check_records(control: Control) -> None:
    _records(control.values[0])


def _counted(_: Control, __: Facts) -> bool:
    """Counted by the ledger, or bounded where the job runs: nothing to hold against facts here."""
    return True


def _check_fields(control: Control) -> None:
    if not all(map(_NAME.fullmatch, control.values)):
        raise Malformed("not names of columns")


def _fields_kept(control: Control, facts: Facts) -> bool:
    named = frozenset(text.lower() for text in control.values)
    return facts.fields is None or _set_kept(control, facts.fields, named)


def _check_algorithms(control: Control) -> None:
    if control.operator in _WITHIN and not set(control.values) <= ALGORITHMS:
        raise Malformed("the node computes " + ", ".join(sorted(ALGORITHMS)))


def _algorithms_kept(control: Control, facts: Facts) -> bool:
    return facts.algorithms is None or _set_kept(control, facts.algorithms, frozenset(control.values))


def _set_kept(control: Control, given: frozenset[str], named: frozenset[str]) -> bool:
    return given <= named if control.operator in _WITHIN else not given & named


def _check_models(_: Control) -> None:
    """No model is ever run or trained here, so that each that is kept away is."""


def _fixed(given: frozenset[str]) -> "_Rule":
    """Return the rule of a constraint whose answer is the same for every use of this program."""

    def check(control: Control) -> None:
        if not _set_kept(control, given, frozenset(text[:2] for text in control.values)):
            raise Malformed(f"this node's is {', '.join(sorted(given))}")

    return _Rule(_SETS, check, _counted)


def _check_amount(control: Control) -> None:
    values.fen(control.values[0])


def _amount_kept(control: Control, facts: Facts) -> bool:
    if facts.price_fen is None:
        return True
    amount = values.fen(control.values[0])
    match control.operator:
        case Operator.LT:
            return facts.price_fen < amount
        case Operator.EQ:
            return facts.price_fen in (0, amount)  # a use that is free by the tariff costs nothing
        case _:
            return facts.price_fen <= amount


@dataclass(frozen=True, slots=True)
class _Rule:
    """With which operators a constraint is enforced, which values it takes, and when it is kept."""

    operators: frozenset[Operator]
    check: Callable[[Control], None]
    kept: Callable[[Control, Facts], bool]


_RULES: Mapping[Constraint, _Rule] = {
    Constraint.TIME: _Rule(_ORDER | _SETS - {Operator.EQ, Operator.NEQ}, _check_time, _time_kept),
    Constraint.TIME_WINDOW: _Rule(_MOST | _SETS - {Operator.NEQ}, _check_window, _window_kept),
    Constraint.REGION: _Rule(_SETS, _check_region, _region_kept),
    Constraint.NETWORK_ADDRESS: _Rule(_SETS, _check_network, _network_kept),
    Constraint.COUNT: _Rule(_MOST, _check_uses, _counted),
    Constraint.FREQUENCY: _Rule(_MOST, _check_uses, _counted),
    Constraint.DATA_SIZE: _Rule(_MOST, _check_size, _counted),
    Constraint.DATA_RECORD: _Rule(_MOST, _check_records, _counted),
    Constraint.DATA_FIELD: _Rule(_SETS, _check_fields, _fields_kept),
    Constraint.ALGORITHM: _Rule(_SETS, _check_algorithms, _algorithms_kept),
    Constraint.MODELS: _Rule(_OUTSIDE, _check_models, _counted),
    Constraint.EXECUTION_ENV: _fixed(ENVIRONMENT),
    Constraint.ENCRYPT_MODE: _fixed(ENCRYPTION),
    Constraint.DELIVERY_METHOD: _fixed(DELIVERY),
    Constraint.PAY_AMOUNT: _Rule(_MOST | {Operator.EQ}, _check_amount, _amount_kept),
}
_NEVER: Mapping[Constraint, tuple[str, str]] = {
    Constraint.PHYSICAL_ADDRESS: (
        "a caller's hardware is not seen from here; name networks, or its region",
        "节点无法识别调用方的硬件标识，请改用网络地址或地域约束",
    ),
    Constraint.VALUE_EXPRESSION: (
        "rows are not filtered by contract; publish a dataset of the rows meant",
        "合约不筛选记录，请发布只含相应记录的数据集",
    ),
    Constraint.APPLICATION: (
        "which program asks cannot be proved; name its network or its member",
        "无法证明调用方使用的应用程序，请改用网络地址或成员约束",
    ),
    Constraint.EXPANSION: ("what it means is not defined", "扩展约束未定义含义"),
}
ENFORCED = frozenset(_RULES)
"""The constraints a node enforces, with some operator."""
