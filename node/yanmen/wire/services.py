"""A node's services: take a message apart, ask the node, put its answer into a message. Nothing else."""

from collections.abc import Callable

import grpc
from typing_extensions import override

from yanmen.formats import checkpoint, proof
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import OpenedSum, Opening
from yanmen.model.ports import Clock
from yanmen.model.stages import Answer
from yanmen.wire import convert
from yanmen.wire.api import NodeApi
from yanmen.wire.caller_address import caller_address
from yanmen.wire.gate import CALLER
from yanmen.wire.v1 import (
    catalogue_pb2,
    catalogue_pb2_grpc,
    contract_pb2,
    contract_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
)

FETCH_WAIT_MS = 5_000
"""Longest wait of one Fetch: a waiting call holds a thread."""
DEADLINE_MARGIN_MS = 200
"""Left of the caller's deadline for the reply to travel."""
NO_JOB = ""
"""The job id of an explanation, which starts none."""


class Catalogue(catalogue_pb2_grpc.CatalogueServiceServicer):
    """What the department declares."""

    def __init__(self, api: NodeApi) -> None:
        """Hold the node."""
        self._api = api

    @override
    def ListDatasets(
        self, request: catalogue_pb2.ListDatasetsRequest, context: grpc.ServicerContext
    ) -> catalogue_pb2.ListDatasetsResponse:
        """List what the caller may see."""
        versions = self._api.datasets(CALLER.get())
        return catalogue_pb2.ListDatasetsResponse(datasets=[convert.dataset(version) for version in versions])

    @override
    def GetDataset(
        self, request: catalogue_pb2.GetDatasetRequest, context: grpc.ServicerContext
    ) -> catalogue_pb2.GetDatasetResponse:
        """Show one dataset."""
        version = self._api.dataset(CALLER.get(), convert.name(request.name))
        return catalogue_pb2.GetDatasetResponse(dataset=convert.dataset(version))


class Contracts(contract_pb2_grpc.ContractServiceServicer):
    """The caller's contracts."""

    def __init__(self, api: NodeApi) -> None:
        """Hold the node."""
        self._api = api

    @override
    def RequestContract(
        self, request: contract_pb2.RequestContractRequest, context: grpc.ServicerContext
    ) -> contract_pb2.RequestContractResponse:
        """Take in a signed offer."""
        held = self._api.request_contract(CALLER.get(), convert.ascii_bytes(request.offer_jws))
        return contract_pb2.RequestContractResponse(contract=convert.contract(held))

    @override
    def Act(self, request: contract_pb2.ActRequest, context: grpc.ServicerContext) -> contract_pb2.ActResponse:
        """Take in a side's signature, verification or end."""
        held = self._api.act(CALLER.get(), convert.ascii_bytes(request.act_jws))
        return contract_pb2.ActResponse(contract=convert.contract(held))

    @override
    def GetContract(
        self, request: contract_pb2.GetContractRequest, context: grpc.ServicerContext
    ) -> contract_pb2.GetContractResponse:
        """Show one contract."""
        held = self._api.contract(CALLER.get(), convert.name(request.contract_id))
        return contract_pb2.GetContractResponse(contract=convert.contract(held))

    @override
    def ListContracts(
        self, request: contract_pb2.ListContractsRequest, context: grpc.ServicerContext
    ) -> contract_pb2.ListContractsResponse:
        """List the caller's contracts."""
        held = self._api.contracts(CALLER.get())
        return contract_pb2.ListContractsResponse(contracts=[convert.contract(one) for one in held])

    @override
    def GetBalance(
        self, request: contract_pb2.GetBalanceRequest, context: grpc.ServicerContext
    ) -> contract_pb2.GetBalanceResponse:
        """Show what is left of one contract."""
        left = self._api.balance(CALLER.get(), convert.name(request.contract_id))
        return contract_pb2.GetBalanceResponse(balance=convert.balance(left))

    @override
    def ListReleased(
        self, request: contract_pb2.ListReleasedRequest, context: grpc.ServicerContext
    ) -> contract_pb2.ListReleasedResponse:
        """List the answers given under one contract."""
        found = self._api.released(CALLER.get(), convert.name(request.contract_id))
        return contract_pb2.ListReleasedResponse(
            answers=[contract_pb2.Released(jti=each.jti, sha256=each.sha256) for each in found]
        )

    @override
    def ListTemplates(
        self, request: contract_pb2.ListTemplatesRequest, context: grpc.ServicerContext
    ) -> contract_pb2.ListTemplatesResponse:
        """List what may be filled in."""
        held = self._api.templates(CALLER.get())
        return contract_pb2.ListTemplatesResponse(
            templates=[contract_pb2.Template(template_jws=one.token.decode("ascii")) for one in held]
        )


class Query(query_pb2_grpc.QueryServiceServicer):
    """Questions, jobs and answers."""

    def __init__(self, api: NodeApi, clock: Clock) -> None:
        """Hold the node and the clock that says when a question arrived."""
        self._api = api
        self._clock = clock

    @override
    def Explain(self, request: query_pb2.ExplainRequest, context: grpc.ServicerContext) -> query_pb2.ExplainResponse:
        """Say what a question would give."""
        submission = convert.submission(request, NO_JOB, CALLER.get(), self._clock.now_ms(), caller_address(context))
        return query_pb2.ExplainResponse(quote=convert.quote(self._api.explain(submission)))

    @override
    def Submit(self, request: query_pb2.SubmitRequest, context: grpc.ServicerContext) -> query_pb2.SubmitResponse:
        """Start a job, and wait for its outcome if that is asked for."""
        job_id = convert.job_id(request.job_id)
        submission = convert.submission(request, job_id, CALLER.get(), self._clock.now_ms(), caller_address(context))
        started = self._api.submit(submission)
        if not request.wait_ms:
            return query_pb2.SubmitResponse(job_id=started)
        answer = self._api.fetch(CALLER.get(), started, _wait_ms(request.wait_ms, context.time_remaining))
        if answer is None:
            return query_pb2.SubmitResponse(job_id=started)
        grown = self._grown(request.known_size, answer)
        return query_pb2.SubmitResponse(job_id=started, answer=convert.answer(answer), consistency=grown)

    @override
    def Fetch(self, request: query_pb2.FetchRequest, context: grpc.ServicerContext) -> query_pb2.FetchResponse:
        """Return the outcome, waiting no longer than the caller does."""
        wait_ms = _wait_ms(request.wait_ms, context.time_remaining)
        answer = self._api.fetch(CALLER.get(), convert.job_id(request.job_id), wait_ms)
        if answer is None:
            return query_pb2.FetchResponse(pending=query_pb2.Pending())
        grown = self._grown(request.known_size, answer)
        return query_pb2.FetchResponse(answer=convert.answer(answer), consistency=grown)

    def _grown(self, known_size: int, answer: Answer) -> tuple[bytes, ...]:
        """Return the proof that the log only grew since the caller saw it, if that is earlier than the receipt."""
        if known_size == 0:
            return ()
        try:
            size = checkpoint.decode(proof.decode(answer.receipt.proof).checkpoint.text).size
        except Malformed:
            return ()  # whoever verifies the receipt says what is wrong with it
        return self._api.consistency(CALLER.get(), known_size, size) if known_size < size else ()

    @override
    def Cancel(self, request: query_pb2.CancelRequest, context: grpc.ServicerContext) -> query_pb2.CancelResponse:
        """Stop a job."""
        self._api.cancel(CALLER.get(), convert.job_id(request.job_id))
        return query_pb2.CancelResponse()

    @override
    def Finish(self, request: query_pb2.FinishRequest, context: grpc.ServicerContext) -> query_pb2.FinishResponse:
        """Make the table of an opened total."""
        submission = convert.submission(request, NO_JOB, CALLER.get(), self._clock.now_ms(), caller_address(context))
        sums = tuple(OpenedSum(item.partial, item.share) for item in request.sums)
        finished = self._api.finish(submission, Opening(tuple(request.certificates), sums))
        return query_pb2.FinishResponse(
            columns=convert.columns(finished.labels, finished.types),
            rows=convert.rows(finished.rows, finished.widths),
            mechanism=finished.mechanism,
            notice=finished.notice,
            receipt=convert.receipt(finished.receipt),
        )


def _wait_ms(asked_ms: int, time_remaining: Callable[[], float | None]) -> int:
    remaining = time_remaining()
    wait_ms = min(asked_ms, FETCH_WAIT_MS)
    if remaining is None:
        return wait_ms
    return max(0, min(wait_ms, int(remaining * 1000) - DEADLINE_MARGIN_MS))
