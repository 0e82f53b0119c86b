"""An object of an S3-compatible store, fetched by a process of its own into a file that only an import job opens.

The node signs one request for one object (crypto/sigv4) and never meets the store; the reader (`yanmen_reader.objects`)
sends it, has no key, and closes itself in before the answer begins; the jailed job, which has no network, makes the
snapshot of what was written.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from yanmen import regular_file
from yanmen.crypto import keys, origins, sigv4
from yanmen.crypto.sigv4 import AccessKeys, Asked, Scope
from yanmen.execution import object_trouble
from yanmen.execution.clear_files import ClearFile, ClearFiles
from yanmen.execution.process import FreshProcess
from yanmen.execution.worker import Bounds, Worker
from yanmen.formats import object_source
from yanmen.formats.object_source import Addressing, ObjectSource
from yanmen.model.catalogue import Dataset, DatasetClass, Origin
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

READER = (sys.executable, "-I", "-B", "-m", "yanmen_reader.objects")
READ_BOUNDS = {"address": 2 << 30, "cpu": 3600}
"""Address space and CPU seconds of a reader."""
SLACK_MS = 30_000
"""Longer than the source's own limit: to connect."""
REPLY_BYTES = 4096
CREDENTIALS_BYTES = 8192
AUTHORITY_BYTES = 256 * 1024
CHUNK = 1 << 20
_ETAG = re.compile(r"[!#-~]{0,128}", re.ASCII)
_VERSION = re.compile(r"[!-~]{0,1024}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the reader wrote: `format` by the object's name, and what it is known by."""

    source: ObjectSource
    size: int
    etag: str
    version: str
    sha256: str

    @property
    def format(self) -> str:
        """What its bytes are looked at as, in the jail only."""
        return self.source.key.rpartition(".")[2].lower()

    def origin(self, dataset: Dataset, seal_key: bytes) -> Origin:
        """Return what the record of the publication says of it."""
        keyed = dataset.cls is not DatasetClass.OPEN
        said = (self.etag, self.sha256)
        etag, digest = (origins.keyed(seal_key, dataset.name, one) if keyed else one for one in said)
        return Origin(self.source.location, _endpoint(self.source), self.version, etag, digest, keyed)


@contextmanager
def fetched(path: str, source: ObjectSource, clear: ClearFiles, now_ms: int) -> Iterator[tuple[ClearFile, Fetched]]:
    """Give the object as a file that nobody can write any more, once it is the one that was pinned."""
    request = _request(source, _credentials(Path(path), source), now_ms)
    with clear.empty(clear.largest_bytes) as target:
        os.fchmod(target.fd, 0o666)  # a reader of a root node writes under the account of jobs
        order = {
            "host": _host(source),
            "port": source.port,
            "tls": source.tls,
            "authority": _authority(Path(path), source),
            "request": request,
            "timeout_ms": source.timeout_s * 1000,
            "target": target.fd,
            "bounds": {**READ_BOUNDS, "file": clear.largest_bytes},
        }
        size, etag, version = _read(_run(order, target.fd, source), _endpoint(source))
        if os.lseek(target.fd, 0, os.SEEK_END) != size:
            raise JobFailed(JobCode.BAD_REPLY)
        target.close_to_writers()
        digest = _sha256(target.fd, size)
        if source.sha256 not in ("", digest) or source.etag not in ("", etag):  # a store may pass over If-Match
            raise object_trouble.told("CHANGED", 0)
        yield target, Fetched(source, size, etag, version, digest)


def _request(source: ObjectSource, who: AccessKeys, now_ms: int) -> str:
    """Return the one request, signed: every header of it, and the pinned ETag with them."""
    scope = Scope(source.region, "s3", now_ms)
    inside = source.addressing is Addressing.PATH
    path = sigv4.encoded(f"/{source.bucket}/{source.key}" if inside else f"/{source.key}", kept="/")
    query = {"versionId": source.version} if source.version else {}
    usual = 443 if source.tls else 80
    headers = {
        "accept-encoding": "identity",
        "host": _host(source) if source.port == usual else f"{_host(source)}:{source.port}",
        "x-amz-content-sha256": sigv4.EMPTY_SHA256,
        "x-amz-date": scope.moment,
    }
    if source.etag:
        headers["if-match"] = f'"{source.etag}"'
    if who.token:
        headers["x-amz-security-token"] = who.token
    signed = sigv4.authorization(Asked("GET", path, query, headers), who, scope)
    target = f"{path}?{sigv4.query_string(query)}" if query else path
    lines = [f"{name}: {value}" for name, value in {**headers, "authorization": signed, "connection": "close"}.items()]
    return "\r\n".join((f"GET {target} HTTP/1.1", *lines, "", ""))


def _host(source: ObjectSource) -> str:
    return source.host if source.addressing is Addressing.PATH else f"{source.bucket}.{source.host}"


def _endpoint(source: ObjectSource) -> str:
    return f"{'https' if source.tls else 'http'}://{source.host}:{source.port}"


def _credentials(path: Path, source: ObjectSource) -> AccessKeys:
    """Return the keys from their private file; they go nowhere from here."""
    text = keys.read_private(path.parent / source.credentials, CREDENTIALS_BYTES)
    found = object_source.decode_credentials(text)
    return AccessKeys(found.id, found.secret, found.token)


def _authority(path: Path, source: ObjectSource) -> str:
    """Return the certificates to trust, "" for those of the system."""
    if not source.authority:
        return ""
    file = path.parent / source.authority
    try:
        text = regular_file.read(file, AUTHORITY_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(FaultCode.CONFIG, f"{file}: no certificates in PEM there（没有 PEM 证书）") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise Fault(FaultCode.CONFIG, f"{file}: no certificates in PEM there（没有 PEM 证书）")
    return text


def _run(order: dict[str, object], target: int, source: ObjectSource) -> bytes:
    bounds = Bounds(wall_ms=source.timeout_s * 1000 + SLACK_MS, cpu_seconds=READ_BOUNDS["cpu"], reply_bytes=REPLY_BYTES)
    request = json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    with Worker(FreshProcess(READER, (target,)), bounds, Event()) as worker:
        try:
            reply, _ = worker.exchange(request)
        except JobFailed as failed:
            raise object_trouble.ended(failed, worker.exit_status, _endpoint(source)) from None
    return reply


def _read(data: bytes, endpoint: str = "") -> tuple[int, str, str]:
    """Read the reply as hostile bytes: the reader parsed what a store sent."""
    try:
        document: object = json.loads(data.decode("utf-8"))
        written = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (ValueError, RecursionError):
        raise JobFailed(JobCode.BAD_REPLY) from None
    if written != data:
        raise JobFailed(JobCode.BAD_REPLY)
    match document:
        case {"trouble": str(trouble), "status": int(status), **rest} if not rest:
            raise object_trouble.told(trouble, status, endpoint)
        case {"ok": True, "bytes": int(size), "etag": str(etag), "version": str(version), **rest} if (
            not rest and size >= 0 and _ETAG.fullmatch(etag) and _VERSION.fullmatch(version)
        ):
            return size, etag, version
        case _:
            raise JobFailed(JobCode.BAD_REPLY)


def _sha256(fd: int, size: int) -> str:
    digest = hashlib.sha256()
    for at in range(0, size, CHUNK):
        digest.update(os.pread(fd, CHUNK, at))
    return digest.hexdigest()
