"""A client of a model server over HTTP, with the same interface as the engine in this process."""

from __future__ import annotations

from typing import Any

from workbench.server.api import ModelEntry, Request, Result, Status
from workbench.server.connection import Connection
from workbench.server.remote_job import HttpJob


class HttpClient:
    """A model server at an address. Connects when first used; may be shared by threads.

    Args:
        url: address of the server ("http://127.0.0.1:7870").
        token: its bearer token, if it has one.
        patience_s: how long a job that has started waits for a server that went away to come
            back, before it gives up.

    Raises:
        InputError: the address is not one.
    """

    def __init__(self, url: str, token: str = "", *, patience_s: float = 3.0) -> None:
        self._connection = Connection(url, token)
        self._patience_s = patience_s

    @property
    def url(self) -> str:
        """Address of the server."""
        return self._connection.url

    def submit(self, request: Request) -> HttpJob:
        """Check a request and start it on the server.

        Raises:
            InputError: the request is wrong; nothing was started.
            BusyError: the queue is full.
            UnreachableError: the server does not answer.
        """
        return HttpJob(self._connection, request, patience_s=self._patience_s)

    def call(self, request: Request) -> Result:
        """Submit a request and wait for its result; an exception leaves the job."""
        job = self.submit(request)
        try:
            return job.result()
        except BaseException:
            job.cancel()
            raise

    def models(self) -> tuple[ModelEntry, ...]:
        """The catalogue of models of the server."""
        return tuple(_build(ModelEntry, entry) for entry in self._get("/v1/models"))

    def status(self) -> Status:
        """What the server is doing now."""
        body = self._get("/v1/status")
        return _build(Status, body | {"resident": tuple(body["resident"])})

    def close(self) -> None:
        """Let go of the connections; jobs that nobody follows end by themselves."""
        self._connection.close()

    def _get(self, path: str) -> Any:
        return self._connection.read_json(self._connection.send("GET", path))


def _build(cls: type[Any], body: dict[str, Any]) -> Any:
    """A dataclass from JSON; members that a newer server adds are left out."""
    return cls(**{name: body[name] for name in cls.__dataclass_fields__})
