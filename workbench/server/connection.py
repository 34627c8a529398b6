"""One model server at an address: sending, following and understanding it, or saying why not."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import httpx_sse

from workbench.errors import InputError, UnreachableError, from_wire
from workbench.server import wire
from workbench.server.allocation import keep_freed_blocks
from workbench.server.api import Request, Result
from workbench.server.exposure import is_loopback

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 120.0
REQUEST_ID = "X-Request-ID"
EVENTS_SILENCE_S = 45.0
"""The server sends something every 10 s; after so long without it the connection is dead."""

_BROKEN_CONNECTION = (
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
    httpx.CloseError,
)


class Connection:
    """The connections to one server, opened when first used; may be shared by threads.

    Args:
        url: address of the server.
        token: its bearer token, if it has one.

    Raises:
        InputError: the address is not one.
    """

    def __init__(self, url: str, token: str = "") -> None:
        host = _checked_host(url)
        keep_freed_blocks()
        self.url = url.rstrip("/")
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

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def start(self, request: Request) -> tuple[str, Result | None]:
        """Send a request; the job's id, and the result if it was there already."""
        response = self.send(
            "POST",
            "/v1/jobs",
            content=wire.pack_request(request),
            headers={
                "Content-Type": wire.MEDIA_TYPE,
                "X-Workbench-User": quote(request.user),
            }
            | ({REQUEST_ID: request.trace} if request.trace else {}),
        )
        if response.status_code == 202:
            return str(self.read_json(response)["job"]), None
        return "", self.read_result(response)

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
