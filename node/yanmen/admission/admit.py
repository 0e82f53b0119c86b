"""May this party ask this, under this contract, now? And, once planned: only of what was granted?

The question is checked in this order, each step only on what the one before it found true:

    who (the register, now) -> its signature -> the contract's own integrity -> clauses and guard rails

Budgets and quotas are the ledger's: they are counted where they are spent, in one transaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from yanmen.admission import (
    authorisation,
    controls,
    denial,
    identity,
    integrity,
    invitation,
    joinables,
    officers,
    operated,
)
from yanmen.admission.policies import Policies, Question, Rails
from yanmen.formats import connector_id
from yanmen.formats.former_keys import every, receipt_keys
from yanmen.formats.json_canonical import Json
from yanmen.formats.request import Operation
from yanmen.model.catalogue import Dataset, Grade, Version
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract
from yanmen.model.office import Act
from yanmen.model.operation import Product
from yanmen.model.party import KeyUse, Party, PartyRole, PartyStatus, Register
from yanmen.model.ports import Clock
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.stages import Admitted, Plan, Request, Scan, Submission


class Books(Protocol):
    """What admission reads of the ledger."""

    def contract(self, contract_id: str) -> Contract | None:
        """Return the contract as it stands now."""
        ...

    def version(self, name: str) -> Version | None:
        """Return the newest version of the dataset `name`, retracted or not, None when there never was one."""
        ...

    def product(self, name: str) -> Product | None:
        """Return a product as it stands, None when there never was one."""
        ...

    def office_over(self, contract_id: str, act: Act, offer_sha256: str) -> tuple[int, bytes] | None:
        """Return the newest act of an officer about this very offer, as signed, and its place in the log."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What admission works with: this node's id, its receipt key as the register has it, and its sources."""

    node_id: str
    receipt_key: bytes
    limits: NodeLimits
    clock: Clock
    register: Callable[[], Register]
    books: Books
    policies: Policies


def admit(submission: Submission, operation: Operation, desk: Desk) -> Admitted:
    """Return `submission` as a question that may be planned, or refuse it."""
    _check_length(submission, desk.limits)
    register = desk.register()
    _check_peer(submission.peer, register)
    request = authorisation.authorised(submission, operation, desk.node_id, desk.limits)
    contract = _contract(request, submission.peer, register, desk)
    manifest = invitation.accept(submission, request, register, desk.node_id)
    stated = joinables.read(submission, manifest, register, desk.node_id)
    micro_rho = request.micro_rho or contract.terms.micro_rho_per_query
    rails = desk.policies.in_force
    # A question may have waited for its turn: the contract must still be valid now.
    now_ms = max(submission.received_ms, desk.clock.now_ms())
    asked: Mapping[str, Json] = {"now_ms": now_ms, "scenario": request.scenario_id, "micro_rho": micro_rho}
    _check_clauses(submission, operation, contract, asked, rails, now_ms)
    operated.check_question(submission.sql, contract.terms.operated, desk.books.product)
    versions = _versions(contract, desk.books)
    _check_graded(contract, versions, register, desk)
    return Admitted(
        submission=submission,
        request=request,
        contract=contract,
        versions=versions,
        elsewhere=_elsewhere(register, desk.node_id),
        here=_here(register, desk.node_id),
        here_id=desk.node_id,
        joinables=stated,
        policy_digest=rails.digest(contract),
        micro_rho=micro_rho,
        price_fen=contract.terms.price_per_query_fen,
        manifest=manifest,
    )


def permits(plan: Plan, desk: Desk) -> None:
    """Return when every scan of `plan` reads only what the contract grants and the guard rails admit.

    Planning holds to the grants as well; this second look takes nothing from it but the scans.
    """
    rails = desk.policies.in_force
    _check_same(plan, rails)
    for scan in plan.scans:
        _check_current(scan, desk.books)
    violated = [(scan.version.dataset.name, _violated(plan, scan, desk, rails)) for scan in plan.scans]
    named = [name for name, clauses in violated if clauses]
    if named:
        found = tuple(sorted({clause for _, clauses in violated for clause in clauses}))
        raise denial.refusal(found, plan.admitted.contract.status, named[0])


def _check_length(submission: Submission, limits: NodeLimits) -> None:
    if len(submission.sql.encode("utf-8", errors="surrogatepass")) > limits.sql_bytes:
        detail = Detail(
            hint_en=f"A question has at most {limits.sql_bytes} bytes.",
            hint_zh=f"查询语句最长 {limits.sql_bytes} 字节。",
        )
        raise Refused(Reason.SQL_TOO_LONG, detail)


def _check_peer(peer: Party, register: Register) -> None:
    """The peer was identified when it called; a queued question meets the register as it is by now."""
    if identity.active(peer.id, register) != peer:
        raise Refused(
            Reason.IDENTITY_UNKNOWN,
            Detail(
                hint_en="Your entry in the register has changed; call again.", hint_zh="您的登记信息已变更，请重试。"
            ),
        )


def _contract(request: Request, peer: Party, register: Register, desk: Desk) -> Contract:
    """Return the peer's own contract, whole; another's is as unknown as none."""
    contract = desk.books.contract(request.contract_id)
    if contract is None or contract.terms.consumer != peer.id or contract.terms.id != request.contract_id:
        raise Refused(
            Reason.CONTRACT_UNKNOWN,
            Detail(
                subject=request.contract_id,
                hint_en="See your own: yanmen contract list.",
                hint_zh="请查看本人的合约：yanmen contract list。",
            ),
        )
    holder_keys = receipt_keys(register.find(desk.node_id), desk.receipt_key)
    integrity.check(contract, every(peer, KeyUse.MEMBER), desk.node_id, holder_keys, keys_in(register))
    return contract


def keys_in(register: Register) -> integrity.KeysOf:
    """Return what finds the keys that a party of `register` ever signed with."""

    def keys(party_id: str) -> tuple[bytes, ...]:
        party = register.find(party_id)
        return () if party is None else every(party, KeyUse.MEMBER)

    return keys


def _check_clauses(
    submission: Submission,
    operation: Operation,
    contract: Contract,
    asked: Mapping[str, Json],
    rails: Rails,
    now_ms: int,
) -> None:
    question = Question(
        principal=submission.peer.id,
        action=operation.value,
        resource=("Contract", contract.terms.id),
        context=asked,
        entities=(party_entity(submission.peer), contract_entity(contract)),
    )
    verdict = rails.decide(contract, question)
    broken = controls.asking(contract, submission.peer, submission.address, now_ms)
    if broken or not verdict.allowed:
        raise denial.refusal((*verdict.clauses, *broken), contract.status)


def _check_current(scan: Scan, books: Books) -> None:
    current = books.version(scan.version.dataset.name)
    if current is None or current.retracted or current.version != scan.version.version:
        raise Refused(
            Reason.DATASET_RETRACTED,
            Detail(
                subject=scan.version.dataset.name,
                hint_en="It may have been replaced: look at the catalogue again.",
                hint_zh="可能已有新版本，请重新查看目录。",
            ),
        )


def _check_same(plan: Plan, rails: Rails) -> None:
    """A receipt names one set of guard rails: those admitted under must be those that admit the plan."""
    if rails.digest(plan.admitted.contract) != plan.admitted.policy_digest:
        raise Refused(
            Reason.POLICY_FORBIDS,
            Detail(
                "policy",
                hint_en="The department's guard rails were changed meanwhile: ask again.",
                hint_zh="数源部门的守则刚刚变更，请重新查询。",
                clauses=("policy:changed",),
            ),
        )


def _violated(plan: Plan, scan: Scan, desk: Desk, rails: Rails) -> tuple[str, ...]:
    """Return every clause and control that forbids this scan."""
    admitted, dataset = plan.admitted, scan.version.dataset
    contract, peer = admitted.contract, admitted.submission.peer
    unit = dataset.unit()
    # Contribution bounds need the unit column whatever the question says; it is never released.
    needed = {column.lower() for column in scan.columns} - ({unit.name.lower()} if unit is not None else set())
    question = Question(
        principal=peer.id,
        action="scan",
        resource=("Dataset", dataset.name),
        context={
            "now_ms": max(admitted.submission.received_ms, desk.clock.now_ms()),
            "columns": sorted(needed),
            "release": plan.release.value,
            "channel": contract.terms.channel.value,
            "scenario": admitted.request.scenario_id,
        },
        entities=(party_entity(peer), contract_entity(contract), dataset_entity(dataset, contract)),
    )
    return (*rails.decide(contract, question).clauses, *controls.reading(plan, frozenset(needed)))


def _versions(contract: Contract, books: Books) -> tuple[Version, ...]:
    """Return the newest versions of the granted datasets; a retracted one stays marked so, for its own refusal."""
    found = (books.version(grant.dataset) for grant in contract.terms.grants)
    return tuple(version for version in found if version is not None)


def _check_graded(contract: Contract, versions: tuple[Version, ...], register: Register, desk: Desk) -> None:
    """Refuse while data granted is graded higher by now than whoever signed could sign for."""
    if any(version.dataset.grade is not Grade.GENERAL for version in versions):
        officers.require_approved(contract, desk.node_id, desk.books.office_over, register)


def _elsewhere(register: Register, node_id: str) -> tuple[tuple[str, str], ...]:
    """Return the tables that other active nodes have listed, as (alias, table)."""
    return tuple(
        (party.alias, table)
        for party in register.parties
        if party.role is PartyRole.NODE and party.status is PartyStatus.ACTIVE and party.id != node_id
        for table in party.datasets
    )


def _here(register: Register, node_id: str) -> str:
    """Return this node's own alias, by which a question may name its tables too."""
    party = register.find(node_id)
    return "" if party is None else party.alias


def party_entity(party: Party) -> Mapping[str, Json]:
    """Return `party` as policies see it."""
    region = connector_id.decode(party.id).region
    return {
        "uid": {"type": "Party", "id": party.id},
        "attrs": {"role": party.role.value, "region": region, "province": region[:2]},
        "parents": [],
    }


def contract_entity(contract: Contract) -> Mapping[str, Json]:
    """Return `contract` as policies see it."""
    attributes = {
        "channel": contract.terms.channel.value,
        "scenario": contract.terms.scenario.id,
        "status": contract.status.value,
    }
    return {"uid": {"type": "Contract", "id": contract.terms.id}, "attrs": attributes, "parents": []}


def dataset_entity(dataset: Dataset, contract: Contract) -> Mapping[str, Json]:
    """Return `dataset` as policies see it: under the contract only when the contract grants it."""
    granted = contract.terms.columns(dataset.name) is not None
    parents: list[Json] = [{"type": "Contract", "id": contract.terms.id}] if granted else []
    return {
        "uid": {"type": "Dataset", "id": dataset.name},
        "attrs": {
            "class": dataset.cls.value,
            "grade": dataset.grade.value,
            "sharing": dataset.sharing.value,
            "channels": [channel.value for channel in dataset.channels],
            "owner": dataset.owner,
            "region": dataset.region,
            "subject_space": dataset.subject_space,
        },
        "parents": parents,
    }
