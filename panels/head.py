"""Puts the page's own head into Gradio's first HTML and guards what the page may reach.

Gradio adds ``head`` from its script, after the first paint; the style would flash. Here it
stands in the HTML itself, and Gradio's cards for social networks, which name outside hosts, go.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
"""Nothing but this host. Gradio builds its elements' scripts with ``Function``: unsafe-eval."""

_BASE = re.compile(rb"<base\s[^>]*/?>\s*")
"""With a base, Plotly names its gradients and clips by the page's whole address, and they are lost
when the address changes; the page is at its root, so nothing needs the base."""
_SOCIAL_CARD = re.compile(rb"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*/>\s*")


class OwnHead:
    """Middleware for the page's address only; everything else passes untouched.

    Args:
        app: the application that answers.
        head: what to put before ``</head>``; asked for with every page.
        description: one sentence about the page.
    """

    def __init__(self, app: ASGIApp, head: Callable[[], str], description: str) -> None:
        self._app = app
        self._meta = f"<meta name='description' content='{description}'>"
        self._head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, self._rewritten(send))

    def _own(self) -> bytes:
        return (self._meta + self._head()).encode()

    def _rewritten(self, send: Send) -> Callable[[Message], Awaitable[None]]:
        start: Message = {}
        parts: list[bytes] = []

        async def send_rewritten(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts)
            headers = MutableHeaders(raw=start["headers"])
            if headers.get("content-type", "").startswith("text/html"):
                body = _BASE.sub(b"", _SOCIAL_CARD.sub(b"", body), count=1)
                body = body.replace(b"</head>", self._own() + b"</head>", 1)
                headers["content-length"] = str(len(body))
                headers["cache-control"] = "no-cache"
                headers["content-security-policy"] = POLICY
                headers["x-content-type-options"] = "nosniff"
            await send(start)
            await send({"type": "http.response.body", "body": body})

        return send_rewritten
