"""One node as its consumer sees it: catalogue, contracts, questions, sessions and the log."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

from typing_extensions import override

from yanmen.client import contracts, decode, drivers, negotiating, questions
from yanmen.client.answer import Answer, Quote
from yanmen.client.calls import Calls
from yanmen.client.catalogue import Catalogue, Entry
from yanmen.client.drivers import Driver
from yanmen.client.errors import ReplyMalformed
from yanmen.client.identity import Identity
from yanmen.client.link import Link, parsed
from yanmen.client.questions import TIMEOUT_S, Asking, Job, Progress
from yanmen.client.receipts import Asked, CheckedReceipt
from yanmen.client.signing import EachQuestion, Signing, Spending, UnderGrant
from yanmen.crypto import documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.released import Table
from yanmen.model.ability import Abilities
from yanmen.model.contract import Balance, Contract, ContractStatus, Terms
from yanmen.model.deletion import ReleasedAnswer
from yanmen.model.federation import Opening
from yanmen.model.governance import Objection
from yanmen.model.negotiation import ActKind
from yanmen.model.party import Party
from yanmen.model.ports import Clock, Randomness
from yanmen.model.template import PublishedTemplate
from yanmen.wire.v1 import catalogue_pb2, contract_pb2, department_pb2, join_pb2

SESSION_MINUTES = 30


def connect(
    address: str,
    identity: str | os.PathLike[str] | Identity,
    *,
    node: str = "",
    clock: Clock | None = None,
    randomness: Randomness | None = None,
) -> "Node":
    """Connect to the node at `address` (host:port), or to the one the register calls so by alias or id.

    `identity` is the member's folder. Where the node is reached at another address than the
    register's (a tunnel, say), `node` names it. Its log is checked at once: a log that went back
    raises `LogWentBack`.
    """
    who = identity if isinstance(identity, Identity) else Identity.load(identity)
    party = who.node(node or address)
    target = address if ":" in address else party.address
    opened = Node(target, party, who, clock or SystemClock(), randomness or SystemRandomness())
    try:
        opened.checkpoint()
    except BaseException:
        opened.close()
        raise
    return opened


class Session:
    """Questions under one signed grant: nothing is signed per question until it ends or is spent."""

    def __init__(self, link: Link, signing: Signing, grant: UnderGrant) -> None:
        """Hold the grant."""
        self._link = link
        self._signing = signing
        self.grant = grant

    def explain(self, sql: str) -> Quote:
        """Return what `sql` would give and cost; no data is touched."""
        return questions.explain(self._link, self._signing, sql, self.grant)

    def submit(self, sql: str) -> Job:
        """Start `sql` as a job and return at once."""
        return questions.submit(self._link, self._signing, sql, self.grant)

    def query(self, sql: str, *, timeout: float = TIMEOUT_S, progress: Progress | None = None) -> Answer:
        """Ask `sql` and return its verified answer."""
        return questions.ask(self._link, self._signing, sql, self.grant, timeout, progress)


class Node:
    """A connection to one node; use it as a context manager, or `close` it."""

    def __init__(self, target: str, party: Party, identity: Identity, clock: Clock, randomness: Randomness) -> None:
        """Open a channel to `target`; `connect` does this after looking the node up."""
        self.party = party
        self._identity = identity
        self._calls = Calls(target, party, identity)
        self._link = Link(self._calls, party, identity, clock)
        self._signing = Signing(identity, party.id, clock, randomness)
        self._clock = clock
        self._terms: dict[str, Terms] = {}

    @property
    def member_id(self) -> str:
        """The connector id of the member who asks."""
        return self._identity.id

    # The catalogue

    def catalogue(self) -> Catalogue:
        """Return the datasets in force."""
        reply = self._link.call(self._calls.catalogue.ListDatasets, catalogue_pb2.ListDatasetsRequest())
        return Catalogue(tuple(parsed(partial(decode.entry, message)) for message in reply.datasets))

    def dataset(self, name: str) -> Entry:
        """Return one dataset."""
        reply = self._link.call(self._calls.catalogue.GetDataset, catalogue_pb2.GetDatasetRequest(name=name))
        return parsed(lambda: decode.entry(reply.dataset))

    def abilities(self) -> Abilities:
        """Return what the node says it can do, signed by its receipt key."""
        reply = self._link.call(self._calls.abilities.GetAbilities, department_pb2.GetAbilitiesRequest())
        token = reply.abilities_jws.encode("ascii", "replace")
        try:
            said = parsed(lambda: documents.open_abilities(token, self.party.signing_key))
        except BadSignature as error:
            raise ReplyMalformed("abilities that the node did not sign") from error
        if said.node != self.party.id:
            raise ReplyMalformed("the abilities of another node")
        return said

    # Officers

    def waiting(self) -> tuple[department_pb2.WaitingContract, ...]:
        """Return what waits for the officers of the node's department, oldest first."""
        reply = self._link.call(self._calls.offices.ListWaiting, department_pb2.ListWaitingRequest())
        return tuple(reply.waiting)

    def hand_in(self, act: bytes) -> tuple[CheckedReceipt, str]:
        """Hand in an officer's signed act; return its verified receipt and how the contract stands."""
        request = department_pb2.RecordActRequest(act_jws=act.decode("ascii"))
        reply = self._link.call(self._calls.offices.RecordAct, request)
        receipt = parsed(lambda: decode.receipt(reply.receipt))
        return self._link.receipts.check_document(receipt, act), reply.contract_status

    # Contracts

    def request_contract(self, terms: Terms) -> Contract:
        """Sign `terms` as an offer, hand it in and return the contract, which may await a decision."""
        offer = documents.sign_offer(terms, self._identity.signer)
        request = contract_pb2.RequestContractRequest(offer_jws=offer.decode("ascii"))
        return self._opened(self._link.call(self._calls.contracts.RequestContract, request).contract)

    def answer_offer(self, contract: Contract, terms: Terms | None = None, *, days: int = 7) -> Contract:
        """Accept the holder's counter-offer as it is, or answer it with other `terms` that stand for `days`."""
        return self.request_contract(negotiating.answer(contract, terms, days, self._clock))

    def amend_contract(self, contract: Contract, terms: Terms) -> Contract:
        """Offer `terms` in the place of those of a contract in force; what was spent under it stays spent."""
        return self.request_contract(negotiating.amendment(contract, terms))

    def sign_contract(self, contract: Contract) -> Contract:
        """Sign, as a further side, what consumer and holder agreed on."""
        return self._act(ActKind.SIGN, contract)

    def verify_contract(self, contract: Contract) -> Contract:
        """Confirm that the holder's acceptance of what was negotiated is the one agreed on."""
        return self._act(ActKind.VERIFY, contract)

    def end_contract(self, contract: Contract, reason: str) -> Contract:
        """End a contract, its negotiation, or that of `contract.amendment` where that is given."""
        return self._act(ActKind.END, contract, reason)

    def contract(self, contract_id: str) -> Contract:
        """Return one of the member's contracts, or one it is a side of; every signature is verified."""
        request = contract_pb2.GetContractRequest(contract_id=contract_id)
        return self._opened(self._link.call(self._calls.contracts.GetContract, request).contract)

    def contracts(self) -> tuple[Contract, ...]:
        """Return the member's contracts with this node."""
        reply = self._link.call(self._calls.contracts.ListContracts, contract_pb2.ListContractsRequest())
        return tuple(self._opened(message) for message in reply.contracts)

    def released(self, contract: str | Contract) -> tuple[ReleasedAnswer, ...]:
        """Return the answers given under a contract, by their receipts."""
        request = contract_pb2.ListReleasedRequest(contract_id=_id(contract))
        reply = self._link.call(self._calls.contracts.ListReleased, request)
        return tuple(ReleasedAnswer(each.jti, each.sha256) for each in reply.answers)

    def prove_deletion(self, contract: Contract, how: str) -> Contract:
        """State, signed, that every answer given under a contract that is over was destroyed, and how."""
        return self._said(negotiating.proof(contract, self.released(contract), how, self._identity, self._clock))

    def side(self, name: str) -> str:
        """Return the id of the party that the register lists under the id or alias `name`."""
        return negotiating.side(name, self._identity.register)

    def templates(self) -> tuple[PublishedTemplate, ...]:
        """Return the contract templates on offer, each signed by this node."""
        reply = self._link.call(self._calls.contracts.ListTemplates, contract_pb2.ListTemplatesRequest())
        return tuple(contracts.opened_template(message, self.party) for message in reply.templates)

    def balance(self, contract: str | Contract) -> Balance:
        """Return what is left of a contract."""
        request = contract_pb2.GetBalanceRequest(contract_id=_id(contract))
        return decode.balance(self._link.call(self._calls.contracts.GetBalance, request).balance)

    # Questions

    def explain(
        self, sql: str, *, contract: str | Contract, micro_rho: int = 0, joinables: tuple[bytes, ...] = ()
    ) -> Quote:
        """Return what `sql` would give, how wide and at what cost; no data is touched and nothing is charged.

        `joinables` are what other nodes state of tables that it joins.
        """
        binder = self._binder(contract, micro_rho, None, None)
        return questions.explain(self._link, self._signing, sql, binder, joinables)

    def submit(
        self,
        sql: str,
        *,
        contract: str | Contract,
        micro_rho: int = 0,
        max_micro_rho: int | None = None,
        max_price_fen: int | None = None,
    ) -> Job:
        """Start `sql` as a job and return at once.

        `micro_rho` is the privacy charge (0 = the contract's default: more charge, less noise). The
        most that may be spent is what the contract says one question costs, unless set here.
        """
        binder = self._binder(contract, micro_rho, max_micro_rho, max_price_fen)
        return questions.submit(self._link, self._signing, sql, binder)

    def query(
        self,
        sql: str,
        *,
        contract: str | Contract,
        micro_rho: int = 0,
        timeout: float = TIMEOUT_S,
        progress: Progress | None = None,
    ) -> Answer:
        """Ask `sql` and return its verified answer; raises `Refused`, or `StillRunning` after `timeout` seconds.

        `progress` is told once a second how long it has been waited. Interrupting it (Ctrl-C) stops the job.
        """
        binder = self._binder(contract, micro_rho, None, None)
        return questions.ask(self._link, self._signing, sql, binder, timeout, progress)

    def contribute(self, sql: str, contract: str | Contract, micro_rho: int, asking: Asking) -> Job:
        """Start `sql` as this node's part of a federated question; its answer is sealed for the aggregators."""
        binder = replace(self._binder(contract, micro_rho, None, None), manifest=asking.token)
        return questions.submit(self._link, self._signing, sql, binder, asking)

    def finish(
        self, sql: str, contract: str | Contract, micro_rho: int, asking: Asking, opening: Opening
    ) -> tuple[Table, CheckedReceipt]:
        """Return the table of a federated question's opened total, made by this node without touching data."""
        binder = replace(self._binder(contract, micro_rho, None, None), manifest=asking.token)
        return questions.finish(self._link, self._signing, sql, binder, asking, opening)

    def statement(self, contract: str | Contract) -> bytes:
        """Return what another node must know of the tables of a contract to plan a join with them."""
        request = join_pb2.StateRequest(contract_id=_id(contract))
        return self._link.call(self._calls.joins.State, request).statement

    def part(self, request: join_pb2.GetPartRequest, seconds: float) -> join_pb2.GetPartResponse:
        """Return a piece of what this node made of a join."""
        return self._link.call(self._calls.joins.GetPart, request, seconds)

    def blind(self, request: join_pb2.BlindRequest, seconds: float) -> join_pb2.BlindResponse:
        """Have this node blind a piece of another department's list."""
        return self._link.call(self._calls.joins.Blind, request, seconds)

    def fetch(self, job_id: str, *, timeout: float = TIMEOUT_S) -> Answer:
        """Return the verified answer of a job submitted before, from this program or another."""
        return questions.fetch(self._link, Asked(job_id), timeout)

    def cancel(self, job_id: str) -> None:
        """Stop a job; what it was charged stays charged."""
        questions.cancel(self._link, job_id)

    @contextmanager
    def session(
        self,
        contract: str | Contract,
        *,
        max_micro_rho: int,
        max_price_fen: int,
        micro_rho: int = 0,
        minutes: int = SESSION_MINUTES,
    ) -> Iterator[Session]:
        """Sign one grant for several questions; the two maxima hold for all of them together."""
        spending = Spending(micro_rho, max_micro_rho, max_price_fen)
        grant = UnderGrant.issue(self._signing, self._terms_of(contract), spending, minutes * 60)
        yield Session(self._link, self._signing, grant)

    def driver(
        self,
        contract: str | Contract,
        *,
        max_micro_rho: int,
        max_price_fen: int,
        micro_rho: int = 0,
        minutes: int = SESSION_MINUTES,
    ) -> Driver:
        """Sign one grant as `session` does, and return what a stock Flight SQL driver connects with."""
        terms = self._terms_of(contract)
        spending = Spending(micro_rho, max_micro_rho, max_price_fen)
        grant = UnderGrant.issue(self._signing, terms, spending, minutes * 60)
        return drivers.adbc(self._calls, terms.id, grant.grant_jws, grant.expires_s)

    # The log

    def checkpoint(self) -> Checkpoint:
        """Return the head of the node's usage log; raises `LogWentBack` if it is not a later state of what was seen."""
        return self._link.checkpoint()

    def receipt(self, index: int) -> CheckedReceipt:
        """Return the verified receipt at `index`: the member's own, any for an auditor or regulator."""
        return self._link.receipt(index)

    def object_to(
        self, text: str, *, dataset: str = "", index: int | None = None, contract: str = ""
    ) -> CheckedReceipt:
        """Object, signed, to a dataset or to the leaf `index`; the receipt says until when it is answered."""
        origin = "" if index is None else self.checkpoint().origin
        said = Objection(
            self._identity.id,
            self.party.id,
            dataset,
            origin,
            index or 0,
            contract,
            text,
            SystemClock().now_ms() // 1000,
        )
        return self._link.object_to(governance.sign_objection(said, self._identity.signer))

    # The connection

    def close(self) -> None:
        """Close the connection, once what was answered is acknowledged."""
        try:
            self._link.acknowledging.close()
        finally:
            self._calls.close()

    def __enter__(self) -> Self:
        """Return the node."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    @override
    def __repr__(self) -> str:
        """Return who it is."""
        return f"<node {self.party.alias} {self.party.name} at {self.party.address}>"

    def _binder(
        self, contract: str | Contract, micro_rho: int, max_micro_rho: int | None, max_price_fen: int | None
    ) -> EachQuestion:
        terms = self._terms_of(contract)
        return EachQuestion(self._signing, terms, Spending.within(terms, micro_rho, max_micro_rho, max_price_fen))

    def _terms_of(self, contract: str | Contract) -> Terms:
        """Return the terms as last seen: what is signed by them never goes beyond them."""
        if isinstance(contract, Contract):
            return contract.terms
        return self._terms.get(contract) or self.contract(contract).terms

    def _opened(self, message: contract_pb2.Contract) -> Contract:
        who = self._identity
        found = contracts.opened(message, contracts.Sides(self.party, who.id, who.keys, who.register))
        if found.status is ContractStatus.ACTIVE or not found.terms.amends:
            self._terms[found.terms.id] = found.terms
        return found

    def _act(self, kind: ActKind, contract: Contract, text: str = "") -> Contract:
        return self._said(negotiating.word(kind, contract, text, self._identity, self._clock))

    def _said(self, token: bytes) -> Contract:
        request = contract_pb2.ActRequest(act_jws=token.decode("ascii"))
        return self._opened(self._link.call(self._calls.contracts.Act, request).contract)


def _id(contract: str | Contract) -> str:
    return contract if isinstance(contract, str) else contract.terms.id
