"""The constraints of a contract, one line each: what they are called in ODRL and how their operand is written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple

from yanmen.formats import contract_negotiation, contract_operation, contract_tariff, decimals, json_members
from yanmen.formats.json_canonical import INTEGER_MAX, Json
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Channel
from yanmen.model.consent import ConsentRule
from yanmen.model.contract import Bounds, Filled, Grant, Operated, Round, Scenario, Terms
from yanmen.model.tariff import Split, Tariff

MEMBERS = frozenset({"leftOperand", "operator", "rightOperand"})
SCENARIO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
TEXT_MAX = 2000
TIME_MAX_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""
_TYPED = frozenset({"@type", "@value"})
_SCENARIO = frozenset({"@id", "legalBasis", "text"})
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\.([0-9]{3})Z", re.ASCII)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MalformedTerms(Malformed):
    """The terms are not in the profile at `path`."""

    def __init__(self, path: str, rule: str) -> None:
        """Hold the `path` and the `rule` broken there."""
        self.path = path
        super().__init__(f"{path}: {rule}" if path else rule)


class At:
    """Gives every format error inside its block the path of the document it is about."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        """Stand at `path`, "" for the whole document."""
        self._path = path

    def __enter__(self) -> "At":
        """Return the place, for `require`."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Name the path in a format error that has none yet."""
        if isinstance(error, Malformed) and not isinstance(error, MalformedTerms):
            raise MalformedTerms(self._path, str(error)) from error

    def require(self, met: bool, name: str, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Refuse the member `name` unless the rule is met."""
        if not met:
            raise MalformedTerms(f"{self._path}/{name}".lstrip("/"), rule)


class Kind(NamedTuple):
    """One constraint: its ODRL names, its field of `Terms`, how to write it and how to read it."""

    left: str
    operator: str
    field: str
    write: Callable[[object], Json]
    read: Callable[[Json], object]

    @property
    def numeric(self) -> bool:
        """Whether the operand is a whole number."""
        return self.read is _read_integer

    @property
    def optional(self) -> bool:
        """Whether a contract may leave it out."""
        return self.field in _OPTIONAL


def _write_integer(value: object) -> Json:
    if not isinstance(value, int) or isinstance(value, bool) or value > INTEGER_MAX:
        raise Malformed("not an integer below 2^53")
    return {"@type": "xsd:integer", "@value": decimals.encode(value)}


def _read_integer(value: Json) -> int:
    number = decimals.decode(_typed(value, "xsd:integer"))
    if number > INTEGER_MAX:
        raise Malformed("integer beyond 2^53 - 1")
    return number


def _write_time(value: object) -> Json:
    if not isinstance(value, int) or not 0 <= value <= TIME_MAX_MS:
        raise Malformed("not a time between 1970 and 9999")
    seconds, milliseconds = divmod(value, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {"@type": "xsd:dateTime", "@value": f"{moment}.{milliseconds:03d}Z"}


def _read_time(value: Json) -> int:
    match = _TIME.fullmatch(_typed(value, "xsd:dateTime"))
    if match is None:
        raise Malformed("not a UTC time with milliseconds")
    try:
        moment = datetime.fromisoformat(match[1] + "+00:00")
    except ValueError as error:
        raise Malformed("no such time") from error
    since = moment - _EPOCH
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 + int(match[2])
    if milliseconds < 0:
        raise Malformed("before 1970")
    return milliseconds


def _typed(value: Json, kind: str) -> str:
    members = json_members.exact(value, _TYPED)
    if members["@type"] != kind:
        raise Malformed(f"not a {kind}")
    return json_members.text(members, "@value", 32)


def _write_scenario(value: object) -> Json:
    if not isinstance(value, Scenario):
        raise Malformed("not a scenario")
    return {"@id": value.id, "legalBasis": value.legal_basis, "text": value.text}


def _read_scenario(value: Json) -> Scenario:
    members = json_members.exact(value, _SCENARIO)
    scenario = Scenario(
        id=json_members.text(members, "@id"),
        text=json_members.text(members, "text", TEXT_MAX),
        legal_basis=json_members.text(members, "legalBasis", TEXT_MAX),
    )
    if SCENARIO_ID.fullmatch(scenario.id) is None or not scenario.text.strip() or not scenario.legal_basis.strip():
        raise Malformed("a scenario has an id, a text and a legal basis")
    return scenario


def _write_channel(value: object) -> Json:
    if not isinstance(value, Channel):
        raise Malformed("not a channel")
    return value.value


def _read_channel(value: Json) -> Channel:
    for channel in Channel:
        if value == channel.value:
            return channel
    raise Malformed("unknown channel")


def _write_consent(value: object) -> Json:
    return value.value if isinstance(value, ConsentRule) else None


def _read_consent(value: Json) -> ConsentRule:
    if value != ConsentRule.RECORDED.value:
        raise Malformed(f"not {ConsentRule.RECORDED.value!r}")
    return ConsentRule.RECORDED


def _write_text(value: object) -> Json:
    return _read_text(value if isinstance(value, str) else None)


def _read_text(value: Json) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX:
        raise Malformed("not a short text")
    return value


def _write_texts(value: object) -> Json:
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise Malformed("not a list of texts")
    return list(value)


def _read_texts(value: Json) -> tuple[str, ...]:
    return json_members.texts({"rightOperand": value}, "rightOperand", 64, 64)


_KINDS = (
    Kind("purpose", "eq", "scenario", _write_scenario, _read_scenario),
    Kind("yanmen:channel", "eq", "channel", _write_channel, _read_channel),
    Kind("dateTime", "gteq", "not_before_ms", _write_time, _read_time),
    Kind("dateTime", "lt", "not_after_ms", _write_time, _read_time),
    Kind("count", "lteq", "queries", _write_integer, _read_integer),
    Kind("yanmen:countPerDay", "lteq", "queries_per_day", _write_integer, _read_integer),
    Kind("yanmen:minGroup", "gteq", "min_group", _write_integer, _read_integer),
    Kind("yanmen:microRho", "lteq", "micro_rho", _write_integer, _read_integer),
    Kind("yanmen:microRhoPerQuery", "eq", "micro_rho_per_query", _write_integer, _read_integer),
    Kind("yanmen:microRhoPerQuery", "lteq", "micro_rho_per_query_max", _write_integer, _read_integer),
    Kind("yanmen:deltaE12", "lteq", "delta_e12", _write_integer, _read_integer),
    Kind("yanmen:priceFenPerQuery", "eq", "price_per_query_fen", _write_integer, _read_integer),
    Kind("yanmen:tariff", "eq", "tariff", contract_tariff.write_tariff, contract_tariff.read_tariff),
    Kind("yanmen:split", "eq", "split", contract_tariff.write_split, contract_tariff.read_split),
    Kind("yanmen:retentionDays", "lteq", "retention_days", _write_integer, _read_integer),
    Kind("yanmen:regulatorDiscloses", "isAnyOf", "regulator_discloses", _write_texts, _read_texts),
    Kind("yanmen:paperSha256", "eq", "paper_sha256", _write_text, _read_text),
    Kind("yanmen:operation", "eq", "operated", contract_operation.write, contract_operation.read),
    Kind("yanmen:rows", "lteq", "rows", _write_integer, _read_integer),
    Kind("yanmen:groups", "lteq", "groups", _write_integer, _read_integer),
    Kind("yanmen:replyBytes", "lteq", "reply_bytes", _write_integer, _read_integer),
    Kind("yanmen:memoryBytes", "lteq", "memory_bytes", _write_integer, _read_integer),
    Kind("yanmen:cpuSeconds", "lteq", "cpu_seconds", _write_integer, _read_integer),
    Kind("yanmen:wallMs", "lteq", "wall_ms", _write_integer, _read_integer),
    Kind("yanmen:spillBytes", "lteq", "spill_bytes", _write_integer, _read_integer),
    Kind("yanmen:template", "eq", "filled", contract_negotiation.write_filled, contract_negotiation.read_filled),
    Kind("yanmen:signers", "isAllOf", "signers", contract_negotiation.write_signers, contract_negotiation.read_signers),
    Kind("yanmen:deletionDays", "lteq", "deletion_days", _write_integer, _read_integer),
    Kind("yanmen:consent", "eq", "consent", _write_consent, _read_consent),
    Kind("yanmen:amends", "eq", "amends", contract_negotiation.write_digest, contract_negotiation.read_digest),
    Kind("yanmen:round", "eq", "round", contract_negotiation.write_round, contract_negotiation.read_round),
)
_BOUNDS = frozenset(Bounds.__slots__)
_OPTIONAL = _BOUNDS | {
    "amends",
    "consent",
    "deletion_days",
    "filled",
    "operated",
    "paper_sha256",
    "round",
    "signers",
    "split",
    "tariff",
}
_BY_NAMES = {(kind.left, kind.operator): kind for kind in _KINDS}
COUNT_MAX = len(_KINDS)


def names() -> tuple[tuple[str, str], ...]:
    """Return the names of every constraint, in the profile's order."""
    return tuple(_BY_NAMES)


def kind_of(left: str, operator: str) -> Kind:
    """Return the constraint of these names."""
    kind = _BY_NAMES.get((left, operator))
    if kind is None:
        raise Malformed(f"unknown constraint {left[:64]!r} {operator[:64]!r}")
    return kind


def kind_named(field: str) -> Kind:
    """Return the constraint of a field of `Terms` or `Bounds`."""
    for kind in _KINDS:
        if kind.field == field:
            return kind
    raise Malformed(f"unknown clause {field[:64]!r}")


def operands(terms: Terms) -> dict[tuple[str, str], Json]:
    """Return the operand of each constraint that `terms` have."""
    said = ((kind, getattr(terms.bounds if kind.field in _BOUNDS else terms, kind.field)) for kind in _KINDS)
    return {
        (kind.left, kind.operator): kind.write(value)
        for kind, value in said
        if kind.field not in _OPTIONAL or value not in {None, "", (), ConsentRule.UNLESS_WITHDRAWN}
    }


@dataclass(frozen=True, slots=True)
class Constraints:
    """The operands read, by field of `Terms`; each has been read by its own reader."""

    values: Mapping[str, object]

    def _integer(self, name: str) -> int:
        value = self.values[name]
        if not isinstance(value, int):
            raise Malformed(f"{name} is not an integer")
        return value

    def terms(self, identifier: str, holder: str, consumer: str, grants: tuple[Grant, ...]) -> Terms:
        """Return the terms of these constraints, parties and grants."""
        scenario, channel, slots = (self.values[name] for name in ("scenario", "channel", "regulator_discloses"))
        paper, tariff, split = self.values.get("paper_sha256", ""), self.values.get("tariff"), self.values.get("split")
        if not isinstance(scenario, Scenario) or not isinstance(channel, Channel):
            raise Malformed("scenario and channel are not what their readers give")
        if not isinstance(slots, tuple) or not isinstance(paper, str):
            raise Malformed("slots and digest are not what their readers give")
        if not isinstance(tariff, Tariff | None) or not isinstance(split, Split | None):
            raise Malformed("tariff and split are not what their readers give")
        operated, filled = self.values.get("operated"), self.values.get("filled")
        if not isinstance(operated, Operated | None) or not isinstance(filled, Filled | None):
            raise Malformed("the grant of operation and the template are not what their readers give")
        signers, amends, round_ = (self.values.get(name) for name in ("signers", "amends", "round"))
        if not isinstance(signers, tuple | None) or not isinstance(amends, str | None):
            raise Malformed("sides and version are not what their readers give")
        if not isinstance(round_, Round | None):
            raise Malformed("the round is not what its reader gives")
        return Terms(
            id=identifier,
            holder=holder,
            consumer=consumer,
            channel=channel,
            scenario=scenario,
            grants=grants,
            min_group=self._integer("min_group"),
            micro_rho=self._integer("micro_rho"),
            micro_rho_per_query=self._integer("micro_rho_per_query"),
            micro_rho_per_query_max=self._integer("micro_rho_per_query_max"),
            delta_e12=self._integer("delta_e12"),
            queries=self._integer("queries"),
            queries_per_day=self._integer("queries_per_day"),
            not_before_ms=self._integer("not_before_ms"),
            not_after_ms=self._integer("not_after_ms"),
            price_per_query_fen=self._integer("price_per_query_fen"),
            regulator_discloses=slots,
            retention_days=self._integer("retention_days"),
            paper_sha256=paper,
            bounds=Bounds(**{name: self._integer(name) for name in _BOUNDS if name in self.values}),
            tariff=tariff,
            split=split,
            operated=operated,
            filled=filled,
            signers=signers or (),
            deletion_days=self._integer("deletion_days") if "deletion_days" in self.values else None,
            amends=amends or "",
            round=round_,
            consent=ConsentRule.RECORDED if "consent" in self.values else ConsentRule.UNLESS_WITHDRAWN,
        )


def encode(terms: Terms) -> list[Json]:
    """Return the constraints of `terms` in the profile's order."""
    return [
        {"leftOperand": left, "operator": operator, "rightOperand": value}
        for (left, operator), value in operands(terms).items()
    ]


def decode(path: str, constraints: tuple[Json, ...]) -> Constraints:
    """Return the operands of `constraints`, refusing by path what is unknown, double or missing."""
    values: dict[str, object] = {}
    for index, constraint in enumerate(constraints):
        with At(f"{path}/{index}") as at:
            members = json_members.exact(constraint, MEMBERS)
            left, operator = json_members.text(members, "leftOperand"), json_members.text(members, "operator")
            kind = _BY_NAMES.get((left, operator))
            if kind is None:
                raise Malformed("unknown constraint")
            at.require(kind.field not in values, "leftOperand", "stands twice")
        with At(f"{path}/{index}/rightOperand"):
            values[kind.field] = kind.read(members["rightOperand"])
    for kind in _KINDS:
        if kind.field not in values and kind.field not in _OPTIONAL:
            raise MalformedTerms(path, f"{kind.left} {kind.operator} is missing")
    return Constraints(values)
