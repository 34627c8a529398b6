"""How the HTTP tests ask and read."""

from __future__ import annotations

import httpx
import httpx_sse
from prometheus_client.parser import text_string_to_metric_families

from tests.server.fakes import WAIT_S

TOKEN = "s3cret"  # noqa: S105
ECHO = {"operation": "fake.echo", "arguments": {"a": 1}}
GATED = {"operation": "fake.gated"}


def plain_client(url: str) -> httpx.Client:
    """A client without proxies and certificates."""
    return httpx.Client(base_url=url, trust_env=False, verify=False, timeout=WAIT_S)  # noqa: S501


def events_of(source: httpx_sse.EventSource) -> list[httpx_sse.ServerSentEvent]:
    """The events of a stream, keep-alives left out."""
    return [event for event in source.iter_sse() if event.data]


def metric(http: httpx.Client, name: str, **labels: str) -> float:
    """The value of one metric."""
    for family in text_string_to_metric_families(http.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"no metric {name} {labels}")
