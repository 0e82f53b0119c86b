"""The node's certificate as files, taken anew when it is renewed: whoever connects next sees the new one."""

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TextIO

from yanmen import enrolment, regular_file
from yanmen.crypto import keys, x509
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire.server import Credentials

_FILES = (enrolment.TLS_KEY, enrolment.TLS_CERTIFICATE, enrolment.AUTHORITY)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files lie, whose they must be, and where a line about them goes."""

    directory: Path
    connector_id: str
    clock: Clock
    log: TextIO


class CertificateFiles:
    """Key, certificate and authority of one serving node."""

    __slots__ = ("_lock", "_marks", "_now", "_place")

    def __init__(self, place: Place) -> None:
        """Read them for the first time; a `Fault` when they do not fit together."""
        self._place = place
        self._lock = Lock()
        self._marks = self._look()
        self._now = self._read()

    @property
    def now(self) -> Credentials:
        """What is served now."""
        return self._now

    def renewed(self) -> Credentials | None:
        """Return what the files hold now when that is new and good; else None, and what was served is served on.

        Asked at every new connection, it must be quick and may not raise: gRPC would refuse the connection.
        """
        with self._lock:
            try:
                marks = self._look()
                if marks == self._marks:
                    return None
                self._marks = marks  # what is wrong is told once, not to each who connects
                fresh = self._read()
            except (Fault, Malformed, OSError) as error:
                self._tell("kept", str(error))
                return None
            if fresh == self._now:
                return None
            self._now = fresh
            self._tell("renewed", "")
            return fresh

    def _look(self) -> tuple[tuple[int, ...], ...]:
        found = ((self._place.directory / name).stat() for name in _FILES)
        return tuple((each.st_ino, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for each in found)

    def _read(self) -> Credentials:
        key, certificate, authority = (self._place.directory / name for name in _FILES)
        chain, root = (regular_file.read(each, x509.PEM_BYTES_MAX) for each in (certificate, authority))
        secret = Credentials(keys.read_secret(key), chain, root)
        x509.check_key_pair(key, secret.chain_pem)
        x509.check_issued(secret.chain_pem, secret.ca_pem)
        found = x509.parse_peer(secret.chain_pem)
        if found.connector_id != self._place.connector_id:
            raise Fault(FaultCode.KEYS, f"{certificate}: of another connector")
        if not found.not_before_ms <= self._place.clock.now_ms() < found.not_after_ms:
            raise Fault(
                FaultCode.KEYS, f"{certificate}: outside its validity; have the space sign the application again"
            )
        return secret

    def _tell(self, what: str, note: str) -> None:
        """Write one line to the node's log."""
        found = x509.parse_peer(self._now.chain_pem)
        line: dict[str, object] = {"at_ms": self._place.clock.now_ms(), "certificate": what, "sha256": found.sha256}
        line |= {"not_after_ms": found.not_after_ms, **({"note": note} if note else {})}
        self._place.log.write(json.dumps(line) + "\n")
        self._place.log.flush()
