"""What the charts draw: the same figures that stand in the table beside each of them."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import accumulate

from yanmen.console import speech
from yanmen.ledger.showing import DaySpent, MonthTaken

Naming = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Series:
    """One name's figures, one for each place."""

    name: str
    data: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Named series over the same places, one upon the other; `kind` is `line` or `bar`, `limit` 0 = none."""

    kind: str
    places: tuple[str, ...]
    series: tuple[Series, ...]
    limit: int = 0
    limit_name: str = ""

    def json(self) -> str:
        """Return what the page's script reads."""
        return json.dumps(asdict(self), ensure_ascii=False)


def spent(days: Iterable[DaySpent], before: Series, limit: tuple[int, str], naming: Naming) -> Chart:
    """Return what one subject space had spent after each day, by consumer; `before` names what an earlier log spent."""
    by: Counter[tuple[int, str]] = Counter()
    for each in days:
        by[each.day, each.consumer] += each.micro_rho
    places, consumers = sorted({day for day, _ in by}), sorted({consumer for _, consumer in by})
    drawn = [
        Series(naming(consumer), tuple(accumulate(float(by[day, consumer]) for day in places)))
        for consumer in consumers
    ]
    earlier = [Series(before.name, before.data * len(places))] if any(before.data) else []
    return Chart("line", tuple(map(speech.day, places)), (*earlier, *drawn), *limit)


def taken(months: Iterable[MonthTaken], naming: Naming) -> Chart:
    """Return what uses cost in each month, by consumer, in yuan."""
    by: Counter[tuple[str, str]] = Counter()
    for each in months:
        by[each.month, each.consumer] += each.price_fen
    places, consumers = sorted({month for month, _ in by}), sorted({consumer for _, consumer in by})
    drawn = (Series(naming(consumer), tuple(by[place, consumer] / 100 for place in places)) for consumer in consumers)
    return Chart("bar", tuple(places), tuple(drawn))
