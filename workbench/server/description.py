"""The OpenAPI description, with what FastAPI cannot see: raw bodies, events, the token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from workbench.server import schemas
from workbench.server.guard import OPEN_PATHS

_REFERENCE = "#/components/schemas/{model}"


def describe(app: FastAPI, *, needs_token: bool) -> Callable[[], dict[str, Any]]:
    """A replacement for ``app.openapi``, which writes the description once, when first asked."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _write(app, needs_token=needs_token)
        return app.openapi_schema

    return openapi


def _write(app: FastAPI, *, needs_token: bool) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=[
            {"name": "jobs", "description": "Ask for work and follow it."},
            {"name": "state", "description": "What the server has and does."},
            {"name": "health", "description": "For whoever looks after the server."},
        ],
    )
    components = document.setdefault("components", {})
    _, unseen = models_json_schema(
        [
            (schemas.RequestBody, "validation"),
            (schemas.EventBody, "validation"),
            (schemas.EndBody, "validation"),
        ],
        ref_template=_REFERENCE,
    )
    components["schemas"] = {**unseen["$defs"], **components.get("schemas", {})}
    if needs_token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for path in OPEN_PATHS:
            for operation in document["paths"][path].values():
                operation["security"] = []
    return document
