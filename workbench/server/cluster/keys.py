"""What makes two requests equal for a cluster, known without models and device."""

from __future__ import annotations

from workbench.server.api import Request, digest_json
from workbench.server.fingerprint import digest_arguments


def routing_key(request: Request) -> str:
    """The same text for requests that have the same answer.

    It differs from the engine's own key in one respect: leaving the type of numbers out and naming
    the default are two keys here, so such requests may be computed twice.

    Raises:
        InputError: the arguments are not plain JSON.
    """
    parts = [request.operation, request.model, request.dtype, request.seed]
    return digest_json([*parts, digest_arguments(request)])
