"""Spans of calls and of the stages of a question, sent to a collector: names, times and how it ended, nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Status, StatusCode

from yanmen.model.refusal import Fault, Refused


class Traces:
    """Where one party's spans go; implements yanmen.model.ports.Spans."""

    def __init__(self, connector_id: str, exporter: SpanExporter) -> None:
        """Send spans by `exporter` from now on, as `connector_id`."""
        resource = Resource({"service.name": "yanmen", "service.instance.id": connector_id})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("yanmen")

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Tell of what is done inside; an exception's text might quote a value, so only its code is told."""
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield
            except Refused as refused:
                span.set_attribute("yanmen.reason", refused.reason.value)
                raise
            except Fault as fault:
                span.set_attribute("yanmen.fault", fault.code.value)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def close(self) -> None:
        """Send what waits, and end."""
        self._provider.shutdown()


def collector(connector_id: str, endpoint: str) -> Traces:
    """Return what sends spans to `endpoint`."""
    return Traces(connector_id, OTLPSpanExporter(endpoint=endpoint))
