"""Log lines: named fields, for people as text and for machines as JSON."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from workbench.logs import JsonLines, log_fields, start_logging

log = logging.getLogger("tests.logs")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel("INFO")
    yield stream
    log.removeHandler(handler)


def test_a_line_is_one_json_object_with_its_fields(written: io.StringIO) -> None:
    log_fields(log, "job", trace="ab12", batch=3, model=None, device="")
    (line,) = written.getvalue().splitlines()
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "info",
        "logger": "tests.logs",
        "event": "job",
        "trace": "ab12",
        "batch": 3,
    }


def test_a_plain_message_keeps_to_one_line_whatever_stands_in_it(written: io.StringIO) -> None:
    log.warning("two\nlines of %s", "Zürich")
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["message"] == "two\nlines of Zürich"


def test_an_exception_is_told_with_its_traceback(written: io.StringIO) -> None:
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        log.exception("bug ab12")
    found = json.loads(written.getvalue())
    assert found["message"] == "bug ab12"
    assert "ZeroDivisionError: by nothing" in found["exception"]


def test_for_people_fields_are_read_as_name_and_value(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="tests.logs"):
        log_fields(log, "job", trace="ab12", batch=0, model=None)
    assert caplog.messages == ["job trace=ab12 batch=0"]


def test_a_page_that_asks_its_server_all_the_time_does_not_fill_its_log_with_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # the log of the tests stays
    asking = logging.getLogger("httpx")
    monkeypatch.setattr(asking, "level", logging.NOTSET)
    start_logging("debug", "text")
    assert asking.level == logging.NOTSET
    start_logging("info", "text")
    assert asking.level == logging.WARNING
