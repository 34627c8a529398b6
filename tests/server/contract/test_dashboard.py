"""The dashboard that comes with the workbench asks only for what a server tells."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.contract.asking import ECHO

DASHBOARD = Path(__file__).parents[3] / "docs" / "monitoring" / "dashboard.json"


@pytest.fixture(scope="module")
def panels() -> list[dict[str, Any]]:
    return json.loads(DASHBOARD.read_text("utf-8"))["panels"]


def expressions(panels: list[dict[str, Any]]) -> list[str]:
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_every_metric_of_the_dashboard_is_told_by_a_running_server(
    http: httpx.Client, panels: list[dict[str, Any]]
) -> None:
    http.post("/v1/run", json=ECHO)
    http.post("/v1/run", json={"operation": "fake.model", "model": "tiny", "dtype": "float32"})
    told: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(http.get("/metrics").text):
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    for expression in expressions(panels):
        names = set(re.findall(r"workbench_\w+", expression))
        assert names
        assert names <= told.keys(), expression
        grouped = {
            label.strip()
            for found in re.findall(r"by \(([^)]*)\)", expression)
            for label in found.split(",")
        }
        for name in names:
            assert grouped <= told[name], expression


def test_every_counter_is_drawn_as_a_rate_and_every_series_of_the_chosen_server(
    panels: list[dict[str, Any]],
) -> None:
    for expression in expressions(panels):
        for metric in re.findall(r"workbench_\w+(?:_total|_bucket|_sum|_count)\b", expression):
            assert re.search(rf"(rate|increase)\({metric}", expression), expression
        assert expression.count("workbench_") == expression.count('{job="$job"}')


def test_no_two_panels_lie_on_each_other_or_share_a_number(panels: list[dict[str, Any]]) -> None:
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart
    assert all(0 <= panel["gridPos"]["x"] <= 24 - panel["gridPos"]["w"] for panel in panels)
