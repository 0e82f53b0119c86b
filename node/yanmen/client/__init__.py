"""The SDK: ask a node, check its receipts, show nothing that does not hold."""

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
from yanmen.client.federating import federation
from yanmen.client.identity import Identity
from yanmen.client.joins import joining
from yanmen.client.node import Node, Session, connect
from yanmen.client.questions import Job
from yanmen.client.receipts import CheckedReceipt
from yanmen.client.robust import robust_federation

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
