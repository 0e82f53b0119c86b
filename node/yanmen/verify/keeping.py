"""Holds every use to the contract's signed terms, and every answer to what its intent said."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from yanmen.formats import control_rules
from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.formats.receipt import MINUTE_S, Said, Slot
from yanmen.formats.slots import Output, Verdict
from yanmen.model.contract import ContractStatus, Terms
from yanmen.model.receipt import Stage
from yanmen.verify import noise, terms
from yanmen.verify.agreeing import Agreement
from yanmen.verify.metering import Replay
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.requests import Claims
from yanmen.verify.standing import All, Standing
from yanmen.verify.uses import Use

CIVIL_OFFSET_S = 8 * 60 * 60
DAY_S = 24 * 60 * 60
MILLI = 1000
"""The days that are counted are those of Chinese civil time, UTC+8."""
SAME = (
    Slot.CONTRACT_DIGEST,
    Slot.CONSUMER,
    Slot.CNF,
    Slot.SCENARIO,
    Slot.DATASETS,
    Slot.POLICY,
    Slot.REQUEST,
    Slot.QUERY,
    Slot.PLAN,
    Slot.RELEASE,
    Slot.METER,
)
"""What an outcome or aborted leaf repeats unchanged; contract, budget and price are compared by the replay."""
ADMITTED = (Slot.CONTRACT, Slot.CONTRACT_DIGEST, Slot.CONSUMER, Slot.SCENARIO, Slot.DATASETS, Slot.RELEASE)
"""What decides, with the subject space, whether a question may be asked at all while the contract is in force."""
SAME_QUESTION = (
    Slot.CONTRACT,
    Slot.CONTRACT_DIGEST,
    Slot.CONSUMER,
    Slot.DATASETS,
    Slot.POLICY,
    Slot.PLAN,
    Slot.RELEASE,
)
"""What is the same when an answer is given again: the question may be written otherwise, and is asked anew."""


_Answer = tuple[Output, Sequence[Said | None]]
"""What left, and what the leaf says of `SAME_QUESTION`."""
HELD = frozenset(
    {
        Stage.CONTRACT,
        Stage.APPROVAL,
        Stage.DATASET,
        Stage.CONTROL,
        Stage.INTENT,
        Stage.OUTCOME,
        Stage.ABORTED,
    }
)
"""Stages of leaves that are held to terms, or change what is in force."""


@dataclass(slots=True)
class Keeping:
    """Follows the leaves in order, after the replay counted each and its request was opened."""

    standing: Standing
    replay: Replay
    _intents: dict[str, All] = field(default_factory=dict)
    _made: dict[str, list[int]] = field(default_factory=dict)
    _days: Counter[tuple[str, int]] = field(default_factory=Counter)
    _answers: dict[str, _Answer] = field(default_factory=dict)
    _noise: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)
    _admissible: dict[tuple[object, ...], tuple[tuple[Code, str], ...]] = field(default_factory=dict)

    def check(self, use: Use, said: All, claims: Claims | None) -> Iterator[Finding]:
        """Yield what in the leaf `use` is not as signed, published or said before."""
        match use.head.stage:
            case Stage.CONTRACT | Stage.APPROVAL | Stage.DATASET | Stage.CONTROL:
                self._admissible.clear()
                yield from self.standing.follow(use, said)
            case Stage.INTENT:
                self._intents[use.reference] = said
                yield from self._intent(use, said, claims)
            case Stage.OUTCOME if use.decision is not None and use.decision.verdict is Verdict.REPEATED:
                yield from self._repeated(use, said, claims)
            case Stage.OUTCOME | Stage.ABORTED:
                yield from self._ended(use, said)
            case _:
                return

    def _intent(self, use: Use, said: All, claims: Claims | None) -> Iterator[Finding]:
        agreement = self._in_force(use)
        if agreement is None:
            yield self._found(Code.CONTRACT_NOT_IN_FORCE, use)
            return
        if self.standing.stops(use.consumer):
            yield self._found(Code.CONTRACT_NOT_IN_FORCE, use, "stopped by the holder's order")
        yield from self._admitted(use, said, agreement)
        broken = [*terms.charge(use, agreement.terms, claims), *self._counted(use, agreement)]
        yield from (self._found(Code.TERMS_BROKEN, use, name) for name in broken)
        if self._above_lifetime(use):
            yield self._found(Code.SPACE_OVERSPENT, use, "" if use.budget is None else use.budget.space)

    def _in_force(self, use: Use) -> Agreement | None:
        agreement = self.standing.agreements.get(use.contract)
        return agreement if agreement is not None and agreement.status is ContractStatus.ACTIVE else None

    def _admitted(self, use: Use, said: All, agreement: Agreement) -> Iterator[Finding]:
        """Hold what was asked, and of which data, to the terms and to what was published."""
        for name in (*terms.time(use, agreement.terms), *terms.controls(use, agreement.terms)):
            yield self._found(Code.TERMS_BROKEN, use, name)
        # Receipts that say the same share what they say, so that objects stand for their values here.
        asked = (*(said.get(slot) for slot in ADMITTED), None if use.budget is None else use.budget.space)
        known = self._admissible.get(asked)
        if known is None:
            known = self._admissible[asked] = tuple(self._inadmissible(use, agreement))
        for code, name in known:
            yield self._found(code, use, name)

    def _inadmissible(self, use: Use, agreement: Agreement) -> Iterator[tuple[Code, str]]:
        """Yield what is wrong with a use whenever it is asked, as long as what is in force stays the same."""
        published = self.standing.published
        broken = (*terms.parties(use, agreement), *terms.reading(use, agreement.terms, published))
        yield from ((Code.TERMS_BROKEN, name) for name in broken)
        stale = terms.stale(use, published, self.standing.retracted)
        yield from ((Code.DATASET_NOT_CURRENT, name) for name in stale)
        yield from ((Code.RELEASE_TOO_LAX, name) for name in terms.release(use, agreement.terms, published))
        yield from ((Code.CONTRACT_NOT_IN_FORCE, name) for name in self._suspended(use))

    def _suspended(self, use: Use) -> Iterator[str]:
        """Yield the datasets that were read although the holder lets nobody use them."""
        for reading in use.readings or ():
            if reading.name in self.standing.suspended:
                yield f"{reading.name} stopped by the holder's order"

    def _counted(self, use: Use, agreement: Agreement) -> Iterator[str]:
        """Hold the sums with this use to the caps."""
        total = self.replay.contracts.get(use.contract) or ContractTotal(use.contract)
        day = (use.contract, (use.head.iat_s + CIVIL_OFFSET_S) // DAY_S)
        self._days[day] += 1
        signed = agreement.terms
        if total.micro_rho > signed.micro_rho:
            yield "micro_rho"
        if total.delta_e12 > signed.delta_e12:
            yield "delta_e12"
        if total.queries > signed.queries:
            yield "queries"
        if self._days[day] > signed.queries_per_day:
            yield "queries of a day"
        if signed.rules.controls:
            yield from self._within_periods(use, signed)

    def _within_periods(self, use: Use, signed: Terms) -> Iterator[str]:
        """Hold uses to the counts that usage control sets; of a period only what no reading of the minutes keeps."""
        limits = control_rules.ceilings(signed.rules.controls).uses
        if not limits:
            return
        made = self._made.setdefault(use.contract, [])
        made.append(use.head.iat_s)
        for limit in limits:
            since_s = use.head.iat_s + MINUTE_S - limit.period_ms // MILLI if limit.period_ms else 0
            if len(made) - bisect_left(made, since_s) > limit.most:
                yield "control frequency" if limit.period_ms else "control count"

    def _above_lifetime(self, use: Use) -> bool:
        if use.budget is None or not (use.budget.micro_rho or use.budget.delta_e12):
            return False
        name = use.budget.space
        spent = self.replay.spaces.get(name) or SpaceTotal(name)
        cap = self.standing.spaces.get(name) or SpaceTotal(name)
        return spent.micro_rho > cap.micro_rho or spent.delta_e12 > cap.delta_e12

    def _ended(self, use: Use, said: All) -> Iterator[Finding]:
        """Hold an outcome or abort to its intent, and an outcome to what was in force when it was given."""
        intended = self._intents.pop(use.head.intent, None)
        # What they say alike is mostly one object.
        if intended is not None and _all_said(said, SAME) != _all_said(intended, SAME):
            differ = [slot.value for slot in SAME if _differ(said.get(slot), intended.get(slot))]
            yield from (self._found(Code.OUTCOME_DIFFERS, use, name) for name in differ)
        if use.head.stage is Stage.ABORTED:
            return
        if self._in_force(use) is None:
            yield self._found(Code.CONTRACT_NOT_IN_FORCE, use)
        yield from (self._found(Code.CONTRACT_NOT_IN_FORCE, use, name) for name in self._suspended(use))
        for reading in use.readings or ():
            if reading.version in self.standing.retracted:
                yield self._found(Code.DATASET_NOT_CURRENT, use, reading.name)
        yield from self._given(use, said)

    def _given(self, use: Use, said: All) -> Iterator[Finding]:
        """Remember an answer, whose noise must be what its charge demands."""
        output = use.output
        if output is None:
            return  # withheld or malformed, which was named already
        if output.repeats:
            yield self._found(Code.REPEAT_DIFFERS, use, "repeats")
        self._answers[use.head.jti] = output, _all_said(said, SAME_QUESTION)
        if use.rule is not None and use.budget is not None:
            charge = use.budget.micro_rho, use.budget.delta_e12
            # Receipts that say the same share what they say: the object stands for the rule, and is no work to hash.
            noisy = said.get(Slot.RELEASE), charge, output.mechanism
            differ = self._noise.get(noisy)
            if differ is None:
                differ = self._noise[noisy] = noise.differences(use.rule, *charge, output.mechanism)
            yield from (self._found(Code.NOISE_DIFFERS, use, name) for name in differ)

    def _repeated(self, use: Use, said: All, claims: Claims | None) -> Iterator[Finding]:
        """Hold an answer given again to the terms, and to the answer it repeats."""
        agreement = self._in_force(use)
        if agreement is None:
            yield self._found(Code.CONTRACT_NOT_IN_FORCE, use)
        else:
            yield from self._admitted(use, said, agreement)
            if claims is not None and claims.scenario_id != agreement.terms.scenario.id:
                yield self._found(Code.TERMS_BROKEN, use, "scenario of the request")
        output = use.output
        if output is None:
            return
        earlier = self._answers.get(output.repeats)
        if earlier is None:
            yield self._found(Code.REPEAT_DIFFERS, use, "repeats")
        elif _signature(*earlier) != _signature(output, _all_said(said, SAME_QUESTION)):
            yield self._found(Code.REPEAT_DIFFERS, use, "question")

    def _found(self, code: Code, use: Use, subject: str = "") -> Finding:
        return finding(code, use.index, use.head.stage, subject)


def _all_said(said: All, slots: tuple[Slot, ...]) -> list[Said | None]:
    """Return what is said of `slots`, None where nothing is."""
    return list(map(said.get, slots))


def _differ(one: Said | None, other: Said | None) -> bool:
    """Say whether two leaves say otherwise; what one does not say is withheld or destroyed, which is told by itself."""
    return one is not other and one is not None and other is not None and one.value != other.value


def _signature(output: Output, said: Sequence[Said | None]) -> tuple[object, ...]:
    """Return what two leaves with the same answer to the same question have in common."""
    shown = (output.columns, output.rows, output.sha256, output.suppressed, output.mechanism)
    return (*shown, *(None if one is None else one.value for one in said))
