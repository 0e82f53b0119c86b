"""The anchor hook: a program of the department's writes a head's root into a chain and answers where.

It gets the 32 bytes on its standard input, no shell, an environment of its own, a session of its own and a
deadline. Its answer is one word; whatever else it does is a fault, and it is ended with all it started.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from threading import Event
from time import monotonic

from yanmen.formats import anchors
from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Fault, FaultCode

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_BYTES_MAX = anchors.ANSWER_MAX + 2
_LOOK_S = 0.1
"""How soon a stop is noticed."""


def call(command: Sequence[str], root: bytes, told: Mapping[str, str], seconds: float, stop: Event) -> str:
    """Return the answer of `command` to the 32 bytes `root`; `told` is in its environment beside the usual."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**ENVIRONMENT, **told},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise Fault(FaultCode.UNREACHABLE, f"anchor: the hook does not start: {error.strerror}") from error
    with process:
        try:
            until = monotonic() + seconds
            data = _talk(process, root, until, stop)
            code = process.wait(max(_LOOK_S, until - monotonic()))
        except subprocess.TimeoutExpired as error:
            raise Fault(FaultCode.UNREACHABLE, f"anchor: the hook took longer than {seconds:g} s") from error
        finally:
            _end(process)
    if code:
        raise Fault(FaultCode.UNREACHABLE, f"anchor: the hook ended with {code}")
    try:
        return anchors.answer(data)
    except Malformed as error:
        raise Fault(FaultCode.REPLY_MALFORMED, str(error)) from error


def _talk(process: "subprocess.Popen[bytes]", root: bytes, until: float, stop: Event) -> bytes:
    """Write the root, which fits into the pipe, and return what the hook says until it closes its end."""
    if process.stdin is None or process.stdout is None:
        raise Fault(FaultCode.INTERNAL, "a hook without pipes")
    with suppress(BrokenPipeError):  # a hook may take the root from its environment
        process.stdin.write(root)
        process.stdin.close()
    said = b""
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        while monotonic() < until and not stop.is_set():
            if not selector.select(_LOOK_S):
                continue
            data = os.read(process.stdout.fileno(), _BYTES_MAX)
            said += data
            if not data:
                return said
            if len(said) > _BYTES_MAX:
                raise Fault(FaultCode.REPLY_MALFORMED, "anchor: the hook says more than one word")
    if stop.is_set():
        raise Fault(FaultCode.UNREACHABLE, "anchor: the node stops")
    raise subprocess.TimeoutExpired(process.args, 0)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the hook's session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
