"""What a model server promises, as types: requests, events, results, and the client protocol.

Methods, figures and panels see the server only through this module. Whether the engine runs in
this process, behind HTTP or on a cluster makes no difference to anything written here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from workbench.errors import InputError

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Arrays: TypeAlias = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Request:
    """One piece of work for a model or a device.

    Args:
        operation: name of the operation ("language.score_choices").
        model: name of the model's card, or ``None`` for an operation without a model.
        arguments: plain JSON that the operation checks.
        arrays: input arrays by name.
        dtype: "float32", "bfloat16" or "float16"; ``None`` takes what suits the device for
            live work. What is measured and shipped asks for "float32".
        seed: for operations that draw random numbers; part of the key.
        fresh: measure again even if the answer is cached, and replace it.
        user: who asks, for fairness only; never part of the key.
        deadline_s: give up after this many seconds, or never.
        label: what the page calls it while it runs ("Student alone"); never part of the key, and
            not sent to a server elsewhere.
        trace: the run it belongs to, in logs from browser to device; never part of the key.
    """

    operation: str
    model: str | None = None
    arguments: Mapping[str, Json] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    dtype: str | None = None
    seed: int | None = None
    fresh: bool = False
    user: str = "anonymous"
    deadline_s: float | None = None
    label: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Receipt:
    """Where one answer came from: enough to ask for it again and compare."""

    operation: str
    operation_version: int
    model: str | None
    model_digest: str | None
    dtype: str | None
    device: str
    seed: int | None
    arguments_digest: str
    key: str
    created: str
    """When it was computed, ISO 8601 in UTC."""
    seconds: float
    """Compute time on the device, without waiting."""
    packages: Mapping[str, str]
    source: Literal["computed", "memory", "disk", "shipped"] = "computed"
    shared_with: int = 0
    """How many other callers were waiting for this same computation."""

    def as_json(self) -> dict[str, Json]:
        """The receipt as plain JSON."""
        return json.loads(json.dumps(asdict(self), default=dict))


@dataclass(frozen=True)
class Result:
    """The answer to a request: named read-only arrays, plain JSON values and the receipt."""

    arrays: Arrays
    values: Mapping[str, Json]
    receipt: Receipt


@dataclass(frozen=True)
class Event:
    """Something that happened to a job before its result.

    ``queued`` carries the place in the queue (1 is next); ``running`` the fraction done, if it is
    known, and a short text; ``partial`` what is finished so far (streamed text, a training curve).
    ``label`` is the request's own.
    """

    kind: Literal["queued", "loading", "running", "partial"]
    place: int | None = None
    fraction: float | None = None
    seconds_left: float | None = None
    text: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    label: str = ""


class Job(Protocol):
    """One caller's interest in a request; several jobs may share one computation."""

    @property
    def id(self) -> str:
        """An unguessable name of this job; who knows it may watch and cancel it."""
        ...

    @property
    def done(self) -> bool:
        """Whether it has ended, with an answer or an error, so that ``result`` will not wait."""
        ...

    def events(self) -> Iterator[Event]:
        """Yield events as they happen and end when the job is done, failed or cancelled."""
        ...

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the answer.

        Raises:
            WorkbenchError: what the server said; ``DeadlineError`` after ``timeout_s``.
        """
        ...

    def cancel(self) -> None:
        """Leave. The computation stops when the last caller has left; safe to call twice."""
        ...


@dataclass(frozen=True)
class ModelEntry:
    """One model of the catalogue, as a person chooses it."""

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
    reason: str = ""
    """Why it is unavailable, and what to do about it."""


@dataclass(frozen=True)
class Status:
    """What the server is doing now."""

    version: str
    device: str
    device_name: str
    resident: tuple[Mapping[str, Json], ...]
    """Per resident model: name, dtype, mib, in_use."""
    budget_mib: float
    used_mib: float
    queued: int
    running: int
    cache: Mapping[str, Json]
    """entries, bytes, limit_bytes, hits, misses, on (bool), note."""
    counters: Mapping[str, float]
    uptime_s: float
    answers: str = ""
    """As long as it stays the same, whoever asks again for what was cached is given the very same
    answers; it changes when one is measured again and when a model does. Empty: not known."""


class ModelClient(Protocol):
    """A model server, wherever it runs."""

    def submit(self, request: Request) -> Job:
        """Check a request and start it.

        Raises:
            InputError: the request is wrong; nothing was started.
            BusyError: the queue is full.
        """
        ...

    def call(self, request: Request) -> Result:
        """Submit a request and wait for its result."""
        ...

    def models(self) -> tuple[ModelEntry, ...]:
        """The catalogue of models and whether each is here."""
        ...

    def status(self) -> Status:
        """What the server is doing now."""
        ...

    def close(self) -> None:
        """Let go of everything; waiting jobs are cancelled."""
        ...


OnEvent: TypeAlias = Callable[[Event], None]


def canonical_json(value: Any) -> str:
    """Write JSON so that equal values give equal text: sorted keys, no spaces, finite numbers.

    Raises:
        InputError: the value is not plain JSON or holds a number that is not finite.
    """
    try:
        return json.dumps(
            _plain(value),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"The arguments are not plain JSON: {error}.") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys must be text")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite")
    if isinstance(value, str):
        value.encode()  # a lone surrogate is not text
    return value


def digest_json(value: object) -> str:
    """SHA-256 of a value as ``canonical_json`` writes it.

    Raises:
        InputError: the value is not plain JSON.
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_arrays(arrays: Arrays) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of some arrays, in order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        # as it travels: lowest byte first, in C order; ascontiguousarray has no scalars
        array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
        digest.update(canonical_json([name, array.dtype.str, list(array.shape)]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
