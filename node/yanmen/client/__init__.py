"""The SDK: ask a node, check its receipts, show nothing that does not hold."""

from importlib import import_module
from typing import TYPE_CHECKING

from yanmen.client.answer import Answer, Quote
from yanmen.client.asynchronous import AsyncJob, AsyncNode, aconnect
from yanmen.client.catalogue import Catalogue, Entry
from yanmen.client.errors import (
    LogWentBack,
    NodeFailed,
    ReceiptInvalid,
    Refused,
    ReplyMalformed,
    StillRunning,
    Unreachable,
)
from yanmen.client.identity import Identity
from yanmen.client.node import Node, Session, connect
from yanmen.client.questions import Job
from yanmen.client.receipts import CheckedReceipt

if TYPE_CHECKING:
    from yanmen.client.federating import federation
    from yanmen.client.joins import joining
    from yanmen.client.robust import robust_federation

_LATER = {"federation": "federating", "joining": "joins", "robust_federation": "robust"}

if not TYPE_CHECKING:  # a checker knows every name from above, and none besides

    def __getattr__(name: str) -> object:
        """Import what asks many nodes, and its arithmetic, when it is asked for (PEP 562)."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = [
    "Answer",
    "AsyncJob",
    "AsyncNode",
    "Catalogue",
    "CheckedReceipt",
    "Entry",
    "Identity",
    "Job",
    "LogWentBack",
    "Node",
    "NodeFailed",
    "Quote",
    "ReceiptInvalid",
    "Refused",
    "ReplyMalformed",
    "Session",
    "StillRunning",
    "Unreachable",
    "aconnect",
    "connect",
    "federation",
    "joining",
    "robust_federation",
]
