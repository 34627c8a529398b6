"""The JSON bodies of the HTTP interface, as OpenAPI describes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class RequestBody(BaseModel):
    """One piece of work: the JSON body, or the JSON part of a binary body."""

    model_config = ConfigDict(extra="forbid", strict=True)

    operation: str = Field(max_length=200, description='For example "language.generate".')
    model: str | None = Field(default=None, max_length=200, description="A name of /v1/models.")
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict, description="What the operation asks for."
    )
    dtype: Literal["float32", "bfloat16", "float16"] | None = Field(
        default=None, description="Number format; left out, what suits the device."
    )
    seed: int | None = Field(default=None, description="For operations that draw numbers.")
    fresh: bool = Field(default=False, description="Measure again even if the answer is cached.")
    user: str | None = Field(
        default=None, max_length=200, description="Who asks, for fairness; else X-Workbench-User."
    )
    deadline_s: float | None = Field(
        default=None, gt=0, description="Give up after so many seconds."
    )


class ErrorBody(BaseModel):
    """What went wrong, in one plain sentence."""

    error: str = Field(description='Class of the error, for example "InputError".')
    message: str = Field(description="What was wrong, what is allowed, what to do next.")
    retry_after_s: float | None = Field(default=None, description="Only when the server is busy.")


class JobBody(BaseModel):
    """A job that has not ended yet."""

    job: str = Field(description="Unguessable name of the job.")
    events: str = Field(description="Where its server-sent events are.")
    result: str = Field(description="Where its result will be.")


class ArrayBody(BaseModel):
    """One array; numbers that are not finite are null."""

    dtype: str
    shape: list[int]
    data: Any = Field(description="Nested lists.")


class ResultBody(BaseModel):
    """The answer to a request, as JSON."""

    values: dict[str, JsonValue]
    arrays: dict[str, ArrayBody]
    receipt: dict[str, JsonValue]


class EventBody(BaseModel):
    """The data of one server-sent event; the event's name is its kind."""

    kind: Literal["queued", "loading", "running", "partial"]
    place: int | None = Field(default=None, description="Place in the queue; 1 is next.")
    fraction: float | None = Field(default=None, description="Fraction done, in [0, 1].")
    seconds_left: float | None = None
    text: str = ""
    values: dict[str, JsonValue] = Field(default_factory=dict)
    arrays: str | None = Field(
        default=None, description="Arrays in the binary format of bodies, as base64."
    )


class EndBody(BaseModel):
    """The data of the last event, named "end"."""

    state: Literal["done", "failed"]
    error: ErrorBody | None = None


class ModelBody(BaseModel):
    """One model of the catalogue."""

    name: str
    kind: str
    summary: str
    licence: str
    source: str
    state: Literal["ready", "downloadable", "unavailable"]
    download_mib: float
    memory_mib: float
    resident: bool
    digest: str | None
    reason: str = Field(description="Why it is unavailable, and what to do about it.")


class StatusBody(BaseModel):
    """What the server is doing now."""

    version: str
    device: str
    device_name: str
    resident: list[dict[str, JsonValue]] = Field(description="Models in memory.")
    budget_mib: float
    used_mib: float
    queued: int
    running: int
    cache: dict[str, JsonValue]
    counters: dict[str, float]
    uptime_s: float
    answers: str = Field(
        description="Stays the same as long as cached answers do: none is measured again."
    )


class OperationBody(BaseModel):
    """One operation that requests may name."""

    name: str
    version: int
    kinds: list[str] = Field(description="Kinds of model it runs on; empty for none.")
    summary: str


class HealthBody(BaseModel):
    """Whether the process answers."""

    status: Literal["alive"] = "alive"
    version: str


class ReadyBody(BaseModel):
    """Whether the server accepts work."""

    status: Literal["ready", "shutting down"]
    last_error: str | None = Field(
        default=None, description="The latest unexpected failure of the worker, if any."
    )
