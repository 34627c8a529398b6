"""The route that lists the models a control offers."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from workbench.errors import WorkbenchError
from workbench.server.api import ModelClient, ModelEntry

ROUTE = "/workbench-models"


def router(client: ModelClient) -> APIRouter:
    """The route that answers with text and name of each model of a kind.

    Args:
        client: the model server that is asked.
    """
    router = APIRouter()

    @router.get(ROUTE, include_in_schema=False)
    async def list_models(kind: str) -> JSONResponse:
        try:
            entries = await run_in_threadpool(client.models)
        except WorkbenchError as error:  # the default stands, and the banner says why
            return JSONResponse({"complaint": str(error)}, error.status)
        return JSONResponse(model_choices(kind, entries))

    return router


def model_choices(kind: str, entries: Sequence[ModelEntry]) -> list[tuple[str, str]]:
    """Models of one kind for a drop-down: what is here first, each with what choosing it costs."""
    words = {
        "ready": "ready",
        "downloadable": "download {:,.0f} MiB",
        "unavailable": "not available",
    }
    order = list(words)
    fitting = sorted((e for e in entries if e.kind == kind), key=lambda e: order.index(e.state))
    return [(f"{e.name} · {words[e.state].format(e.download_mib)}", e.name) for e in fitting]
