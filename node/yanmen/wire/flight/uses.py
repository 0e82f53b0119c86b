"""Questions asked through Flight SQL: each GetFlightInfo of a text is one use, each DoGet a fetch of its answer."""

import time

import grpc

from yanmen.formats.arrow_fields import Field
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party
from yanmen.model.ports import Clock, Randomness
from yanmen.model.refusal import Refused
from yanmen.model.stages import Submission
from yanmen.wire.api import NodeApi
from yanmen.wire.flight import answers, grants
from yanmen.wire.flight.answers import Waiting
from yanmen.wire.flight.statements import Statement, Statements
from yanmen.wire.flight.streams import Stream

ID_BYTES = 16
STEP_MS = 200
"""How soon a waiting call notices that its caller is gone."""
WAIT_S = 60.0
"""Longest wait for an answer in one call, which holds a thread; the next call of the same use goes on waiting."""


class Uses:
    """Submits, waits, keeps answers until they are fetched; and remembers prepared statements."""

    def __init__(self, api: NodeApi, clock: Clock, randomness: Randomness) -> None:
        """Start with no statement and no answer."""
        self._api = api
        self._clock = clock
        self._randomness = randomness
        self._waiting = Waiting()
        self.statements = Statements()

    def new_id(self) -> str:
        """Return an unguessable id: of a job or of a prepared statement."""
        return self._randomness.token(ID_BYTES).hex()

    def now_ms(self) -> int:
        """Return the time."""
        return self._clock.now_ms()

    def prepare(self, context: grpc.ServicerContext, party: Party, sql: str) -> tuple[str, Statement]:
        """Hold `sql` as a prepared statement under a new handle; nothing is asked and nothing charged."""
        asked = self._described(context, party, sql)
        statement, handle = Statement(sql, self._api.placeholders(asked)), self.new_id()
        if statement.bound is not None:
            statement.columns = answers.expected(self._api.describe(asked))
        self.statements.add(party.id, handle, statement)
        return handle, statement

    def columns(self, context: grpc.ServicerContext, party: Party, sql: str) -> tuple[Field, ...]:
        """Return the columns that `sql` would give; nothing is asked and nothing charged."""
        asked = self._described(context, party, sql)
        return answers.expected(self._api.describe(asked))

    def ask(self, context: grpc.ServicerContext, party: Party, sql: str) -> str:
        """Begin a use of `sql` and return its job."""
        job_id = self.new_id()
        self._api.submit(grants.submission(context, party, sql, job_id, self._clock.now_ms(), job=True))
        return job_id

    def execute(self, context: grpc.ServicerContext, party: Party, statement: Statement) -> str:
        """Begin a use of a prepared statement, or find the one whose answer was not fetched yet; return its job."""
        with statement.lock:
            if statement.bound is None:
                raise Malformed("prepared statement: its parameters are not bound")
            if not statement.job_id:
                statement.job_id = self.ask(context, party, statement.bound)
            return statement.job_id

    def outcome(
        self, context: grpc.ServicerContext, party: Party, job_id: str, wait_s: float = WAIT_S
    ) -> Stream | None:
        """Return the answer of a job, None when there is none within `wait_s`, or raise its refusal.

        A caller that hangs up or is cut off leaves the job as it is, which cannot be told apart: it is charged, and who
        asks again gets its answer. `cancel` stops it.
        """
        found = self._waiting.find(party.id, job_id, self._clock.now_ms())
        ends = time.monotonic() + wait_s
        while found is None:
            try:
                answer = self._api.fetch(party, job_id, STEP_MS)
            except Refused:
                self.statements.fetched(party.id, job_id)  # told: the next time is another use
                raise
            if answer is not None:
                found = answers.answered(answer)
                self._waiting.keep(party.id, job_id, found, self._clock.now_ms())
            elif not context.is_active() or time.monotonic() >= ends:
                return None
        return found

    def fetched(self, party: Party, job_id: str) -> None:
        """Note that an answer was sent whole."""
        self._waiting.fetched(party.id, job_id)
        self.statements.fetched(party.id, job_id)

    def cancel(self, party: Party, job_id: str) -> None:
        """Stop a job; what it was charged stays charged."""
        self._api.cancel(party, job_id)

    def _described(self, context: grpc.ServicerContext, party: Party, sql: str) -> Submission:
        """Return `sql` as what is looked at and not asked: it begins no job."""
        return grants.submission(context, party, sql, self.new_id(), self._clock.now_ms(), job=False)
