"""A key that never enters the program that signs with it: another process has it, as an HSM would."""

import subprocess
import sys
from types import TracebackType
from typing import Self

HOLDER = """
import sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
out, given = sys.stdout.buffer, sys.stdin.buffer
out.write(key.public_key().public_bytes_raw())
out.flush()
while length := given.read(4):
    out.write(key.sign(given.read(int.from_bytes(length, "big"))))
    out.flush()
"""


class PipedSigner:
    """The second implementation of `Signer`: asks the process that made the key."""

    def __init__(self) -> None:
        """Start the process and ask for its public key."""
        self._process = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.signed = 0
        self._public = self._read(32)

    @property
    def public(self) -> bytes:
        """The raw 32-byte public key."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature."""
        assert self._process.stdin is not None
        self._process.stdin.write(len(message).to_bytes(4, "big") + message)
        self._process.stdin.flush()
        self.signed += 1
        return self._read(64)

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        assert len(data) == size
        return data

    def __enter__(self) -> Self:
        """Return the signer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(30) == 0
        if self._process.stdout is not None:
            self._process.stdout.close()
