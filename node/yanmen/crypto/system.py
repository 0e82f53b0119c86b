"""The machine's clock and random bytes, for the ports of model/ports.py."""

import os
import time


class SystemClock:
    """The wall clock of this machine."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return Unix time in milliseconds."""
        return time.time_ns() // 1_000_000


class SystemRandomness:
    """Bytes of the kernel's generator."""

    __slots__ = ()

    def token(self, size: int) -> bytes:
        """Return `size` unpredictable bytes."""
        return os.urandom(size)
