"""Who looks, by name: persons log in with their own account and see the pages of their role; every step is logged.

A wrong password and an account that is not there are answered alike, in the same time. After a few failures an
account waits, and so does everybody after many: guessing costs more than looking for the password elsewhere.
"""

import hashlib
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from yanmen.crypto import passwords
from yanmen.ledger import accounts
from yanmen.ledger.daybook import Daybook
from yanmen.model.account import SECTIONS, Account, AccountStatus
from yanmen.model.ports import Clock, Randomness

TOKEN_BYTES = 32
LIFE_MS = 8 * 3600 * 1000
"""A working day; the browser forgets the cookie when it is closed."""
WAIT_MS = 15 * 60 * 1000
FAILURES_OF_ONE, FAILURES_OF_ALL = 5, 50
"""Within `WAIT_MS`."""
SESSIONS_MAX = 1_000
FREE = frozenset({"static", "preferences"})
"""Paths that tell nothing of the node."""


@dataclass(frozen=True, slots=True)
class Session:
    """A person who logged in: with the account as it was then, until when."""

    account: Account
    until_ms: int


class Logins:
    """Lets persons in by account and password."""

    def __init__(self, node: Path, clock: Clock, randomness: Randomness, daybook: Daybook) -> None:
        """Hold where accounts are read and what is done with them is logged."""
        self._node = node
        self._clock = clock
        self._randomness = randomness
        self._daybook = daybook
        self._sessions: dict[str, Session] = {}
        self._failures: deque[tuple[int, str]] = deque()
        self._nobody = passwords.kept(randomness.token(TOKEN_BYTES).hex(), randomness)
        self._lock = Lock()

    @property
    def asked(self) -> bool:
        """Whether there are accounts: then the link alone opens nothing."""
        return bool(accounts.read(self._node))

    def enter(self, account_id: str, password: str, address: str) -> str | None:
        """Return the token of a new session, None for whoever is not let in."""
        with self._lock:
            if self._waits(account_id):
                self._note("locked", account_id, address)
                return None
            known = accounts.read(self._node).get(account_id)
            right = passwords.fits(password, self._nobody if known is None else known.password)
            if known is None or not right or known.status is not AccountStatus.ACTIVE:
                self._failures.append((self._clock.now_ms(), account_id))
                self._note("refused", account_id, address)
                return None
            self._note("login", account_id, address)
            token = self._randomness.token(TOKEN_BYTES).hex()
            self._sessions[_digest(token)] = Session(known, self._clock.now_ms() + LIFE_MS)
            while len(self._sessions) > SESSIONS_MAX:
                del self._sessions[next(iter(self._sessions))]
            return token

    def who(self, token: str) -> Account | None:
        """Return whose session `token` is, while the account is as it was at the login."""
        session = self._sessions.get(_digest(token))
        if session is None or self._clock.now_ms() >= session.until_ms:
            return None
        return session.account if accounts.read(self._node).get(session.account.id) == session.account else None

    def may(self, account: Account, path: str, address: str) -> bool:
        """Say whether a page is one of the account's role, and log that it was looked at or not given."""
        section = path.lstrip("/").partition("/")[0]
        if section in FREE:
            return True
        allowed = section in SECTIONS[account.role]
        if path != "/uses/live":
            self._note("page" if allowed else "denied", account.id, address, path=path[:200])
        return allowed

    def leave(self, token: str, address: str) -> None:
        """End a session."""
        session = self._sessions.pop(_digest(token), None)
        if session is not None:
            self._note("logout", session.account.id, address)

    def _waits(self, account_id: str) -> bool:
        since = self._clock.now_ms() - WAIT_MS
        while self._failures and self._failures[0][0] < since:
            self._failures.popleft()
        of_one = sum(name == account_id for _, name in self._failures)
        return of_one >= FAILURES_OF_ONE or len(self._failures) >= FAILURES_OF_ALL

    def _note(self, event: str, account_id: str, address: str, path: str = "") -> None:
        """Log it; a `Fault` when it cannot be logged, and then nobody is let in or shown anything."""
        name = account_id if accounts.ID.fullmatch(account_id) else "not an id"
        entry = {"event": event, "account": name, "address": address}
        self._daybook.write({**entry, "path": path} if path else entry)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
