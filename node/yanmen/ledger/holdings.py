"""The ledger's part about what is held: contracts, subject spaces, datasets, the space's register, accounts."""

from yanmen.formats.bill import Period
from yanmen.formats.receipt import Slot
from yanmen.ledger import (
    amendments,
    billing,
    budget,
    cases,
    contracts,
    datasets,
    deletions,
    inspections,
    negotiating,
    spaces,
)
from yanmen.ledger.cases import Case
from yanmen.ledger.desk import Desk
from yanmen.ledger.log import About, Slots
from yanmen.model.catalogue import Origin, Renewal, SpaceBudget, SubjectSpace, Version
from yanmen.model.contract import Balance, Contract, ContractStatus, Terms
from yanmen.model.deletion import Deletion, ReleasedAnswer
from yanmen.model.inspection import Issue, Step
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

EVENTS = frozenset({Stage.KEY, Stage.MEMBER, Stage.DATASET, Stage.CONTRACT, Stage.APPROVAL, Stage.EXPLAINED})
"""Stages a caller may record by itself; the others follow from what the ledger does."""


class Holdings(Desk):
    """Contracts, subject spaces, datasets and statements."""

    __slots__ = ()

    def check_place(self, terms: Terms) -> None:
        """Refuse terms that are no first offer, answer no counter-offer and amend nothing that is in force."""
        with self._store.read() as db:
            amendments.check_place(db, self._log.now_ms(db), contracts.find(db, terms.id), terms)

    def signed_versions(self, contract_id: str) -> tuple[tuple[Terms, bytes], ...]:
        """Return the versions of a contract that were in force, each with its acceptance, from the present one back."""
        with self._store.read() as db:
            return contracts.signed_versions(db, contract_id)

    def add_offer(self, contract: Contract) -> Receipt:
        """Keep a consumer's signed offer, in its turn; the same offer again gives the same leaf."""
        with self._writing() as db:
            return self._receipt(db, negotiating.offer(db, self._log, contract))

    def add_counter(self, contract_id: str, counter: bytes, decided_by: str) -> Receipt:
        """Keep the holder's signed counter-offer to a contract, or amendment, that waits for it."""
        with self._writing() as db:
            return self._receipt(db, negotiating.counter(db, self._log, contract_id, counter, decided_by))

    def act(self, token: bytes) -> Receipt:
        """Keep what a side signed about a contract, whose signature was verified; the same again is the same leaf."""
        with self._writing() as db:
            return self._receipt(db, negotiating.act(db, self._log, token))

    def break_off(self, contract_id: str, decided_by: str) -> Receipt:
        """End the negotiation of an amendment, by the holder; the contract stays as it is."""
        with self._writing() as db:
            return self._receipt(db, negotiating.break_off(db, self._log, contract_id, decided_by))

    def deletions(self) -> tuple[Deletion, ...]:
        """Return how every contract stands that asks for proof of deletion."""
        with self._store.read() as db:
            return deletions.listed(db, self._log.now_ms(db))

    def released_under(self, contract_id: str) -> tuple[ReleasedAnswer, ...]:
        """Return every answer given under a contract, by receipt."""
        with self._store.read() as db:
            return deletions.released(db, contract_id)

    def prove_deletion(self, token: bytes) -> Receipt:
        """Keep a proof of deletion, whose signature was verified; the node's own destroys the answers it holds."""
        with self._writing() as db:
            return self._receipt(db, deletions.prove(db, self._log, token))

    def contracts_naming(self, party: str) -> tuple[Contract, ...]:
        """Return the contracts that name `party` as a further side."""
        with self._store.read() as db:
            return contracts.naming(db, party)

    def decide(self, contract_id: str, status: ContractStatus, acceptance: bytes, decided_by: str) -> Receipt:
        """Keep the holder's signed decision (active or denied) over a pending contract."""
        with self._writing() as db:
            return self._receipt(db, negotiating.decide(db, self._log, contract_id, status, acceptance, decided_by))

    def set_status(self, contract_id: str, status: ContractStatus, decided_by: str) -> Receipt:
        """Suspend, resume or revoke a contract; what is revoked or denied stays so."""
        with self._writing() as db:
            deletions.ended(db, contract_id, status, self._log.now_ms(db))
            return self._receipt(db, contracts.change(db, self._log, contract_id, status, decided_by))

    def contract(self, contract_id: str) -> Contract | None:
        """Return a contract as it stands now."""
        with self._store.read() as db:
            return contracts.find(db, contract_id)

    def contracts(self, consumer: str = "") -> tuple[Contract, ...]:
        """Return the contracts of `consumer`, or all, oldest first."""
        with self._store.read() as db:
            return contracts.listed(db, consumer)

    def balance(self, contract_id: str) -> Balance:
        """Return what is left of a contract."""
        with self._store.read() as db:
            left = budget.balance(db, contract_id, self._log.now_ms(db))
        if left is None:
            raise Refused(Reason.CONTRACT_UNKNOWN, Detail(subject=contract_id))
        return left

    def record_step(self, step: Step, token: bytes) -> tuple[Receipt, Issue]:
        """Record one signed step of an inspection's finding, in its turn, and return how the finding stands."""
        with self._writing() as db:
            receipt = self._receipt(db, inspections.record(db, self._log, step, token))
            case = inspections.find(db, step.finding)
        if case is None:
            raise Fault(FaultCode.INTERNAL, "a step of no finding")
        return receipt, case

    def issue(self, finding: str) -> Issue | None:
        """Return how a finding stands."""
        with self._store.read() as db:
            return inspections.find(db, finding)

    def issues(self) -> tuple[Issue, ...]:
        """Return every finding of an inspection."""
        with self._store.read() as db:
            return inspections.listed(db)

    def register_space(self, space: SubjectSpace) -> Receipt | None:
        """Fix the lifetime budget of `space` once for all; None when it was fixed like this before."""
        with self._writing() as db:
            position = spaces.register(db, self._log, space)
            return None if position is None else self._receipt(db, position)

    def space_left(self, name: str) -> SubjectSpace | None:
        """Return what is left of a subject space's lifetime budget, for the holder."""
        with self._store.read() as db:
            return spaces.left(db, name)

    def renew_space(self, renewal: Renewal, epsilon: spaces.Epsilon) -> Receipt:
        """Add to a subject space's lifetime budget by a leaf that says who decided it and why, or refuse."""
        with self._writing() as db:
            return self._receipt(db, spaces.renew(db, self._log, renewal, epsilon))

    def spaces(self) -> tuple[SpaceBudget, ...]:
        """Return how every subject space stands, for the holder."""
        with self._store.read() as db:
            return spaces.listed(db)

    def next_renewal_ms(self, name: str) -> int:
        """Return when the budget of a subject space may be renewed next, 0 when nothing was announced."""
        with self._store.read() as db:
            return spaces.next_renewal_ms(db, name)

    def publish(self, version: Version, origin: Origin | None = None) -> Receipt:
        """Make `version`, made of `origin`, the current one of its dataset; budgets do not notice."""
        with self._writing() as db:
            return self._receipt(db, datasets.publish(db, self._log, version, origin))

    def retract(self, name: str) -> Receipt:
        """Withdraw the dataset `name`, all its versions."""
        with self._writing() as db:
            return self._receipt(db, datasets.retract(db, self._log, name))

    def current_versions(self) -> tuple[Version, ...]:
        """Return the current version of each dataset, by name."""
        with self._store.read() as db:
            return datasets.current(db)

    def version(self, name: str) -> Version | None:
        """Return the newest version of the dataset `name`, retracted or not, None when there never was one."""
        with self._store.read() as db:
            return datasets.newest(db, name)

    def versions(self) -> tuple[Version, ...]:
        """Return every version ever published, oldest first."""
        with self._store.read() as db:
            return datasets.listed(db)

    def accept_register(self, space: str, serial: int, digest: str) -> Receipt | None:
        """Note the space's register now in force; an older one, or another of the same serial, is a fault."""
        with self._writing() as db:
            position = datasets.accept_register(db, self._log, space, serial, digest)
            return None if position is None else self._receipt(db, position)

    def append_event(self, stage: Stage, slots: Slots, contract_id: str = "") -> Receipt:
        """Record an event the ledger itself does not know of, in the series of `contract_id` if it is about one."""
        if stage not in EVENTS:
            raise Fault(FaultCode.INTERNAL, "this stage follows from what the ledger does")
        with self._writing() as db:
            about = About()
            if contract_id:
                contract = contracts.require(db, contract_id)
                about = About(contract_id, contract.terms.consumer)
                slots = {**slots, Slot.CONTRACT: contract_id}
            return self._receipt(db, self._log.append(db, stage, slots, about).position)

    def open_case(self, stage: Stage, text: str, actor: str, contract_id: str = "") -> Receipt:
        """Record an objection or incident, in the series of `contract_id` if it is about one."""
        return self._recorded(lambda db: cases.open_case(db, self._log, stage, text, actor, contract_id))

    def file_case(self, filed: cases.Filed) -> Receipt:
        """Record a member's signed objection, or anyone's complaint, that the holder has to answer."""
        return self._recorded(lambda db: cases.file_case(db, self._log, filed))

    def close_case(self, stage: Stage, case_id: str, text: str, actor: str) -> Receipt:
        """Record the answer to the objection or incident `case_id`, once."""
        return self._recorded(lambda db: cases.close_case(db, self._log, stage, case_id, text, actor))

    def cases(self, stage: Stage) -> tuple[Case, ...]:
        """Return every objection or incident, oldest first."""
        with self._store.read() as db:
            return cases.listed(db, stage)

    def state_account(self, period: Period, contract_id: str = "") -> tuple[Receipt, bytes]:
        """Close `period` with a signed statement of account, for one contract or all, and return its receipt and token.

        Raises `billing.PeriodOpen` when a leaf of the period could still come.
        """
        with self._writing() as db:
            about = About(contract_id, contracts.require(db, contract_id).terms.consumer) if contract_id else About()
            position, token = billing.state(db, self._log, self._keeper.receipt_signer, period, about)
            return self._receipt(db, position), token
