"""AWS Signature Version 4: what an S3-compatible store asks of a request (docs.aws.amazon.com, "Signature Version 4").

HMAC-SHA256 over one request as it is sent: who reads it on its way, or sends it for us, can ask for that object and
for no other, for some minutes, and never sees the key.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
"""The digest of a body that there is not."""
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """Who asks: the id that is sent, the secret that signs, and the token of temporary keys ("": they are lasting)."""

    id: str
    secret: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a signature counts, and from when: stores refuse one that is older than a quarter of an hour."""

    region: str
    service: str
    at_ms: int

    @property
    def moment(self) -> str:
        """The time as the header `x-amz-date` has it."""
        return datetime.fromtimestamp(self.at_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")

    @property
    def text(self) -> str:
        """The scope as it is signed."""
        return f"{self.moment[:8]}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `path` is encoded, `query` is not, and every header here is signed, by its name in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body_sha256: str = EMPTY_SHA256


def encoded(text: str, *, kept: str = "") -> str:
    """Return `text` percent-encoded as signatures want it: each byte but the unreserved ones, and those `kept`."""
    stay = _UNRESERVED | frozenset(kept.encode("ascii"))
    return "".join(chr(byte) if byte in stay else f"%{byte:02X}" for byte in text.encode("utf-8"))


def query_string(query: Mapping[str, str]) -> str:
    """Return the query in the order that is signed."""
    pairs = sorted((encoded(name), encoded(value)) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def authorization(asked: Asked, keys: AccessKeys, scope: Scope) -> str:
    """Return the header `authorization` of the request."""
    names = ";".join(sorted(asked.headers))
    signature = hmac.new(_key(keys.secret, scope), _to_sign(asked, scope), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={keys.id}/{scope.text},SignedHeaders={names},Signature={signature}"


def _to_sign(asked: Asked, scope: Scope) -> bytes:
    headers = "".join(f"{name}:{' '.join(asked.headers[name].split())}\n" for name in sorted(asked.headers))
    names = ";".join(sorted(asked.headers))
    canonical = "\n".join((asked.method, asked.path, query_string(asked.query), headers, names, asked.body_sha256))
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    return "\n".join((ALGORITHM, scope.moment, scope.text, digest)).encode("utf-8")


def _key(secret: str, scope: Scope) -> bytes:
    key = b"AWS4" + secret.encode("utf-8")
    for part in scope.text.split("/"):
        key = hmac.new(key, part.encode("utf-8"), hashlib.sha256).digest()
    return key
