"""Gradio's own scripts and styles, served from memory and kept by the browser for good.

Their names carry a digest, yet Gradio serves them from disk, compressed anew each time and without
a word on caching: sixty files and 200 ms of processor time for every visit, which a class of
thirty feels. Here each is read and compressed once.

A browser learns which scripts it needs step by step, as each imports the next. The page's head
therefore names those that earlier visitors needed, and the browser fetches them all at once.
"""

from __future__ import annotations

import functools
import gzip
import mimetypes
from pathlib import Path

import gradio
from fastapi import APIRouter, Request, Response

FOLDER = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
FOREVER = "public, max-age=31536000, immutable"
PACKED_SUFFIXES = (".js", ".css", ".svg", ".json")
MAXIMUM_PRELOADS = 32
_asked: dict[str, None] = {}
"""Names of the scripts that visitors asked for first, in that order."""


@functools.lru_cache(maxsize=512)
def _read(name: str) -> tuple[bytes, bytes | None]:
    body = (FOLDER / name).read_bytes()
    packed = gzip.compress(body, 6, mtime=0) if name.endswith(PACKED_SUFFIXES) else None
    return body, packed


def preloads() -> str:
    """Tags for the page's head: the scripts that earlier visitors needed while it opened."""
    return "".join(f"<link rel='modulepreload' href='/assets/{name}'>" for name in list(_asked))


def router() -> APIRouter:
    """The route that serves them; put it before Gradio's own."""
    found = APIRouter()
    names = frozenset(path.name for path in FOLDER.iterdir() if path.is_file())

    @found.get("/assets/{name}", include_in_schema=False)
    async def fetch(name: str, request: Request) -> Response:
        if name not in names:
            return Response(status_code=404)
        if name.endswith(".js") and len(_asked) < MAXIMUM_PRELOADS:
            _asked[name] = None
        body, packed = _read(name)
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if packed and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(packed, media_type=media_type, headers=headers)
        return Response(body, media_type=media_type, headers=headers)

    return found
