"""Prepared statements of members, in memory: a text, its placeholders, what was bound, and the use that is under way.

Preparing and binding are no use. A use begins at GetFlightInfo and is over once its answer was fetched: until then
the same handle names the same use, so that asking again after a lost reply charges nothing twice.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import RLock

from yanmen.formats.arrow_fields import Field
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.parameters import Parameter, Placeholder, bind

PER_MEMBER = 64
"""Statements one member may have prepared; beyond them the one used longest ago is forgotten."""


@dataclass(slots=True)
class Statement:
    """One prepared text; `lock` is held while it is decided whether a use begins or goes on."""

    sql: str
    places: tuple[Placeholder, ...]
    bound: str | None = None
    columns: tuple[Field, ...] = ()
    job_id: str = ""
    lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        """A text without placeholders is bound as it is."""
        if not self.places:
            self.bound = self.sql

    def bind(self, values: Sequence[Parameter]) -> None:
        """Put literals where the placeholders are; what was under way is another question's."""
        with self.lock:
            self.bound, self.job_id = bind(self.sql, self.places, values), ""


class Statements:
    """All of a node's; nobody finds another member's."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = RLock()
        self._held: dict[str, OrderedDict[str, Statement]] = {}

    def add(self, owner: str, handle: str, statement: Statement) -> None:
        """Hold `statement` under the unguessable `handle`."""
        with self._lock:
            held = self._held.setdefault(owner, OrderedDict())
            held[handle] = statement
            while len(held) > PER_MEMBER:
                held.popitem(last=False)

    def find(self, owner: str, handle: bytes) -> Statement:
        """Return the statement of `owner` under `handle`."""
        with self._lock:
            held = self._held.get(owner, OrderedDict())
            key = handle.decode("ascii", "replace")
            if key not in held:
                raise Refused(Reason.STATEMENT_UNKNOWN)
            held.move_to_end(key)
            return held[key]

    def close(self, owner: str, handle: bytes) -> None:
        """Forget a statement; one that is not there is forgotten already."""
        with self._lock:
            held = self._held.get(owner)
            if held is not None:
                held.pop(handle.decode("ascii", "replace"), None)
                if not held:
                    del self._held[owner]

    def fetched(self, owner: str, job_id: str) -> None:
        """Note that the answer of `job_id` was fetched: the next GetFlightInfo is a new use."""
        with self._lock:
            statements = list(self._held.get(owner, {}).values())
        for statement in statements:
            with statement.lock:
                if statement.job_id == job_id:
                    statement.job_id = ""
