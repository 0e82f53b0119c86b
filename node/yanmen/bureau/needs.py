"""The bureau's book of needs (供需清单): a need, what it was matched with, its receipts of use, and what came of it.

A need is about one scenario (场景), the smallest unit: a receipt counts as its use only when its node signed it for
that scenario and that consumer. Steps form a chain of signed documents; the book is a folder of them.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from yanmen import regular_file
from yanmen.admission import entries
from yanmen.crypto import documents, governance
from yanmen.crypto import receipts as crypto_receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import question_slots, receipt, wording
from yanmen.formats.former_keys import every
from yanmen.formats.malformed import Malformed
from yanmen.formats.need import BYTES_MAX
from yanmen.formats.receipt import Slot
from yanmen.model.need import NeedAct, NeedStep
from yanmen.model.party import KeyUse, PartyRole, PartyStatus, Register
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Reason, Refused

SHOWN = frozenset({Slot.CONSUMER, Slot.SCENARIO, Slot.CONTRACT, Slot.DECISION})
"""What a receipt shows of itself when it stands for a use."""
STEPS_MAX = 1_000
_AFTER = {
    NeedAct.MATCHED: {NeedAct.FILED, NeedAct.MATCHED},
    NeedAct.USED: {NeedAct.MATCHED, NeedAct.USED, NeedAct.EFFECT},
    NeedAct.EFFECT: {NeedAct.USED, NeedAct.EFFECT},
    NeedAct.CLOSED: {NeedAct.FILED, NeedAct.MATCHED, NeedAct.USED, NeedAct.EFFECT},
}


class NeedLedger(Protocol):
    """What a data bureau's ledger answers; a bureau with a system of its own implements these two."""

    def record(self, token: bytes) -> NeedStep:
        """Take in a signed step, or refuse it; the same step again changes nothing."""
        ...

    def follow(self, need: str) -> tuple[NeedStep, ...]:
        """Return the steps of a need so far."""
        ...


@dataclass(frozen=True, slots=True)
class NeedBook:
    """The ledger as a folder of signed steps; implements `NeedLedger`."""

    folder: Path
    register: Register

    def needs(self) -> tuple[str, ...]:
        """Return the ids of all needs."""
        return tuple(sorted(path.name for path in self.folder.iterdir())) if self.folder.is_dir() else ()

    def newest(self, need: str) -> bytes | None:
        """Return the newest signed step of a need, None when there is none."""
        paths = self._paths(need)
        return _read(paths[-1]) if paths else None

    def follow(self, need: str) -> tuple[NeedStep, ...]:
        """Return the steps of a need, every one verified again in its turn."""
        steps: list[NeedStep] = []
        last = ""
        for path in self._paths(need):
            token = _read(path)
            steps.append(self._after(token, steps, last))
            last = hashlib.sha256(token).hexdigest()
        return tuple(steps)

    def record(self, token: bytes) -> NeedStep:
        """Take in a signed step in its turn."""
        try:
            claimed = governance.peek_need(token)
            paths = self._paths(claimed.need)
            if paths and _read(paths[-1]) == token:
                return claimed
            last = hashlib.sha256(_read(paths[-1])).hexdigest() if paths else ""
            step = self._after(token, list(self.follow(claimed.need)), last)
        except (Malformed, BadSignature) as error:
            hint = Detail(str(error), hint_en="Not recorded.", hint_zh="未予登记。")
            raise Refused(Reason.REQUEST_MALFORMED, hint) from error
        said = step.scenario
        texts = {"scenario": said.text, "legal_basis": said.legal_basis, "text": step.text, "wanted": step.wanted}
        wording.check(Reason.REQUEST_MALFORMED, texts)
        self._write(step.need, len(paths), token)
        return step

    def _after(self, token: bytes, before: list[NeedStep], last: str) -> NeedStep:
        claimed = governance.peek_need(token)
        step = self._opened(token, claimed)
        if step.previous != last or (before and (step.need, step.scenario) != (before[0].need, before[0].scenario)):
            raise Malformed("it does not follow the newest step of this need, or is of another scenario")
        if not before:
            return step
        if before[-1].act not in _AFTER.get(step.act, set()) or len(before) >= STEPS_MAX:
            raise Malformed(f"a need that is {before[-1].act.value} cannot be {step.act.value}")
        if step.act in {NeedAct.USED, NeedAct.EFFECT} and step.by != before[0].by:
            raise Malformed("who filed it reports its use")
        for each in step.receipts:
            self._use(each, before[0])
        return step

    def _opened(self, token: bytes, claimed: NeedStep) -> NeedStep:
        """Return the step, signed by a member, or by an authority where that is whose step it is."""
        party = self.register.find(claimed.by)
        if party is None or party.status is not PartyStatus.ACTIVE:
            raise BadSignature("the register lists no such active member")
        if claimed.act in {NeedAct.MATCHED, NeedAct.CLOSED} and party not in entries.authorities(self.register):
            raise BadSignature("a data authority matches and closes")
        return documents.open_with(governance.open_need, token, every(party, KeyUse.MEMBER))

    def _use(self, sdjwt: str, filed: NeedStep) -> None:
        """Hold a receipt to this need: its node signed it, an answer, for this consumer and this scenario."""
        head = receipt.decode(sdjwt).leaf.head
        node = self.register.find(head.iss)
        if node is None or node.role is not PartyRole.NODE or head.stage is not Stage.OUTCOME:
            raise Malformed("no receipt of an answer by a node of this space")
        slots = _verified(sdjwt, every(node, KeyUse.RECEIPT)).slots
        if slots.get(Slot.CONSUMER) != filed.by:
            raise Malformed("the receipt of another consumer")
        if question_slots.read_scenario(slots.get(Slot.SCENARIO)) != filed.scenario:
            raise Malformed("the receipt of another scenario")

    def _paths(self, need: str) -> list[Path]:
        if len(need) != 32 or not all(character in "0123456789abcdef" for character in need):
            raise Malformed("not the id of a need")
        return sorted((self.folder / need).glob("*.jws"))

    def _write(self, need: str, number: int, token: bytes) -> None:
        place = self.folder / need
        place.mkdir(parents=True, exist_ok=True)
        fd = os.open(place / f"{number:06}.jws", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(fd, "wb") as out:
            out.write(token)
            out.flush()
            os.fsync(out.fileno())


def _read(path: Path) -> bytes:
    return regular_file.read(path, BYTES_MAX + 1)


def _verified(sdjwt: str, keys: tuple[bytes, ...]) -> receipt.Disclosed:
    for key in keys[:-1]:
        try:
            return crypto_receipts.verify_disclosed(sdjwt, key)
        except BadSignature:
            continue
    return crypto_receipts.verify_disclosed(sdjwt, keys[-1])
