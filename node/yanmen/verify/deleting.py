"""Holds proofs of deletion to what was released, and to the days that the contract gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from yanmen.crypto import agreements, documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import deletion, json_members
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import MINUTE_S
from yanmen.model.contract import ContractStatus
from yanmen.model.deletion import DeletionProof, ReleasedAnswer
from yanmen.model.receipt import Stage
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.standing import Standing
from yanmen.verify.uses import Use

DAY_S = 24 * 60 * 60
ABOUT_DELETION = frozenset({Stage.CONTRACT, Stage.OUTCOME})
"""Leaves of answers, and of contracts with what is proved at their end."""


@dataclass(slots=True)
class Deletions:
    """The answers given under each contract so far, when each ended, and who proved what."""

    keys: KeyBook
    standing: Standing
    answers: dict[str, list[ReleasedAnswer]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    proved: set[tuple[str, str]] = field(default_factory=set)

    def check(self, use: Use) -> Iterator[Finding]:
        """Take in a leaf; yield why a proof of deletion in it is none."""
        if use.head.stage is Stage.OUTCOME and any(name == use.contract for name, _ in self.proved):
            yield finding(Code.DELETION_WRONG, use.index, use.head.stage, "an answer after deletion was proved")
        if use.head.stage is Stage.OUTCOME and use.output is not None:
            answer = ReleasedAnswer(use.head.jti, use.output.sha256)
            self.answers.setdefault(use.contract, []).append(answer)
        if use.head.stage is not Stage.CONTRACT or use.contract not in self.standing.agreements:
            return
        if self.standing.agreements[use.contract].status is ContractStatus.REVOKED:
            self.ended.setdefault(use.contract, use.head.iat_s)
        try:
            self._proof(use)
        except (Malformed, BadSignature) as error:
            yield finding(Code.DELETION_WRONG, use.index, use.head.stage, str(error))

    def finish(self, last_s: int) -> Iterator[Finding]:
        """Yield what was due before the last leaf and is not proved."""
        for name, agreement in self.standing.agreements.items():
            days = agreement.terms.deletion_days
            ended_s = self._ended_s(name)
            if days is None or ended_s is None or ended_s + days * DAY_S + MINUTE_S >= last_s:
                continue
            if (name, agreement.terms.consumer) not in self.proved:
                yield finding(Code.DELETION_OVERDUE, subject=name)
            if (name, self.keys.holder.id) not in self.proved:
                yield finding(Code.DELETION_MISSING, subject=name)

    def _ended_s(self, name: str) -> int | None:
        """Return when a contract that was in force was over, None when it never was."""
        agreement = self.standing.agreements[name]
        if agreement.status in (ContractStatus.ACTIVE, ContractStatus.SUSPENDED):
            return agreement.terms.not_after_ms // 1000
        if agreement.status is not ContractStatus.REVOKED or not agreement.accepted or agreement.unsigned:
            return None
        return min(self.ended[name], agreement.terms.not_after_ms // 1000)

    def _proof(self, use: Use) -> None:
        subject = use.subject if isinstance(use.subject, dict) else {}
        token = json_members.text(subject, "document", 64 * 1024).encode("ascii", "replace")
        if not token or not agreements.is_deletion(token):
            return
        proof = self._opened(token, use)
        agreement, found = self.standing.agreements[use.contract], self.answers.get(use.contract, [])
        said = (proof.node, proof.contract, proof.digest, proof.answers, proof.answers_sha256)
        mine = (self.keys.holder.id, use.contract, agreement.digest, len(found), deletion.answers_sha256(found))
        if said != mine:
            raise Malformed("it names other answers, or another version")
        ended_s = self._ended_s(use.contract)
        if ended_s is None or use.head.iat_s + MINUTE_S <= ended_s or agreement.terms.deletion_days is None:
            raise Malformed("of a contract that is not over, or asks for none")
        if (use.contract, proof.by) in self.proved:
            raise Malformed("proved twice")
        self.proved.add((use.contract, proof.by))

    def _opened(self, token: bytes, use: Use) -> DeletionProof:
        """Return the statement of consumer or holder, whichever key signed it."""
        agreement = self.standing.agreements[use.contract]
        party = self.keys.members.find(agreement.terms.consumer)
        theirs = () if party is None else self.keys.offer_keys(party)
        keys = {agreement.terms.consumer: theirs, self.keys.holder.id: self.keys.acceptance_keys(use.index)}
        by = agreements.peek_deletion(token).by
        if not keys.get(by):
            raise BadSignature("neither its consumer nor its holder")
        return documents.open_with(agreements.open_deletion, token, keys[by])
