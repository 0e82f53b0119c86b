"""The ledger's part about control while uses run: orders of the holder, and what they leave standing."""

from collections.abc import Sequence

from yanmen.formats import control_order
from yanmen.formats.receipt import Slot
from yanmen.ledger import control, incidents
from yanmen.ledger.desk import Desk
from yanmen.ledger.log import About, Slots
from yanmen.model.control import Order, Running, Stops
from yanmen.model.incident import Frozen
from yanmen.model.receipt import Receipt, Stage


class Stopping(Desk):
    """Orders that end jobs, suspend members and datasets and disconnect the node; each is one leaf."""

    __slots__ = ()

    def kill(self, job_id: str, reason: str, actor: str) -> Receipt:
        """Order that a running job ends."""
        said = _said(Order.KILL, job_id, reason, actor)
        return self._recorded(lambda db: control.kill(db, self._log, job_id, said))

    def suspend_member(self, party: str, reason: str, actor: str) -> Receipt:
        """Order that a member is not served."""
        said = _said(Order.SUSPEND_MEMBER, party, reason, actor)
        return self._recorded(lambda db: control.suspend_member(db, self._log, party, said))

    def resume_member(self, party: str, reason: str, actor: str) -> Receipt:
        """Take the suspension of a member back."""
        said = _said(Order.RESUME_MEMBER, party, reason, actor)
        return self._recorded(lambda db: control.resume_member(db, self._log, party, said))

    def suspend_dataset(self, name: str, reason: str, actor: str) -> Receipt:
        """Order that nobody uses a dataset."""
        said = _said(Order.SUSPEND_DATASET, name, reason, actor)
        return self._recorded(lambda db: control.suspend_dataset(db, self._log, name, said))

    def resume_dataset(self, name: str, reason: str, actor: str) -> Receipt:
        """Take the suspension of a dataset back."""
        said = _said(Order.RESUME_DATASET, name, reason, actor)
        return self._recorded(lambda db: control.resume_dataset(db, self._log, name, said))

    def disconnect(self, reason: str, actor: str) -> Receipt:
        """Order that the node takes no calls and ends what runs."""
        said = _said(Order.DISCONNECT, "", reason, actor)
        return self._recorded(lambda db: control.disconnect(db, self._log, said))

    def connect(self, reason: str, actor: str) -> Receipt:
        """Order that the node takes calls again."""
        said = _said(Order.CONNECT, "", reason, actor)
        return self._recorded(lambda db: control.connect(db, self._log, said))

    def open_incident(self, text: str, actor: str, frozen: Sequence[Frozen], *, drill: bool) -> Receipt:
        """Record an incident and freeze what it names, or rehearse one."""
        return self._recorded(lambda db: incidents.open_incident(db, self._log, text, actor, frozen, drill=drill))

    def policy_in_force(self) -> str:
        """Return the digest of the guard rails recorded last, "" when none were."""
        with self._store.read() as db:
            return control.policy(db)

    def put_policy(self, digest: str, reason: str, actor: str) -> Receipt | None:
        """Record that the guard rails of this digest are in force; None when they were."""
        said = _said(Order.POLICY, digest, reason, actor)
        with self._writing() as db:
            position = control.put_policy(db, self._log, digest, said)
            return None if position is None else self._receipt(db, position)

    def put_logs(self, digest: str, reason: str, actor: str) -> Receipt:
        """Record the digest of the logs of operation of a day that is over."""
        said = _said(Order.LOGS, digest, reason, actor)
        return self._recorded(lambda db: self._log.append(db, Stage.CONTROL, said, About()).position)

    def stops(self) -> Stops:
        """Return what must not go on now."""
        with self._store.read() as db:
            return control.stops(db)

    def running(self) -> tuple[Running, ...]:
        """Return the uses that touch data now."""
        with self._store.read() as db:
            return control.running(db)


def _said(order: Order, target: str, reason: str, actor: str) -> Slots:
    """Return what the order's leaf says; an order without a reason is refused before anything is written."""
    return {Slot.ACTOR: actor, Slot.SUBJECT: control_order.encode(order, target, reason)}
