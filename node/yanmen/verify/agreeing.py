"""How contracts come about, as the leaves say: rounds in their turn, decisions, signatures, amendments, ends.

A contract is taken from the signed documents that its leaves disclose, never from what the node says of it. What is to
replace a contract in force is followed beside it, and takes its place once every side signed it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from yanmen.crypto import agreements, documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import amending, contract, contract_act, deletion, json_members, jws, weakening
from yanmen.formats.malformed import Malformed
from yanmen.formats.weakening import SignedVersion
from yanmen.model.contract import MAY_BECOME, ContractStatus, Round, Terms
from yanmen.model.negotiation import ROUNDS_MAX, ActKind, ContractAct, missing
from yanmen.model.receipt import Stage
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.uses import Use

DOCUMENT_MAX = 64 * 1024
"""Longest offer or acceptance."""
SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract whose offer the consumer signed, and how it stands.

    `counter` and `countered` are the holder's newest counter-offer and its digest, `accepted` the digest of its
    acceptance and `by` who signed that, `signed` the further sides that signed, `verified` whether the consumer
    verified the acceptance.
    """

    terms: Terms
    digest: str
    status: ContractStatus
    counter: Terms | None = None
    countered: str = ""
    accepted: str = ""
    by: str = ""
    signed: frozenset[str] = frozenset()
    verified: bool = False

    @property
    def unsigned(self) -> tuple[str, ...]:
        """The sides whose signature is missing once consumer and holder signed."""
        return missing(self.terms, self.signed, verified=self.verified)


@dataclass(slots=True)
class Agreeing:
    """Follows the leaves about contracts; `entered` is the newest leaf that brought one into force."""

    keys: KeyBook
    agreements: dict[str, Agreement] = field(default_factory=dict)
    drafts: dict[str, Agreement] = field(default_factory=dict)
    former: dict[str, list[SignedVersion]] = field(default_factory=dict)
    entered: int = -1

    def follow(self, use: Use) -> Iterator[Finding]:
        """Take in a leaf about a contract; yield why it counts for nothing."""
        if use.subject is None:
            return  # withheld, which is a finding of its own
        try:
            members = json_members.exact(use.subject, frozenset({"document", "status"}))
            status = ContractStatus(json_members.text(members, "status"))
            document = json_members.text(members, "document", DOCUMENT_MAX).encode("ascii")
            self._take(use, status, document)
            if self.entered == use.index:
                yield from self._shed(use)
        except BadSignature as error:
            yield finding(Code.CONTRACT_UNSIGNED, use.index, use.head.stage, str(error))
        except ValueError as error:
            yield finding(Code.CONTRACT_DIFFERS, use.index, use.head.stage, str(error))

    def _shed(self, use: Use) -> Iterator[Finding]:
        """Yield each clause that what is no person signed away, of what a person had signed."""
        made, before = self.agreements[use.contract], self.former.setdefault(use.contract, [])
        if made.by in contract.AUTOMATIC:
            lost = [each.clause for each in weakening.shed(made.terms, before, made.by)]
            if made.counter is not None:
                lost.append("yanmen:round")
            for clause in lost:
                said = f"signed away without a person: {clause}"
                yield finding(Code.CONTRACT_DIFFERS, use.index, use.head.stage, said)
        before.insert(0, SignedVersion(made.terms, made.by))

    def _take(self, use: Use, status: ContractStatus, document: bytes) -> None:
        if use.head.stage is Stage.APPROVAL:
            self._decided(use, status, document)
        elif not document:
            self._ordered(use, status)
        else:
            reader = _READERS.get(jws.split(document, DOCUMENT_MAX).typ)
            if reader is None:
                raise Malformed("a document of no known type")
            reader(self, use, status, document)

    def _offered(self, use: Use, status: ContractStatus, document: bytes) -> None:
        """Take in a consumer's offer: the first, the answer to a counter-offer, or an amendment of what is in force."""
        party = None if use.consumer is None else self.keys.members.find(use.consumer)
        if party is None:
            raise BadSignature("the register lists no such consumer")
        terms = documents.open_with(documents.open_offer, document, self.keys.offer_keys(party))
        digest = documents.digest(document)
        if (terms.id, terms.consumer, terms.holder) != (use.contract, use.consumer, self.keys.holder.id):
            raise Malformed("the offer is of another contract, consumer or holder")
        if use.contract_digest != digest:
            raise Malformed("the offer has another digest")
        if status is not ContractStatus.PENDING:
            raise Malformed("an offer decides nothing")
        self._placed(use, Agreement(terms, digest, ContractStatus.PENDING))

    def _placed(self, use: Use, made: Agreement) -> None:
        """Put an offer where it belongs, or refuse one out of turn."""
        terms = made.terms
        known, draft = self.agreements.get(use.contract), self.drafts.get(use.contract)
        waits = draft or known
        if known is None or waits is None:
            if (terms.round is not None or terms.amends) and not self.keys.continues:
                raise Malformed("a first offer that answers or amends what nobody offered")
            self.agreements[use.contract] = made
        elif waits.status is ContractStatus.OFFERED and waits.counter is not None:
            _answers(use, terms, waits.counter, waits.countered)
            self._put(use.contract, waits, replace(made, counter=waits.counter, countered=waits.countered))
        elif draft is None and known.status is ContractStatus.ACTIVE and terms.amends:
            _amends(use, terms, known)
            self.drafts[use.contract] = made
        else:
            raise Malformed("offered twice")

    def _countered(self, use: Use, status: ContractStatus, document: bytes) -> None:
        known = self._of(use)
        terms = documents.open_with(agreements.open_counter, document, self.keys.acceptance_keys(use.index))
        if known.status is not ContractStatus.PENDING or status is not ContractStatus.OFFERED:
            raise Malformed("a counter-offer out of turn")
        _answers(use, terms, known.terms, known.digest)
        made = replace(known, status=status, counter=terms, countered=documents.digest(document))
        self._put(use.contract, known, made)

    def _decided(self, use: Use, status: ContractStatus, document: bytes) -> None:
        known = self._of(use)
        decision = documents.open_with(documents.open_acceptance, document, self.keys.acceptance_keys(use.index))
        decided = ContractStatus.ACTIVE if status is ContractStatus.AGREED else status
        chain = (decision.contract_id, decision.holder, decision.offer_sha256, decision.decision)
        mine = (known.terms.id, self.keys.holder.id, known.digest, decided)
        if chain != mine or known.status is not ContractStatus.PENDING:
            raise Malformed("the decision is about another offer, or not the one recorded")
        if not self.keys.continues:  # one carried from an earlier log was decided there
            _in_time(use, known.terms.round)
        made = replace(known, status=status, accepted=documents.digest(document), by=decision.decided_by)
        if status is ContractStatus.DENIED:
            self._close(use.contract, known, made)
        elif status is not (ContractStatus.AGREED if made.unsigned else ContractStatus.ACTIVE):
            raise Malformed("in force before every side signed, or not although they did")
        else:
            self._stand(use, known, made)

    def _acted(self, use: Use, status: ContractStatus, document: bytes) -> None:
        known, word = self._of(use), self._word(document)
        if (word.contract, word.node) != (use.contract, self.keys.holder.id):
            raise Malformed("a word on another contract")
        match word.act:
            case ActKind.END:
                ends = (word.by, word.digest, status) == (known.terms.consumer, known.digest, ContractStatus.REVOKED)
                if not ends or status not in MAY_BECOME[known.status]:
                    raise Malformed("an end that is not its consumer's, or of another offer")
                self._close(use.contract, known, replace(known, status=status))
            case ActKind.SIGN:
                if word.by not in known.terms.signers or word.digest != known.digest:
                    raise Malformed("signed by no side of it, or over another offer")
                self._completed(use, known, replace(known, signed=known.signed | {word.by}), status)
            case ActKind.VERIFY:
                if (word.by, word.digest) != (known.terms.consumer, known.accepted):
                    raise Malformed("verified by another, or another acceptance")
                self._completed(use, known, replace(known, verified=True), status)

    def _proved(self, use: Use, status: ContractStatus, _: bytes) -> None:
        """A proof of deletion changes nothing (verify/deleting.py holds it to what was released)."""
        if status is not self._of(use).status:
            raise Malformed("a proof of deletion that changes the contract")

    def _word(self, document: bytes) -> ContractAct:
        """Return what the side that it names signed."""
        party = self.keys.members.find(agreements.peek_act(document).by)
        if party is None:
            raise BadSignature("the register lists no such side")
        return documents.open_with(agreements.open_act, document, self.keys.offer_keys(party))

    def _completed(self, use: Use, known: Agreement, made: Agreement, status: ContractStatus) -> None:
        if known.status is not ContractStatus.AGREED or made == known:
            raise Malformed("signed out of turn, or twice")
        if status is not (ContractStatus.AGREED if made.unsigned else ContractStatus.ACTIVE):
            raise Malformed("in force before every side signed, or not although they did")
        self._stand(use, known, replace(made, status=status))

    def _ordered(self, use: Use, status: ContractStatus) -> None:
        """Take in what the holder did without a document of its own: suspend, resume, end."""
        known = self._of(use)
        if status not in MAY_BECOME[known.status]:
            raise Malformed(f"cannot become {status.value} from {known.status.value}")
        made = replace(known, status=status)
        if status is ContractStatus.REVOKED:
            self._close(use.contract, known, made)
        else:
            self._put(use.contract, known, made)

    def _of(self, use: Use) -> Agreement:
        """Return the contract, or what is to replace it, whichever the leaf's digest names."""
        both = (self.drafts.get(use.contract), self.agreements.get(use.contract))
        if both[1] is None:
            raise Malformed("nobody offered it")
        for one in both:
            if one is not None and (one.digest, one.terms.consumer) == (use.contract_digest, use.consumer):
                return one
        raise Malformed("another offer or consumer than before")

    def _put(self, name: str, known: Agreement, made: Agreement) -> None:
        place = self.drafts if self.drafts.get(name) == known else self.agreements
        place[name] = made

    def _stand(self, use: Use, known: Agreement, made: Agreement) -> None:
        """Let a contract that every side signed be in force, in the place of the version it amends."""
        if made.status is not ContractStatus.ACTIVE:
            self._put(use.contract, known, made)
            return
        if self.drafts.get(use.contract) == known:
            _amends(use, made.terms, self.agreements[use.contract])
            del self.drafts[use.contract]
        self.agreements[use.contract] = made
        self.entered = use.index

    def _close(self, name: str, known: Agreement, made: Agreement) -> None:
        """End a negotiation, or a contract and with it what was to replace it."""
        if self.drafts.get(name) == known:
            del self.drafts[name]
            return
        self.agreements[name] = made
        self.drafts.pop(name, None)


def _answers(use: Use, terms: Terms, before: Terms, digest: str) -> None:
    """Hold a round to the one before it."""
    number = 2 if before.round is None else before.round.number + 1
    said = None if terms.round is None else (terms.round.number, terms.round.answers)
    mine, theirs = ((each.id, each.holder, each.consumer, each.amends) for each in (terms, before))
    if said != (number, digest) or number > ROUNDS_MAX or mine != theirs:
        raise Malformed("a round that does not answer the one before")
    _in_time(use, before.round)


def _in_time(use: Use, round_: Round | None) -> None:
    if round_ is not None and use.head.iat_s * SECOND_MS >= round_.answer_by_ms:
        raise Malformed("answered after its time")


def _amends(use: Use, terms: Terms, known: Agreement) -> None:
    """Hold an amendment to the version it changes, which may not be over by then."""
    if use.head.iat_s * SECOND_MS >= known.terms.not_after_ms:
        raise Malformed("an amendment of a contract that was over")
    if terms.amends != known.digest or known.status is not ContractStatus.ACTIVE:
        raise Malformed("an amendment of another version, or of what is not in force")
    for name, why, _ in amending.forbidden(known.terms, terms):
        raise Malformed(f"no amendment: {name} {why}")


_READERS: dict[str, Callable[[Agreeing, Use, ContractStatus, bytes], None]] = {
    contract.OFFER_TYP: Agreeing._offered,  # noqa: SLF001 - the class's own
    contract.COUNTER_TYP: Agreeing._countered,  # noqa: SLF001 - as above
    contract_act.TYP: Agreeing._acted,  # noqa: SLF001 - as above
    deletion.TYP: Agreeing._proved,  # noqa: SLF001 - as above
}
