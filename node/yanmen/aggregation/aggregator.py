"""One of the institutions that add: it learns nothing from its shares, and opens one sum a question.

    deposit   a dealer's sealed share, once its receipt verified
    noise     this aggregator's own noise: full variance, dealt and committed to like any figures
    certify   which dealers are in the sum: one set a question, durable before anything is opened
    open      the sum of shares over the set that enough aggregators certified (all, or in robust mode four of five)

The consumer carries everything between the parties and can reorder, drop, replay or swap what it
likes: each step stands on signatures and on what is durable here, not on the order of calls.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from yanmen.crypto import dealing, documents, federated, manifests
from yanmen.crypto.envelopes import Opener
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.disclosure import noise
from yanmen.formats import json_canonical, json_members
from yanmen.formats import manifest as manifest_format
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Output
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.sum_book import UNSIGNED, Dealing, Deposit, Sum, SumBook
from yanmen.model.federation import Dealt, Manifest, Mode, OpenedSum, PartialSum, SetCertificate, SignedManifest
from yanmen.model.party import Party, Register
from yanmen.model.ports import Clock, Randomness, Signer
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, Reason, Refused

_SET = frozenset({"manifest", "set"})


@dataclass(frozen=True, slots=True)
class Dealer:
    """What a consumer deposits for one dealer: the receipt it was given and the envelope for this aggregator."""

    evidence: Evidence
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    """This aggregator's noise as the consumer carries it to all three: a receipt, and an envelope for each."""

    receipt: Receipt
    envelopes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Aggregator:
    """The aggregator `me` with its keys, its book and its log."""

    me: str
    signer: Signer
    opener: Opener
    book: SumBook
    ledger: Ledger
    register: Callable[[], Register]
    clock: Clock
    randomness: Randomness

    def hold_to_log(self) -> None:
        """Know every set that the log says was certified, whatever became of the book."""
        said = (json_members.exact(subject, _SET) for subject in self.ledger.own_subjects(Stage.SET))
        self.book.hold_to((json_members.text(one, "manifest"), json_members.text(one, "set")) for one in said)

    def deposit(self, peer: Party, token: bytes, dealer: Dealer) -> None:
        """Keep a dealer's sealed share, or refuse it by name; the same again changes nothing."""
        with self._turn(peer, token) as (signed, state):
            word = federated.check_evidence(dealer.evidence, signed, self.register())
            dealing.open_share(dealer.envelope, self.opener, signed.manifest, word.dealing, word.dealt.dealer, self.me)
            at = signed.manifest.aggregators.index(self.me)
            deposit = Deposit(word.dealt, word.dealing.shares[at], dealer.envelope)
            earlier = state.deposit(word.dealt.dealer)
            if earlier is None:
                state.keep(deposit)
            elif (earlier.dealt, earlier.share_sha256) != (deposit.dealt, deposit.share_sha256):
                raise Malformed(f"{word.dealt.dealer} dealt twice for one manifest")

    def noise(self, peer: Party, token: bytes) -> Noise:
        """Return this aggregator's noise for the question: drawn, committed to and logged once.

        It is made between two turns: others need not wait for a large table's.
        """
        with self._turn(peer, token) as (signed, state):
            found = state.noise()
        if found is None:
            dealt = dealing.deal(_noise_for(signed.manifest), signed, self.me, self.randomness)
            with self._turn(peer, token) as (signed, state):
                found = state.noise() or self._log_noise(signed, state, dealt)
        return Noise(self.ledger.receipt_for(found.position, peer.id), found.envelopes)

    def certify(self, peer: Party, token: bytes, dealers: Sequence[str], noise_of: Sequence[str] = ()) -> bytes:
        """Return the signed set of exactly `dealers` and noise; a question's set is fixed by the first call.

        The noise is that of the aggregators `noise_of`, of all of them when none is named.
        """
        with self._turn(peer, token) as (signed, state):
            wanted = self._set(signed, state, dealers, noise_of or signed.manifest.aggregators)
            digest = manifest_format.set_digest(wanted)
            fixed, certificate = state.certificate()
            if fixed and fixed != digest:
                raise _refused("another set", "this question's set was certified before", Reason.SET_FIXED)
            if not fixed or certificate == UNSIGNED:
                federated.check_set(wanted, signed)
                certificate = documents.sign_set(wanted, self.signer)
                state.certify(digest, certificate)
            if not fixed:
                self._record(Stage.SET, {"manifest": signed.sha256, "set": digest}, peer)
        return certificate

    def open(self, peer: Party, token: bytes, certificates: Sequence[bytes]) -> OpenedSum:
        """Return the sum of shares over the set enough aggregators certified; the same whenever it is asked."""
        with self._turn(peer, token) as (signed, state):
            agreed = federated.agreed_set(certificates, signed, self.register())
            digest = manifest_format.set_digest(agreed)
            if state.certificate()[0] != digest:
                raise _refused("another set", "this aggregator certified another set", Reason.SET_FIXED)
            summed = dealing.summed(self._shares(signed, state, agreed), signed.manifest, self.me)
            partial = state.partial()
            if not partial:
                partial = self._partial(signed, digest, summed)
                state.open(partial)
                self._record(Stage.OPENED, {"manifest": signed.sha256, "set": digest}, peer)
        return OpenedSum(partial, summed)

    @contextmanager
    def _turn(self, peer: Party, token: bytes) -> Iterator[tuple[SignedManifest, Sum]]:
        """Give the question in `token` and its state; what does not hold is refused by name."""
        try:
            signed = manifests.read(token, self.register())
            manifest = signed.manifest
            if manifest.consumer != peer.id or self.me not in manifest.aggregators:
                raise Malformed("manifest: of another consumer, or to other aggregators")
            if not manifest.issued_s <= self.clock.now_ms() // 1000 < manifest.expires_s:
                raise Malformed("manifest: not in force now")
            with self.book.turn(signed.sha256, peer.id, token) as state:
                yield signed, state
        except (Malformed, BadSignature, BadProof) as error:
            raise _refused("manifest", str(error), Reason.MANIFEST_INVALID) from error

    def _log_noise(self, signed: SignedManifest, state: Sum, dealt: dealing.Dealt) -> Dealing:
        output = Output(0, 0, signed.sha256, 0, dealt.dealing.text())
        receipt = self.ledger.append_own(Stage.NOISE, {Slot.OUTPUT: output.json()}, signed.manifest.consumer)
        found = Dealing(receipt.index, dealt.envelopes)
        state.keep_noise(found)
        return found

    def _set(
        self, signed: SignedManifest, state: Sum, dealers: Sequence[str], noise_of: Sequence[str]
    ) -> SetCertificate:
        """Return the set of `dealers` and `noise_of`, each of whom must have deposited here."""
        here = {item.dealer: item for item in state.dealt()}
        missing = [name for name in (*dealers, *noise_of) if name not in here]
        if missing:
            raise _refused(missing[0], "nothing of it was deposited here", Reason.DEPOSIT_MISSING)

        def chosen(names: Sequence[str]) -> tuple[Dealt, ...]:
            return tuple(here[name] for name in sorted(set(names)))

        now_s = self.clock.now_ms() // 1000
        return SetCertificate(self.me, signed.sha256, chosen(dealers), chosen(noise_of), now_s)

    def _shares(self, signed: SignedManifest, state: Sum, agreed: SetCertificate) -> Iterator[bytes]:
        """Open the sealed shares of the agreed dealers, which must be those deposited here."""
        for dealt in (*agreed.nodes, *agreed.noise):
            kept = state.deposit(dealt.dealer)
            if kept is None or kept.dealt != dealt:
                raise Malformed(f"set: {dealt.dealer} dealt something else here")
            if signed.manifest.mode is Mode.JOINED and signed.manifest.asks(dealt.dealer) is not None:
                yield kept.envelope  # its rows were added up here (matching.py), nothing is sealed
                continue
            place = dealing.place(signed.sha256, dealt.dealer, self.me)
            yield self.opener.open(kept.envelope, place)

    def _partial(self, signed: SignedManifest, set_digest: str, summed: bytes) -> bytes:
        now_s = self.clock.now_ms() // 1000
        return documents.sign_partial(
            PartialSum(self.me, signed.sha256, set_digest, documents.digest(summed), now_s), self.signer
        )

    def _record(self, stage: Stage, said: dict[str, json_canonical.Json], peer: Party) -> None:
        self.ledger.append_own(stage, {Slot.SUBJECT: said}, peer.id)


def _noise_for(manifest: Manifest) -> list[int]:
    """Return noise for every number of the table: grid by grid, cell by cell, aggregate by aggregate."""
    values: list[int] = []
    variances = iter(manifest.sigma_squared)
    for grid in manifest.layout:
        columns = [noise.vector(variance, grid.groups) for variance in islice(variances, grid.aggregates)]
        values += [value for row in zip(*columns, strict=True) for value in row]
    return values


def _refused(subject: str, why: str, reason: Reason) -> Refused:
    return Refused(reason, Detail(subject=subject, hint_en=why, hint_zh=_ZH[reason]))


_ZH = {
    Reason.MANIFEST_INVALID: "联邦查询清单、回执或份额未通过核验；请检查后重新提交。",
    Reason.SET_FIXED: "该查询的参与节点集合已认证，不能更换；如需其他集合，请以新清单重新提问（重新扣减）。",
    Reason.DEPOSIT_MISSING: "所列参与方尚未在本聚合方存入份额；请先存入，或将其从集合中去除。",
}
