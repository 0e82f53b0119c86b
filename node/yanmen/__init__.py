"""雁门: the trusted process of one node, its client and its tools; the SDK's names are loaded when used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yanmen.client import (
        Answer,
        AsyncJob,
        AsyncNode,
        Identity,
        Job,
        LogWentBack,
        Node,
        NodeFailed,
        Quote,
        ReceiptInvalid,
        Refused,
        StillRunning,
        Unreachable,
        aconnect,
        connect,
        federation,
        joining,
        robust_federation,
    )

__all__ = [
    "Answer",
    "AsyncJob",
    "AsyncNode",
    "Identity",
    "Job",
    "LogWentBack",
    "Node",
    "NodeFailed",
    "Quote",
    "ReceiptInvalid",
    "Refused",
    "StillRunning",
    "Unreachable",
    "aconnect",
    "connect",
    "federation",
    "joining",
    "robust_federation",
]


if not TYPE_CHECKING:  # else every misspelt name would pass

    def __getattr__(name: str) -> object:
        """Load the SDK when one of its names is first used: the node's own processes need no gRPC client."""
        if name not in __all__:
            raise AttributeError(name)
        from yanmen import client

        return getattr(client, name)
