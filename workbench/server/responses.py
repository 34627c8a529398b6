"""How the HTTP server answers: results in the form that was asked for, errors in one shape."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from workbench.errors import BusyError, HandedBackError, NotAllowedError, WorkbenchError, to_wire
from workbench.server import bodies, schemas, wire
from workbench.server.api import Result
from workbench.server.bugs import report_bug
from workbench.server.stopping import ENDING

Responses = dict[int | str, dict[str, Any]]


def error_response(error: WorkbenchError, *, status: int | None = None) -> Response:
    """An error as JSON with its status; a busy server says when to come back."""
    headers: dict[str, str] = {}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, NotAllowedError):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        json.dumps(to_wire(error)),
        status_code=error.status if status is None else status,
        media_type=bodies.JSON_TYPE,
        headers=headers,
    )


def result_response(result: Result, accept: str) -> Response:
    """A result in the form that the Accept header asks for: binary unless it wants JSON."""
    if bodies.JSON_TYPE in accept and wire.MEDIA_TYPE not in accept:
        return Response(bodies.result_as_json(result), media_type=bodies.JSON_TYPE)
    return Response(wire.pack_result(result), media_type=wire.MEDIA_TYPE)


class SafeRoute(APIRoute):
    """A route that tells an unexpected failure only by the reference it is logged under."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except (WorkbenchError, HTTPException, RequestValidationError):
                raise
            except asyncio.CancelledError:  # a stopped server ends what is still open so
                return error_response(HandedBackError(ENDING))
            except Exception as error:  # noqa: BLE001  it is logged, and told under a reference
                return error_response(report_bug(error))

        return handle


_MEANINGS = {
    401: "The token is missing or wrong.",
    404: "No such name; the message gives the nearest.",
    413: "The body is too large; the message gives the limit.",
    422: "An input is wrong; the message says which and what is allowed.",
    429: "The server is full; come back after Retry-After seconds.",
    499: "The job was cancelled.",
    500: "A file is missing, or a bug; the message gives a reference.",
    503: "An endpoint or the network does not answer, or the server is shutting down.",
    504: "The deadline passed.",
}


def describe_errors(*statuses: int) -> Responses:
    """The OpenAPI description of the errors a route can answer with."""
    described: Responses = {}
    for status in statuses:
        described[status] = {"model": schemas.ErrorBody, "description": _MEANINGS[status]}
        if status == 429:
            described[status]["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
            }
    return described


RESULT_ANSWER: dict[str, Any] = {
    "model": schemas.ResultBody,
    "description": "The result; binary unless JSON alone is accepted.",
    "content": {wire.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
}
