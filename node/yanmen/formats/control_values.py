"""The values of usage-control constraints, read strictly: moments, spans, windows, rates, sizes, money, networks."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Network, IPv6Network, ip_network

from yanmen.formats.json_canonical import INTEGER_MAX
from yanmen.formats.malformed import Malformed

CIVIL = timezone(timedelta(hours=8))
"""Chinese civil time: what a time without an offset is of."""
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

Network = IPv4Network | IPv6Network

_COMPACT = re.compile(r"[0-9]{14}", re.ASCII)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
_SPAN = re.compile(r"P(?:([1-9][0-9]{0,3})D|T([1-9][0-9]{0,3})([HM]))", re.ASCII)
_DAILY = re.compile(r"(?:([1-7])-([1-7]) )?([0-2][0-9]):([0-5][0-9])/([0-2][0-9]):([0-5][0-9])", re.ASCII)
_COUNT = re.compile(r"([1-9][0-9]{0,15})(?:\s?次)?(?:/(分钟|小时|天|日|PT1M|PT1H|P1D))?")
_SIZE = re.compile(r"([1-9][0-9]{0,11})\s?([KMG]?)B?", re.ASCII)
_MONEY = re.compile(r"([0-9]{1,12})(?:\.([0-9]{2}))?\s?(?:CNY|元)")
_PERIODS = {"分钟": MINUTE_MS, "小时": HOUR_MS, "天": DAY_MS, "日": DAY_MS}
_PERIODS |= {"PT1M": MINUTE_MS, "PT1H": HOUR_MS, "P1D": DAY_MS}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, `end_ms` excluded."""

    begin_ms: int
    end_ms: int

    def holds(self, now_ms: int) -> bool:
        """Say whether the moment lies within."""
        return self.begin_ms <= now_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Daily:
    """A window of each day from weekday `first` to `last` (1 = Monday), in minutes of UTC+8, its end excluded."""

    first: int
    last: int
    begin: int
    end: int

    def holds(self, now_ms: int) -> bool:
        """Say whether the moment lies within."""
        local = datetime.fromtimestamp(now_ms // SECOND_MS, CIVIL)
        minute = local.hour * 60 + local.minute
        return self.first <= local.isoweekday() <= self.last and self.begin <= minute < self.end


@dataclass(frozen=True, slots=True)
class Uses:
    """So many uses, in every span of `period_ms`; 0 = over the contract's whole time."""

    most: int
    period_ms: int


def moment(text: str) -> int:
    """Return the Unix milliseconds of 20260321000000 or 2026-03-21T00:00:00, of UTC+8 without an offset."""
    try:
        if _COMPACT.fullmatch(text):
            found = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CIVIL)
        elif _ISO.fullmatch(text):
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo is not None else found.replace(tzinfo=CIVIL)
        else:
            raise Malformed("not a time like 20260321000000 or 2026-03-21T00:00:00+08:00")
    except ValueError as error:
        raise Malformed("no such time") from error
    since = found.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    milliseconds = (since.days * 86_400 + since.seconds) * SECOND_MS
    if milliseconds < 0:
        raise Malformed("before 1970")
    return milliseconds


def interval(text: str) -> Interval:
    """Return the time from one moment to another, written with `--` or `/` between."""
    begin, mark, end = text.partition("--") if "--" in text else text.partition("/")
    if not mark:
        raise Malformed("not two times with -- or / between")
    found = Interval(moment(begin.strip()), moment(end.strip()))
    if found.begin_ms >= found.end_ms:
        raise Malformed("ends before it begins")
    return found


def span_ms(text: str) -> int:
    """Return the milliseconds of an ISO 8601 duration in days, hours or minutes: P7D, PT1H, PT10M."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise Malformed("not a duration like P7D, PT1H or PT10M")
    days, number, unit = match.groups()
    if days is not None:
        return int(days) * DAY_MS
    return int(number) * (HOUR_MS if unit == "H" else MINUTE_MS)


def daily(text: str) -> Daily:
    """Return the window `08:00/18:00` of every day, or `1-5 08:00/18:00` from Monday to Friday."""
    match = _DAILY.fullmatch(text)
    if match is None:
        raise Malformed("not a window like 08:00/18:00 or 1-5 08:00/18:00")
    first, last, *clock = match.groups()
    hour, minute, end_hour, end_minute = map(int, clock)
    found = Daily(int(first or 1), int(last or 7), hour * 60 + minute, end_hour * 60 + end_minute)
    if found.end > 24 * 60 or found.begin >= found.end or found.first > found.last:
        raise Malformed("a window that ends before it begins, or after 24:00")
    return found


def window(text: str) -> Interval | Daily:
    """Return a window of every day, or one stretch of time."""
    return daily(text) if _DAILY.fullmatch(text) else interval(text)


def uses(text: str) -> Uses:
    """Return how many uses `1000`, `1000 次` or `1000 次/天` allow; periods are 分钟 小时 天, or PT1M PT1H P1D."""
    match = _COUNT.fullmatch(text)
    if match is None:
        raise Malformed("not a number of uses, or of uses per 分钟, 小时 or 天")
    most = int(match[1])
    if most > INTEGER_MAX:
        raise Malformed("beyond 2^53 - 1")
    return Uses(most, _PERIODS.get(match[2], 0))


def size(text: str) -> int:
    """Return the bytes of `500`, `10K`, `10M` or `10G`."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise Malformed("not a size like 500, 10K, 10M or 10G")
    return int(match[1]) * _UNITS[match[2]]


def fen(text: str) -> int:
    """Return the fen of `100.00 CNY` or `100元`."""
    match = _MONEY.fullmatch(text)
    if match is None:
        raise Malformed("not an amount like 100.00 CNY")
    return int(match[1]) * 100 + int(match[2] or 0)


def network(text: str) -> Network:
    """Return the address or network in CIDR; one with bits set behind its length is refused."""
    try:
        return ip_network(text, strict=True)
    except ValueError as error:
        raise Malformed("not an address or network like 10.1.0.0/16") from error
