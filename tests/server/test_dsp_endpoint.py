"""The key of an endpoint is used, and stays out of links, receipts, logs, lists and the cache."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.server.test_teaching_endpoint import ENDPOINT, Handler, Model, far
from workbench.errors import WorkbenchError
from workbench.methods.dsp import BENCH
from workbench.params import as_text
from workbench.server.api import ModelClient
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import execute

__all__ = ["far"]

KEY = "sk-never-written-down-4711"


class Keyed(Handler):
    """Writes down with which key it was asked."""

    shown: ClassVar[list[str | None]] = []

    def parse_request(self) -> bool:
        is_whole = super().parse_request()
        self.shown.append(self.headers["Authorization"])
        return is_whole


@pytest.fixture
def engine(far: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelClient]:
    far.RequestHandlerClass = Keyed
    Keyed.shown.clear()
    monkeypatch.setenv("OPENAI_BASE_URL", far.address)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    client = open_engine(Settings(home=tmp_path))
    yield client
    client.close()


def kept_files(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(home.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def test_the_key_is_sent_to_the_endpoint_and_written_nowhere(
    engine: ModelClient, far: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    params = BENCH.params(model=ENDPOINT)
    outcome = execute(BENCH, engine, params)
    far.mood = 401
    with pytest.raises(WorkbenchError, match="refuses the key") as refused:
        execute(BENCH, engine, BENCH.params(model=ENDPOINT, article=2))
    assert set(Keyed.shown) == {f"Bearer {KEY}"}  # it was really used

    summary = outcome.result.output_with
    assert summary == "Tin bends. So the answer is yes."
    files = dict(kept_files(tmp_path))
    assert any(summary.encode() in data for data in files.values())  # answers are kept readably
    assert [name for name, data in files.items() if KEY.encode() in data] == []
    for told in (
        json.dumps(outcome.as_json("dsp.bench"), default=str),
        json.dumps(dict(outcome.receipt), default=str),
        json.dumps(as_text(params)),
        repr(engine.models()),
        repr(engine.status()),
        str(refused.value),
        caplog.text,
    ):
        assert KEY not in told
    assert caplog.records  # there was a log to look at
