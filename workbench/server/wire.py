"""The one byte format of cache values and HTTP bodies: a JSON header and safetensors arrays.

Layout: 8 bytes, the header's length as a little-endian integer; the header, a JSON object whose
first member ``sha256`` is the digest of everything else; then one safetensors file. Nothing in it
can hold code. Arrays read from it cannot be written to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from workbench.errors import InputError
from workbench.server.api import Arrays, Event, Json, Receipt, Request, Result

MEDIA_TYPE = "application/vnd.workbench"
_LENGTH_BYTES = 8
_DIGEST_START = b'{"sha256":"'
_DIGEST_CHARS = 64
_NAMES_OF_DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
)


class WireError(InputError):
    """Bytes that are not what ``pack`` wrote: cut short, changed or never ours."""


def pack(header: Mapping[str, Any], arrays: Arrays | None = None) -> bytes:
    """Write a header and arrays as bytes.

    Args:
        header: plain JSON; every number finite. The name "sha256" is taken.
        arrays: by name, of any shape, zero-sized and scalar ones included.

    Raises:
        InputError: an array's type cannot be written (bfloat16, objects, text), or the header is
            not plain JSON.
    """
    body = safetensors.numpy.save({name: _writable(name, a) for name, a in (arrays or {}).items()})
    try:
        members = json.dumps(
            header,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
            default=_plain_number,
        ).encode()[1:]
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"The header is not plain JSON: {error}.") from error
    if "sha256" in header:
        raise ValueError('a header must not bring its own "sha256"')
    tail = b'",' + members if len(members) > 1 else b'"}'
    length = (len(_DIGEST_START) + _DIGEST_CHARS + len(tail)).to_bytes(_LENGTH_BYTES, "little")
    digest = _digest(length, tail, body)
    return b"".join((length, _DIGEST_START, digest.encode(), tail, body))


def unpack(data: bytes | bytearray | memoryview) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what ``pack`` wrote, checking its digest; the arrays are read-only.

    Raises:
        WireError: the bytes are damaged or of another format.
    """
    header_bytes, body = _checked_parts(memoryview(data))
    try:
        header = json.loads(header_bytes)
        arrays = safetensors.numpy.load(bytes(body))
    except (ValueError, KeyError, RecursionError, SafetensorError) as error:
        raise WireError(f"The bytes cannot be read: {error}.") from error
    del header["sha256"]
    for array in arrays.values():
        array.setflags(write=False)
    return header, arrays


def freeze(arrays: Arrays) -> dict[str, np.ndarray]:
    """Copy arrays so that nobody can change them any more.

    Raises:
        InputError: a type that cannot be written as bytes, for instance bfloat16.
    """
    frozen = {name: _writable(name, array).copy() for name, array in arrays.items()}
    for array in frozen.values():
        array.setflags(write=False)
    return frozen


def pack_request(request: Request) -> bytes:
    """Write a request as bytes."""
    stays_here = ("arrays", "label", "trace")  # the trace travels as a header
    members = {
        f.name: getattr(request, f.name) for f in fields(Request) if f.name not in stays_here
    }
    return pack(members | {"arguments": dict(request.arguments)}, request.arrays)


def unpack_request(data: bytes | bytearray | memoryview) -> Request:
    """Read a request from bytes; the engine checks what it asks for.

    Raises:
        WireError: the bytes are damaged, or a member is missing or unknown.
    """
    header, arrays = unpack(data)
    return _build(Request, header | {"arrays": arrays})


def pack_result(result: Result) -> bytes:
    """Write a result with its receipt as bytes."""
    header = {"values": dict(result.values), "receipt": result.receipt.as_json()}
    return pack(header, result.arrays)


def unpack_result(data: bytes | bytearray | memoryview) -> Result:
    """Read a result from bytes.

    Raises:
        WireError: the bytes are damaged, or hold no result.
    """
    header, arrays = unpack(data)
    try:
        values, receipt = header["values"], header["receipt"]
    except KeyError as error:
        raise WireError(f"The bytes hold no result: {error} is missing.") from error
    return Result(arrays, values, _build(Receipt, receipt))


def pack_event(event: Event) -> bytes:
    """Write an event as bytes."""
    members = {f.name: getattr(event, f.name) for f in fields(Event) if f.name != "arrays"}
    return pack(members | {"values": dict(event.values)}, event.arrays)


def unpack_event(data: bytes | bytearray | memoryview) -> Event:
    """Read an event from bytes.

    Raises:
        WireError: the bytes are damaged, or hold no event.
    """
    header, arrays = unpack(data)
    return _build(Event, header | {"arrays": arrays})


def plain(values: Mapping[str, Any]) -> dict[str, Json]:
    """The values as they will be after a journey over the wire (tuples become lists, …).

    Raises:
        InputError: they are not plain JSON.
    """
    return json.loads(as_text(values))


def as_text(values: Mapping[str, Any]) -> str:
    """The values as JSON text.

    Raises:
        InputError: they are not plain JSON, or a number is not finite.
    """
    try:
        return json.dumps(values, ensure_ascii=False, allow_nan=False, default=_plain_number)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"The values are not plain JSON: {error}.") from error


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _writable(name: str, array: np.ndarray) -> np.ndarray:
    """The array with its bytes in C order, lowest byte first, as safetensors wants them."""
    array = np.asarray(array)
    if array.dtype.name not in _NAMES_OF_DTYPES:
        raise InputError(
            f"Array {name!r} is of type {array.dtype.name}, which cannot be sent or kept; "
            f"convert it to one of {', '.join(_NAMES_OF_DTYPES)} (bfloat16 to float32)."
        )
    # ascontiguousarray alone would turn a scalar into one dimension
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _checked_parts(data: memoryview) -> tuple[bytes, memoryview]:
    start = _LENGTH_BYTES + len(_DIGEST_START) + _DIGEST_CHARS
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    end = _LENGTH_BYTES + length
    if not start < end <= len(data):
        raise WireError("The bytes are cut short or are of another format.")
    header = bytes(data[_LENGTH_BYTES:end])
    told = header[len(_DIGEST_START) : len(_DIGEST_START) + _DIGEST_CHARS]
    tail = header[len(_DIGEST_START) + _DIGEST_CHARS :]
    body = data[end:]
    found = _digest(bytes(data[:_LENGTH_BYTES]), tail, body)
    if not header.startswith(_DIGEST_START) or told != found.encode():
        raise WireError("The bytes do not match their digest: they were changed on the way.")
    return header, body


def _digest(length: bytes, tail: bytes, body: bytes | memoryview) -> str:
    digest = hashlib.sha256(length)
    digest.update(tail)
    digest.update(body)
    return digest.hexdigest()


def _build(cls: type[Any], members: Any) -> Any:
    try:
        return cls(**members)
    except TypeError as error:
        raise WireError(f"The bytes hold no {cls.__name__.lower()}: {error}.") from error
