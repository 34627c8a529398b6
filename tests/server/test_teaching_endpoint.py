"""A student and teacher behind a real HTTP endpoint, well-behaved and not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.errors import BusyError, InputError, OutsideError, WorkbenchError
from workbench.methods.teaching import OWN, SIMULATION, THEATRE
from workbench.methods.teaching.asking import Asker
from workbench.server.api import ModelClient
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import execute

ENDPOINT = "openai-endpoint"


class Model(ThreadingHTTPServer):
    """An OpenAI-compatible server that says yes, and does as ``mood`` says.

    Args:
        mood: "well", a status to refuse with, "page" (not an API) or "silent" (hangs up).
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mood: str | int = "well"
        self.asked: list[dict[str, Any]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Model

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def do_GET(self) -> None:
        self._send(200, json.dumps({"data": [{"id": "far"}]}).encode())

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append({"path": self.path, **said})
        match self.server.mood:
            case int(status):
                self._send(status, json.dumps({"error": {"message": "no more today"}}).encode())
            case "page":
                self._send(200, b"<html>Welcome to this router</html>")
            case "silent":
                self.close_connection = True
            case _:
                text = " Tin bends. So the answer is yes." if said["max_tokens"] > 16 else " yes"
                is_chat = self.path.endswith("chat/completions")
                part = {"delta": {"content": text}} if is_chat else {"text": text}
                line = json.dumps({"choices": [{**part, "finish_reason": "stop"}]})
                self._send(200, f"data: {line}\n\ndata: [DONE]\n\n".encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def far() -> Iterator[Model]:
    server = Model()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def engine(far: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelClient]:
    monkeypatch.setenv("OPENAI_BASE_URL", far.address)
    client = open_engine(Settings(home=tmp_path))
    yield client
    client.close()


def test_every_role_can_be_played_behind_an_endpoint(engine: ModelClient, far: Model) -> None:
    params = THEATRE.params(student=ENDPOINT, teacher=ENDPOINT, is_chat=True)
    result = execute(THEATRE, engine, params).result
    assert len(result.inputs.scenes) == 8
    for scene in result.inputs.scenes:
        assert scene.answer == 0
        assert scene.probabilities.tolist() == [1.0, 0.0]
    assert {asked["path"] for asked in far.asked} == {"/v1/chat/completions"}
    assert all(asked["model"] == "far" for asked in far.asked)


def test_own_questions_get_their_budget_curves_from_a_black_box(
    engine: ModelClient, far: Model
) -> None:
    params = OWN.params(student=ENDPOINT, teacher_model=ENDPOINT, count=8)
    result = execute(OWN, engine, params).result
    assert np.isfinite(result.spending.curves).all()
    assert result.inputs.records.is_certain
    assert {asked["path"] for asked in far.asked} == {"/v1/completions"}


def test_the_study_of_probabilities_is_refused_before_anything_is_asked(
    engine: ModelClient, far: Model
) -> None:
    with pytest.raises(WorkbenchError, match="probabilities"):
        execute(SIMULATION, engine, SIMULATION.params(student=ENDPOINT))
    assert far.asked == []


@pytest.mark.parametrize(
    ("mood", "kind", "message"),
    [
        (401, OutsideError, "refuses the key on its card: no more today"),
        (400, InputError, "refuses the request: no more today"),
        (429, BusyError, "is full: no more today. Try again"),
        (500, OutsideError, "failed with status 500: no more today"),
        ("page", OutsideError, "gave no usable answer"),
        ("silent", OutsideError, "gave no usable answer"),
    ],
)
def test_an_endpoint_that_misbehaves_is_named_and_what_was_answered_is_kept(
    engine: ModelClient, far: Model, mood: str | int, kind: type[WorkbenchError], message: str
) -> None:
    asker = Asker(engine, ENDPOINT)
    asker.generate("", ["Q: one?\nA:"], "first")
    far.mood = mood
    with pytest.raises(kind, match=message):
        asker.generate("", ["Q: two?\nA:"], "second")
    answered = len(far.asked)
    assert asker.generate("", ["Q: one?\nA:"], "first") == [" Tin bends. So the answer is yes."]
    assert len(far.asked) == answered  # what came before is kept and not asked again
    far.mood = "well"
    asker.generate("", ["Q: two?\nA:"], "second")
    assert len(far.asked) == answered + 1  # a failure is not kept
