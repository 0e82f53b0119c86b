"""Ten megabytes of an answer, fetched as Arrow, against the same Arrow from a plain pyarrow Flight server."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa
import pyarrow.flight as flight
from bench_files.wire_place import SERVER, Place, place
from yanmen.client.drivers import AUTHORIZATION, CHAIN, KEY, ROOTS, Driver
from yanmen.wire.flight import commands
from yanmen.wire.v1.arrow import flight_sql_pb2

from tests.system.town import Town

Line = tuple[str, str, str, bool | None]
T = TypeVar("T")
ROWS = 10_000
"""As many as an answer from open data has at most (`open_rows`); a thousand characters each make ten megabytes."""
COLUMNS = """
[columns.number]
type = "integer"
role = "measure"

[columns.text]
type = "text"
role = "key"
"""
SQL = "SELECT number, text FROM pages WHERE number >= {0}"


def large_answer(repeat: int) -> Iterator[Line]:
    """Yield the lines of the table: the fetch alone, then the whole question."""
    with place(1) as made:
        pages(made)
        driver = made.driver(made.members[0])
        client = connected(driver.uri, driver.options)
        numbers = iter(range(10_000_000))
        whole, table = milliseconds(lambda: answer(client, driver, -next(numbers)))
        with plain(made.town, table) as (uri, options):
            other = connected(uri, options)
            pairs = []
            for _ in range(max(10, repeat // 3)):
                ticket = asked(client, driver, -next(numbers))
                mine, _ = milliseconds(lambda ticket=ticket: client.do_get(ticket, call(driver)).read_all())
                theirs, _ = milliseconds(lambda: other.do_get(flight.Ticket(b"")).read_all())
                pairs.append((mine, theirs))
    size = f"{table.nbytes / 1e6:.1f} MB answer"
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    least = [min(times) for times in zip(*pairs, strict=True)]
    ratio = least[0] / least[1]
    figure = f"{least[0]:.1f} ms / {least[1]:.1f} ms = {ratio:.2f} (medians {ours / theirs:.2f})"
    yield f"{size}, DoGet, against the same Arrow over pyarrow Flight with mTLS", figure, "≤ 1.5", ratio <= 1.5
    yield f"{size}, the whole question, first time", f"{whole:.0f} ms", "", None


def milliseconds(action: Callable[[], T]) -> tuple[float, T]:
    """Return how long `action` takes, and what it gives."""
    began = time.perf_counter()
    result = action()
    return (time.perf_counter() - began) * 1000, result


def pages(made: Place) -> None:
    """Publish a table of ten megabytes and serve it."""
    source = made.town.root / "pages.csv"
    source.write_text(
        "number,text\n" + "".join(f"{row},{f'{row:08}' * 125}\n" for row in range(ROWS)), encoding="ascii"
    )
    made.publish("pages", COLUMNS, source, ROWS)
    made.town.serve()
    made.agree("pages:number,text")


def connected(uri: str, options: dict[str, str]) -> flight.FlightClient:
    """Return pyarrow's own client with the member's certificate."""
    return flight.connect(
        uri,
        tls_root_certs=options[ROOTS],
        cert_chain=options[CHAIN],
        private_key=options[KEY],
    )


def call(driver: Driver) -> flight.FlightCallOptions:
    """Return the headers of a call."""
    return flight.FlightCallOptions(headers=[(b"authorization", driver.options[AUTHORIZATION].encode())])


def asked(client: flight.FlightClient, driver: Driver, number: int) -> flight.Ticket:
    """Ask, and return the ticket of the answer."""
    command = commands.packed(flight_sql_pb2.CommandStatementQuery(query=SQL.format(number)))
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command), call(driver))
    return info.endpoints[0].ticket


def answer(client: flight.FlightClient, driver: Driver, number: int) -> pa.Table:
    """Ask, and return the answer."""
    return client.do_get(asked(client, driver, number), call(driver)).read_all()


@contextmanager
def plain(town: Town, table: pa.Table) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve `table` by pyarrow's Flight server in a process of its own, with the node's own certificate."""
    path = town.root / "table.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    words = [sys.executable, "-c", SERVER, str(path), str(town.node)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        member = town.root / "lab0"
        options = {
            ROOTS: (town.node / "tls.crt").read_text(),
            CHAIN: (member / "tls.crt").read_text(),
            KEY: (member / "tls.key").read_text(),
        }
        yield f"grpc+tls://127.0.0.1:{port}", options
    finally:
        process.kill()
        process.wait()
