"""Logs of operation are vouched for: once a day is over, a leaf of the usage log has the digest of all of them."""

from collections.abc import Mapping

from yanmen.formats import control_order, receipt
from yanmen.formats.receipt import Slot
from yanmen.ledger import daybook
from yanmen.ledger.daybook import Anchor, Daybook, Kept
from yanmen.model.control import Order
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.holder import Holder

LOOK_MS = 10_000
_ACTOR = "node 节点"


class Logkeeping:
    """Records, each day, what the logs of the days before it end with."""

    def __init__(self, holder: Holder) -> None:
        """Hold the node."""
        self._holder = holder
        self._daybook = Daybook(holder.directory, daybook.CALLS, holder.clock, holder.config.log_days)
        self._looked_ms = 0

    def look(self) -> None:
        """Look, every ten seconds."""
        now_ms = self._holder.clock.now_ms()
        if 0 <= now_ms - self._looked_ms < LOOK_MS:
            return
        self._looked_ms = now_ms
        found = daybook.closed(self._holder.directory, now_ms)
        if found is None:
            return
        receipt = self._holder.ledger.put_logs(
            found.digest, f"logs of operation until 运维日志截至 {found.day}", _ACTOR
        )
        self._daybook.write({"logs_of": found.day, "leaf": receipt.index, "heads": dict(found.heads)})


def check(holder: Holder) -> Mapping[str, Kept]:
    """Return what is kept of each program's log, once chains and leaves hold it together; otherwise a `Fault`."""
    kept = {program: daybook.check(holder.directory, program) for program in daybook.programs(holder.directory)}
    for anchor in kept[daybook.CALLS].anchors if daybook.CALLS in kept else ():
        _hold_to_leaf(anchor, holder)
        wrong = daybook.vouched(anchor, kept)
        if wrong:
            raise Fault(FaultCode.STORAGE, f"the log of {wrong} until {anchor.day} is not what leaf {anchor.leaf} says")
    return kept


def _hold_to_leaf(anchor: Anchor, holder: Holder) -> None:
    """Require the leaf that an anchor names, unless it lies in the log of another year."""
    if anchor.leaf >= holder.ledger.size():
        return
    said = receipt.decode(holder.ledger.receipt(anchor.leaf).sdjwt).slots.get(Slot.SUBJECT)
    ordered = control_order.decode(said)
    if ordered.order is not Order.LOGS or ordered.target != anchor.digest:
        raise Fault(FaultCode.STORAGE, f"leaf {anchor.leaf} says something else of the logs until {anchor.day}")
