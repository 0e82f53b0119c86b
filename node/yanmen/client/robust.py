"""Ask many nodes one question through five aggregators: the answer comes although one is missing or lies.

explain everywhere -> manifest -> noise -> shares of each node -> deposits -> one set -> sums -> total -> table
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from typing_extensions import override

from yanmen.client.answer import Answer
from yanmen.client.calls import Calls
from yanmen.client.federated_answer import FederatedAnswer
from yanmen.client.federating import Federation, Progress
from yanmen.client.federating import federation as connected
from yanmen.client.identity import Identity
from yanmen.client.link import Link
from yanmen.client.questions import TIMEOUT_S
from yanmen.client.relay import Relay
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import base64url
from yanmen.model.federation import Mode
from yanmen.model.party import PartyRole
from yanmen.model.ports import Clock, Randomness
from yanmen.model.refusal import Fault, FaultCode


@dataclass(slots=True)
class RobustFederation(Federation):
    """Many nodes and five aggregators, of whom some may be `silent`; use it through `robust_federation`."""

    @override
    def query(
        self,
        sql: str,
        *,
        micro_rho: int,
        contributors_least: int = 0,
        partition: str = "",
        timeout: float = TIMEOUT_S,
    ) -> FederatedAnswer:
        """Ask as a federation does; which aggregators failed or lied is in the answer's `faults`."""
        least = self._least(contributors_least)
        quotes, refused = self._explained(sql, micro_rho)
        refused.update(self.unreachable)
        self._require(least, quotes, refused)
        signed = self._manifest(sql, quotes, micro_rho, least, partition)
        relay = Relay(signed, self.aggregators, self.identity.register, self._each, dict(self.silent), timeout)
        relay.deal_noise()
        answers = self._contributions(sql, quotes, signed, timeout, refused)
        deposits = {name: (answer.receipt, _sealed(answer)) for name, answer in answers.items()}
        summed = relay.sum(deposits, refused)
        table, proof = self._finish(sql, signed, summed.opening, summed.names, micro_rho)
        return FederatedAnswer(
            table=table,
            manifest=signed,
            contributors=summed.names,
            refused=refused,
            answers={name: answers[name] for name in summed.names},
            evidence=summed.evidence,
            opening=summed.opening,
            receipt=proof,
            faults=relay.found(summed),
            shape=next(iter(quotes.values())).shape,
        )


def robust_federation(
    identity: str | os.PathLike[str] | Identity,
    contracts: Mapping[str, str],
    aggregators: Sequence[str],
    *,
    progress: Progress | None = None,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
) -> AbstractContextManager[RobustFederation]:
    """Connect to each node of `contracts` (alias or id -> contract id) and to those of the five that answer."""
    who = identity if isinstance(identity, Identity) else Identity.load(identity)
    if len(set(aggregators)) != Mode.ROBUST.aggregators:
        raise Fault(FaultCode.CONFIG, f"robust mode needs {Mode.ROBUST.aggregators} aggregators")
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
) -> Iterator[RobustFederation]:
    links: dict[str, Link] = {}
    silent: dict[str, Fault] = {}
    with ExitStack() as open_:
        for name in aggregators:
            party = identity.node(name, PartyRole.AGGREGATOR)
            try:
                calls = Calls(party.address, party, identity)
            except Fault as error:
                silent[party.id] = error
                continue
            open_.callback(calls.close)
            links[party.id] = Link(calls, party, identity, clock)
        many = open_.enter_context(
            connected(identity, contracts, (), progress=progress, clock=clock, randomness=randomness)
        )
        yield RobustFederation(
            identity=identity,
            nodes=many.nodes,
            contracts=many.contracts,
            aggregators=links,
            clock=many.clock,
            randomness=many.randomness,
            progress=many.progress,
            mode=Mode.ROBUST,
            silent=silent,
            unreachable=many.unreachable,
        )


def _sealed(answer: Answer) -> tuple[bytes, ...]:
    """Return the envelopes that a node answered with."""
    return tuple(base64url.decode(str(row[1])) for row in answer.table.rows)
