"""The node's descriptor, written from its beginning: where the next byte goes is kept here; nothing else is called."""

import errno
import os

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Full(Exception):
    """Nothing more can be written: for want of `room`, or otherwise."""

    def __init__(self, *, room: bool) -> None:
        """Hold why."""
        self.room = room
        super().__init__()


class Target:
    """The descriptor as a file that is only written."""

    def __init__(self, fd: int) -> None:
        """Write from the beginning of `fd`."""
        self._fd = fd
        self._at = 0

    def write(self, data: object) -> int:
        """Write all of `data`."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        size = len(view)
        while view:
            try:
                written = os.pwrite(self._fd, view, self._at)
            except OSError as error:
                raise Full(room=error.errno in NO_ROOM) from None
            self._at += written
            view = view[written:]
        return size

    def tell(self) -> int:
        """Return how much was written."""
        return self._at
