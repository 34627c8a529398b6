"""The route that writes a study's own files from its result, as the page shows it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from panels import guard
from panels.page import Desk, StudyPanel
from panels.uploads import OWN_HEADER, read_body
from panels.view import Download
from workbench.errors import InputError, WorkbenchError
from workbench.figures.positions import live_axes
from workbench.params import as_dict, parse

ROUTE = "/workbench-download"
MAX_PARAMS_MIB = 1.0


def router(desk: Desk, panels: Iterable[StudyPanel]) -> APIRouter:
    """The route that writes files.

    Args:
        desk: runs studies; what is measured already comes from the model server's cache.
        panels: every study of the page.
    """
    offered = {
        (panel.study.slug, each.name): (panel, each) for panel in panels for each in panel.downloads
    }
    router = APIRouter()

    @router.post(ROUTE, include_in_schema=False)
    async def download(request: Request, study: str, name: str) -> Response:
        found = offered.get((study, name))
        if found is None or OWN_HEADER not in request.headers:
            return JSONResponse({"kind": "input", "text": "There is no such file here."}, 404)
        panel, wanted = found
        try:
            values = _read_values(await read_body(request, "The settings", MAX_PARAMS_MIB))
            written = await _write(desk, panel, wanted, values)
        except Exception as error:  # noqa: BLE001  said in words, logged when it is a bug
            complaint = guard.explain(error)
            status = error.status if isinstance(error, WorkbenchError) else 500
            return JSONResponse({"kind": complaint.kind, "text": complaint.text}, status)
        file_name = wanted.file_name(study)
        headers = {
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "Cache-Control": "no-store",
        }
        return Response(written, media_type=wanted.media_type, headers=headers)

    return router


async def _write(
    desk: Desk, panel: StudyPanel, wanted: Download, values: Mapping[str, Any]
) -> bytes | str:
    params = parse(panel.study.params, values)
    live = live_axes(panel.study.params)
    position = {name: value for name, value in as_dict(params).items() if name in live}
    session = f"file {uuid4().hex}"
    return await desk.runner.use_result(
        panel.study, params, session, lambda result: wanted.write(result, position)
    )


def _read_values(body: bytes) -> Mapping[str, Any]:
    try:
        values = json.loads(body)
    except ValueError as error:
        raise InputError("The settings are not JSON; send what the page shows.") from error
    if not isinstance(values, dict):
        raise InputError("The settings are not named; send name and value of each.")
    return values
