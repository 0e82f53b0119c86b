"""The network address a call came from, as gRPC names its peer."""

import re
from ipaddress import ip_address
from urllib.parse import unquote

import grpc

_PEER = re.compile(r"ipv[46]:\[?([0-9a-fA-F:.]+)(?:%[^\]]*)?\]?:[0-9]{1,5}", re.ASCII)


def caller_address(context: grpc.ServicerContext) -> str:
    """Return the caller's address, "" where gRPC names none."""
    match = _PEER.fullmatch(unquote(context.peer() or ""))
    if match is None:
        return ""
    try:
        return str(ip_address(match[1]))
    except ValueError:
        return ""
