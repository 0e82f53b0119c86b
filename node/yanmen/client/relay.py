"""What the consumer of a robust question carries between dealers and five aggregators.

Until the set is fixed one aggregator may be missing, slow or lie; of what is published then two sums may
be wrong or lack. The relay goes on with those that do their part and says of the others what is wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol, TypeVar

from yanmen.client import decode
from yanmen.client.errors import Refused, ReplyMalformed
from yanmen.client.link import Link, parsed
from yanmen.client.receipts import CheckedReceipt
from yanmen.crypto import documents, federated
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import manifest as manifest_format
from yanmen.formats import receipt
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.federation import (
    NOISES,
    NOTHING,
    OPENING,
    OpenedSum,
    Opening,
    Recovered,
    SetCertificate,
    SignedManifest,
)
from yanmen.model.party import Register
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire.v1 import federation_pb2

SECONDS = 120.0

T = TypeVar("T")
Failed = Refused | Fault


class Each(Protocol):
    """Does work for each named party, several at a time: what came of it, and who refused or failed."""

    def __call__(
        self, step: str, names: Sequence[str], work: Callable[[str], T]
    ) -> tuple[dict[str, T], dict[str, Failed]]:
        """Return both by name."""
        ...


@dataclass(frozen=True, slots=True)
class Summed:
    """What the aggregators made of the deposits: the nodes in it, its evidence, what was published and recovered."""

    names: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    opening: Opening
    recovered: Recovered


@dataclass(slots=True)
class Relay:
    """One question's way through its aggregators; `faults` collects what failed of each, the first stays."""

    signed: SignedManifest
    links: Mapping[str, Link]
    register: Register
    each: Each
    faults: dict[str, Failed] = field(default_factory=dict)
    seconds: float = SECONDS
    _noise: list[str] = field(default_factory=list)
    _taken: dict[tuple[str, str], bool] = field(default_factory=dict)
    _failed: dict[tuple[str, str], Failed] = field(default_factory=dict)
    _evidence: dict[str, Evidence] = field(default_factory=dict)

    def deal_noise(self) -> None:
        """Have each aggregator deal its noise and hand it to all: before any node charges."""

        def deal(name: str) -> None:
            link = self.links[name]
            request = federation_pb2.DealNoiseRequest(manifest=self.signed.token)
            reply = link.call(link.calls.federation.DealNoise, request, self.seconds)
            checked = link.receipts.check(parsed(lambda: decode.receipt(reply.receipt)))
            self._hand_in(evidence(name, checked), list(reply.envelopes))

        dealt, failed = self.each("noise", self._alive(), deal)
        self._note(failed)
        self._noise = sorted(dealt)
        self._chosen(())

    def sum(self, deposits: Mapping[str, tuple[CheckedReceipt, Sequence[bytes]]], refused: dict[str, Failed]) -> Summed:
        """Hand in each node's envelopes, have one set fixed and the sums over it opened.

        Why a node is not in it is added to `refused`.
        """

        def deposit(name: str) -> None:
            given, sealed = deposits[name]
            self._hand_in(evidence(name, given), sealed)

        refused.update(self.each("deposits", list(deposits), deposit)[1])
        asked, nodes, noise_of = self._chosen(list(deposits))
        refused.update(self._left_out(asked, [name for name in deposits if name not in nodes]))
        if len(nodes) < self.signed.manifest.contributors_least:
            raise next(iter((*refused.values(), *self.faults.values())))
        opening = self._opened(self._certified(asked, nodes, noise_of))
        try:
            recovered = federated.recovered(opening, self.signed, self.register)
        except (Malformed, BadSignature) as error:
            raise Fault(FaultCode.RECEIPT_INVALID, str(error)) from error
        return Summed(nodes, tuple(self._evidence[name] for name in (*nodes, *noise_of)), opening, recovered)

    def found(self, summed: Summed) -> dict[str, str]:
        """Return what is wrong with each aggregator, in words."""
        lied = dict.fromkeys(summed.recovered.lied, "published something else than its sum 所公布部分和有误")
        doubt = "it or another published something else than its sum 部分和存疑"
        failed = {name: str(error) for name, error in self.faults.items()}
        return failed | lied | dict.fromkeys(summed.recovered.disputed, doubt)

    @property
    def _order(self) -> tuple[str, ...]:
        return self.signed.manifest.aggregators

    def _hand_in(self, shown: Evidence, sealed: Sequence[bytes]) -> None:
        """Deposit each envelope of one dealer with the aggregator it is for."""
        if len(sealed) != len(self._order):
            raise ReplyMalformed("not one envelope for each aggregator")
        self._evidence[shown.dealer] = shown
        for to, envelope in zip(self._order, sealed, strict=True):
            if to in self.faults:
                continue
            try:
                self._deposit(to, shown, envelope)
            except Refused as error:
                self._failed[to, shown.dealer] = error
            except Fault as error:
                self._failed[to, shown.dealer] = error
                if sum(isinstance(found, Fault) for (at, _), found in list(self._failed.items()) if at == to) > 1:
                    self.faults.setdefault(to, error)  # not by chance: nobody waits for it any more

    def _deposit(self, to: str, shown: Evidence, envelope: bytes) -> None:
        link = self.links[to]
        request = federation_pb2.DepositRequest(
            manifest=self.signed.token,
            dealer=shown.dealer,
            sdjwt=shown.sdjwt,
            proof=shown.proof,
            envelope=envelope,
        )
        link.call(link.calls.federation.Deposit, request, self.seconds)
        self._taken[to, shown.dealer] = True

    def _chosen(self, dealers: Sequence[str]) -> tuple[list[str], tuple[str, ...], list[str]]:
        """Return the aggregators to go on with, and the nodes and noise that all of these hold.

        Those that keep most nodes in the sum are chosen, and of these the most: one aggregator that
        says no to a node may lie, two mean that the node dealt wrongly.
        """
        found: list[tuple[list[str], tuple[str, ...], list[str]]] = []
        for asked in self._quorums():
            nodes = tuple(name for name in sorted(dealers) if all((to, name) in self._taken for to in asked))
            held = [name for name in self._noise if all((to, name) in self._taken for to in asked)]
            if len(held) >= NOISES:
                found.append((asked, nodes, held[:NOISES]))
        if not found:
            raise next(iter((*self.faults.values(), *self._failed.values())))  # or there would be a quorum
        return max(found, key=lambda one: (len(one[1]), len(one[0])))

    def _left_out(self, asked: Sequence[str], nodes: Sequence[str]) -> dict[str, Failed]:
        """Return why `nodes` are not in the sum, and note why aggregators are not among those `asked`."""
        why: dict[str, Failed] = {}
        for (to, dealer), error in self._failed.items():
            if dealer in nodes:
                why.setdefault(dealer, error)
            if to not in asked:
                self.faults.setdefault(to, error)
        return why

    def _quorums(self) -> Iterator[list[str]]:
        alive = self._alive()
        for size in range(self.signed.manifest.mode.certifying, len(alive) + 1):
            yield from map(list, combinations(alive, size))

    def _certified(
        self, asked: Sequence[str], nodes: Sequence[str], noise_of: Sequence[str]
    ) -> dict[str, tuple[bytes, SetCertificate]]:
        """Have the aggregators certify one set; return the certificates of those that agree."""

        def certify(name: str) -> tuple[bytes, SetCertificate]:
            link = self.links[name]
            request = federation_pb2.CertifyRequest(manifest=self.signed.token, nodes=nodes, noise=noise_of)
            token = link.call(link.calls.federation.Certify, request, self.seconds).certificate
            return token, _named(name, lambda: self._certificate(name, token, nodes, noise_of))

        certified, failed = self.each("set", asked, certify)
        self._note(failed)
        agreed = self._agreed(certified)
        if len(agreed) < self.signed.manifest.mode.certifying:
            raise next(iter(self.faults.values()))
        return agreed

    def _certificate(self, name: str, token: bytes, nodes: Sequence[str], noise_of: Sequence[str]) -> SetCertificate:
        """Return the certificate that `name` gave: of its own, and of the set it was asked for."""
        found = documents.open_set(token, self._key(name))
        federated.check_set(found, self.signed)
        said = ([item.dealer for item in found.nodes], [item.dealer for item in found.noise])
        if found.aggregator != name or said != (sorted(nodes), sorted(noise_of)):
            raise Malformed("it certified another set than it was asked for")
        return found

    def _agreed(self, certified: Mapping[str, tuple[bytes, SetCertificate]]) -> dict[str, tuple[bytes, SetCertificate]]:
        """Return the largest part that certified the very same set; the others are named."""
        by_set: dict[str, dict[str, tuple[bytes, SetCertificate]]] = {}
        for name, one in certified.items():
            by_set.setdefault(manifest_format.set_digest(one[1]), {})[name] = one
        agreed = max(by_set.values(), key=len, default={})
        for name in certified:
            if name not in agreed:
                self.faults.setdefault(name, Fault(FaultCode.REPLY_MALFORMED, "it certified another set than the rest"))
        return agreed

    def _opened(self, certified: Mapping[str, tuple[bytes, SetCertificate]]) -> Opening:
        """Have those that certified open their sums."""
        certificates = tuple(certified[name][0] if name in certified else b"" for name in self._order)

        def opened(name: str) -> OpenedSum:
            link = self.links[name]
            request = federation_pb2.OpenRequest(manifest=self.signed.token, certificates=certificates)
            reply = link.call(link.calls.federation.Open, request, self.seconds).sum
            found = OpenedSum(reply.partial, reply.share)
            agreed = certified[name][1]
            _named(name, lambda: federated.check_partial(name, found, agreed, self.signed, self.register))
            return found

        sums, failed = self.each("sums", list(certified), opened)
        self._note(failed)
        if len(sums) < OPENING:
            raise next(iter(self.faults.values()))
        return Opening(certificates, tuple(sums.get(name, NOTHING) for name in self._order))

    def _note(self, failed: Mapping[str, Failed]) -> None:
        for name, error in failed.items():
            self.faults.setdefault(name, error)

    def _alive(self) -> list[str]:
        return [name for name in self._order if name not in self.faults]

    def _key(self, name: str) -> bytes:
        party = self.register.find(name)
        return b"" if party is None else party.signing_key


def evidence(name: str, checked: CheckedReceipt) -> Evidence:
    """Return the receipt as others may see it: its output, and nothing of who asked what."""
    return Evidence(name, receipt.present(checked.sdjwt, frozenset({Slot.OUTPUT})), checked.proof)


def _named(name: str, check: Callable[[], T]) -> T:
    """Return what `check` finds; what does not hold is the failure of the aggregator `name`."""
    try:
        return check()
    except (Malformed, BadSignature) as error:
        raise Fault(FaultCode.RECEIPT_INVALID, f"{name}: {error}") from error
