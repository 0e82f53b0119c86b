"""Receipts on arrival: signed by the registered key, in a log that only grew, and about this very answer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yanmen.client import html_table
from yanmen.client.errors import ReceiptInvalid
from yanmen.client.history import UNTOLD, Grown, History, Keep
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import json_canonical, json_members, note, proof, released
from yanmen.formats.acknowledgement import Acknowledged
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.receipt import Slot
from yanmen.formats.released import Table
from yanmen.formats.slots import Budget, Decision, Meter, Price, SignedRequest, Verdict
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Reason
from yanmen.model.stages import Binding
from yanmen.verify import verify_receipt_of


@dataclass(frozen=True, slots=True)
class CheckedReceipt(Receipt):
    """A receipt that was verified; `says` holds its members and disclosed slots by name."""

    origin: str
    size: int
    says: Mapping[str, Json]

    def _repr_html_(self) -> str:
        """Return what it says, for a notebook."""
        rows = [
            (name, said if isinstance(said, str) else json_canonical.encode(said).decode())
            for name, said in self.says.items()
        ]
        foot = (f"{self.origin}, {self.size} leaves, verified 已核验",)
        caption = f"receipt 使用回执 no. {self.index}"
        return html_table.render(caption, ("slot 栏目", "says 内容"), rows, (False, False), foot)

    def save(self, folder: Path) -> None:
        """Write the two files an auditor needs: `NNNNNNNN.sdjwt` and `NNNNNNNN.tlog-proof`."""
        (folder / f"{self.index:08}.sdjwt").write_text(self.sdjwt, encoding="ascii")
        (folder / f"{self.index:08}.tlog-proof").write_text(self.proof, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Charge:
    """What the node says it charged, or would charge; nothing for a `repeated` question."""

    micro_rho: int
    price_fen: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known here of the question: always its job, its text where the caller still has it.

    `aggregators` are those of the manifest it was asked under, in order: the answer is sealed for them then.
    """

    job_id: str
    sql: str | None = None
    aggregators: tuple[str, ...] = ()


class Receipts:
    """Checks the receipts of one node for one member."""

    def __init__(self, node: Party, member_id: str, member_keys: Sequence[bytes], history: History) -> None:
        """Hold whose receipts these are, and the memory of the node's log."""
        self._node = node
        self._member_id = member_id
        self._member_keys = member_keys
        self._history = history

    def check(self, receipt: Receipt) -> CheckedReceipt:
        """Return `receipt` verified: both signatures, inclusion, and a log that only grew, whose head is kept."""
        checked, keep = self._check(receipt, UNTOLD)
        keep()
        return checked

    def _check(self, receipt: Receipt, grown: Grown) -> tuple[CheckedReceipt, Keep]:
        try:
            says = verify_receipt_of(self._node, receipt.sdjwt, receipt.proof)
            clear = (says["index"], says["jti"], says["stage"], says["iss"])
            if clear != (receipt.index, receipt.jti, receipt.stage.value, self._node.id):
                raise Malformed("the receipt of another leaf or node")
            head, keep = self._history.look(note.encode(proof.decode(receipt.proof).checkpoint), grown)
        except (Malformed, BadSignature, BadProof) as error:
            raise ReceiptInvalid(str(error), receipt) from error
        checked = CheckedReceipt(
            index=receipt.index,
            jti=receipt.jti,
            stage=receipt.stage,
            sdjwt=receipt.sdjwt,
            proof=receipt.proof,
            origin=head.origin,
            size=head.size,
            says=says,
        )
        return checked, keep

    def check_answer(
        self, receipt: Receipt, asked: Asked, table: Table, charge: Charge, grown: Grown
    ) -> tuple[CheckedReceipt, Keep]:
        """Return the verified receipt of an answer: to a question this member signed, these figures, this charge.

        The head of its log is to be kept before anything else is heard of that log.
        """
        checked, keep = self._check(receipt, grown)
        says = checked.says
        verdict = Verdict.REPEATED if charge.repeated else Verdict.ALLOWED
        try:
            _require(checked.stage is Stage.OUTCOME, "not the receipt of an answer")
            self._mine(says)
            self._signed(says, asked)
            _require(_decision(says) == Decision(verdict), "another verdict")
            _require(_charge(says) == (charge.micro_rho, charge.price_fen), "another charge")
            output = json_members.text(_object(says, Slot.OUTPUT), "sha256")
            _require(output == hashlib.sha256(released.encode(table)).hexdigest(), "not about these figures")
        except (Malformed, BadSignature) as error:
            keep()
            raise ReceiptInvalid(str(error), receipt) from error
        return checked, keep

    def check_quote(self, receipt: Receipt, sql: str, charge: Charge) -> CheckedReceipt:
        """Return the verified receipt of an explanation of `sql`; the leaf quotes the price before any repetition."""
        checked = self.check(receipt)
        quoted: Json = {"micro_rho": charge.micro_rho, "price_fen": charge.price_fen}
        try:
            _require(checked.stage is Stage.EXPLAINED, "not the receipt of an explanation")
            self._mine(checked.says)
            _require(_query(checked.says) == _sha256(sql), "about another question")
            meter = Meter.read(checked.says.get(Slot.METER.value))
            _require(not meter.free or charge.price_fen == 0, "a free use costs nothing")
            if charge.repeated:
                _require((charge.micro_rho, charge.price_fen) == (0, 0), "a repeated question costs nothing")
            else:
                _require(checked.says.get(Slot.SUBJECT.value) == quoted, "another quotation")
        except Malformed as error:
            raise ReceiptInvalid(str(error), receipt) from error
        return checked

    def check_refusal(self, receipt: Receipt, reason: Reason) -> CheckedReceipt:
        """Return the verified receipt of a refusal to this member, for this reason."""
        checked = self.check(receipt)
        try:
            _require(checked.stage in {Stage.REFUSED, Stage.ABORTED}, "not the receipt of a refusal")
            self._mine(checked.says)
            _require(_decision(checked.says).reason == reason.value, "another reason")
        except Malformed as error:
            raise ReceiptInvalid(str(error), receipt) from error
        return checked

    def check_acknowledgement(self, receipt: Receipt, jti: str) -> CheckedReceipt:
        """Return the verified receipt of this member's acknowledgement of the receipt `jti`."""
        checked = self.check(receipt)
        try:
            _require(checked.stage is Stage.ACKNOWLEDGED, "not the receipt of an acknowledgement")
            self._mine(checked.says)
            said = Acknowledged.read(checked.says.get(Slot.SUBJECT.value))
            _require(said.jti == jti, "of another receipt")
            token = said.token.encode("ascii", "replace")
            documents.open_with(documents.open_acknowledgement, token, self._member_keys)
        except (Malformed, BadSignature) as error:
            raise ReceiptInvalid(str(error), receipt) from error
        return checked

    def check_objection(self, receipt: Receipt, token: bytes) -> CheckedReceipt:
        """Return the verified receipt of the objection `token`."""
        checked = self.check(receipt)
        subject = checked.says.get(Slot.SUBJECT.value)
        taken = subject.get("document") if isinstance(subject, dict) else None
        if checked.stage is not Stage.OBJECTION or taken != token.decode("ascii"):
            raise ReceiptInvalid("not the receipt of this objection", receipt)
        return checked

    def check_document(self, receipt: Receipt, token: bytes) -> CheckedReceipt:
        """Return the verified receipt of the signed document `token`."""
        checked = self.check(receipt)
        if checked.stage is not Stage.DOCUMENT or checked.says.get(Slot.SUBJECT.value) != {"document": token.decode()}:
            raise ReceiptInvalid("not the receipt of this document", receipt)
        return checked

    def _mine(self, says: Mapping[str, Json]) -> None:
        _require(says.get(Slot.CONSUMER.value) == self._member_id, "about another member")

    def _signed(self, says: Mapping[str, Json], asked: Asked) -> None:
        """Require the member's own signature over this question, or over the grant it was asked under."""
        signed = SignedRequest.read(says.get(Slot.REQUEST.value))
        token = signed.jws.encode("ascii", "replace")
        contract = says.get(Slot.CONTRACT.value)
        if asked.sql is not None:
            _require(_query(says) == _sha256(asked.sql), "about another question")
        match signed.binding:
            case Binding.PER_REQUEST:
                claims = documents.open_with(documents.open_request, token, self._member_keys)
                _require(claims.jti == asked.job_id, "about another job")
                _require(claims.query_sha256 == _query(says), "about another question than was signed")
                _require(claims.contract_id == contract, "under another contract than was signed")
            case Binding.SESSION:
                grant = documents.open_with(documents.open_session, token, self._member_keys)
                _require(grant.contract_id == contract, "under another contract than was signed")


def _require(holds: bool, why: str) -> None:  # noqa: FBT001 - a condition and its reason read best side by side
    if not holds:
        raise Malformed(f"receipt: {why}")


def _object(says: Mapping[str, Json], slot: Slot) -> dict[str, Json]:
    value = says.get(slot.value)
    if not isinstance(value, dict):
        raise Malformed(f"receipt: does not disclose {slot.value}")
    return value


def _decision(says: Mapping[str, Json]) -> Decision:
    return Decision.read(says.get(Slot.DECISION.value))


def _charge(says: Mapping[str, Json]) -> tuple[int, int]:
    return Budget.read(says.get(Slot.BUDGET.value)).micro_rho, Price.read(says.get(Slot.PRICE.value)).fen


def _query(says: Mapping[str, Json]) -> str:
    return json_members.text(_object(says, Slot.QUERY), "sha256")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
