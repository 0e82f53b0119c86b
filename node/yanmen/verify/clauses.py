"""One use held to every clause of its contract, for a reader: what was signed, what the receipt says, and the verdict.

The verdicts are those of the whole procedure, which followed the log up to this use: nothing is decided here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yanmen.model.contract import Terms
from yanmen.verify.report import Code, Finding, Severity
from yanmen.verify.uses import Use

Breach = tuple[Code, str]
"""A finding's code, and how its subject begins."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its name, what both sides signed, what the use says, and whether it was kept."""

    name: str
    signed: object
    said: object
    kept: bool


def clauses(use: Use, terms: Terms, findings: Iterable[Finding]) -> tuple[Clause, ...]:
    """Return every clause of `terms` as the use kept or broke it; `findings` are those about the use and its intent."""
    wrong = [found for found in findings if found.severity is Severity.ERROR]
    rows = (*_who(use, terms), *_what(use, terms), *_budget(use, terms), *_price(use, terms))
    return tuple(Clause(name, signed, said, not _broken(breaches, wrong)) for name, signed, said, *breaches in rows)


def _broken(breaches: Iterable[Breach], wrong: Iterable[Finding]) -> bool:
    return any(found.code is code and found.subject.startswith(begin) for found in wrong for code, begin in breaches)


_Row = tuple[str, object, object, *tuple[Breach, ...]]


def _who(use: Use, terms: Terms) -> Iterator[_Row]:
    yield (
        "consumer 使用方",
        terms.consumer,
        use.consumer,
        (Code.TERMS_BROKEN, "consumer"),
        (Code.TERMS_BROKEN, "contract_digest"),
        (Code.CONTRACT_NOT_IN_FORCE, ""),
        (Code.REQUEST_SIGNATURE, ""),
        (Code.REQUEST_DIFFERS, ""),
        (Code.REQUEST_REUSED, ""),
    )
    scenario = None if use.scenario is None else (use.scenario.id, use.scenario.text, use.scenario.legal_basis)
    signed = (terms.scenario.id, terms.scenario.text, terms.scenario.legal_basis)
    yield "scenario 场景", signed, scenario, (Code.TERMS_BROKEN, "scenario")
    times = (terms.not_before_ms // 1000, terms.not_after_ms // 1000)
    yield "valid time 有效期 (Unix s)", times, use.head.iat_s, (Code.TERMS_BROKEN, "not ")


def _what(use: Use, terms: Terms) -> Iterator[_Row]:
    granted = {grant.dataset: list(grant.columns) for grant in terms.grants}
    read = None if use.readings is None else {each.name: list(each.columns) for each in use.readings}
    yield (
        "datasets and columns 数据与字段",
        granted,
        read,
        (Code.TERMS_BROKEN, "dataset "),
        (Code.TERMS_BROKEN, "column "),
        (Code.DATASET_NOT_CURRENT, ""),
    )
    rule = None if use.rule is None else (use.rule.cls.value, use.rule.min_group)
    yield "least group 最小群体", terms.min_group, rule, (Code.RELEASE_TOO_LAX, ""), (Code.NOISE_DIFFERS, "")


def _budget(use: Use, terms: Terms) -> Iterator[_Row]:
    charged = None if use.budget is None else use.budget.micro_rho
    once = (terms.micro_rho_per_query, terms.micro_rho_per_query_max)
    spent = None if use.budget is None else (use.budget.spent_micro_rho, use.budget.spent_delta_e12)
    yield (
        "micro-ρ of a use, default and most 单次隐私预算",
        once,
        charged,
        (Code.TERMS_BROKEN, "charge"),
        (Code.TERMS_BROKEN, "highest charge"),
    )
    yield (
        "micro-ρ and δ in all 隐私预算总额",
        (terms.micro_rho, terms.delta_e12),
        spent,
        (Code.TERMS_BROKEN, "micro_rho"),
        (Code.TERMS_BROKEN, "delta_e12"),
        (Code.SPENT_DIFFERS, "budget"),
        (Code.SPACE_OVERSPENT, ""),
    )
    limits, place = (terms.queries, terms.queries_per_day), None if use.series is None else use.series.n
    yield "uses in all and of a day; leaf of the contract 次数上限", limits, place, (Code.TERMS_BROKEN, "queries")


def _price(use: Use, terms: Terms) -> Iterator[_Row]:
    charged = None if use.price is None else (use.price.fen, use.price.spent_fen)
    yield (
        "price of a use and most; charged and spent, fen 价格（分）",
        (terms.price_per_query_fen, terms.price_most_fen),
        charged,
        (Code.PRICE_DIFFERS, ""),
        (Code.METER_DIFFERS, ""),
        (Code.CEILING_EXCEEDED, ""),
        (Code.CHARGE_DIFFERS, ""),
        (Code.SPENT_DIFFERS, "price"),
    )
