"""A client of a model server over HTTP, with the same interface as the engine in this process."""

from __future__ import annotations

import contextlib
import secrets
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import httpx_sse

from workbench.errors import (
    CancelledError,
    DeadlineError,
    InputError,
    UnknownJobError,
    UnreachableError,
    WorkbenchError,
    from_wire,
)
from workbench.server import wire
from workbench.server.api import Event, ModelEntry, Request, Result, Status
from workbench.server.bodies import decode_event
from workbench.server.exposure import is_loopback

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 120.0
POLL_S = 20.0
"""One long poll for a result; shorter than what proxies allow."""
EVENTS_SILENCE_S = 45.0
"""The server sends something every 10 s; after so long without it the connection is dead."""

_BROKEN_CONNECTION = (
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
    httpx.CloseError,
)


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
        self.url = url.rstrip("/")
        self.patience_s = patience_s
        host = _checked_host(url)
        headers = {b"Accept": f"{wire.MEDIA_TYPE}, application/json".encode()}
        if token:
            headers[b"Authorization"] = b"Bearer " + token.encode()
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            verify=_certificates(url),
            # a proxy of the environment is not meant for this machine
            trust_env=not is_loopback(host),
        )

    def submit(self, request: Request) -> HttpJob:
        """Check a request and start it on the server.

        Raises:
            InputError: the request is wrong; nothing was started.
            BusyError: the queue is full.
            UnreachableError: the server does not answer.
        """
        job_id, result = self.start(request)
        return HttpJob(self, request, job_id, result)

    def start(self, request: Request) -> tuple[str, Result | None]:
        """Send a request; the job's id, and the result if it was there already."""
        response = self.send(
            "POST",
            "/v1/jobs",
            content=wire.pack_request(request),
            headers={
                "Content-Type": wire.MEDIA_TYPE,
                "X-Workbench-User": quote(request.user),
            },
        )
        if response.status_code == 202:
            return str(self.read_json(response)["job"]), None
        return "", self.read_result(response)

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
        body = self.read_json(self.send("GET", "/v1/models"))
        return tuple(_build(ModelEntry, entry) for entry in body)

    def status(self) -> Status:
        """What the server is doing now."""
        body = self.read_json(self.send("GET", "/v1/status"))
        return _build(Status, body | {"resident": tuple(body["resident"])})

    def close(self) -> None:
        """Let go of the connections; jobs that nobody follows end by themselves."""
        self._http.close()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; once more if a kept connection turns out to be closed.

        Every request may be repeated: equal requests share one computation.

        Raises:
            UnreachableError: the server does not answer.
            WorkbenchError: what the server said.
        """
        try:
            try:
                response = self._http.request(method, path, **options)
            except _BROKEN_CONNECTION:
                response = self._http.request(method, path, **options)
        except (httpx.TransportError, RuntimeError) as error:
            raise self.unreachable(error) from error
        self.raise_error(response)
        return response

    @contextlib.contextmanager
    def follow(self, path: str, after: str) -> Iterator[httpx_sse.EventSource]:
        """Open a stream of server-sent events, resumed behind the event ``after``.

        Raises:
            httpx.TransportError: the connection broke.
            WorkbenchError: what the server said.
        """
        headers = {"Last-Event-ID": after} if after else {}
        headers["Accept"] = "text/event-stream"
        timeout = httpx.Timeout(EVENTS_SILENCE_S, connect=CONNECT_TIMEOUT_S)
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
            if response.status_code != 200:
                response.read()
                self.raise_error(response)
            yield httpx_sse.EventSource(response)

    def raise_error(self, response: httpx.Response) -> None:
        """Raise what the server said, as the class it said.

        Raises:
            WorkbenchError: unless the response is a success.
            UnreachableError: something else than a model server answers at this address.
        """
        if response.is_success:
            return
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or "error" not in body:
            raise self.misunderstood(response)
        raise from_wire(body)

    def read_json(self, response: httpx.Response) -> Any:
        """The JSON in a response.

        Raises:
            UnreachableError: something else than a model server answers at this address.
        """
        try:
            return response.json()
        except ValueError as error:
            raise self.misunderstood(response) from error

    def read_result(self, response: httpx.Response) -> Result:
        """The result in a response.

        Raises:
            UnreachableError: something else than a model server answers at this address.
        """
        if response.headers.get("content-type") != wire.MEDIA_TYPE:
            raise self.misunderstood(response)
        return wire.unpack_result(response.content)

    def misunderstood(self, response: httpx.Response) -> UnreachableError:
        """The error for a server of another kind."""
        return UnreachableError(
            f"{self.url} answers with status {response.status_code}, but not as a model server "
            "does. Check the address."
        )

    def unreachable(self, error: Exception) -> UnreachableError:
        """The error for a server that does not answer."""
        if isinstance(error, RuntimeError) and self._http.is_closed:
            return UnreachableError("This connection to the model server was closed.")
        what = (
            "took too long to answer"
            if isinstance(error, httpx.ReadTimeout)
            else "cannot be reached"
        )
        return UnreachableError(
            f"The model server at {self.url} {what}. Start it with "
            "`python launch.py serve`, or check the address."
        )


class HttpJob:
    """One caller's interest in a request on the server.

    Args:
        client: the connection.
        request: what was asked, to ask again if the server was restarted.
        job_id: id on the server; empty when the result came at once.
        result: the result, if it came at once.
    """

    def __init__(
        self, client: HttpClient, request: Request, job_id: str, result: Result | None
    ) -> None:
        self._client = client
        self._request = request
        self._id = job_id or secrets.token_urlsafe(18)
        self._result = result
        self._error: WorkbenchError | None = None
        self._is_cancelled = False
        self._was_resubmitted = False
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """Name of the job on the server; another one after a restart of the server."""
        return self._id

    @property
    def done(self) -> bool:
        """Whether the result or an error is here, so that ``result`` will not wait."""
        return self._result is not None or self._error is not None

    def events(self) -> Iterator[Event]:
        """Yield events as they happen and end when the job has ended.

        A dropped connection is resumed where it broke; a server that was restarted is asked
        again once.

        Raises:
            UnreachableError: the server went away and did not come back in time.
        """
        patience = Patience(self._client.patience_s)
        after = ""
        while not self.done and not self._is_cancelled:
            job_id = self._id
            try:
                with self._client.follow(f"/v1/jobs/{job_id}/events", after) as source:
                    patience.reset()
                    for sent in source.iter_sse():
                        after = sent.id or after
                        if sent.event == "end":
                            return
                        if sent.data:
                            yield decode_event(sent.data)
            except UnknownJobError as error:
                self._resubmit(job_id, error)
                after = ""
            except (httpx.TransportError, RuntimeError) as error:
                if self._is_cancelled:
                    return
                if not patience.wait():
                    raise self._client.unreachable(error) from error

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the answer.

        Raises:
            WorkbenchError: what the server said; ``DeadlineError`` after ``timeout_s``.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        patience = Patience(self._client.patience_s)
        while self._result is None:
            if self._error is not None:
                raise self._error
            wait_s = POLL_S if until is None else max(0.0, min(POLL_S, until - time.monotonic()))
            self._poll(wait_s, patience)
            if not self.done and until is not None and time.monotonic() >= until:
                raise DeadlineError(
                    f"No answer within {timeout_s:g} seconds; it is still being worked on. "
                    "Wait longer or cancel it."
                )
        return self._result

    def cancel(self) -> None:
        """Leave. Safe to call twice, and when the server is gone."""
        self._is_cancelled = True
        if self.done:
            return
        # a server that is gone or restarted has nothing left to cancel
        with contextlib.suppress(UnreachableError, UnknownJobError):
            self._client.send("DELETE", f"/v1/jobs/{self._id}")

    def _poll(self, wait_s: float, patience: Patience) -> None:
        job_id = self._id
        try:
            response = self._client.send(
                "GET", f"/v1/jobs/{job_id}/result", params={"wait_s": wait_s}
            )
        except UnknownJobError as error:
            self._resubmit(job_id, error)
        except UnreachableError as error:
            if self._is_cancelled:
                self._error = CancelledError("The request was cancelled.")
            elif isinstance(error.__cause__, httpx.TransportError) and patience.wait():
                return
            else:
                raise
        except WorkbenchError as error:
            self._error = error
        else:
            patience.reset()
            if response.status_code == 200:
                self._result = self._client.read_result(response)

    def _resubmit(self, job_id: str, error: UnknownJobError) -> None:
        """Ask again, once, because the server no longer knows the job."""
        with self._lock:
            if self._id != job_id:
                return  # another thread has asked already
            if self._is_cancelled:
                self._error = CancelledError("The request was cancelled.")
                return
            if self._was_resubmitted:
                raise error
            self._was_resubmitted = True
            new_id, self._result = self._client.start(self._request)
            self._id = new_id or self._id


class Patience:
    """How long to keep trying a server that went away, in growing steps."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.reset()

    def reset(self) -> None:
        """The server answered: start counting anew."""
        self._since: float | None = None
        self._pause_s = 0.05

    def wait(self) -> bool:
        """Pause before the next try; false when the limit is reached."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._limit_s:
            return False
        time.sleep(self._pause_s)
        self._pause_s = min(0.5, self._pause_s * 2)
        return True


def _checked_host(url: str) -> str:
    try:
        parsed = urlsplit(url)
        host = httpx.URL(url).host if parsed.scheme in {"http", "https"} else ""
    except (httpx.InvalidURL, ValueError) as error:
        raise _no_address(url) from error
    if not host:
        raise _no_address(url)
    return host


def _certificates(url: str) -> ssl.SSLContext | bool:
    """What to trust: nothing is read for plain HTTP, as reading the store takes 0.1 s."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if urlsplit(url).scheme == "http" else True


def _no_address(url: str) -> InputError:
    return InputError(
        f"{url[:200]!r} is not the address of a model server; write it as http://127.0.0.1:7870."
    )


def _build(cls: type[Any], body: dict[str, Any]) -> Any:
    """A dataclass from JSON; members that a newer server adds are left out."""
    return cls(**{name: body[name] for name in cls.__dataclass_fields__})
