"""What a request must be before any work is started for it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from workbench.errors import InputError, UnknownNameError
from workbench.server.api import Request
from workbench.server.fingerprint import digest_arguments, fingerprint
from workbench.server.flight import Flight
from workbench.server.operation import ModelSource, Operation
from workbench.server.residency import ModelKey
from workbench.server.wire import freeze

DTYPES = ("float32", "bfloat16", "float16")
REMOTE_KIND = "openai"
"""Models of this kind answer over the network: they take no memory and never hold the device."""
REMOTE_REASON = ", which writes texts but gives no probabilities and shows nothing of its inside"

USER_CHARS = 200
TRACE = re.compile(r"[\w.-]{0,64}", re.ASCII)
"""What may stand in a log line without being taken for another field."""
SEED_LIMIT = 2**63


def check_request(
    request: Request,
    operations: Mapping[str, Operation],
    source: ModelSource,
    *,
    default_dtype: Callable[[], str],
) -> Flight:
    """Check a request and work out its key, without loading anything.

    Args:
        request: what was asked for; its arrays are copied, so that they may change afterwards.
        operations: what may be asked for, by name.
        source: where models come from.
        default_dtype: the type for live work; asked for only when the request names none.

    Raises:
        InputError: one sentence with what is wrong and what is allowed.
    """
    _check_marks(request)
    operation = operations.get(request.operation)
    if operation is None:
        raise UnknownNameError.of("operation", str(request.operation), operations)
    request = replace(request, arrays=freeze(request.arrays))
    kind = _check_model(request, operation, source)
    prepared = operation.prepare(request)
    dtype, model, digest, nbytes = request.dtype, None, None, 0
    if request.model is not None:
        digest = source.digest(request.model)
        # an endpoint computes in whatever type it likes
        dtype = None if kind == REMOTE_KIND else request.dtype or default_dtype()
        model = ModelKey(request.model, digest, dtype or "float32")
        nbytes = 0 if kind == REMOTE_KIND else source.estimate_bytes(request.model, model.dtype)
    arguments_digest = digest_arguments(request)
    key = fingerprint(
        request,
        operation_version=operation.version,
        arguments_digest=arguments_digest,
        model_digest=digest,
        dtype=dtype,
    )
    return Flight(
        key=key,
        request=request,
        operation=operation,
        prepared=prepared,
        model=model,
        model_bytes=nbytes,
        model_digest=digest,
        dtype=dtype,
        arguments_digest=arguments_digest,
        is_remote=kind == REMOTE_KIND,
    )


def _check_marks(request: Request) -> None:
    if request.dtype is not None and request.dtype not in DTYPES:
        raise UnknownNameError.of("number type", str(request.dtype), DTYPES)
    seed = request.seed
    if seed is not None:
        is_whole = isinstance(seed, int) and not isinstance(seed, bool)
        if not is_whole or not 0 <= seed < SEED_LIMIT:
            raise InputError(f"The seed is {seed!r}; choose a whole number from 0 to 2^63 - 1.")
    if not isinstance(request.user, str) or not 0 < len(request.user) <= USER_CHARS:
        raise InputError(f"The user must be text of 1 to {USER_CHARS} characters.")
    if not isinstance(request.trace, str) or not TRACE.fullmatch(request.trace):
        raise InputError(
            "The request's id must be up to 64 letters, digits, dots, hyphens and underscores."
        )
    deadline_s = request.deadline_s
    if deadline_s is not None:
        is_number = isinstance(deadline_s, (int, float)) and not isinstance(deadline_s, bool)
        if not is_number or not math.isfinite(deadline_s) or deadline_s <= 0:
            raise InputError(f"The deadline is {deadline_s!r}; choose a number of seconds above 0.")


def _check_model(request: Request, operation: Operation, source: ModelSource) -> str | None:
    """The kind of the request's model, or ``None`` without one."""
    if request.model is None:
        if operation.kinds:
            raise InputError(
                f"{operation.name} needs a model. {_fitting_models(operation, source)}"
            )
        return None
    if not operation.kinds:
        raise InputError(f"{operation.name} works without a model; leave the model out.")
    kind = source.kind(request.model)
    if kind not in operation.kinds:
        reason = REMOTE_REASON if kind == REMOTE_KIND else ""
        raise InputError(
            f"{operation.name} cannot run on {request.model}, a model of kind {kind}{reason}. "
            f"{_fitting_models(operation, source)}"
        )
    return kind


def _fitting_models(operation: Operation, source: ModelSource) -> str:
    names = sorted(entry.name for entry in source.entries() if entry.kind in operation.kinds)
    kinds = " or ".join(sorted(operation.kinds))
    return f"Choose one of kind {kinds}: {', '.join(names) or 'none is in the catalogue'}."
