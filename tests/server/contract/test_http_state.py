"""What the HTTP server says of itself: health, metrics, and its description."""

from __future__ import annotations

import json
import re

import httpx
import httpx_sse
import jsonschema
from openapi_spec_validator import validate

from tests.server.contract.asking import ECHO, GATED, TOKEN, events_of, metric, plain_client
from tests.server.fakes import FakeOperations
from workbench.server.engine import Engine
from workbench.server.http import create_app
from workbench.settings import Settings


class TestState:
    def test_the_metrics_count_what_happened(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        for _ in range(3):
            http.post("/v1/run", json=ECHO)
        http.post("/v1/run", json={"operation": "fake.model", "model": "tiny", "dtype": "float32"})
        http.post("/v1/run", json={"operation": "fake.fail", "arguments": {"error": "AssetError"}})
        jobs = [http.post("/v1/jobs", json=GATED).json() for _ in range(2)]
        operations.wait_started()
        assert metric(http, "workbench_open_jobs") == 2
        assert metric(http, "workbench_running") == 1
        assert metric(http, "workbench_coalesced_total") == 1
        assert metric(http, "workbench_hits_total", tier="memory") == 2
        assert metric(http, "workbench_requests_total") == 7
        assert metric(http, "workbench_failures_total") == 1
        assert metric(http, "workbench_resident_bytes") == 2**20
        assert metric(http, "workbench_load_seconds_count", model="tiny") == 1
        for histogram in ("queue_seconds", "compute_seconds", "batch_items"):
            assert metric(http, f"workbench_{histogram}_count", operation="fake.echo") == 1
        for job in jobs:
            http.delete(f"/v1/jobs/{job['job']}")
        operations.wait_stopped()
        assert metric(http, "workbench_cancelled_total") == 2
        for name in ("evictions", "rejected", "out_of_memory"):
            assert metric(http, f"workbench_{name}_total") == 0

    def test_two_apps_keep_their_metrics_apart(self, engine: Engine, settings: Settings) -> None:
        for _ in range(2):
            create_app(engine, settings, version="0")

    def test_the_server_says_that_it_is_alive_and_ready(self, http: httpx.Client) -> None:
        assert http.get("/healthz").json() == {"status": "alive", "version": "0.0.0"}
        assert http.get("/readyz").json() == {"status": "ready", "last_error": None}

    def test_readiness_tells_the_last_bug_of_the_worker(self, http: httpx.Client) -> None:
        request = {"operation": "fake.fail", "arguments": {"error": "bug", "message": "division"}}
        told = http.post("/v1/run", json=request).json()["message"]
        assert told in http.get("/readyz").json()["last_error"]

    def test_operations_are_listed(self, http: httpx.Client) -> None:
        by_name = {entry["name"]: entry for entry in http.get("/v1/operations").json()}
        assert by_name["fake.model"] == {
            "name": "fake.model",
            "version": 1,
            "kinds": ["fake"],
            "summary": "For tests: fake.model.",
        }


class TestDescription:
    def test_the_description_is_valid_openapi(self, http: httpx.Client) -> None:
        validate(http.get("/openapi.json").json())

    def test_every_reference_of_the_description_is_there(self, http: httpx.Client) -> None:
        document = http.get("/openapi.json").json()
        references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert {"RequestBody", "ErrorBody"} <= references
        assert references | {"RequestBody", "EventBody", "EndBody"} <= set(
            document["components"]["schemas"]
        )
        assert "security" not in document

    def test_the_token_is_described_where_it_is_needed(self, guarded: str) -> None:
        with plain_client(guarded) as http:
            document = http.get(
                "/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}
            ).json()
        validate(document)
        assert document["security"] == [{"token": []}]
        assert document["paths"]["/healthz"]["get"]["security"] == []

    def test_events_match_their_description(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        components = http.get("/openapi.json").json()["components"]
        job = http.post("/v1/jobs", json=GATED | {"arguments": {"partials": 3}}).json()
        operations.gate.set()
        with httpx_sse.connect_sse(http, "GET", job["events"]) as source:
            for event in events_of(source):
                name = "EndBody" if event.event == "end" else "EventBody"
                schema = {"$ref": f"#/components/schemas/{name}", "components": components}
                jsonschema.validate(json.loads(event.data), schema)

    def test_every_route_is_described_with_its_errors(self, http: httpx.Client) -> None:
        paths = http.get("/openapi.json").json()["paths"]
        assert set(paths) == {
            "/v1/run",
            "/v1/jobs",
            "/v1/jobs/{job_id}",
            "/v1/jobs/{job_id}/events",
            "/v1/jobs/{job_id}/result",
            "/v1/models",
            "/v1/operations",
            "/v1/status",
            "/healthz",
            "/readyz",
            "/metrics",
        }
        assert set(paths["/v1/run"]["post"]["responses"]) == {
            "200", "401", "404", "413", "422", "429", "499", "500", "503", "504",
        }  # fmt: skip

    def test_json_answers_match_their_description(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        document = http.get("/openapi.json").json()
        operations.gate.set()

        def check(answer: httpx.Response, path: str, method: str = "get") -> None:
            described = document["paths"][path][method]["responses"][str(answer.status_code)]
            schema = described["content"]["application/json"]["schema"]
            jsonschema.validate(answer.json(), schema | {"components": document["components"]})

        for path in ("/v1/models", "/v1/operations", "/v1/status", "/healthz", "/readyz"):
            check(http.get(path), path)
        wants_json = {"Accept": "application/json"}
        check(http.post("/v1/run", json=ECHO, headers=wants_json), "/v1/run", "post")
        check(http.post("/v1/run", json={}), "/v1/run", "post")
        check(http.post("/v1/jobs", json=GATED), "/v1/jobs", "post")
