"""Figures of one server for Prometheus: what waits, what runs, what it costs, what is shared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from workbench.server.jobs import JobBook, ServedClient

SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
BATCH_ITEMS = (1, 2, 4, 8, 16, 32, 64, 128)

HITS = "hits_"
"""Counters of the engine with this start are one metric with the tier as its label."""


class Metrics:
    """The metrics of one engine and its HTTP home, in a registry of their own.

    Args:
        engine: its status is read whenever the metrics are.
        book: the jobs held for HTTP callers.
    """

    def __init__(self, engine: ServedClient, book: JobBook) -> None:
        self._registry = CollectorRegistry()
        self._histograms = {
            "queue_seconds": self._histogram("queue_seconds", "Wait before a batch.", SECONDS),
            "compute_seconds": self._histogram("compute_seconds", "Time of a batch.", SECONDS),
            "batch_items": self._histogram("batch_items", "Requests in a batch.", BATCH_ITEMS),
            "load_seconds": self._histogram("load_seconds", "Time to load a model.", SECONDS),
        }
        self._registry.register(_StatusCollector(engine, book))
        engine.observe(self.note)

    def note(self, measure: str, name: str, value: float) -> None:
        """Take one measurement: ``measure`` is a histogram, ``name`` an operation or model."""
        self._histograms[measure].labels(name).observe(value)

    def text(self) -> bytes:
        """All metrics in the format Prometheus reads."""
        return generate_latest(self._registry)

    def _histogram(self, name: str, meaning: str, buckets: Iterable[float]) -> Histogram:
        label = "model" if name == "load_seconds" else "operation"
        return Histogram(
            f"workbench_{name}", meaning, [label], buckets=tuple(buckets), registry=self._registry
        )


class _StatusCollector(Collector):
    """Reads the engine's own counters when asked, so that nothing is counted twice."""

    def __init__(self, engine: ServedClient, book: JobBook) -> None:
        self._engine = engine
        self._book = book

    def describe(self) -> Iterable[Metric]:
        return []  # registering must not ask the engine

    def collect(self) -> Iterator[Metric]:
        status = self._engine.status()
        gauges = {
            "queued": ("Requests that wait.", status.queued),
            "running": ("Requests that are being computed.", status.running),
            "resident_bytes": ("Memory of resident models.", status.used_mib * 2**20),
            "budget_bytes": ("Memory that models may take.", status.budget_mib * 2**20),
            "resident_models": ("Models in memory.", len(status.resident)),
            "uptime_seconds": ("Since the engine started.", status.uptime_s),
            "cache_bytes": ("Bytes of cached results.", _number(status.cache.get("bytes"))),
            "cache_entries": ("Cached results.", _number(status.cache.get("entries"))),
            "open_jobs": ("Jobs of HTTP callers that have not ended.", self._book.open_count),
            "kept_jobs": ("Jobs that HTTP callers may ask for.", self._book.kept_count),
        }
        for name, (meaning, value) in gauges.items():
            yield GaugeMetricFamily(f"workbench_{name}", meaning, value=value)
        hits = CounterMetricFamily(
            "workbench_hits", "Answers that were there already, by tier.", labels=["tier"]
        )
        for name, value in status.counters.items():
            if name.startswith(HITS):
                hits.add_metric([name.removeprefix(HITS)], value)
            else:
                meaning = f"The engine's count of {name.replace('_', ' ')}."
                yield CounterMetricFamily(f"workbench_{name}", meaning, value=value)
        yield hits
        yield CounterMetricFamily(
            "workbench_abandoned_jobs", "Cancelled: nobody listened.", value=self._book.abandoned
        )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
