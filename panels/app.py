"""Builds the page: an overview, one tab per method, a status page, and what they share."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from panels.quick_gradio import gradio as gr  # isort: split

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from panels import downloads, first, gradio_files, guard, links, models, overview, status, uploads
from panels.access import Access
from panels.border import Border
from panels.door import Door
from panels.ending import Ending
from panels.head import OwnHead
from panels.look import THEME
from panels.page import Desk, Page
from panels.preparing import Preparing
from panels.runs import ENDING
from panels.statics import Statics
from panels.widget import element
from panels.workers import Workers
from workbench.methods.catalog import METHODS, Method
from workbench.server.api import ModelClient

TITLE = "Foundation Model Workbench"
DESCRIPTION = "Ten papers on foundation models, their real algorithms on real models."
SESSIONS = 200
WAITING_EVENTS = 200
EVENTS_AT_ONCE = 64
HEALTH_TIMEOUT_S = 3.0


def build_app(
    client: ModelClient,
    *,
    version: str,
    methods: Sequence[Method] = METHODS,
    builders: Mapping[str, Callable[[Page], None]] | None = None,
    access: Access = Access(),  # noqa: B008  frozen
    workers: Workers | None = None,
) -> FastAPI:
    """The page as an application: mount it under any ASGI server.

    No model is loaded and the model server is not asked for anything until a person opens a tab.

    Args:
        client: the model server.
        version: shown on the page.
        methods: the tabs, in screen order.
        builders: what builds each tab, by slug; ``panels.<slug>.build`` where it says nothing.
        access: who may use it, and how much they may send.
        workers: processes that compute and draw; they know the workbench's own tabs only. ``None``
            to do it in this one.
    """
    desk = Desk(client, workers)
    demo, pages = _build_blocks(desk, methods, builders or {})
    statics = Statics(_describe(pages, version))
    app = FastAPI(title=TITLE, version=version, docs_url=None, redoc_url=None, openapi_url=None)
    head = statics.head()
    app.add_middleware(  # innermost
        OwnHead, head=lambda: head + gradio_files.preloads(), description=DESCRIPTION
    )
    app.add_middleware(
        CORSMiddleware, allow_origins=list(access.origins), allow_methods=["GET", "POST"]
    )
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.include_router(statics.router())
    app.include_router(gradio_files.router())
    app.include_router(desk.results.router())
    app.include_router(first.router(desk, {page.method.slug: page for page in pages}))
    studies = {slug: params for page in pages for slug, params in page.params_of_studies().items()}
    app.include_router(uploads.router(studies, access.max_upload_mib))
    panels = [panel for page in pages for panel in page.panels]
    app.include_router(downloads.router(desk, panels))
    app.include_router(models.router(client))
    app.state.preparing = Preparing(desk, panels)
    _add_health(app, desk, app.state.preparing, version)
    demo.state_session_capacity = SESSIONS
    gr.mount_gradio_app(
        app,
        demo,
        path="/",
        theme=THEME,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=f"{access.max_upload_mib}mb",
        enable_monitoring=False,
        ssr_mode=False,
    )
    mounted: Any = next(route.app for route in app.routes if isinstance(route, Mount))
    app.state.ending = Ending(desk.runner, mounted.stop_event.set)
    if access.password:
        app.add_middleware(Door, password=access.password, title=TITLE)
    app.add_middleware(Border, access=access)  # outermost
    return app


def _build_blocks(
    desk: Desk, methods: Sequence[Method], builders: Mapping[str, Callable[[Page], None]]
) -> tuple[gr.Blocks, list[Page]]:
    pages: list[Page] = []
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)
    ) as demo:
        frame = element("frame", "page", events=("open",))
        with gr.Tabs(elem_id="wb-tabs") as tabs:
            with gr.Tab("Overview", id="overview", elem_id="tab-overview") as tab:
                overview.build(methods)
                _keep_address(tab, "overview")
            for method in methods:
                with gr.Tab(
                    method.short_title, id=method.slug, elem_id=f"tab-{method.slug}"
                ) as tab:
                    pages.append(_build_page(method, desk, builders.get(method.slug)))
                    _keep_address(tab, method.slug)
            with gr.Tab("Status", id="status", elem_id="tab-status") as tab:
                status.build(desk.client, tab)
                _keep_address(tab, "status")
        _wire_links(demo, frame, tabs, pages)
        demo.unload(_leaves(desk))
    demo.queue(max_size=WAITING_EVENTS, default_concurrency_limit=EVENTS_AT_ONCE)
    # Monitoring is off, yet Gradio would summarise its events with pandas after every few of them.
    demo._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    return demo, pages


def _build_page(method: Method, desk: Desk, builder: Callable[[Page], None] | None) -> Page:
    overview.draw_heading(method)
    with gr.Tabs(elem_classes=["wb-questions"], overflow_behavior="wrap") as questions:
        page = Page(method, desk, questions)
        (builder or importlib.import_module(f"panels.{method.slug}").build)(page)
    return page


def _keep_address(tab: gr.Tab, slug: str) -> None:
    tab.select(
        None, js=f"() => window.workbench.showTab({json.dumps(slug)})", api_visibility="private"
    )


def _wire_links(demo: gr.Blocks, frame: gr.HTML, tabs: gr.Tabs, pages: Sequence[Page]) -> None:
    known: dict[str, dict[str, type]] = {"overview": {}, "status": {}}
    for page in pages:
        known[page.method.slug] = page.params_of_studies()
    questions = {page.method.slug: page.questions for page in pages}

    def follow_link(request: gr.Request) -> dict[Any, Any]:
        opened = links.read(request.query_params.multi_items(), known)
        update: dict[Any, Any] = {frame: json.dumps({"complaint": opened.complaint})}
        if opened.tab:
            update[tabs] = gr.Tabs(selected=opened.tab)
        if opened.tab and opened.study:
            update[questions[opened.tab]] = gr.Tabs(selected=opened.study)
        return update

    outputs = [frame, tabs, *questions.values()]
    demo.load(follow_link, None, outputs, show_progress="hidden", api_visibility="private")

    def open_tab(event: gr.EventData) -> Any:
        wanted = event._data if isinstance(event._data, dict) else {}
        return gr.Tabs(selected=str(wanted.get("tab", "overview")))

    frame.open(open_tab, None, tabs, show_progress="hidden", api_visibility="private", queue=False)


def _leaves(desk: Desk) -> Any:
    def leave(request: gr.Request) -> None:
        desk.runner.leave(request.session_hash or "anonymous")

    return leave


def _add_health(app: FastAPI, desk: Desk, preparing: Preparing, version: str) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, Any]:
        """Whether the page is alive (it answers), what it has drawn, and how its server is."""
        answer: dict[str, Any] = {"page": "ok", "version": version}
        answer |= {"drawn": preparing.drawn, "prepared": preparing.is_done}
        if desk.runner.is_ending:
            return answer | {"page": "ending", "server": "unreachable", "message": ENDING}
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                found = await run_in_threadpool(desk.client.status)
        except TimeoutError:
            return answer | {"server": "unreachable", "message": "The model server is too slow."}
        except Exception as error:  # noqa: BLE001  said in words, logged when it is a bug
            return answer | {"server": "unreachable", "message": guard.explain(error).text}
        return answer | {"server": "ok", "device": found.device_name, "queued": found.queued}


def _describe(pages: Sequence[Page], version: str) -> dict[str, Any]:
    return {
        "version": version,
        "link": {"version": links.VERSION, "maxCharacters": links.MAX_CHARACTERS},
        "tabs": {page.method.slug: page.describe() for page in pages},
    }
