"""What may reach the page at all: its own addresses, its own origin, bodies of a bounded size.

Gradio answers at many more addresses than this page uses: files by path, proxies, uploads,
recordings, code editing. Past advisories were about these, so nothing but what the page asks for
gets through.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panels.access import Access
from workbench.server.exposure import names_loopback

ADDRESSES = re.compile(
    r"/(|config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|healthz"
    r"|assets/.*|static/.*|workbench-[a-z]+(/.*)?"
    r"|gradio_api/(queue/(join|data)|run/predict|heartbeat/\w+|startup-events|app_id))"
)
"""What the page itself asks for."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    # "no-referrer" would also hide the origin of what a form sends
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    # Gradio's page and its event handlers are scripts in the page, made from text
    "content-security-policy": (
        "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; form-action 'self'"
    ),
}


class Border:
    """ASGI middleware before everything else.

    Args:
        app: the page.
        access: what it lets in. A page for this machine only answers to this machine's own names,
            so that a page of another site which points its name here (DNS rebinding) gets nothing.
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access
        self._max_bytes = access.max_upload_mib * 2**20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refuse(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await _Measured(receive, send, self._max_bytes, self._too_large()).run(self._app, scope)

    def _refuse(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        if not ADDRESSES.fullmatch(scope["path"]):
            return _refusal(404, "There is nothing at this address; open the page at /.")
        host = headers.get("host", "")
        if self._access.local_only and not names_loopback(host):
            return _refusal(
                403,
                "This page answers only to this machine's own names (127.0.0.1, localhost); set "
                "WORKBENCH_PASSWORD to use it by another name.",
            )
        if scope["method"] not in READING and not self._is_own(headers, host):
            return _refusal(403, "Another site may not use this page in its visitor's name.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._max_bytes:
            return self._too_large()
        return None

    def _is_own(self, headers: Headers, host: str) -> bool:
        # browsers name the origin with everything that changes something; other programs need not
        origin = headers.get("origin", "")
        return not origin or origin in self._access.origins or origin.partition("://")[2] == host

    def _too_large(self) -> JSONResponse:
        return _refusal(413, f"At most {self._access.max_upload_mib} MiB may be sent at once.")


class _Measured:
    """One request whose body is counted as it comes, and whose answer gets the safe headers."""

    def __init__(
        self, receive: Receive, send: Send, max_bytes: int, too_large: JSONResponse
    ) -> None:
        self._receive = receive
        self._send = send
        self._left = max_bytes
        self._too_large = too_large
        self._has_begun = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._take, self._give)
        except _TooLargeError:
            if not self._has_begun:
                await self._too_large(scope, self._receive, self._send)

    async def _take(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise _TooLargeError
        return message

    async def _give(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


class _TooLargeError(Exception):
    """A body without a stated length became too long."""


def _refusal(status: int, complaint: str) -> JSONResponse:
    return JSONResponse({"complaint": complaint}, status)
