"""What was not done in time is alerted once: a line in the node's log and a signed file in its outbox."""

import sys

from yanmen.crypto import documents
from yanmen.formats.notice import Notice, Occasion
from yanmen.node.holder import Holder
from yanmen.node.incidents import OUTBOX

LOOK_MS = 10_000


def alert(holder: Holder, case: str, what: str, text: str, line: str) -> None:
    """Alert that `what` of the `case` is overdue, unless that was done."""
    outbox = holder.directory / OUTBOX
    path = outbox / f"overdue-{case}-{what}.jws"
    if path.exists():
        return
    outbox.mkdir(mode=0o700, exist_ok=True)
    head, now_ms = holder.ledger.checkpoint(), holder.clock.now_ms()
    notice = Notice(holder.config.id, "holder", Occasion.OVERDUE, case, 0, now_ms, head, text)
    path.write_bytes(documents.sign_notice(notice, holder.receipt_signer) + b"\n")
    print(f"{line}: {case} {what}", file=sys.stderr, flush=True)  # noqa: T201 - the operator's log


class Deletions:
    """Alerts once for each contract whose consumer has not proved in time that its answers are destroyed."""

    def __init__(self, holder: Holder) -> None:
        """Hold the node."""
        self._holder = holder
        self._looked_ms = 0

    def look(self) -> None:
        """Look, every ten seconds."""
        now_ms = self._holder.clock.now_ms()
        if 0 <= now_ms - self._looked_ms < LOOK_MS:
            return
        self._looked_ms = now_ms
        for each in self._holder.ledger.deletions():
            if each.overdue(now_ms):
                line = "proof of deletion overdue 删除证明逾期"
                alert(self._holder, each.contract, "deletion", each.consumer, line)
