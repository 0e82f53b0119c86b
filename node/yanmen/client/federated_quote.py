"""What a federated question would give and cost, before it is asked: the ± of the total, not of each node."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from yanmen.client import text_table
from yanmen.client.answer import Quote
from yanmen.client.errors import Refused
from yanmen.client.link import parsed
from yanmen.disclosure import noise
from yanmen.formats import json_canonical, json_members
from yanmen.formats.json_canonical import Json
from yanmen.model.federation import NOISES, Mode
from yanmen.model.refusal import Fault

_ALPHA = 0.05
_SHAPE_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FederatedQuote:
    """What all nodes together would give: `width` holds, by label, the half-width of the total's 95 % interval.

    It is None where it depends on the figures themselves (averages, what is computed afterwards). `nodes` has what
    each node said, whose own ± is that of asking it alone; `refused` says who would not take part, and why.
    """

    width: Mapping[str, float | None]
    sigma_squared: tuple[int, ...]
    noises: int
    nodes: Mapping[str, Quote]
    refused: Mapping[str, Refused | Fault]

    @classmethod
    def of(
        cls,
        nodes: Mapping[str, Quote],
        refused: Mapping[str, Refused | Fault],
        sigma_squared: tuple[int, ...],
        mode: Mode,
    ) -> "FederatedQuote":
        """Return the quote of a question that `nodes` would answer, each aggregator adding `sigma_squared`."""
        noises = mode.aggregators if mode is Mode.ADDITIVE else NOISES
        shape = next(iter(nodes.values())).shape
        return cls(parsed(lambda: _widths(shape, sigma_squared, noises)), sigma_squared, noises, nodes, refused)

    @property
    def micro_rho(self) -> int:
        """What each node would charge, in millionths of ρ: the most that one of them would."""
        return max(quote.micro_rho for quote in self.nodes.values())

    @property
    def price_fen(self) -> int:
        """What all nodes together would charge, in fen."""
        return sum(quote.price_fen for quote in self.nodes.values())

    @override
    def __str__(self) -> str:
        """Return the columns with the total's ±, then who takes part and at what cost."""
        rows = [(label, "" if half is None else f"± {half:.6g}") for label, half in self.width.items()]
        lines = [text_table.render(("column", "95 % of the total 总和"), rows, (False, True)), ""]
        lines.append(f"{len(self.nodes)} nodes would take part 可参与节点, {self.noises} aggregators add noise each")
        lines.append(f"each charges 各扣减 {self.micro_rho} micro-rho; together 合计 {self.price_fen} fen 分")
        lines += [f"  without 不参与 {name}: {error}" for name, error in self.refused.items()]
        return "\n".join(lines)

    __repr__ = __str__


def _widths(shape: str, sigma_squared: Sequence[int], noises: int) -> dict[str, float | None]:
    """Return the half-width of each output that is an aggregate's total, as the answer will state it."""
    members = json_canonical.decode_object(shape.encode(), _SHAPE_BYTES_MAX)
    aggregates = [_aggregate(item) for item in json_members.items(members, "aggregates")]
    by_name: dict[str, float] = {}
    for (name, scale), variance in zip(aggregates, sigma_squared, strict=True):
        gaussian = noise.Gaussian(math.sqrt(noises * variance), 0)
        by_name[name] = noise.half_width(gaussian, _ALPHA) / 10**scale
    outputs = [_output(item) for item in json_members.items(members, "outputs")]
    return {label: by_name.get(source) for label, source in outputs}


def _aggregate(item: Json) -> tuple[str, int]:
    members = json_members.exact(item, frozenset({"kind", "name", "scale"}), frozenset({"of"}))
    return json_members.text(members, "name"), json_members.integer(members, "scale", 0, 38)


def _output(item: Json) -> tuple[str, str]:
    members = json_members.exact(item, frozenset({"label", "source", "type"}))
    return json_members.text(members, "label", _SHAPE_BYTES_MAX), json_members.text(members, "source")
