"""The answer to what the page's address asks for, sent while Gradio is still starting.

The page's script asks for it as its first act. Without it the first figure would wait for Gradio's
start, for the link to be followed and for a run through Gradio's queue, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from uuid import uuid4

from fastapi import APIRouter, Request, Response

from panels import links
from panels.page import Desk, Page, StudyPanel
from panels.runs import Ask, NotMeasuredError
from workbench.errors import WorkbenchError

ROUTE = "/workbench-first"
NOTHING = Response(status_code=204, headers={"Cache-Control": "no-store"})
"""Nothing measured, or something to complain about: the page then asks through Gradio."""


def router(desk: Desk, pages: Mapping[str, Page]) -> APIRouter:
    """The route that answers with the first result of the tab that an address opens.

    Args:
        desk: runs studies and keeps their results.
        pages: the methods' tabs by slug.
    """
    tabs = {slug: page.params_of_studies() for slug, page in pages.items()}
    router = APIRouter()

    @router.get(ROUTE, include_in_schema=False)
    async def first(request: Request) -> Response:
        opened = links.read(request.query_params.multi_items(), tabs)
        if opened.tab is None or opened.complaint:
            return NOTHING
        panel = pages[opened.tab].find(opened.study)
        params = opened.params.get(panel.study.slug) or panel.study.params()
        address = await _answer(desk, panel, params)
        if address is None:
            return NOTHING
        return desk.results.respond(address, request, cache="no-store")

    return router


async def _answer(desk: Desk, panel: StudyPanel, params: object) -> str | None:
    session = f"first {uuid4().hex}"
    ask = Ask(session, mode="fill", measures=panel.run == "button", trace=token_hex(8))
    address = None
    try:
        async for step in desk.runner.run(panel.study, params, ask):
            address = step if isinstance(step, str) else None
    except (NotMeasuredError, WorkbenchError):
        return None
    return address
