"""The HTTP routes that say what the server is, has and does."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from workbench.server import bodies, schemas
from workbench.server.jobs import JobBook, ServedClient
from workbench.server.metrics import Metrics
from workbench.server.responses import SafeRoute, describe_errors


def state_routes(
    engine: ServedClient, book: JobBook, metrics: Metrics, *, version: str
) -> APIRouter:
    """The routes of models, operations, status, health and metrics."""
    router = APIRouter(route_class=SafeRoute)

    @router.get(
        "/v1/models",
        tags=["state"],
        summary="The catalogue of models",
        responses=describe_errors(401, 500),
    )
    async def models() -> list[schemas.ModelBody]:
        entries = await book.in_thread(engine.models)
        return [schemas.ModelBody(**asdict(entry)) for entry in entries]

    @router.get(
        "/v1/operations",
        tags=["state"],
        summary="The operations that requests may name",
        responses=describe_errors(401, 500),
    )
    async def operations() -> list[schemas.OperationBody]:
        return [
            schemas.OperationBody(
                name=operation.name,
                version=operation.version,
                kinds=sorted(operation.kinds),
                summary=operation.summary,
            )
            for operation in engine.operations
        ]

    @router.get(
        "/v1/status",
        tags=["state"],
        summary="What the server is doing now",
        responses=describe_errors(401, 500),
    )
    async def status() -> schemas.StatusBody:
        return schemas.StatusBody.model_validate(
            await book.in_thread(lambda: bodies.status_as_dict(engine.status()))
        )

    @router.get("/healthz", tags=["health"], summary="Whether the process answers; needs no token")
    async def healthz() -> schemas.HealthBody:
        return schemas.HealthBody(version=version)

    @router.get(
        "/readyz",
        tags=["health"],
        summary="Whether the server accepts work",
        responses={503: {"model": schemas.ReadyBody}, **describe_errors(401)},
    )
    async def readyz() -> Response:
        is_ready = book.is_open
        body = schemas.ReadyBody(
            status="ready" if is_ready else "shutting down", last_error=engine.last_error
        )
        return Response(
            body.model_dump_json(),
            status_code=200 if is_ready else 503,
            media_type=bodies.JSON_TYPE,
        )

    @router.get(
        "/metrics",
        tags=["health"],
        summary="Figures for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def prometheus() -> Response:
        return Response(await book.in_thread(metrics.text), media_type=CONTENT_TYPE_LATEST)

    return router
