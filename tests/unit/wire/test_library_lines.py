"""What libraries write while a party serves is JSON, and says nothing of what they were handed."""

import io
import json
import logging
import threading
import warnings

from yanmen.crypto.system import SystemClock
from yanmen.wire.library_lines import as_json


def test_warnings_errors_and_ended_threads_are_lines_without_values() -> None:
    log = io.StringIO()
    with warnings.catch_warnings(), as_json(SystemClock(), log):
        warnings.simplefilter("default")
        logging.getLogger("some.library").warning("cannot reach %s", "CANARY")
        try:
            raise ValueError("CANARY")
        except ValueError:
            logging.getLogger("some.library").exception("failed")
        thread = threading.Thread(target=lambda: int("CANARY"))
        thread.start()
        thread.join()
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.getLogger("some.library").info("chatter")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["library"] for line in lines] == ["some.library", "some.library", "threading", "py.warnings"]
    assert [line.get("error") for line in lines] == [None, "ValueError", "ValueError", None]
    assert lines[0]["said"] == "cannot reach %s"
    assert lines[1]["at"].startswith("test_library_lines.py:")
    assert "CANARY" not in log.getvalue()


def test_afterwards_it_is_as_before() -> None:
    before, handlers = threading.excepthook, list(logging.getLogger().handlers)
    log = io.StringIO()
    with as_json(SystemClock(), log):
        pass
    logging.getLogger("some.library").warning("later")
    assert (threading.excepthook, logging.getLogger().handlers) == (before, handlers)
    assert log.getvalue() == ""
