"""The name of a run goes with its requests to the device and stands in every line of the log."""

from __future__ import annotations

import logging

import httpx
import pytest

from tests.server.contract.asking import ECHO
from workbench.errors import InputError
from workbench.server.api import ModelClient, Request

LOG = "workbench.server.engine"
RUN = "0123456789abcdef"


def fields(caplog: pytest.LogCaptureFixture, name: str) -> list[object]:
    return [record.fields.get(name) for record in caplog.records if record.name == LOG]  # type: ignore[attr-defined]


def test_a_run_is_named_in_the_log_of_the_server_that_computes_it(
    client: ModelClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger=LOG):
        for trace in (RUN, "another"):
            client.call(Request("fake.echo", arguments={"text": "a"}, trace=trace))
    assert fields(caplog, "trace") == [RUN, "another"]
    assert fields(caplog, "source") == ["computed", "memory"]  # the name is no part of the key
    assert fields(caplog, "device") == ["cpu", "cpu"]


def test_a_name_that_could_forge_a_field_of_the_log_is_refused(client: ModelClient) -> None:
    with pytest.raises(InputError):
        client.call(Request("fake.echo", trace="a source=shipped"))


def test_a_caller_by_hand_sends_a_header_or_is_given_a_name(
    http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger=LOG):
        http.post("/v1/run", json=ECHO, headers={"X-Request-ID": RUN})
        http.post("/v1/run", json=ECHO)
    given, made = fields(caplog, "trace")
    assert given == RUN
    assert isinstance(made, str)
    assert len(made) == 16
    refused = http.post("/v1/run", json=ECHO, headers={"X-Request-ID": "a b"})
    assert refused.status_code == 422
