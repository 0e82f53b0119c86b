"""Ask many nodes one question: every step is a call to one party, and nobody but the consumer talks to two.

explain everywhere -> manifest -> noise -> shares of each node -> deposits -> one set -> sums -> total -> table

A node may drop out at any step: it is named and the rest go on. The noise comes first, so that an aggregator
which does not serve is found before any node charges; one that falls silent later is asked until the time is up.
"""

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from yanmen.aggregation.calibration import variances
from yanmen.client import decode
from yanmen.client.answer import Answer, Quote
from yanmen.client.calls import SECONDS, Calls
from yanmen.client.errors import Refused, ReplyMalformed
from yanmen.client.federated_answer import FederatedAnswer
from yanmen.client.federated_quote import FederatedQuote
from yanmen.client.identity import Identity
from yanmen.client.insisting import AggregatorFailed, each, insist, naming
from yanmen.client.link import Link, parsed
from yanmen.client.node import Node
from yanmen.client.questions import TIMEOUT_S, Asking
from yanmen.client.receipts import CheckedReceipt
from yanmen.crypto import documents, federated, manifests
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import base64url, receipt, shape
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.formats.released import Table
from yanmen.model.federation import Invited, Manifest, Mode, OpenedSum, Opening, SignedManifest
from yanmen.model.party import Party, PartyRole
from yanmen.model.ports import Clock, Randomness
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire.v1 import federation_pb2

HOUR_S = 3600
AT_ONCE = 64
"""Nodes that are asked side by side, unless the caller says otherwise."""
FEWER_AT_ONCE = {"explain": 16, "deposits": 12}
"""Steps in which nobody waits for a deadline; an aggregator lets one member hold few calls at a time (wire/pacing)."""

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Told the step, how many are done, and of how many."""


@dataclass(slots=True)
class Federation:
    """Many nodes and their aggregators, of whom in robust `mode` some may be `silent`; use it through `federation`."""

    identity: Identity
    nodes: Mapping[str, Node]
    contracts: Mapping[str, str]
    aggregators: Mapping[str, Link]
    clock: Clock
    randomness: Randomness
    progress: Progress = field(default=lambda _step, _done, _of: None)
    mode: Mode = Mode.ADDITIVE
    silent: Mapping[str, Refused | Fault] = field(default_factory=dict)
    unreachable: Mapping[str, Refused | Fault] = field(default_factory=dict)
    at_once: int = AT_ONCE
    _until: float = 0.0

    def explain(self, sql: str, *, micro_rho: int, partition: str = "") -> FederatedQuote:
        """Return what `sql` would give and cost; no data is touched, and nothing charged."""
        quotes, refused = self._explained(sql, micro_rho)
        refused.update(self.unreachable)
        self._require(1, quotes, refused)
        return FederatedQuote.of(quotes, refused, self._variances(quotes, micro_rho, partition), self.mode)

    def query(
        self,
        sql: str,
        *,
        micro_rho: int,
        contributors_least: int = 0,
        partition: str = "",
        timeout: float = TIMEOUT_S,
    ) -> FederatedAnswer:
        """Ask all nodes `sql` and return the verified total of those that contribute.

        Each node charges `micro_rho`. At least `contributors_least` nodes must take part (0 = all).
        A unit may be in every node unless all owners declared the same `partition`. Within `timeout`
        seconds each node must have answered, and then again every aggregator.
        """
        least = self._least(contributors_least)
        quotes, refused = self._explained(sql, micro_rho)
        refused.update(self.unreachable)
        self._require(least, quotes, refused)
        signed = self._manifest(sql, quotes, micro_rho, least, partition)
        self._until = time.monotonic() + timeout
        noise = self._noise(signed)
        answers = self._contributions(sql, quotes, signed, timeout, refused)
        self._require(least, answers, refused)
        self._until = time.monotonic() + timeout
        kept = self._deposit(signed, answers, refused)
        self._require(least, kept, refused)
        names, evidence = sorted(kept), (*kept.values(), *noise)
        opening = self._opened(signed, names)
        try:
            federated.total(opening, signed, self.identity.register)
        except (Malformed, BadSignature) as error:
            raise Fault(FaultCode.RECEIPT_INVALID, str(error)) from error
        table, proof = self._finish(sql, signed, opening, names, micro_rho)
        in_it = {name: answers[name] for name in names}
        agreed = next(iter(quotes.values())).shape
        return FederatedAnswer(table, signed, tuple(names), refused, in_it, evidence, opening, proof, shape=agreed)

    # The steps

    def _explained(self, sql: str, micro_rho: int) -> tuple[dict[str, Quote], dict[str, Refused | Fault]]:
        def explain(name: str) -> Quote:
            beside = self._others(name)
            return self.nodes[name].explain(sql, contract=self.contracts[name], micro_rho=micro_rho, joinables=beside)

        quotes, refused = self._each("explain", list(self.nodes), explain)
        shapes = {(quote.shape, len(quote.l2_squared)) for quote in quotes.values()}
        if any(not known for known, _ in shapes):
            raise Fault(
                FaultCode.REPLY_MALFORMED, "only questions about persons can be federated; ask each node by itself"
            )
        if len(shapes) > 1:
            first = next(iter(quotes.values())).shape
            other = next(name for name, quote in quotes.items() if quote.shape != first)
            raise Fault(
                FaultCode.REPLY_MALFORMED, f"{other} would give another table than the first node: compare the specs"
            )
        return quotes, refused

    def _others(self, name: str) -> tuple[bytes, ...]:  # noqa: ARG002 - of a join it is all the others
        """Return what nodes beside `name` state of their tables: nothing, where tables are not joined."""
        return ()

    def _manifest(
        self, sql: str, quotes: Mapping[str, Quote], micro_rho: int, least: int, partition: str
    ) -> SignedManifest:
        sigma_squared = self._variances(quotes, micro_rho, partition)
        first = next(iter(quotes.values()))
        grids, now_s = parsed(lambda: shape.grids(first.shape)), self.clock.now_ms() // 1000
        manifest = Manifest(
            jti=self.randomness.token(16).hex(),
            consumer=self.identity.id,
            issued_s=now_s,
            expires_s=now_s + HOUR_S,
            query_sha256=hashlib.sha256(sql.encode()).hexdigest(),
            shape_sha256=shape.digest(first.shape),
            cells=sum(grid.aggregates * grid.groups for grid in grids),
            micro_rho=micro_rho,
            sigma_squared=sigma_squared,
            multiplicity=1 if partition or self.mode is Mode.JOINED else len(quotes),
            partition=partition,
            contributors_least=least,
            nodes=tuple(Invited(name, self.contracts[name]) for name in sorted(quotes)),
            aggregators=tuple(sorted((*self.aggregators, *self.silent))),
            mode=self.mode,
            grids=grids if len(grids) > 1 else (),
        )
        token = documents.sign_manifest(manifest, self.identity.signer)
        return manifests.read(token, self.identity.register)

    def _variances(self, quotes: Mapping[str, Quote], micro_rho: int, partition: str) -> tuple[int, ...]:
        """Return the noise that each aggregator deals for the charge, by the most sensitive of the nodes."""
        worst = [max(values) for values in zip(*(quote.l2_squared for quote in quotes.values()), strict=True)]
        return variances(worst, micro_rho, 1 if partition else len(quotes))

    def _contributions(
        self,
        sql: str,
        quotes: Mapping[str, Quote],
        signed: SignedManifest,
        timeout: float,
        refused: dict[str, Refused | Fault],
    ) -> dict[str, Answer]:
        asking = Asking(signed.token, signed.manifest.aggregators, min(SECONDS, timeout))

        def contribute(name: str) -> Answer:
            node = self.nodes[name]
            return node.contribute(sql, self.contracts[name], signed.manifest.micro_rho, asking).fetch(timeout=timeout)

        answers, failed = self._each("shares", list(quotes), contribute)
        refused.update(failed)
        return answers

    def _deposit(
        self, signed: SignedManifest, answers: Mapping[str, Answer], refused: dict[str, Refused | Fault]
    ) -> dict[str, Evidence]:
        shown = {name: evidence_of(name, answer.receipt) for name, answer in answers.items()}

        def deposit(name: str) -> Evidence:
            sealed = [base64url.decode(str(row[1])) for row in answers[name].table.rows]
            self._hand_in(signed, shown[name], sealed)
            return shown[name]

        kept, failed = self._each("deposits", list(answers), deposit)
        for error in failed.values():
            if isinstance(error, AggregatorFailed):
                raise error
        refused.update(failed)
        return kept

    def _noise(self, signed: SignedManifest) -> tuple[Evidence, ...]:
        def deal(name: str) -> Evidence:
            link = self.aggregators[name]
            request = federation_pb2.DealNoiseRequest(manifest=signed.token)
            reply = insist(partial(link.call, link.calls.federation.DealNoise, request), self._until)
            checked = link.receipts.check(parsed(lambda: decode.receipt(reply.receipt)))
            shown = evidence_of(name, checked)
            self._hand_in(signed, shown, list(reply.envelopes))
            return shown

        dealt, failed = self._each("noise", list(self.aggregators), deal)
        self._none_failed(failed)
        return tuple(dealt[name] for name in sorted(dealt))

    def _hand_in(self, signed: SignedManifest, shown: Evidence, sealed: Sequence[bytes]) -> None:
        """Deposit each envelope of one dealer with the aggregator it is for."""
        if len(sealed) != len(signed.manifest.aggregators):
            raise ReplyMalformed("not one envelope for each aggregator")
        for to, envelope in zip(signed.manifest.aggregators, sealed, strict=True):
            link = self.aggregators[to]
            request = federation_pb2.DepositRequest(
                manifest=signed.token,
                dealer=shown.dealer,
                sdjwt=shown.sdjwt,
                proof=shown.proof,
                envelope=envelope,
            )
            try:
                insist(partial(link.call, link.calls.federation.Deposit, request), self._until)
            except Refused as error:
                raise naming(self.party(to), error) from error
            except Fault as error:
                raise AggregatorFailed(naming(self.party(to), error)) from error

    def _opened(self, signed: SignedManifest, names: Sequence[str]) -> Opening:
        """Have all aggregators certify one set, then open their sums over it."""

        def certify(name: str) -> bytes:
            link = self.aggregators[name]
            request = federation_pb2.CertifyRequest(manifest=signed.token, nodes=names)
            return insist(partial(link.call, link.calls.federation.Certify, request), self._until).certificate

        certified, failed = self._each("set", list(self.aggregators), certify)
        self._none_failed(failed)
        certificates = tuple(certified[name] for name in signed.manifest.aggregators)

        def opened(name: str) -> OpenedSum:
            link = self.aggregators[name]
            request = federation_pb2.OpenRequest(manifest=signed.token, certificates=certificates)
            found = insist(partial(link.call, link.calls.federation.Open, request), self._until).sum
            return OpenedSum(found.partial, found.share)

        sums, failed = self._each("sums", list(self.aggregators), opened)
        self._none_failed(failed)
        return Opening(certificates, tuple(sums[name] for name in signed.manifest.aggregators))

    def _finish(
        self, sql: str, signed: SignedManifest, opening: Opening, names: Sequence[str], micro_rho: int
    ) -> tuple[Table, CheckedReceipt]:
        """Have the first of `names` that still answers make the table; all would make the same."""
        for name in names[:-1]:
            try:
                return self._finished(name, sql, signed, opening, micro_rho)
            except (Refused, Fault):
                continue
        return self._finished(names[-1], sql, signed, opening, micro_rho)

    def _finished(
        self, name: str, sql: str, signed: SignedManifest, opening: Opening, micro_rho: int
    ) -> tuple[Table, CheckedReceipt]:
        asking = Asking(signed.token, joinables=self._others(name))
        return self.nodes[name].finish(sql, self.contracts[name], micro_rho, asking, opening)

    def _least(self, contributors_least: int) -> int:
        asked = len(self.nodes) + len(self.unreachable)
        if not 0 <= contributors_least <= asked:
            raise Malformed(f"contributors_least: {asked} nodes are asked, {contributors_least} cannot take part")
        return contributors_least or asked

    def _require(self, least: int, there: Collection[str], refused: Mapping[str, Refused | Fault]) -> None:
        """Go on only while enough nodes are there; else say why the first of the others is not."""
        if len(there) < least:
            name, error = next(iter(refused.items()))
            raise naming(self.party(name), error) from error

    def _none_failed(self, failed: Mapping[str, Refused | Fault]) -> None:
        """Raise the first failure: nothing opens without every aggregator."""
        for name, error in failed.items():
            raise naming(self.party(name), error) from error

    def party(self, name: str) -> Party:
        """Return the party of this question with the id `name`."""
        found = self.identity.register.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def _each(
        self, step: str, names: Sequence[str], work: Callable[[str], T]
    ) -> tuple[dict[str, T], dict[str, Refused | Fault]]:
        """Do `work` for each party, several at a time; return what came of it and who refused or failed."""
        at_once = min(self.at_once, FEWER_AT_ONCE.get(step, self.at_once))
        return each(names, work, at_once, lambda at: self.progress(step, at, len(names)))


def federation(
    identity: str | os.PathLike[str] | Identity,
    contracts: Mapping[str, str],
    aggregators: Sequence[str],
    *,
    progress: Progress | None = None,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
) -> AbstractContextManager[Federation]:
    """Connect to each node of `contracts` (alias or id -> contract id) and to the three `aggregators`.

    `identity` is the member's folder. A node that does not answer is left out and named.
    """
    who = identity if isinstance(identity, Identity) else Identity.load(identity)
    told = progress or (lambda _step, _done, _of: None)
    return _connected(who, contracts, aggregators, told, clock or SystemClock(), randomness or SystemRandomness())


@contextmanager
def _connected(
    identity: Identity,
    contracts: Mapping[str, str],
    aggregators: Sequence[str],
    progress: Progress,
    clock: Clock,
    randomness: Randomness,
) -> Iterator[Federation]:
    parties = {identity.node(name).id: identity.node(name) for name in contracts}
    with ExitStack() as open_:

        def connected(name: str) -> Node:
            party = parties[name]
            return Node(party.address, party, identity, clock, randomness)

        nodes, unreachable = each(list(parties), connected, AT_ONCE)
        for node in nodes.values():
            open_.enter_context(node)
        links = [_link(identity.node(name, PartyRole.AGGREGATOR), identity, clock, open_) for name in aggregators]
        granted = dict(zip(parties, contracts.values(), strict=True))
        found = Federation(identity, nodes, granted, dict(links), clock, randomness, progress)
        found.unreachable = unreachable
        yield found


def _link(party: Party, identity: Identity, clock: Clock, open_: ExitStack) -> tuple[str, Link]:
    try:
        calls = Calls(party.address, party, identity)
    except Fault as error:
        raise naming(party, error) from error
    open_.callback(calls.close)
    return party.id, Link(calls, party, identity, clock)


def evidence_of(name: str, checked: CheckedReceipt) -> Evidence:
    """Return the receipt as others may see it: its output, and nothing of who asked what."""
    return Evidence(name, receipt.present(checked.sdjwt, frozenset({Slot.OUTPUT})), checked.proof)
