"""The page's own files: style, script, fonts and Plotly's script, named by their digest.

A file's address holds the digest of its bytes, so a browser may keep it for good and a new
version is a new address. What the page needs at once is compressed once, not for every browser.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import plotly
from fastapi import APIRouter, Request, Response

from workbench.figures import theme

ROUTE = "/workbench-static"
ASSETS = Path(__file__).parents[1] / "assets"
WHOLE_PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
CARTESIAN_PLOTLY_JS = ASSETS / "js" / "vendor" / "plotly-cartesian.min.js"
"""The part of the same version that most figures need; ``plot.js`` chooses."""
FOREVER = "public, max-age=31536000, immutable"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
SCRIPTS = (
    "core.js",
    "plot.js",
    "texts.js",
    "curves.js",
    "bundle.js",
    "link.js",
    "export.js",
    "frame.js",
    "tools.js",
    "labels.js",
    "upload.js",
    "composed.js",
    "controls.js",
    "lesson.js",
    "study.js",
    "shell.js",
)
"""Files of ``assets/js``, in the order in which they are joined into ``workbench.js``."""


@dataclass(frozen=True)
class Static:
    """One file as it is served."""

    name: str
    body: bytes
    packed: bytes | None
    media_type: str

    @property
    def address(self) -> str:
        """Where the page finds it."""
        return f"{ROUTE}/{hashlib.sha256(self.body).hexdigest()[:12]}/{self.name}"


class Statics:
    """Every file of the page by name.

    Args:
        page: what the script is told about the page (its tabs, studies and parameters), JSON.
    """

    def __init__(self, page: dict[str, Any]) -> None:
        self._files: dict[str, Static] = {}
        for font in sorted((ASSETS / "fonts").glob("*.woff2")):
            self._add(font.name, font.read_bytes(), pack=False)
        self._add("logo.svg", (ASSETS / "logo.svg").read_bytes())
        style = (ASSETS / "css" / "workbench.css").read_text("utf-8") + _group_style(page["tabs"])
        self._add(
            "workbench.css", re.sub(r"url\(([\w.-]+)\)", self._address_in_style, style).encode()
        )
        for name, path in (
            ("plotly-cartesian.min.js", CARTESIAN_PLOTLY_JS),
            ("plotly.min.js", WHOLE_PLOTLY_JS),
        ):
            self._add(name, path.read_bytes(), pack=False)
            threading.Thread(target=self._pack, args=(name,), daemon=True).start()
        page = page | {
            "plotly": {
                "cartesian": self.address("plotly-cartesian.min.js"),
                "whole": self.address("plotly.min.js"),
            }
        }
        script = "\n".join((ASSETS / "js" / name).read_text("utf-8") for name in SCRIPTS)
        self._add("workbench.js", (_page_script(page) + script).encode())

    def address(self, name: str) -> str:
        """Where the page finds a file."""
        return self._files[name].address

    def head(self) -> str:
        """What stands in the page's head: theme, style, fonts and scripts."""
        # in the page itself: browsers ask for an icon again whenever the address changes
        icon = "data:image/svg+xml," + quote((ASSETS / "logo.svg").read_text("utf-8"))
        fonts = ("source-sans-3-latin-wght-normal.woff2", "source-serif-4-latin-wght-normal.woff2")
        return "".join(
            [
                "<meta name='referrer' content='same-origin'>",
                f"<link rel='icon' type='image/svg+xml' href='{icon}'>",
                *(
                    f"<link rel='preload' as='font' type='font/woff2' crossorigin "
                    f"href='{self.address(font)}'>"
                    for font in fonts
                ),
                f"<link rel='stylesheet' href='{self.address('workbench.css')}'>",
                f"<script src='{self.address('workbench.js')}'></script>",
                "<link rel='preload' as='script' "
                f"href='{self.address('plotly-cartesian.min.js')}'>",
            ]
        )

    def router(self) -> APIRouter:
        """The route that serves the files."""
        router = APIRouter()

        @router.get(ROUTE + "/{digest}/{name}", include_in_schema=False)
        async def fetch(digest: str, name: str, request: Request) -> Response:
            found = self._files.get(name)
            if found is None or found.address != f"{ROUTE}/{digest}/{name}":
                return Response(status_code=404)
            headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
            if found.packed and "gzip" in request.headers.get("accept-encoding", ""):
                headers["Content-Encoding"] = "gzip"
                return Response(found.packed, media_type=found.media_type, headers=headers)
            return Response(found.body, media_type=found.media_type, headers=headers)

        return router

    def _add(self, name: str, body: bytes, *, pack: bool = True) -> None:
        packed = gzip.compress(body, 6, mtime=0) if pack else None
        self._files[name] = Static(name, body, packed, MEDIA_TYPES[Path(name).suffix])

    def _pack(self, name: str) -> None:
        file = self._files[name]
        packed = gzip.compress(file.body, 6, mtime=0)
        self._files[name] = Static(name, file.body, packed, file.media_type)

    def _address_in_style(self, match: re.Match[str]) -> str:
        return f"url({self.address(match.group(1))})"


def _page_script(page: dict[str, Any]) -> str:
    told = page | {
        "onSlate": {theme.PALETTE[role]: colour for role, colour in theme.PALETTE_DARK.items()},
        "templates": {
            "light": theme.TEMPLATE.to_plotly_json(),
            "dark": theme.TEMPLATE_DARK.to_plotly_json(),
        },
        "grounds": {"light": theme.PAPER, "dark": theme.SLATE},
        "inks": {"light": theme.INK, "dark": theme.CHALK},
    }
    text = json.dumps(told, ensure_ascii=False).replace("</", "<\\/")
    return f"window.workbenchPage = {text};\n"


def _group_style(tabs: dict[str, Any]) -> str:
    """Each tab in its group's accent; the first tab of a group carries the group's name."""
    rules = []
    seen: set[str] = set()
    for slug, tab in tabs.items():
        group = tab["group"]
        button, body = f"#tab-{slug}-button", f"#tab-{slug}"
        rules.append(f"{button},{body}{{--wb-accent:var(--wb-{group.lower()})}}")
        if group not in seen:
            rules.append(f"{button}::before{{content:'{group}'}}")
        seen.add(group)
    light = "".join(f"--wb-{group.lower()}:{pair[0]};" for group, pair in theme.GROUPS.items())
    dark = "".join(f"--wb-{group.lower()}:{pair[1]};" for group, pair in theme.GROUPS.items())
    return f"\n:root{{{light}}}\n.dark{{{dark}}}\n" + "\n".join(rules) + "\n"
