"""What a serving node lives on that ends by itself: said in its log while there is time, once a day."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from yanmen.crypto import x509
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault

DAY_MS = 86_400_000
REGISTER_DAYS, CERTIFICATE_DAYS = 10, 20
"""How long before its end each is spoken of."""
REGISTER, CERTIFICATE = "register", "certificate"
_NEXT = {
    REGISTER: "the space operator: yanmen space refresh; then copy register.jws here",
    CERTIFICATE: "the space operator: yanmen space sign; then yanmen node accept; no restart",
}


@dataclass(frozen=True, slots=True)
class Ends:
    """When each ends, asked anew at every look: both are exchanged while the node serves."""

    register_ms: Callable[[], int]
    certificate_pem: Callable[[], bytes]


@dataclass(slots=True)
class Watch:
    """Looks at both and writes a line about each that ends soon, and about a register that stops the node."""

    ends: Ends
    clock: Clock
    log: TextIO
    _told: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Write what is due."""
        try:
            self._speak(REGISTER, self.ends.register_ms(), REGISTER_DAYS)
        except Fault as fault:
            self._write(REGISTER, {"fault": fault.code.value, "note": fault.note})
        self._speak(CERTIFICATE, x509.parse_peer(self.ends.certificate_pem()).not_after_ms, CERTIFICATE_DAYS)

    def _speak(self, what: str, end_ms: int, days: int) -> None:
        left_ms = end_ms - self.clock.now_ms()
        if left_ms < days * DAY_MS:
            self._write(what, {"ends_ms": end_ms, "days_left": max(0, left_ms // DAY_MS), "do": _NEXT[what]})

    def _write(self, what: str, members: dict[str, object]) -> None:
        now_ms = self.clock.now_ms()
        if what in self._told and now_ms - self._told[what] < DAY_MS:
            return
        self._told[what] = now_ms
        self.log.write(json.dumps({"at_ms": now_ms, "warning": what, **members}) + "\n")
        self.log.flush()
