"""Explain, submit, fetch, cancel: the life of a question on the consumer's side."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from yanmen.client import decode
from yanmen.client.answer import Answer, Quote
from yanmen.client.calls import SECONDS
from yanmen.client.errors import Refused, ReplyMalformed, StillRunning
from yanmen.client.history import Grown
from yanmen.client.link import Link, parsed
from yanmen.client.receipts import Asked, Charge, CheckedReceipt
from yanmen.client.signing import Binder, EachQuestion, Signing
from yanmen.formats import decimals
from yanmen.formats.released import Table
from yanmen.formats.request import Operation
from yanmen.model.federation import Opening
from yanmen.wire import enums
from yanmen.wire.v1 import query_pb2

WAIT_MS = 5_000
"""One Fetch waits this long at the node."""
GRACE_S = 5.0
"""What a Fetch may take beyond its waiting: a node that stalls is not waited for longer than its caller said."""
TIMEOUT_S = 120.0
"""How long a caller waits for an outcome unless it says otherwise."""
LOOK_S = 1.0
"""How often who wants to be told of a running job is told."""
SOON_MS = 1_000
"""How long the call that submits a question waits for its answer."""

Progress = Callable[[float], None]
"""Told, each time a job is still running, how many seconds it has been waited for."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The signed manifest a question is asked under, the aggregators it names, and how long taking it may take.

    `joinables` are what other nodes state of tables that the question joins.
    """

    token: bytes = b""
    aggregators: tuple[str, ...] = ()
    seconds: float = SECONDS
    joinables: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A question that was submitted. Its id is enough to fetch the answer later, from another program too."""

    id: str
    sql: str
    link: Link
    aggregators: tuple[str, ...] = ()

    def fetch(self, *, timeout: float = TIMEOUT_S, progress: Progress | None = None) -> Answer:
        """Return the answer, or raise the refusal; raises `StillRunning` after `timeout` seconds.

        `progress` is told once a second how long it has been waited.
        """
        return fetch(self.link, Asked(self.id, self.sql, self.aggregators), timeout, progress)

    def attend(self, *, timeout: float = TIMEOUT_S, progress: Progress | None = None) -> Answer:
        """Fetch as `fetch` does; who interrupts the waiting (Ctrl-C, a notebook's stop) stops the job, too."""
        try:
            return self.fetch(timeout=timeout, progress=progress)
        except KeyboardInterrupt:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Stop the job; what it was charged stays charged."""
        cancel(self.link, self.id)


def explain(link: Link, signing: Signing, sql: str, binder: Binder, joinables: tuple[bytes, ...] = ()) -> Quote:
    """Return what `sql` would give and cost."""
    authorisation = binder.bind(sql, signing.new_id(), Operation.EXPLAIN)
    request = query_pb2.ExplainRequest(authorisation=authorisation, sql=sql, joinables=joinables)
    message = link.call(link.calls.query.Explain, request).quote
    charge = Charge(message.micro_rho, message.price_fen, message.repeated)
    return Quote(
        columns=parsed(lambda: decode.columns(message)),
        release=parsed(lambda: enums.parse(enums.CLASSES, message.release)),
        cells=message.cells,
        micro_rho=message.micro_rho,
        budget_left=message.micro_rho_left,
        price_fen=message.price_fen,
        deadline_ms=message.deadline_ms,
        repeated=message.repeated,
        plan_text=message.plan_text,
        receipt=link.receipts.check_quote(parsed(lambda: decode.receipt(message.receipt)), sql, charge),
        shape=message.shape,
        l2_squared=parsed(lambda: tuple(decimals.decode(text) for text in message.l2_squared)),
        next_renewal_ms=message.next_renewal_ms,
    )


def submit(link: Link, signing: Signing, sql: str, binder: Binder, manifest: Asking | None = None) -> Job:
    """Start `sql` as a job; sent again after a lost reply, it is still one job and one charge.

    With a `manifest` the answer is this node's shares of a federated one.
    """
    job_id, asking = signing.new_id(), manifest or Asking()
    request = _request(sql, job_id, binder, asking)
    _submitted(link, request, asking.seconds)
    return Job(job_id, sql, link, asking.aggregators)


def ask(
    link: Link, signing: Signing, sql: str, binder: Binder, timeout: float, progress: Progress | None = None
) -> Answer:
    """Return the answer to `sql` in one call if it comes soon; who interrupts the waiting stops the job."""
    began, job_id = time.monotonic(), signing.new_id()
    request = _request(sql, job_id, binder, Asking())
    request.known_size = link.known_size()
    request.wait_ms = max(0, min(SOON_MS, int(timeout * 1000)))
    try:
        reply = _submitted(link, request, SECONDS)
    except KeyboardInterrupt:
        with suppress(Refused):  # one that had not arrived needs no stop
            cancel(link, job_id)
        raise
    if reply.HasField("answer"):
        grown = Grown(request.known_size, tuple(reply.consistency))
        return _answer(link, Asked(job_id, sql), reply.answer, grown)
    waited = time.monotonic() - began
    if progress is not None:
        progress(waited)
    return Job(job_id, sql, link).attend(timeout=timeout - waited, progress=_later(progress, waited))


def _later(progress: Progress | None, waited: float) -> Progress | None:
    """Return what tells `progress` of the time waited before, too."""
    return None if progress is None else lambda seconds: progress(waited + seconds)


def _request(sql: str, job_id: str, binder: Binder, asking: Asking) -> query_pb2.SubmitRequest:
    authorisation = binder.bind(sql, job_id, Operation.SUBMIT)
    return query_pb2.SubmitRequest(
        job_id=job_id, authorisation=authorisation, sql=sql, manifest=asking.token, joinables=asking.joinables
    )


def _submitted(link: Link, request: query_pb2.SubmitRequest, seconds: float) -> query_pb2.SubmitResponse:
    reply = link.call(link.calls.query.Submit, request, seconds)
    if reply.job_id != request.job_id:
        raise ReplyMalformed("another job than was submitted")
    return reply


def fetch(link: Link, asked: Asked, timeout: float, progress: Progress | None = None) -> Answer:
    """Return the outcome of a job, asking until there is one; `progress` is told while there is none."""
    began = time.monotonic()
    step_ms = WAIT_MS if progress is None else int(LOOK_S * 1000)
    known = link.known_size()
    while True:
        waited = time.monotonic() - began
        left_ms = max(0, int((timeout - waited) * 1000))
        request = query_pb2.FetchRequest(job_id=asked.job_id, wait_ms=min(step_ms, left_ms), known_size=known)
        reply = link.call(link.calls.query.Fetch, request, min(SECONDS, left_ms / 1000 + GRACE_S))
        match reply.WhichOneof("outcome"):
            case "answer":
                return _answer(link, asked, reply.answer, Grown(known, tuple(reply.consistency)))
            case "pending" if left_ms:
                if progress is not None:
                    progress(time.monotonic() - began)
            case "pending":
                raise StillRunning(asked.job_id)
            case _:
                raise ReplyMalformed("neither an answer nor pending")


def finish(
    link: Link, signing: Signing, sql: str, binder: EachQuestion, asking: Asking, opening: Opening
) -> tuple[Table, CheckedReceipt]:
    """Return the table that an opened total is, and the receipt of making it."""
    request = query_pb2.FinishRequest(
        authorisation=binder.bind(sql, signing.new_id(), Operation.EXPLAIN),
        sql=sql,
        manifest=binder.manifest,
        joinables=asking.joinables,
        certificates=opening.certificates,
        sums=[query_pb2.OpenedSum(partial=item.partial, share=item.share) for item in opening.sums],
    )
    reply = link.call(link.calls.query.Finish, request, SECONDS)
    checked = link.receipts.check(parsed(lambda: decode.receipt(reply.receipt)))
    return parsed(lambda: decode.table(reply)), checked


def cancel(link: Link, job_id: str) -> None:
    """Stop a job."""
    link.call(link.calls.query.Cancel, query_pb2.CancelRequest(job_id=job_id))


def _answer(link: Link, asked: Asked, message: query_pb2.Answer, grown: Grown) -> Answer:
    if message.job_id != asked.job_id:
        raise ReplyMalformed("the answer of another job")
    table = parsed(lambda: decode.table(message, asked.aggregators))
    charge = Charge(message.micro_rho, message.price_fen, message.repeated)
    receipt = parsed(lambda: decode.receipt(message.receipt))
    checked, keep = link.receipts.check_answer(receipt, asked, table, charge, grown)
    return Answer(
        job_id=message.job_id,
        table=table,
        micro_rho=message.micro_rho,
        budget_left=message.micro_rho_left,
        price_fen=message.price_fen,
        repeated=message.repeated,
        receipt=checked,
        acknowledging=link.acknowledging.send(checked, keep),
    )
