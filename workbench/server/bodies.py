"""HTTP bodies: requests, results and events as bytes and text, read with suspicion."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workbench.errors import InputError
from workbench.server import wire
from workbench.server.api import Event, Json, Request, Result, Status
from workbench.server.schemas import RequestBody

JSON_TYPE = "application/json"
JSON_DEPTH_LIMIT = 64
JSON_ARRAY_LIMIT = 100_000
"""Most numbers that a result may hold to be written as JSON."""

_EVENT_MEMBERS = ("kind", "place", "fraction", "seconds_left", "text", "values")
BODY_TYPES = f"{wire.MEDIA_TYPE} or {JSON_TYPE}"


def parse_request(body: bytes, content_type: str, *, user: str, trace: str = "") -> Request:
    """Read a request from an HTTP body.

    Args:
        body: what was sent.
        content_type: media type of the body, parameters allowed.
        user: who asks, unless the body says so itself.
        trace: the run it belongs to.

    Raises:
        InputError: the body is not a request; one sentence says why.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON_TYPE:
        header, arrays = parse_json(body), {}
    elif media_type == wire.MEDIA_TYPE:
        header, arrays = wire.unpack(body)
    else:
        raise InputError(f"The content type is {media_type[:80]!r}; send {BODY_TYPES}.")
    check_depth(header)
    try:
        checked = RequestBody.model_validate(header)
    except ValidationError as error:
        raise InputError(say_validation(error.errors())) from error
    fields = checked.model_dump()
    if checked.user in (None, "", "anonymous"):
        fields["user"] = user
    return Request(arrays=arrays, trace=trace, **fields)


def parse_json(body: bytes) -> Any:
    """Read JSON.

    Raises:
        InputError: it is not JSON, or nested too deeply to be read.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The body is not JSON that can be read: {_short(error)}.") from error


def check_depth(value: Any) -> None:
    """Refuse JSON that is nested more deeply than anything here needs.

    Raises:
        InputError: the limit is in the message.
    """
    level = [value]
    for _ in range(JSON_DEPTH_LIMIT):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise InputError(f"The JSON is nested more than {JSON_DEPTH_LIMIT} levels deep.")


def say_validation(errors: Any) -> str:
    """One plain sentence for the first of pydantic's complaints."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"]) or "The body"
    more = f" ({len(errors) - 1} more problems)" if len(errors) > 1 else ""
    return f"{where[:200]}: {first['msg'][:300]}{more}."


def result_as_json(result: Result) -> bytes:
    """Write a result as JSON: arrays as nested lists, numbers that are not finite as null.

    Raises:
        InputError: the arrays are too large for JSON; says what to ask for.
    """
    count = sum(array.size for array in result.arrays.values())
    if count > JSON_ARRAY_LIMIT:
        raise InputError(
            f"The result holds {count:,} numbers; JSON carries at most {JSON_ARRAY_LIMIT:,}. "
            f"Ask for it with Accept: {wire.MEDIA_TYPE}."
        )
    arrays = {
        name: {
            "dtype": str(array.dtype),
            "shape": list(array.shape),
            "data": _finite(array.tolist()),
        }
        for name, array in result.arrays.items()
    }
    body = {
        "values": _finite(dict(result.values)),
        "arrays": arrays,
        "receipt": result.receipt.as_json(),
    }
    return json.dumps(body, allow_nan=False).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def status_as_dict(status: Status) -> dict[str, Any]:
    """The status as plain JSON."""
    return {
        "version": status.version,
        "device": status.device,
        "device_name": status.device_name,
        "resident": [dict(model) for model in status.resident],
        "budget_mib": status.budget_mib,
        "used_mib": status.used_mib,
        "queued": status.queued,
        "running": status.running,
        "cache": dict(status.cache),
        "counters": dict(status.counters),
        "uptime_s": status.uptime_s,
        "answers": status.answers,
    }


def encode_event(event: Event) -> tuple[str, str]:
    """Write an event as its kind and the text of a server-sent event's data."""
    body: dict[str, Json] = {
        "kind": event.kind,
        "place": event.place,
        "fraction": event.fraction,
        "seconds_left": event.seconds_left,
        "text": event.text,
        "values": dict(event.values),
    }
    if event.arrays:
        body["arrays"] = base64.b64encode(wire.pack({}, event.arrays)).decode()
    return event.kind, wire.as_text(body)


def decode_event(text: str) -> Event:
    """Read what ``encode_event`` wrote; members of a newer server are left out.

    Raises:
        InputError: it is not an event.
    """
    try:
        body = json.loads(text)
        known = {name: body[name] for name in _EVENT_MEMBERS}
        packed = body.get("arrays")
        arrays = wire.unpack(base64.b64decode(packed))[1] if packed else {}
        return Event(arrays=arrays, **known)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"This is not an event of the model server: {_short(error)}.") from error


def _short(error: BaseException) -> str:
    text = str(error)
    return text if len(text) <= 200 else text[:197] + "…"
