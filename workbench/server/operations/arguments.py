"""Arguments of a request, checked; one plain sentence when they are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import InputError, UnknownNameError
from workbench.server.api import Request, canonical_json
from workbench.server.operation import Prepared


class Arguments(BaseModel):
    """Base of every operation's arguments: no unknown names, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


A = TypeVar("A", bound=Arguments)


def parse(arguments: type[A], request: Request, *, arrays: tuple[str, ...] = ()) -> A:
    """Build an operation's arguments from a request.

    Args:
        arguments: what they are.
        request: the request.
        arrays: names of the arrays that the operation needs, all of them.

    Raises:
        UnknownNameError: an argument the operation does not have.
        InputError: one sentence naming the argument and what is allowed.
    """
    if set(request.arrays) != set(arrays):
        needed = f"the arrays {', '.join(arrays)}" if arrays else "no arrays"
        raise InputError(f"{request.operation} takes {needed}.")
    # Through JSON, so that a tuple or a NumPy number counts as what it means.
    plain = json.loads(canonical_json(dict(request.arguments)))
    try:
        return arguments.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
            raise UnknownNameError.of("argument", where, arguments.model_fields) from error
        reason = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise InputError(
            f"{request.operation}: {f'{where}: ' if where else ''}{reason}."
        ) from error


def preparing(
    arguments: type[A], *, cost: Callable[[A], int] = lambda _: 1
) -> Callable[[Request], Prepared]:
    """The ``prepare`` of an operation whose arguments check themselves.

    Args:
        arguments: what they are.
        cost: what a request adds to a batch.
    """

    def prepare(request: Request) -> Prepared:
        parsed = parse(arguments, request)
        return Prepared(parsed, cost=cost(parsed), seed=request.seed)

    return prepare
