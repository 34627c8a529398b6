"""The HTTP home of the engine: the same requests, events, results and errors over the wire.

Three ways to ask: ``POST /v1/run`` waits for the answer in one call; ``POST /v1/jobs`` gives the
answer if it is there already and else a job to follow; ``GET /v1/jobs/{id}/events`` tells what
happens to it. Bodies are JSON, or JSON and safetensors in the format of ``workbench.server.wire``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from workbench.errors import InputError, UnknownNameError, WorkbenchError
from workbench.server import bodies
from workbench.server.allocation import keep_freed_blocks
from workbench.server.description import describe
from workbench.server.guard import Guard
from workbench.server.jobs import JobBook, ServedClient
from workbench.server.metrics import Metrics
from workbench.server.responses import error_response
from workbench.server.routes import JobRoutes
from workbench.server.state_routes import state_routes
from workbench.settings import Settings

JOBS_BESIDE_THE_QUEUE = 128
"""Jobs that may be open beside the queue: running, or sharing another's computation."""

DESCRIPTION = """\
Language, vision and embedding models, held once and shared: requests are cached, coalesced and
batched. Every error is one JSON object `{error, message}` with a sentence that says what to do.
Arrays travel as safetensors in `application/vnd.workbench`: eight bytes (little-endian length),
that many bytes of JSON, then safetensors; the first member of the JSON is `sha256`, the digest of
the other bytes in order. A request without arrays may be plain JSON. With
`Accept: application/json` small results come as plain JSON.
"""


def create_app(
    engine: ServedClient,
    settings: Settings,
    *,
    version: str,
    idle_s: float = 60.0,
    keep_s: float = 60.0,
    grace_s: float = 0.0,
) -> FastAPI:
    """Build the web application of an engine; the engine stays the caller's to close.

    Args:
        engine: what does the work.
        settings: token, largest body and queue length.
        version: version of the workbench, for people who ask.
        idle_s: a job nobody listens to is cancelled after so many seconds.
        keep_s: a finished job is forgotten after so many seconds.
        grace_s: what runs when the server is stopped may go on for so many seconds.
    """
    keep_freed_blocks()
    open_limit = settings.queue_limit + JOBS_BESIDE_THE_QUEUE
    book = JobBook(engine, bodies.encode_event, open_limit=open_limit, idle_s=idle_s, keep_s=keep_s)
    metrics = Metrics(engine, book)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with book.open():
            yield
            if grace_s:
                await book.in_thread(lambda: engine.finish(grace_s))

    app = FastAPI(
        title="Foundation Model Workbench",
        summary="The model server.",
        description=DESCRIPTION,
        version=version,
        lifespan=lifespan,
        docs_url=None,  # the stock pages load scripts from elsewhere
        redoc_url=None,
    )
    routes = JobRoutes(book, max_body_bytes=settings.max_body_mib * 2**20)
    app.include_router(routes.router())
    app.include_router(state_routes(engine, book, metrics, version=version))
    token = settings.token.get_secret_value()
    app.add_middleware(Guard, token=token)
    app.openapi = describe(app, needs_token=bool(token))
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_address)
    app.add_exception_handler(WorkbenchError, _tell_error)
    return app


async def _tell_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, WorkbenchError):
        raise error
    return error_response(error)


async def _refuse_parameters(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return error_response(InputError(bodies.say_validation(error.errors())))


async def _refuse_address(request: Request, error: Exception) -> Response:
    """Say in the common shape that there is no such address, or not with this method."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        known = request.app.openapi()["paths"]
        return error_response(UnknownNameError.of("address", request.url.path, known))
    response = error_response(InputError(f"{request.method} {request.url.path}: {error.detail}."))
    response.status_code = error.status_code
    response.headers.update(error.headers or {})
    return response
