"""What libraries say while a party serves, as lines of its log: they would write to standard error as they please.

A line has the logger's name and the text it was written with, not what was filled in: that may be anything.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO

from typing_extensions import override

from yanmen.model.ports import Clock

SAID_MAX = 200


class _Lines(logging.Handler):
    """Writes each record as one JSON line."""

    def __init__(self, clock: Clock, log: TextIO) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._log = log

    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.say(record.name, str(record.msg)[:SAID_MAX], error)

    def say(self, name: str, said: str, error: BaseException | None) -> None:
        """Write one line; of an error only what it is called and where it came from."""
        line = {"at_ms": self._clock.now_ms(), "library": name, "said": said}
        if error is not None:
            line |= {"error": type(error).__name__, "at": _place(error.__traceback__)}
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()


def _place(trace: TracebackType | None) -> str:
    """Return file and line where it was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


@contextmanager
def as_json(clock: Clock, log: TextIO = sys.stderr) -> Iterator[None]:
    """Write warnings of libraries, Python's own and of threads that ended by an error, as JSON lines to `log`."""
    lines, root = _Lines(clock, log), logging.getLogger()
    before: Callable[[threading.ExceptHookArgs], object] = threading.excepthook
    threading.excepthook = lambda ended: lines.say("threading", "a thread ended by an error", ended.exc_value)
    logging.captureWarnings(capture=True)
    root.addHandler(lines)
    try:
        yield
    finally:
        root.removeHandler(lines)
        logging.captureWarnings(capture=False)
        threading.excepthook = before
