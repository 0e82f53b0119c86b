"""What a job is: steps before the jail closes, the work after, and the calls it needs besides `COMPUTE`."""

from collections.abc import Callable
from typing import NamedTuple

from _duckdb import DuckDBPyConnection

from yanmen_sandbox.request import Request
from yanmen_sandbox.seccomp_policy import Allowed


def nothing_first(request: Request) -> None:
    """Need no file that a path must be opened for."""


def nothing_prepared(connection: DuckDBPyConnection) -> None:
    """Need nothing on a connection before its question."""


def nothing_attached(connection: DuckDBPyConnection, request: Request) -> None:
    """Need no data."""


class Job(NamedTuple):
    """One kind of job.

    `run` works in the closed jail; `prepare` attaches what it may see, behind Landlock and the first
    filter; `first` runs before both and must touch nothing that came from outside the node. `each` is
    one question of a session, which asks several of one prepared worker; None: the job has no sessions.
    `ready` prepares the connection of a question before it comes, `tidy` takes away what it brought, once its reply is
    on its way: nobody waits for either.
    """

    run: Callable[[DuckDBPyConnection, Request], bytes]
    prepare: Callable[[DuckDBPyConnection, Request], None] = nothing_attached
    first: Callable[[Request], None] = nothing_first
    calls: tuple[Allowed, ...] = ()
    each: Callable[[DuckDBPyConnection, Request], bytes] | None = None
    ready: Callable[[DuckDBPyConnection], None] = nothing_prepared
    tidy: Callable[[DuckDBPyConnection, Request], None] = nothing_attached
