"""What a serving node counts, as Prometheus reads it: no value, no text of a question, nobody's name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from yanmen.wire.gate import Said

disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the buckets of call times."""

Labelled = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure that is read when it is asked for: one number for each value of its one label ("" = no label)."""

    name: str
    what: str
    label: str
    read: Callable[[], Labelled]


class Figures(Collector):
    """The figures of one party; two of one process share nothing but what is the process's own."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        """Count from now on."""
        self._gauges = tuple(gauges)
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "yanmen_calls", "Calls that ended, by gRPC status.", ("method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "yanmen_call_seconds", "How long calls took.", ("method",), buckets=SECONDS, registry=self._registry
        )
        self._refusals = Counter("yanmen_refusals", "Calls refused, by reason.", ("reason",), registry=self._registry)
        self._faults = Counter(
            "yanmen_faults", "Calls that failed here, by fault.", ("fault",), registry=self._registry
        )
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def count(self, said: Said) -> None:
        """Count a call that ended."""
        self._calls.labels(said.method, said.status).inc()
        self._seconds.labels(said.method).observe(said.ms / 1000)
        if said.reason:
            self._refusals.labels(said.reason).inc()
        if said.fault:
            self._faults.labels(said.fault).inc()

    @override
    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the gauges as they are now."""
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.what, labels=[gauge.label] if gauge.label else None)
            for label, value in gauge.read().items():
                family.add_metric([label] if gauge.label else [], value)
            yield family

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self._registry)
