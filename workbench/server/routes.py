"""The HTTP routes of jobs: run, submit, follow, fetch, cancel."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import unquote

import anyio
from fastapi import APIRouter, Header, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from workbench.errors import CancelledError, TooLargeError, WorkbenchError, to_wire
from workbench.server import api, bodies, schemas, wire
from workbench.server.jobs import HeldJob, JobBook
from workbench.server.responses import (
    RESULT_ANSWER,
    SafeRoute,
    describe_errors,
    error_response,
    result_response,
)

LONGEST_WAIT_S = 60.0
PING_S = 10

UserHeader = Annotated[
    str | None,
    Header(
        alias="X-Workbench-User",
        max_length=600,
        description="Who asks, percent-encoded, for fairness between users; else the address.",
    ),
]
TraceHeader = Annotated[
    str | None,
    Header(
        alias="X-Request-ID",
        max_length=64,
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="The run it belongs to, for the log; one is made if there is none.",
    ),
]
WaitQuery = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT_S, description="Longest time to wait, in seconds.")
]
Accept = Annotated[str, Header(include_in_schema=False)]

SUBMIT_ERRORS = describe_errors(401, 404, 413, 422, 429, 500, 503)
OUTCOME_ERRORS = describe_errors(401, 404, 422, 429, 499, 500, 503, 504)
EVENTS_ANSWER: dict[str, Any] = {
    "description": "The events; their data is an EventBody, the last one's an EndBody.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}

REQUEST_DESCRIPTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            bodies.JSON_TYPE: {"schema": {"$ref": "#/components/schemas/RequestBody"}},
            wire.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Read a body up to a limit.

    A little more than the limit is read and thrown away, so that a client that is still sending
    gets to read the answer.

    Raises:
        TooLargeError: the body is larger than ``limit_bytes``.
    """
    announced = request.headers.get("content-length", "0")
    is_too_large = announced.isdigit() and int(announced) > limit_bytes
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            is_too_large = True
        if is_too_large:
            chunks.clear()
            if size > 4 * limit_bytes:
                break
        else:
            chunks.append(chunk)
    if is_too_large:
        raise TooLargeError(
            f"The request is larger than {limit_bytes // 2**20} MiB, which is the limit of this "
            "server (WORKBENCH_MAX_BODY_MIB). Send less at once."
        )
    return b"".join(chunks)


class JobRoutes:
    """The routes that start, follow and end jobs.

    Args:
        book: the jobs.
        max_body_bytes: largest body that is read.
    """

    def __init__(self, book: JobBook, *, max_body_bytes: int) -> None:
        self._book = book
        self._max_body_bytes = max_body_bytes

    def router(self) -> APIRouter:
        """The routes with their descriptions."""
        router = APIRouter(prefix="/v1", route_class=SafeRoute, tags=["jobs"])
        router.add_api_route(
            "/run",
            self.run,
            methods=["POST"],
            summary="Submit a request and wait for its result",
            openapi_extra=REQUEST_DESCRIPTION,
            responses={200: RESULT_ANSWER, **SUBMIT_ERRORS, **OUTCOME_ERRORS},
        )
        router.add_api_route(
            "/jobs",
            self.submit,
            methods=["POST"],
            summary="Submit a request",
            openapi_extra=REQUEST_DESCRIPTION,
            responses={200: RESULT_ANSWER, 202: {"model": schemas.JobBody}, **SUBMIT_ERRORS},
        )
        router.add_api_route(
            "/jobs/{job_id}/events",
            self.events,
            methods=["GET"],
            summary="Follow a job",
            response_class=EventSourceResponse,
            responses={200: EVENTS_ANSWER, **describe_errors(401, 404, 422)},
        )
        router.add_api_route(
            "/jobs/{job_id}/result",
            self.result,
            methods=["GET"],
            summary="Wait for the result of a job",
            responses={
                200: RESULT_ANSWER,
                202: {"model": schemas.JobBody, "description": "Not there yet; ask again."},
                **OUTCOME_ERRORS,
            },
        )
        router.add_api_route(
            "/jobs/{job_id}",
            self.cancel,
            methods=["DELETE"],
            summary="Cancel one caller's interest in a job",
            status_code=204,
            responses=describe_errors(401, 404),
        )
        return router

    async def run(
        self,
        request: Request,
        user: UserHeader = None,
        trace: TraceHeader = None,
        accept: Accept = "",
    ) -> Response:
        """A caller that hangs up leaves, and the work stops if nobody else waits."""
        held = await self._start(request, user, trace, accept, is_followed=False)
        if isinstance(held, Response):
            return held
        outcome = await outcome_or_hang_up(request, held)
        if outcome is None:
            await self._book.cancel(held)
            outcome = CancelledError("The caller hung up.")
        return await self._answer(outcome, accept)

    async def submit(
        self,
        request: Request,
        user: UserHeader = None,
        trace: TraceHeader = None,
        accept: Accept = "",
    ) -> Response:
        """200 with the result when it is there already, else 202 with a job.

        A job nobody listens to for a minute is cancelled.
        """
        held = await self._start(request, user, trace, accept, is_followed=True)
        if isinstance(held, Response):
            return held
        return job_response(held)

    async def events(
        self, job_id: str, last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None
    ) -> Response:
        """Server-sent events named queued, loading, running and partial, then one named "end".

        A dropped connection resumes with Last-Event-ID.
        """
        held = self._book.find(job_id)
        return EventSourceResponse(tell(held, last_event_id or 0), ping=PING_S, sep="\n")

    async def result(self, job_id: str, wait_s: WaitQuery = 0.0, accept: Accept = "") -> Response:
        """200 with the result, 202 when it is not there yet, else the job's error."""
        held = self._book.find(job_id)
        with anyio.move_on_after(wait_s):
            await held.wait()
        if held.outcome is None:
            return job_response(held)
        return await self._answer(held.outcome, accept)

    async def cancel(self, job_id: str) -> Response:
        """The computation stops when nobody else waits for it. Safe to call twice."""
        await self._book.cancel(self._book.find(job_id))
        return Response(status_code=204)

    async def _start(
        self,
        request: Request,
        user: str | None,
        trace: str | None,
        accept: str,
        *,
        is_followed: bool,
    ) -> HeldJob | Response:
        body = await read_body(request, self._max_body_bytes)
        address = request.client.host if request.client else "unknown"
        who = unquote(user)[:200] if user else address
        content_type = request.headers.get("content-type", "")
        return await self._book.submit(
            lambda: bodies.parse_request(
                body, content_type, user=who, trace=trace or secrets.token_hex(8)
            ),
            lambda result: result_response(result, accept),
            is_followed=is_followed,
        )

    async def _answer(self, outcome: api.Result | WorkbenchError, accept: str) -> Response:
        if isinstance(outcome, WorkbenchError):
            return error_response(outcome)
        return await self._book.in_thread(lambda: result_response(outcome, accept))


def job_response(held: HeldJob) -> Response:
    """202: where to follow a job that has not ended."""
    address = f"/v1/jobs/{held.id}"
    body = schemas.JobBody(job=held.id, events=f"{address}/events", result=f"{address}/result")
    return Response(
        body.model_dump_json(),
        status_code=202,
        media_type=bodies.JSON_TYPE,
        headers={"Location": address + "/result"},
    )


async def tell(held: HeldJob, after: int) -> AsyncIterator[ServerSentEvent]:
    """The events of a job as server-sent events, and how it ended."""
    async for number, kind, text in held.follow(after):
        yield ServerSentEvent(text, event=kind, id=str(number), sep="\n")
    if isinstance(held.outcome, WorkbenchError):
        error = schemas.ErrorBody.model_validate(to_wire(held.outcome))
        end = schemas.EndBody(state="failed", error=error)
    else:
        end = schemas.EndBody(state="done")
    yield ServerSentEvent(end.model_dump_json(exclude_none=True), event="end", sep="\n")


async def outcome_or_hang_up(request: Request, held: HeldJob) -> api.Result | WorkbenchError | None:
    """Wait for a job while its caller stays connected; ``None`` when the caller has gone."""
    outcome = None
    async with anyio.create_task_group() as tasks:

        async def watch_connection() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch_connection)
        outcome = await held.wait()
        tasks.cancel_scope.cancel()
    return outcome
