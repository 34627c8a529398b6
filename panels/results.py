"""The store of results, from which the browser fetches them.

Gradio carries only the address. So thirty students who look at the same result share one copy,
the browser caches it for good, and a session's state stays small.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from panels.publishing import ROUTE, Published, as_json, pack

LIMIT_BYTES = 64 * 2**20
"""A thousand results: whoever was told of one fetches it at once, and keeps it in the browser."""
FOREVER = "public, max-age=31536000, immutable"


def _digest(address: str) -> str:
    return address.removeprefix(ROUTE + "/").removesuffix(".json")


class ResultStore:
    """Bodies by digest, the least recently fetched dropped when they pass the limit."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, body: bytes) -> str:
        """Keep a body; returns the address under which the page serves it."""
        address, packed = pack(body)
        self._keep({address: packed})
        return address

    def keep(self, published: Published) -> str:
        """Keep everything the page shows of an outcome; returns the address of its numbers."""
        self._keep(published.bodies)
        return published.address

    def _keep(self, bodies: Mapping[str, bytes]) -> None:
        with self._lock:
            for address, packed in bodies.items():
                self._bodies[_digest(address)] = packed
                self._bodies.move_to_end(_digest(address))
            while sum(map(len, self._bodies.values())) > self._limit_bytes:
                self._bodies.popitem(last=False)

    def renew(self, address: str, receipt: Mapping[str, Any]) -> str | None:
        """Keep a body again with another receipt; its new address, ``None`` if it was dropped."""
        packed = self.get(_digest(address))
        if packed is None:
            return None
        return self.put(as_json(json.loads(gzip.decompress(packed)) | {"receipt": receipt}))

    def get(self, digest: str) -> bytes | None:
        """The compressed body, or ``None`` when it was dropped."""
        with self._lock:
            if digest in self._bodies:
                self._bodies.move_to_end(digest)
            return self._bodies.get(digest)

    def is_served(self, address: str) -> bool:
        """Whether an address that ``put`` gave still answers."""
        return self.get(_digest(address)) is not None

    def router(self) -> APIRouter:
        """The route that serves the bodies."""
        router = APIRouter()

        @router.get(ROUTE + "/{digest}.json", include_in_schema=False)
        async def fetch(digest: str, request: Request) -> Response:
            return self.respond(f"{ROUTE}/{digest}.json", request, cache=FOREVER)

        return router

    def respond(self, address: str, request: Request, *, cache: str) -> Response:
        """The body at an address that ``put`` gave, for one request; 404 when it was dropped."""
        packed = self.get(_digest(address))
        if packed is None:
            return Response(status_code=404)
        headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(packed, media_type="application/json", headers=headers)
        return Response(gzip.decompress(packed), media_type="application/json", headers=headers)
