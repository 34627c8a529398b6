"""Who may ask: the bearer token, and names a server without a token answers to."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from workbench.errors import NotAllowedError, TooLargeError
from workbench.server.exposure import names_loopback
from workbench.server.responses import error_response

HEADER_BYTES_LIMIT = 32 * 1024
OPEN_PATHS = frozenset({"/healthz"})


class Guard:
    """ASGI middleware that lets a request pass only with the right token.

    Without a token the server is for this machine, and only requests that name this machine as
    their ``Host`` pass: a page of another site that points its own name here (DNS rebinding) is
    refused.
    """

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self.app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refuse(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        # uvicorn limits only headers that arrive in parts
        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_BYTES_LIMIT:
            limit = f"The headers are larger than {HEADER_BYTES_LIMIT:,} bytes; send fewer."
            return error_response(TooLargeError(limit), status=431)
        if scope["path"] in OPEN_PATHS:
            return None
        refusal = self._refuse_stranger(Headers(scope=scope))
        return None if refusal is None else error_response(refusal)

    def _refuse_stranger(self, headers: Headers) -> NotAllowedError | None:
        if self._token:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            sent = given.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
            if hmac.compare_digest(sent, self._token):
                return None
            return NotAllowedError(
                "The token is missing or wrong. Set WORKBENCH_TOKEN to the server's token, or "
                "send it as Authorization: Bearer TOKEN."
            )
        if names_loopback(headers.get("host", "")):
            return None
        return NotAllowedError(
            "This server answers only to this machine's own names (127.0.0.1, localhost) "
            "because it has no token. Set WORKBENCH_TOKEN to use it by another name."
        )
