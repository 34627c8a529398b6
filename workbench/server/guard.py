"""Who may ask: the bearer token, and names a server without a token answers to."""

from __future__ import annotations

import hmac
import ipaddress
import json

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from workbench.errors import InputError, NotAllowedError, WorkbenchError, to_wire

OPEN_PATHS = frozenset({"/healthz"})


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only."""
    if host.lower() in {"localhost", "localhost."}:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, token: str) -> None:
    """Refuse to listen beyond this machine without a token.

    Raises:
        InputError: says how to set one.
    """
    if not token and not is_loopback(host):
        raise InputError(
            f"Listening on {host} would let anybody on the network use this server. Set "
            "WORKBENCH_TOKEN to a long random text, here and where it is used from, or listen "
            "on 127.0.0.1."
        )


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
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            refusal = self._refuse(Headers(scope=scope))
            if refusal is not None:
                response = _refusal_response(refusal)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refuse(self, headers: Headers) -> WorkbenchError | None:
        if self._token:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            sent = given.strip().encode() if scheme.lower() == "bearer" else b""
            if hmac.compare_digest(sent, self._token):
                return None
            return NotAllowedError(
                "The token is missing or wrong. Set WORKBENCH_TOKEN to the server's token, or "
                "send it as Authorization: Bearer TOKEN."
            )
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if is_loopback(name):
            return None
        return NotAllowedError(
            "This server answers only to this machine's own names (127.0.0.1, localhost) "
            "because it has no token. Set WORKBENCH_TOKEN to use it by another name."
        )


def _refusal_response(error: WorkbenchError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotAllowedError) else {}
    return Response(
        json.dumps(to_wire(error)),
        status_code=error.status,
        media_type="application/json",
        headers=headers,
    )
