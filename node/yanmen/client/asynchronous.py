"""The SDK for programs with an event loop: the same calls, each awaited, their work done on threads."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from yanmen.client.answer import Answer, Quote
from yanmen.client.catalogue import Catalogue, Entry
from yanmen.client.errors import StillRunning
from yanmen.client.identity import Identity
from yanmen.client.node import Node, connect
from yanmen.client.questions import LOOK_S, TIMEOUT_S, Job, Progress
from yanmen.client.receipts import CheckedReceipt
from yanmen.model.contract import Balance, Contract, Terms
from yanmen.model.deletion import ReleasedAnswer
from yanmen.model.template import PublishedTemplate

THREADS = 8
"""Calls of one connection at once; a node lets a member have sixteen open."""

T = TypeVar("T")


@asynccontextmanager
async def aconnect(
    address: str, identity: str | os.PathLike[str] | Identity, *, node: str = ""
) -> AsyncIterator["AsyncNode"]:
    """Connect as `connect` does: `async with yanmen.aconnect("civil", identity="datalab") as node`."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="yanmen") as pool:
        opened = await asyncio.get_running_loop().run_in_executor(pool, partial(connect, address, identity, node=node))
        try:
            yield AsyncNode(opened, pool)
        finally:
            opened.close()


@dataclass(frozen=True, slots=True)
class AsyncJob:
    """A question that was submitted."""

    job: Job
    node: "AsyncNode"

    @property
    def id(self) -> str:
        """The job's id, which is enough to fetch its answer later."""
        return self.job.id

    async def fetch(self, *, timeout: float = TIMEOUT_S, progress: Progress | None = None) -> Answer:
        """Return the verified answer; a task that is cancelled here stops the job, whose charge stays."""
        began = asyncio.get_running_loop().time()
        while True:
            waited = asyncio.get_running_loop().time() - began
            try:
                return await self.node.call(partial(self.job.fetch, timeout=min(LOOK_S, max(0.0, timeout - waited))))
            except StillRunning:
                waited = asyncio.get_running_loop().time() - began
                if waited >= timeout:
                    raise
                if progress is not None:
                    progress(waited)
            except asyncio.CancelledError:
                await asyncio.shield(self.cancel())
                raise

    async def cancel(self) -> None:
        """Stop the job; what it was charged stays charged."""
        await self.node.call(self.job.cancel)


class AsyncNode:
    """One node; each method is that of `Node`, awaited."""

    def __init__(self, node: Node, pool: ThreadPoolExecutor) -> None:
        """Hold the connection and the threads that use it."""
        self._node = node
        self._pool = pool

    async def call(self, work: Callable[[], T]) -> T:
        """Do `work` on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def catalogue(self) -> Catalogue:
        """Return the datasets in force."""
        return await self.call(self._node.catalogue)

    async def dataset(self, name: str) -> Entry:
        """Return one dataset."""
        return await self.call(partial(self._node.dataset, name))

    async def request_contract(self, terms: Terms) -> Contract:
        """Sign `terms` as an offer and hand it in."""
        return await self.call(partial(self._node.request_contract, terms))

    async def answer_offer(self, contract: Contract, terms: Terms | None = None, *, days: int = 7) -> Contract:
        """Accept the holder's counter-offer, or answer it with other terms."""
        return await self.call(partial(self._node.answer_offer, contract, terms, days=days))

    async def amend_contract(self, contract: Contract, terms: Terms) -> Contract:
        """Offer other terms in the place of those of a contract in force."""
        return await self.call(partial(self._node.amend_contract, contract, terms))

    async def sign_contract(self, contract: Contract) -> Contract:
        """Sign, as a further side, what consumer and holder agreed on."""
        return await self.call(partial(self._node.sign_contract, contract))

    async def verify_contract(self, contract: Contract) -> Contract:
        """Confirm the holder's acceptance of what was negotiated."""
        return await self.call(partial(self._node.verify_contract, contract))

    async def end_contract(self, contract: Contract, reason: str) -> Contract:
        """End a contract or its negotiation."""
        return await self.call(partial(self._node.end_contract, contract, reason))

    async def released(self, contract: str | Contract) -> tuple[ReleasedAnswer, ...]:
        """Return the answers given under a contract, whose destruction a proof is about."""
        return await self.call(partial(self._node.released, contract))

    async def prove_deletion(self, contract: Contract, how: str) -> Contract:
        """State, signed, that everything released under a contract that is over is destroyed."""
        return await self.call(partial(self._node.prove_deletion, contract, how))

    async def contract(self, contract_id: str) -> Contract:
        """Return one of the member's contracts."""
        return await self.call(partial(self._node.contract, contract_id))

    async def contracts(self) -> tuple[Contract, ...]:
        """Return the member's contracts with this node."""
        return await self.call(self._node.contracts)

    async def templates(self) -> tuple[PublishedTemplate, ...]:
        """Return the contract templates on offer."""
        return await self.call(self._node.templates)

    async def balance(self, contract: str | Contract) -> Balance:
        """Return what is left of a contract."""
        return await self.call(partial(self._node.balance, contract))

    async def explain(self, sql: str, *, contract: str | Contract, micro_rho: int = 0) -> Quote:
        """Return what `sql` would give and cost; no data is touched."""
        return await self.call(partial(self._node.explain, sql, contract=contract, micro_rho=micro_rho))

    async def submit(self, sql: str, *, contract: str | Contract, micro_rho: int = 0) -> AsyncJob:
        """Start `sql` as a job and return at once."""
        job = await self.call(partial(self._node.submit, sql, contract=contract, micro_rho=micro_rho))
        return AsyncJob(job, self)

    async def query(
        self,
        sql: str,
        *,
        contract: str | Contract,
        micro_rho: int = 0,
        timeout: float = TIMEOUT_S,
        progress: Progress | None = None,
    ) -> Answer:
        """Ask `sql` and return its verified answer; a cancelled task stops the job."""
        job = await self.submit(sql, contract=contract, micro_rho=micro_rho)
        return await job.fetch(timeout=timeout, progress=progress)

    async def receipt(self, index: int) -> CheckedReceipt:
        """Return the verified receipt at `index`."""
        return await self.call(partial(self._node.receipt, index))
