"""Holds every charge in fen to the contract that both sides signed: units, free uses, prices and ceilings.

Units and ceilings are taken from the leaves that published the datasets, the prices from the signed offer; nothing
here is taken from what the node says a use cost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from yanmen.formats import dealing, joining
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Meter, Output, Verdict
from yanmen.model.contract import Terms
from yanmen.model.receipt import Stage
from yanmen.model.tariff import Metered, metered, price_fen
from yanmen.verify.agreeing import Agreement
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.standing import All, Published, Standing
from yanmen.verify.uses import Use

PRICED = frozenset({Stage.APPROVAL, Stage.CONTRACT, Stage.INTENT, Stage.OUTCOME})
"""Stages of leaves that charge, measure or allow to."""


@dataclass(slots=True)
class Prices:
    """Follows the leaves in order, after `standing` took in each."""

    standing: Standing
    begun: Mapping[str, int]
    """Uses of each contract in the log that this one continues."""
    _uses: dict[str, int] = field(default_factory=dict)
    _units: dict[tuple[object, ...], tuple[Metered, Sequence[Published]]] = field(default_factory=dict)

    def check(self, use: Use, said: All, agreement: Agreement) -> Iterator[Finding]:
        """Yield what the leaf `use` charges or measures otherwise than signed in its contract and published."""
        match use.head.stage:
            case Stage.APPROVAL | Stage.CONTRACT if self.standing.entered(use):
                yield from self._approved(use, agreement.terms)
            case Stage.INTENT:
                yield from self._intent(use, said, agreement.terms)
            case Stage.OUTCOME:
                yield from _outcome(use)
            case _:
                return

    def _approved(self, use: Use, terms: Terms) -> Iterator[Finding]:
        """Hold the most a use may cost to the lowest ceiling among the datasets granted, as published by then."""
        published = self.standing.published
        listed = [published[grant.dataset] for grant in terms.grants if grant.dataset in published]
        ceiling = min((each.ceiling_fen for each in listed), default=terms.price_most_fen)
        if terms.price_most_fen > ceiling:
            yield _found(Code.CEILING_EXCEEDED, use, str(terms.price_most_fen - ceiling))

    def _intent(self, use: Use, said: All, terms: Terms) -> Iterator[Finding]:
        before = self._uses.get(use.contract, self.begun.get(use.contract, 0))
        self._uses[use.contract] = before + 1
        if use.meter is None or use.price is None or use.budget is None:
            return  # withheld, which is a finding of its own
        free = terms.tariff is not None and terms.tariff.frees(before)
        if use.readings is None:
            yield from self._unread(use, use.meter, use.price.fen, terms, free=free)
            return
        published: Mapping[str, Published] = self.standing.published
        read = [published[each.name] for each in use.readings if each.name in published]
        if len(read) < len(use.readings):
            return  # of an unknown dataset, which is a finding of its own
        # Receipts that say the same share what they say, so that objects stand for their values here.
        asked = said.get(Slot.METER), said.get(Slot.DATASETS)
        units, of = self._units.get(asked) or (None, ())
        if units is None or of != read:
            units = metered(use.meter.used.cells, [(each.publication.reading.name, each.rows_upto) for each in read])
            self._units[asked] = units, read
        if not read or use.meter.used != units:
            yield _found(Code.METER_DIFFERS, use, "datasets")
            return
        if use.meter.free != free:
            yield _found(Code.METER_DIFFERS, use, "free")
        ceiling = min(each.ceiling_fen for each in read)
        due = price_fen(terms.price_per_query_fen, terms.tariff, use.meter.used, use.budget.micro_rho, ceiling)
        fen = 0 if free else due
        if use.price.fen != fen:
            yield _found(Code.PRICE_DIFFERS, use, f"{use.price.fen} / {fen}")

    def _unread(self, use: Use, meter: Meter, fen: int, terms: Terms, *, free: bool) -> Iterator[Finding]:
        """Hold the charge of a use whose datasets are destroyed, or withheld, to what is still told of it.

        The ceiling was that of one of the datasets granted; units are as the leaf tells them.
        """
        if meter.free != free:
            yield _found(Code.METER_DIFFERS, use, "free")
        granted = (self.standing.published.get(grant.dataset) for grant in terms.grants)
        ceilings = {each.ceiling_fen for each in granted if each is not None}
        micro_rho = 0 if use.budget is None else use.budget.micro_rho
        due = {price_fen(terms.price_per_query_fen, terms.tariff, meter.used, micro_rho, most) for most in ceilings}
        if due and fen not in ({0} if free else due):
            yield _found(Code.PRICE_DIFFERS, use, f"{fen} / {0 if free else max(due)}")


def _outcome(use: Use) -> Iterator[Finding]:
    """Hold what left to the cells it was priced for; an answer given again is measured as nothing."""
    if use.meter is None or use.decision is None:
        return
    if use.decision.verdict is Verdict.REPEATED:
        if use.meter != Meter(metered(0, ()), free=False):
            yield _found(Code.METER_DIFFERS, use, "repeated")
        return
    shown = use.output
    if shown is None or shown.rows * shown.columns <= use.meter.used.cells:
        return  # what is withheld or malformed is a finding of its own
    if not _is_sealed(shown):
        yield _found(Code.METER_DIFFERS, use, "cells")


def _is_sealed(shown: Output) -> bool:
    """Whether what left is an envelope for each aggregator: the cells in them are those the manifest has."""
    try:
        if joining.is_one(shown.mechanism):
            word = joining.read(shown.mechanism)
            return (shown.rows, shown.columns) == (1 + len(word.rows), len(joining.LABELS))
        dealt = dealing.read(shown.mechanism)
    except Malformed:
        return False
    return (shown.rows, shown.columns) == (len(dealt.shares), len(dealing.LABELS))


def _found(code: Code, use: Use, subject: str) -> Finding:
    return finding(code, use.index, use.head.stage, subject)
