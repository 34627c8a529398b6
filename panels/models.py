"""The route that lists the models a control offers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from workbench.errors import WorkbenchError
from workbench.server.api import ModelClient, ModelEntry

ROUTE = "/workbench-models"
KIND_NAMES = {
    "causal-lm": "language model",
    "seq2seq-lm": "encoder-decoder",
    "openai": "endpoint",
}
"""What people call a kind; others are called as on their cards."""


def router(client: ModelClient) -> APIRouter:
    """The route that answers with text and name of each model of the kinds asked for.

    Args:
        client: the model server that is asked.
    """
    router = APIRouter()

    @router.get(ROUTE, include_in_schema=False)
    async def list_models(kind: Annotated[list[str], Query()]) -> JSONResponse:
        try:
            entries = await run_in_threadpool(client.models)
        except WorkbenchError as error:  # the default stands, and the banner says why
            return JSONResponse({"complaint": str(error)}, error.status)
        return JSONResponse(model_choices(kind, entries))

    return router


def model_choices(kinds: Collection[str], entries: Sequence[ModelEntry]) -> list[tuple[str, str]]:
    """Models of some kinds for a drop-down: what is here first, each with what choosing it costs.

    Where there are several kinds, each model also says of which it is.
    """
    words = {
        "ready": "ready",
        "downloadable": "download {:,.0f} MiB",
        "unavailable": "not available",
    }
    order = list(words)
    fitting = sorted((e for e in entries if e.kind in kinds), key=lambda e: order.index(e.state))

    def say(entry: ModelEntry) -> str:
        parts = [entry.name, words[entry.state].format(entry.download_mib)]
        if len(kinds) > 1:
            parts.insert(1, KIND_NAMES.get(entry.kind, entry.kind))
        return " · ".join(parts)

    return [(say(entry), entry.name) for entry in fitting]
