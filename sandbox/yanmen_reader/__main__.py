"""One order per process: `python -I -B -m yanmen_reader REPLY_FD NODE_PID ACCOUNT`, the order on descriptor 0."""

import os
import re
import sys

from yanmen_sandbox import apart
from yanmen_sandbox.request import read_frame

from yanmen_reader import order as orders
from yanmen_reader.order import Ended, Order, Trouble

FILES = re.compile(r"(?:sslrootcert|sslcert|sslkey|sslcrl|sslcrldir|passfile|servicefile)\s*=\s*'?(/[^\s'&?]+)")
"""Files that a connection string names."""


def main(reply_fd: int, parent: int, account: str) -> None:
    """Read the order, close in, read the rows, reply."""
    order = orders.parse(read_frame(0))
    try:
        frame = _rows(order, reply_fd, parent, account)
    except Ended as failure:
        frame = orders.ended(failure)
    except Exception:  # noqa: BLE001 - whatever broke, its text may quote a value
        frame = orders.ended(Ended(Trouble.FAILED))
    view = memoryview(frame)
    while view:
        view = view[os.write(reply_fd, view) :]
    os.read(0, 1)  # the node measures, then hangs up


def _rows(order: Order, reply_fd: int, parent: int, account: str) -> bytes:
    try:
        import adbc_driver_postgresql  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError:
        raise Ended(Trouble.NO_DRIVER) from None
    from yanmen_reader import columns, confinement, parquet, refresh
    from yanmen_reader.server import Server

    parquet.warm_up()
    files = (*confinement.of_postgresql(os.environ), *FILES.findall(order.connection))
    confinement.connecting(parent, order.bounds, files)
    server = Server(order.connection)
    confinement.reading(apart.account(account), reply_fd)
    server.begin(order.zone, order.timeout_ms)
    chosen = columns.selected(server, order)
    part = refresh.part(server, order, chosen)
    sql = f"SELECT {chosen.sql} FROM {order.relation} AS source {part.condition}"  # noqa: S608 - quoted names
    rows = parquet.write(server.batches(sql), server.schema(sql), order.target)
    return orders.done(rows, part.mark, whole=part.whole)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    finally:
        # No interpreter teardown: it would run the driver's destructors for nothing.
        os._exit(0 if sys.exc_info()[0] is None else 1)
