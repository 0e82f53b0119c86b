"""Heads stamped by a time stamp authority (RFC 3161): asked over HTTP, or by files carried to it and back."""

import ssl
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from yanmen.crypto import timestamps
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, note, timestamp
from yanmen.formats.malformed import Malformed
from yanmen.ledger.ledger import Ledger
from yanmen.model.ports import Randomness
from yanmen.model.refusal import Fault, FaultCode

TIMEOUT_S = 20


def ask(ledger: Ledger, url: str, authority: bytes, randomness: Randomness) -> tuple[int, int]:
    """Get the newest head stamped and return its size and the time; one that is stamped already is not asked for."""
    head = ledger.head()
    size = _size(head)
    newest = ledger.stamped()
    if newest[0] == size:
        return newest
    nonce = randomness.token(timestamp.NONCE_BYTES)
    token = _call(url, timestamp.request(head, nonce))
    return size, keep(ledger, token, authority, size, timestamp.number(nonce))


def keep(ledger: Ledger, token: bytes, authority: bytes, size: int = 0, nonce: int | None = None) -> int:
    """Keep the time stamp `token` over the head of `size` leaves, or the newest, once it verifies; return its time."""
    head = ledger.head(size)
    try:
        at_s = timestamps.verify(token, head, authority, nonce)
    except (Malformed, BadSignature) as error:
        raise Fault(FaultCode.REPLY_MALFORMED, str(error)) from error
    ledger.add_timestamp(_size(head), token, at_s)
    return at_s


def _size(head: bytes) -> int:
    return checkpoint.decode(note.decode(head).text).size


def _call(url: str, body: bytes) -> bytes:
    where = urlsplit(url)
    host = where.hostname or ""
    connection: HTTPConnection
    if where.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(host, where.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = HTTPConnection(host, where.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", where.path or "/", body=body, headers={"Content-Type": timestamp.REQUEST_TYPE})
        response = connection.getresponse()
        kind, data = response.headers.get("Content-Type", ""), response.read(timestamp.TOKEN_BYTES_MAX + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise Fault(FaultCode.UNREACHABLE, f"the authority cannot be asked: {type(error).__name__}") from error
    finally:
        connection.close()
    if response.status != HTTPStatus.OK or kind.partition(";")[0].strip() != timestamp.REPLY_TYPE:
        raise Fault(FaultCode.UNREACHABLE, f"the authority answered {response.status}, {kind[:80] or 'no type'}")
    return data
