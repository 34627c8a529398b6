"""The key of an answer: SHA-256 over everything that decides its numbers, and nothing else.

Who asks, how long they wait and where files lie stay out. Numbers are compared as they are
written in JSON: 1 and 1.0 are different keys, as are true, 1 and "1"; at worst the same answer is
computed twice, never a wrong one given.
"""

from __future__ import annotations

from workbench.server.api import Request, digest_arrays, digest_json

KEY_SCHEMA = 1
"""Raise it when the meaning of a key changes; no older answer is then ever read."""


def fingerprint(
    request: Request,
    *,
    operation_version: int,
    arguments_digest: str,
    model_digest: str | None,
    dtype: str | None,
) -> str:
    """The key of a request's answer, 64 hexadecimal digits.

    Args:
        request: what is asked for.
        operation_version: version of the operation's numbers.
        arguments_digest: what ``digest_arguments`` gives for it.
        model_digest: digest of model and tokenizer; ``None`` without a model.
        dtype: the type computed in, after defaults were filled in.
    """
    parts = {
        "schema": KEY_SCHEMA,
        "operation": request.operation,
        "operation_version": operation_version,
        "model": model_digest,
        "dtype": dtype,
        "arguments": arguments_digest,
        "seed": request.seed,
    }
    return digest_json(parts)


def digest_arguments(request: Request) -> str:
    """SHA-256 of a request's arguments and arrays alone.

    Raises:
        InputError: the arguments are not plain JSON.
    """
    parts = [request.arguments, digest_arrays(request.arrays)]
    return digest_json(parts)
