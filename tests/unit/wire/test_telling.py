"""Figures and readiness are read on this host alone, by few at a time, and spans say how it ended and nothing else."""

import http.client
import json
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from yanmen.formats import config
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.node.readiness import Obstacle
from yanmen.wire import operations
from yanmen.wire.figures import Figures, Gauge
from yanmen.wire.gate import Said
from yanmen.wire.telling import TellingServer
from yanmen.wire.traces import Traces


def told(server: TellingServer, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(server.address, timeout=10)
    connection.request(method, path)
    reply = connection.getresponse()
    return reply.status, reply.read()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "10.0.0.1:0", "[::]:0", "192.0.2.1:1"])
def test_an_address_that_others_reach_is_refused(address: str) -> None:
    with pytest.raises(Fault) as refused:
        TellingServer(address, bytes, dict)
    assert refused.value.code is FaultCode.CONFIG


def test_a_taken_port_is_a_fault_of_the_configuration() -> None:
    with TellingServer("127.0.0.1:0", bytes, dict) as first, pytest.raises(Fault) as refused:
        TellingServer(first.address, bytes, dict)
    assert refused.value.code is FaultCode.CONFIG


def test_what_is_in_the_way_is_told_and_nothing_can_be_sent() -> None:
    found: dict[str, Obstacle] = {}
    with TellingServer("127.0.0.1:0", lambda: b"figures", lambda: found) as server:
        assert told(server, "/metrics") == (200, b"figures")
        assert told(server, "/ready")[0] == 200
        found["disk"] = Obstacle("STORAGE_FULL", "Make room.", "请腾出空间。")
        status, body = told(server, "/ready")
        assert (status, json.loads(body)["in_the_way"]["disk"]["hint_zh"]) == (503, "请腾出空间。")
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert told(server, "/metrics", method)[0] == 501


def test_figures_are_counted_by_bounded_labels() -> None:
    figures = Figures([Gauge("yanmen_log_leaves", "Leaves.", "", lambda: {"": 7.0})])
    figures.count(Said("/a/B", "OK", 12, "", ""))
    figures.count(Said("/a/B", "PERMISSION_DENIED", 3, "POLICY_FORBIDS", ""))
    figures.count(Said("/a/B", "INTERNAL", 3, "", "SANDBOX"))
    text = figures.text().decode()
    for line in (
        'yanmen_calls_total{method="/a/B",status="OK"} 1.0',
        'yanmen_call_seconds_bucket{le="0.005",method="/a/B"} 2.0',
        'yanmen_refusals_total{reason="POLICY_FORBIDS"} 1.0',
        'yanmen_faults_total{fault="SANDBOX"} 1.0',
        "yanmen_log_leaves 7.0",
    ):
        assert line in text
    assert "yanmen_calls_total" not in Figures([]).text().decode().replace("# HELP yanmen_calls_total", "").replace(
        "# TYPE yanmen_calls_total", ""
    )


def test_a_span_never_quotes_an_exception() -> None:
    kept = InMemorySpanExporter()
    traces = Traces("node", kept)
    for error in (
        Refused(Reason.UNKNOWN_COLUMN, Detail(subject="canary")),
        Fault(FaultCode.STORAGE, "canary"),
        ValueError("canary"),
    ):
        with suppress(Refused, Fault, ValueError), traces("question"), traces("plan"):
            raise error
    traces.close()
    spans = kept.get_finished_spans()
    assert [span.name for span in spans] == ["plan", "question"] * 3
    assert "canary" not in "".join(span.to_json() for span in spans)
    assert [dict(span.attributes or {}) for span in spans[::2]] == [
        {"yanmen.reason": "UNKNOWN_COLUMN"},
        {"yanmen.fault": "STORAGE"},
        {},
    ]
    assert spans[0].parent is not None
    assert spans[0].parent.span_id == spans[1].context.span_id


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(Fault) as refused:
        operations._optional("yanmen.wire.no_such_module", "operations.address", "metrics")
    assert "pip install 'yanmen[metrics]'" in refused.value.note


@pytest.mark.parametrize(
    "line", ['address = "0.0.0.0:1"', 'address = "127.0.0.1:70000"', 'traces = "file:///x"', "port = 1"]
)
def test_node_toml_takes_nothing_else(line: str) -> None:
    with pytest.raises(Fault) as refused:
        config.decode(f"[operations]\n{line}\n".encode())
    assert "operations" in refused.value.note
