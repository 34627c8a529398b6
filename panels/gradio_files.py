"""Gradio's own scripts and styles, served from memory and kept by the browser for good.

Their names carry a digest, yet Gradio serves them from disk, compressed anew each time and without
a word on caching: sixty files and 200 ms of processor time for every visit, which a class of
thirty feels. Here each is read and compressed once.
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


@functools.lru_cache(maxsize=512)
def _read(name: str) -> tuple[bytes, bytes | None]:
    body = (FOLDER / name).read_bytes()
    packed = gzip.compress(body, 6, mtime=0) if name.endswith(PACKED_SUFFIXES) else None
    return body, packed


def router() -> APIRouter:
    """The route that serves them; put it before Gradio's own."""
    found = APIRouter()
    names = frozenset(path.name for path in FOLDER.iterdir() if path.is_file())

    @found.get("/assets/{name}", include_in_schema=False)
    async def fetch(name: str, request: Request) -> Response:
        if name not in names:
            return Response(status_code=404)
        body, packed = _read(name)
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if packed and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(packed, media_type=media_type, headers=headers)
        return Response(body, media_type=media_type, headers=headers)

    return found
