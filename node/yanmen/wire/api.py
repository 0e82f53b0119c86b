"""What the wire needs of a node; yanmen.node implements it."""

from collections.abc import Sequence
from typing import Protocol

from yanmen.aggregation.aggregator import Dealer, Noise
from yanmen.model.catalogue import Version
from yanmen.model.contract import Balance, Contract
from yanmen.model.deletion import ReleasedAnswer
from yanmen.model.federation import OpenedSum, Opening
from yanmen.model.joining import Handed, Piece
from yanmen.model.office import Waiting
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Refused
from yanmen.model.stages import Answer, Finished, Names, Output, Quote, Submission
from yanmen.model.template import PublishedTemplate
from yanmen.planning.parameters import Placeholder


class LogApi(Protocol):
    """Every method raises `Refused` (with its receipt, when it was logged) or `Fault`, and is thread safe."""

    def identify(self, certificate_pem: bytes) -> Party:
        """Return the active member whose registered certificate this is, or refuse it."""
        ...

    def turn_away(self, party: Party, refusal: Refused) -> Receipt | None:
        """Record that `party` was not let in; None when that was noted often enough lately."""
        ...

    def checkpoint(self, party: Party) -> str:
        """Return the newest checkpoint of the usage log."""
        ...

    def receipt(self, party: Party, index: int) -> Receipt:
        """Return the receipt at `index`: a consumer's own, any for an auditor or regulator."""
        ...

    def consistency(self, party: Party, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Return the proof that the log of `old_size` leaves is a prefix of the log of `new_size`."""
        ...

    def acknowledge(self, party: Party, index: int, token: bytes) -> Receipt:
        """Record that `party` has the receipt of its answer at `index`, and return the receipt of that."""
        ...

    def object_to(self, party: Party, token: bytes) -> Receipt:
        """Record the objection that `party` signed, and return its receipt."""
        ...

    def drain(self, wait_ms: int) -> None:
        """Start no more jobs, let running ones finish for `wait_ms`, then abort the rest with a receipt."""
        ...


class NodeApi(LogApi, Protocol):
    """What a department's node answers."""

    def abilities(self, interfaces: Sequence[str]) -> bytes:
        """Return what this node can do, answered by `interfaces`, signed by its receipt key."""
        ...

    def waiting(self, party: Party) -> tuple[tuple[Waiting, bool], ...]:
        """Return what waits for the officers of `party`'s department, and whether it is overdue."""
        ...

    def record_act(self, party: Party, token: bytes) -> tuple[Receipt, Contract]:
        """Take in the act that the officer `party` signed, and carry it out."""
        ...

    def datasets(self, party: Party) -> tuple[Version, ...]:
        """Return the versions in force that `party` may see."""
        ...

    def dataset(self, party: Party, name: str) -> Version:
        """Return the version in force of the dataset `name`."""
        ...

    def request_contract(self, party: Party, offer: bytes) -> Contract:
        """Take in the signed `offer`; the same offer again is the same contract."""
        ...

    def act(self, party: Party, token: bytes) -> Contract:
        """Take in what `party` signed about a contract as one of its sides; the same again is the same."""
        ...

    def contract(self, party: Party, contract_id: str) -> Contract:
        """Return one contract of `party`, or one that names it as a side."""
        ...

    def contracts(self, party: Party) -> tuple[Contract, ...]:
        """Return all contracts of `party`, and those that name it as a side."""
        ...

    def balance(self, party: Party, contract_id: str) -> Balance:
        """Return what is left of one contract of `party`."""
        ...

    def released(self, party: Party, contract_id: str) -> tuple[ReleasedAnswer, ...]:
        """Return the answers given under one contract of `party`."""
        ...

    def templates(self, party: Party) -> tuple[PublishedTemplate, ...]:
        """Return the contract templates on offer."""
        ...

    def names(self) -> Names:
        """Return how a database tool lists this node's tables."""
        ...

    def placeholders(self, submission: Submission) -> tuple[Placeholder, ...]:
        """Return where the text of `submission` takes parameters, touching no data and asking nothing."""
        ...

    def describe(self, submission: Submission) -> tuple[Output, ...]:
        """Return the columns `submission` would give, touching no data."""
        ...

    def explain(self, submission: Submission) -> Quote:
        """Say what `submission` would give and cost, touching no data."""
        ...

    def finish(self, submission: Submission, opening: Opening) -> Finished:
        """Make the table of a federated question of what the aggregators opened, touching no data."""
        ...

    def submit(self, submission: Submission) -> str:
        """Start the job, or find it running already, and return its id at once."""
        ...

    def fetch(self, party: Party, job_id: str, wait_ms: int) -> Answer | None:
        """Return the job's answer, None when it has no outcome within `wait_ms`, or raise its refusal."""
        ...

    def cancel(self, party: Party, job_id: str, why: str = "") -> None:
        """Stop the job of `party`, for the reason it gives; stopping a finished one does nothing."""
        ...

    def state(self, party: Party, contract_id: str) -> bytes:
        """Return, signed, what another node must know of the tables of a contract."""
        ...

    def hand(self, party: Party, manifest: bytes, handed: Handed) -> tuple[int, bytes]:
        """Blind a piece of another department's list; return how much there is, and the word on a whole one."""
        ...

    def get(self, party: Party, manifest: bytes, name: str, at: int) -> Piece:
        """Return a piece of a part of a join that this node made."""
        ...


class AggregatorApi(LogApi, Protocol):
    """What an aggregator answers; `manifest` is the signed manifest its consumer calls about."""

    def deposit(self, peer: Party, manifest: bytes, dealer: Dealer) -> None:
        """Keep a dealer's sealed share."""
        ...

    def noise(self, peer: Party, manifest: bytes) -> Noise:
        """Return this aggregator's own noise."""
        ...

    def certify(self, peer: Party, manifest: bytes, nodes: Sequence[str], noise_of: Sequence[str]) -> bytes:
        """Fix the set and return its certificate."""
        ...

    def open(self, peer: Party, manifest: bytes, certificates: Sequence[bytes]) -> OpenedSum:
        """Return the sum over the certified set."""
        ...

    def hand(self, peer: Party, manifest: bytes, handed: Handed) -> int:
        """Keep a piece of a part of a join and return how much of it there is."""
        ...

    def get(self, peer: Party, manifest: bytes, to: str, at: int) -> Piece:
        """Return a piece of the places that this aggregator sealed for the aggregator `to`."""
        ...

    def match(self, peer: Party, manifest: bytes) -> bytes:
        """Return the signed word on which rows met."""
        ...

    def gather(self, peer: Party, manifest: bytes, words: Sequence[bytes]) -> None:
        """Add up the rows that met, once all aggregators said the same."""
        ...
