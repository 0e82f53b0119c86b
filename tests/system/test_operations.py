"""What a serving node tells its operator: figures, readiness and spans, and nothing that was asked, held or named."""

import http.client
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yanmen
from grpc_health.v1 import health_pb2, health_pb2_grpc
from typing_extensions import override
from yanmen.model.config import Telling

from tests.patience import wait_until
from tests.ports import free_port
from tests.system.town import CANARY, Town
from tests.unit.docs.markdown import code, table

SPOKEN = "SELECT count(*) AS n FROM visits WHERE ward = 'canaryword'"
REFUSED = f"SELECT note FROM visits WHERE note = '{CANARY}asked'"
QUESTION = "/yanmen.wire.v1.QueryService/Submit"


class Collector:
    """Takes in what is sent to it, as an OTLP collector does."""

    def __init__(self) -> None:
        taken: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self.taken = taken
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Town]:
    """Serve a town that tells, and ask it something that is answered and something that is refused."""
    town = Town(tmp_path_factory.mktemp("watched"))
    town.build()
    traces = f"http://127.0.0.1:{collector.server.server_address[1]}/v1/traces"
    town.configure(telling=Telling(f"127.0.0.1:{free_port()}", traces))
    town.serve()
    assert town.ask(SPOKEN)[0] == 0
    assert town.ask(REFUSED)[0] == 1
    yield town
    if town.process is not None:
        town.stop()


def asked(town: Town, path: str, host: str = "") -> tuple[int, str]:
    """Get a path of the node's operations address."""
    (line,) = [json.loads(line) for line in town.log().splitlines() if '"operations"' in line]
    connection = http.client.HTTPConnection(line["operations"], timeout=30)
    connection.request("GET", path, headers={"Host": host} if host else {})
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def secrets_of(town: Town) -> list[str]:
    """Return what may not be told: data, questions, who asked, under what."""
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        return [CANARY, "canaryword", "SELECT", node.member_id, town.contract(), "north"]


def test_figures_are_those_of_the_page_and_say_nothing_of_data_or_people(watched: Town) -> None:
    status, text = asked(watched, "/metrics")
    assert status == 200
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    listed = [code(row[0]) for row in table("docs/OPERATING.md", "figure", "labels", "what it says")]
    assert [name for name in families if not name.startswith("process_")] == listed
    assert [word for word in secrets_of(watched) if word in text] == []
    calls = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}
    assert calls[f'yanmen_calls_total{{method="{QUESTION}",status="OK"}}'] >= 1
    assert sum(value for name, value in calls.items() if name.startswith("yanmen_refusals_total")) >= 1
    assert calls["yanmen_datasets"] == 1
    assert calls["yanmen_log_leaves"] > 4
    assert {name for name in calls if name.startswith("yanmen_ready")} == {
        f'yanmen_ready{{check="{name}"}}'
        for name in ("clock", "disk", "register", "certificate", "snapshots", "witness")
    }


def test_the_log_says_nothing_of_data_or_questions(watched: Town) -> None:
    text = watched.log()
    assert '"reason"' in text
    assert [word for word in (CANARY, "canaryword", "SELECT", "north") if word in text] == []


def test_a_question_s_stages_are_spans_without_a_word_of_it(watched: Town, collector: Collector) -> None:
    wait_until(lambda: any(b"settle" in each for each in collector.taken))
    sent = b"".join(collector.taken)
    for name in ("question", "admit", "plan", "reserve", "run", "disclose", "hold", "settle", "refuse", QUESTION):
        assert name.encode() in sent, name
    assert b"yanmen.reason" in sent
    assert [word for word in secrets_of(watched) if word.encode() in sent] == []
    assert b"exception" not in sent


def test_readiness_names_what_is_in_the_way(watched: Town) -> None:
    assert asked(watched, "/ready") == (200, '{"ready": true, "in_the_way": {}}\n')
    assert asked(watched, "/live")[0] == 200
    (sealed,) = (watched.node / "snapshots").glob("*.sealed")
    with yanmen.connect("clinic", identity=watched.root / "alice") as node:
        health = health_pb2_grpc.HealthStub(node._calls._channels[0])

        def serving() -> bool:
            status = health.Check(health_pb2.HealthCheckRequest(), timeout=30).status
            return bool(status == health_pb2.HealthCheckResponse.SERVING)

        assert serving()
        sealed.rename(sealed.with_suffix(".away"))
        status, text = asked(watched, "/ready")
        said = json.loads(text)
        assert (status, said["ready"], list(said["in_the_way"])) == (503, False, ["snapshots"])
        assert "visits" in said["in_the_way"]["snapshots"]["note"]
        assert "封存" in said["in_the_way"]["snapshots"]["hint_zh"]
        wait_until(lambda: not serving())
        sealed.with_suffix(".away").rename(sealed)
        assert asked(watched, "/ready")[0] == 200
        wait_until(serving)


@pytest.mark.parametrize("host", ["example.org", "localhost", "127.0.0.1", "example.org:80"])
def test_a_page_under_another_name_reads_nothing(watched: Town, host: str) -> None:
    assert asked(watched, "/metrics", host) == (403, "")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/../metrics", "/ready?x=1"])
def test_there_is_nothing_else(watched: Town, path: str) -> None:
    assert asked(watched, path) == (404, "")
