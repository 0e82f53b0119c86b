"""Holds the signed documents that a log records to whoever had to sign them, and to their order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from yanmen.crypto import agreements, documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import (
    connector_id,
    consent,
    evidence,
    json_members,
    jws,
    negative_list,
    office,
    operation,
    product,
    review,
    template,
)
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.contract import ContractStatus
from yanmen.model.evidence import PLATFORM
from yanmen.model.office import WHO, Act
from yanmen.model.operation import Endorsement, OperatingGrant, Product
from yanmen.model.party import Party, PartyRole
from yanmen.model.receipt import Stage
from yanmen.model.template import PublishedTemplate
from yanmen.verify.agreeing import Agreement
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.standing import All, Standing
from yanmen.verify.uses import Use

BYTES_MAX = 128 * 1024
_CASE = frozenset({"case", "status", "text"})
_FILED = frozenset({"by", "document", "due_s", "kind"})
GOVERNED = frozenset({Stage.DOCUMENT, Stage.OBJECTION, Stage.APPROVAL, Stage.CONTRACT, Stage.INTENT})
"""Leaves that record such a document, or hang on one."""


@dataclass(slots=True)
class Governing:
    """The documents recorded so far: serials of negative lists by who issued them, the rest by their ids."""

    keys: KeyBook
    standing: Standing
    serials: dict[str, int] = field(default_factory=dict)
    operations: dict[str, OperatingGrant] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    endorsements: dict[str, Endorsement] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    templates: dict[str, PublishedTemplate] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    """Digests of the reports of evidence, in their order."""
    approved: dict[tuple[str, str], dict[Act, str]] = field(default_factory=dict)

    def check(self, use: Use, said: All) -> Iterator[Finding]:
        """Yield what is wrong with the document that the leaf `use` records, or with a use that hangs on one."""
        try:
            match use.head.stage:
                case Stage.DOCUMENT if Slot.SUBJECT in said:
                    self._document(use, said)
                case Stage.OBJECTION if Slot.SUBJECT in said:
                    self._objection(use, said)
                case Stage.APPROVAL | Stage.CONTRACT if self.standing.entered(use):
                    self._officers(use)
                    self._filled(use)
                    self._operated(use, said)
                case Stage.INTENT if use.contract in self.standing.agreements:
                    self._graded(use)
                    self._operated(use, said)
                case _:
                    return
        except (Malformed, BadSignature) as error:
            yield finding(Code.DOCUMENT_WRONG, use.index, use.head.stage, str(error))

    def _document(self, use: Use, said: All) -> None:
        members = json_members.exact(said[Slot.SUBJECT].value, frozenset({"document"}))
        token = json_members.text(members, "document", BYTES_MAX).encode("ascii", "replace")
        reader = _READERS.get(jws.split(token, BYTES_MAX).typ)
        if reader is None:
            raise Malformed("a document of no known type")
        reader(self, token, use.index)

    def finish(self, last_s: int) -> Iterator[Finding]:
        """Yield the objections and complaints that should have been answered before the last leaf."""
        for case, due_s in self.due.items():
            if due_s < last_s:
                yield finding(Code.OBJECTION_UNANSWERED, subject=case)

    def _objection(self, use: Use, said: All) -> None:
        """Follow what is to be answered; a member's objection is the one that it signed."""
        value = said[Slot.SUBJECT].value
        members = json_members.exact(value, _CASE, _FILED)
        case = json_members.text(members, "case")
        if case:
            self.due.pop(case, None)
        elif "kind" in members:
            self.due[use.head.jti] = json_members.integer(members, "due_s")
            document = json_members.text(members, "document", BYTES_MAX)
            if json_members.text(members, "kind") == "objection":
                party = self.keys.members.find(json_members.text(members, "by"))
                if party is None:
                    raise BadSignature("the register lists no such member")
                found = documents.open_with(
                    governance.open_objection, document.encode("ascii", "replace"), self.keys.offer_keys(party)
                )
                self._ours(found.node)

    def _template(self, token: bytes, index: int) -> None:
        found = documents.open_with(agreements.open_template, token, self.keys.acceptance_keys(index))
        self._ours(found.by)
        known = self.templates.get(found.id)
        gone = None if known is None else replace(known.template, withdrawn=True)
        if gone is not None and gone != replace(found, decided_by=gone.decided_by, issued_s=gone.issued_s):
            raise Malformed("a template that was changed, or came back")
        if known is None and found.withdrawn and not self._carried():
            raise Malformed("a template withdrawn before it was published")
        self.templates[found.id] = PublishedTemplate(found, documents.digest(token), token)

    def _officers(self, use: Use) -> None:
        """Hold a contract on important data to the acts of two officers over this very offer."""
        agreement = self.standing.agreements[use.contract]
        self._approved(agreement, (grant.dataset for grant in agreement.terms.grants))

    def _graded(self, use: Use) -> None:
        """Hold a use to the same, by the grades that what it reads was published with last."""
        self._approved(self.standing.agreements[use.contract], (reading.name for reading in use.readings or ()))

    def _approved(self, agreement: Agreement, names: Iterable[str]) -> None:
        published = self.standing.published
        if not any(published[name].important for name in names if name in published):
            return
        acts = self.approved.get((agreement.terms.id, agreement.digest), {})
        review, decision = acts.get(Act.REVIEW), acts.get(Act.DECIDE)
        if review is None or decision is None or review == decision:
            raise Malformed("a contract on important data that two officers did not approve")

    def _filled(self, use: Use) -> None:
        """Hold a contract that fills in a template to what that fixes and bounds."""
        agreement = self.standing.agreements[use.contract]
        filled = agreement.terms.filled
        if filled is None or self._carried():
            return
        known = self.templates.get(filled.template)
        if known is None or known.template.withdrawn or known.digest != filled.sha256:
            raise Malformed("a contract made from a template that was not on offer")
        for name, why, _ in template.unfit(known.template, agreement.terms):
            raise Malformed(f"a contract outside its template: {name} {why}")

    def _operated(self, use: Use, said: All) -> None:
        """Hold a contract that hangs on a grant to the grant and its operator's word, and a use to its products."""
        agreement = self.standing.agreements[use.contract]
        operated = agreement.terms.operated
        if operated is None or agreement.status is not ContractStatus.ACTIVE:
            return
        grant = self.operations.get(operated.grant)
        if grant is None or grant.ended or not grant.covers(agreement.terms.grants):
            raise Malformed("under no grant of operation in force")
        word = self.endorsements.get(use.contract)
        if word is None or (word.by, word.offer_sha256) != (grant.operator, agreement.digest):
            raise Malformed("a contract that the operator did not endorse")
        if use.head.stage is Stage.INTENT and Slot.QUERY in said:
            self._product(said[Slot.QUERY].value, operated.products)

    def _product(self, query: Json, names: tuple[str, ...]) -> None:
        sql = query.get("sql") if isinstance(query, dict) else None
        found = [made for name in names if (made := self.products.get(name)) is not None and not made.withdrawn]
        if isinstance(sql, str) and not any(product.fits(made, sql) for made in found):
            raise Malformed("a question that is no product of its contract")

    def _review(self, token: bytes, _: int) -> None:
        claimed = governance.peek_review(token)
        self._ours(claimed.node)
        documents.open_with(governance.open_review, token, self._authority(claimed.by))

    def _negative_list(self, token: bytes, _: int) -> None:
        claimed = governance.peek_negative_list(token)
        found = documents.open_with(governance.open_negative_list, token, self._authority(claimed.by))
        if found.serial <= self.serials.get(found.by, 0):
            raise Malformed("a negative list that was replaced before")
        self.serials[found.by] = found.serial

    def _office(self, token: bytes, _: int) -> None:
        claimed = governance.peek_office(token)
        self._ours(claimed.node)
        party = self.keys.members.find(claimed.by)
        if party is None or party.role is not WHO[claimed.act]:
            raise BadSignature("the register lists no such officer")
        if connector_id.decode(claimed.by).subject != connector_id.decode(claimed.node).subject:
            raise BadSignature("an officer of another department")
        step = documents.open_with(governance.open_office, token, self.keys.offer_keys(party))
        acts = self.approved.setdefault((step.contract, step.offer_sha256), {})
        if step.act is Act.REVIEW:
            acts.pop(Act.DECIDE, None)  # what was decided before it was reviewed was not decided
        acts.pop(step.act, None)
        if step.approve:
            acts[step.act] = step.by

    def _operation(self, token: bytes, index: int) -> None:
        found = documents.open_with(governance.open_grant, token, self.keys.acceptance_keys(index))
        self._ours(found.by)
        known = self.operations.get(found.id)
        began_twice = known is not None and not found.ended
        if (
            began_twice
            or (known is not None and known.ended)
            or (known is None and found.ended and not self._carried())
        ):
            raise Malformed("a grant that began twice, or ended before it began")
        self.operations[found.id] = found

    def _carried(self) -> bool:
        """Say whether this log continues another, whose ended grants and withdrawn products it says again."""
        return self.keys.continues

    def _offered(self, token: bytes, index: int) -> None:
        found = documents.open_with(governance.open_product, token, self.keys.acceptance_keys(index))
        self._ours(found.by)
        known, grant = self.products.get(found.id), self.operations.get(found.operation)
        if known is not None and (known.withdrawn or not found.withdrawn or known.sql != found.sql):
            raise Malformed("a product that was changed, or came back")
        if grant is None or found.price_fen > grant.ceiling_fen:
            raise Malformed("a product under no grant, or above its ceiling")
        if known is None and (grant.ended or found.withdrawn) and not self._carried():
            raise Malformed("a product under no grant in force")
        self.products[found.id] = found

    def _endorsement(self, token: bytes, _: int) -> None:
        claimed = governance.peek_endorsement(token)
        self._ours(claimed.node)
        grant, party = self.operations.get(claimed.operation), self.keys.members.find(claimed.by)
        if grant is None or party is None or grant.operator != claimed.by:
            raise BadSignature("not the operator of this grant")
        word = documents.open_with(governance.open_endorsement, token, self.keys.offer_keys(party))
        self.endorsements[claimed.contract] = word

    def _consent(self, token: bytes, index: int) -> None:
        self._ours(documents.open_with(governance.open_consent, token, self.keys.acceptance_keys(index)).by)

    def _evidence(self, token: bytes, index: int) -> None:
        found = documents.open_with(governance.open_evidence, token, self.keys.acceptance_keys(index))
        self._ours(found.node)
        if self.reports and found.previous != self.reports[-1]:
            raise Malformed("a report that leaves out the one before it")
        self.reports.append(documents.digest(token))

    def _evidence_receipt(self, token: bytes, _: int) -> None:
        claimed = governance.peek_evidence_receipt(token)
        self._ours(claimed.node)
        party = self.keys.members.find(claimed.by)
        if party is None or party.role not in PLATFORM:
            raise BadSignature("the register lists no such platform")
        documents.open_with(governance.open_evidence_receipt, token, self.keys.offer_keys(party))
        if claimed.report_sha256 not in self.reports and not self._carried():
            raise Malformed("a receipt for a report that was not made")

    def _ours(self, node: str) -> None:
        if node != self.keys.holder.id:
            raise Malformed("about another node")

    def _authority(self, party_id: str) -> tuple[bytes, ...]:
        party: Party | None = self.keys.members.find(party_id)
        if party is None or party.role is not PartyRole.AUTHORITY:
            raise BadSignature("the register lists no such data authority")
        return self.keys.offer_keys(party)


_READERS: dict[str, Callable[[Governing, bytes, int], None]] = {
    review.TYP: Governing._review,  # noqa: SLF001 - the class's own
    negative_list.TYP: Governing._negative_list,  # noqa: SLF001 - as above
    operation.GRANT_TYP: Governing._operation,  # noqa: SLF001 - as above
    operation.ENDORSEMENT_TYP: Governing._endorsement,  # noqa: SLF001 - as above
    product.TYP: Governing._offered,  # noqa: SLF001 - as above
    office.TYP: Governing._office,  # noqa: SLF001 - as above
    consent.TYP: Governing._consent,  # noqa: SLF001 - as above
    evidence.TYP: Governing._evidence,  # noqa: SLF001 - as above
    evidence.RECEIPT_TYP: Governing._evidence_receipt,  # noqa: SLF001 - as above
    template.TYP: Governing._template,  # noqa: SLF001 - as above
}
