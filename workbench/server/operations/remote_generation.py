"""Generation by an OpenAI-compatible endpoint, several requests at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import CancelledError, InputError, WorkbenchError
from workbench.server.operation import Control, Output, Prepared
from workbench.server.operations.transcript import cut_at_stop, safe_part

if TYPE_CHECKING:
    from workbench.server.operations.generate import Arguments

_LOOK_S = 0.1
_STOPS_SENT = 4
"""The endpoint takes at most four stop strings; all of them are cut here in any case."""


def run(loaded: Any, items: Sequence[Prepared], control: Control) -> list[Output | WorkbenchError]:
    """Answer a batch of requests; each fails or is left on its own."""
    return asyncio.run(_run_all(loaded, items, control))


async def _run_all(
    loaded: Any, items: Sequence[Prepared], control: Control
) -> list[Output | WorkbenchError]:
    tasks = [
        asyncio.create_task(_run_one(loaded, number, item, control))
        for number, item in enumerate(items)
    ]
    try:
        # An endpoint that says nothing must not keep a request from being left.
        while (await asyncio.wait(tasks, timeout=_LOOK_S))[1]:
            control.check()
            for number, task in enumerate(tasks):
                if not control.is_alive(number):
                    task.cancel()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [_outcome(task) for task in tasks]


def _outcome(task: asyncio.Task[Output]) -> Output | WorkbenchError:
    if task.cancelled():
        return CancelledError("The request was left before it was answered.")
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, WorkbenchError):
        return error
    raise error


async def _run_one(loaded: Any, number: int, item: Prepared, control: Control) -> Output:
    arguments: Arguments = item.arguments
    path, body = _request(arguments, item.seed)
    text, finish, pieces = "", "", 0
    counts: dict[str, int | None] = {"prompt_tokens": None, "new_tokens": None}
    async with contextlib.aclosing(loaded.stream(path, body)) as stream:
        async for piece in stream:
            pieces += bool(piece.text)
            text, stopped = cut_at_stop(text + piece.text, arguments.stop)
            finish = "stop" if stopped else piece.finish or finish
            counts["new_tokens"] = piece.new_tokens or counts["new_tokens"]
            counts["prompt_tokens"] = piece.prompt_tokens or counts["prompt_tokens"]
            control.partial(
                number,
                values={"text": safe_part(text, arguments.stop), "new_tokens": pieces},
            )
            if stopped:
                break
    finish = {"length": "length", "stop": "stop"}.get(finish, "end")
    return Output(values={"text": text, "finish": finish, **counts})


def _request(arguments: Arguments, seed: int | None) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {
        "max_tokens": arguments.max_new_tokens,
        "temperature": arguments.temperature,
        "top_p": arguments.top_p,
    }
    if arguments.stop:
        body["stop"] = arguments.stop[:_STOPS_SENT]
    if arguments.top_k:
        body["top_k"] = arguments.top_k  # not OpenAI's own, but vLLM and llama.cpp take it
    if seed is not None:
        body["seed"] = seed
    if arguments.continues:
        raise InputError("An endpoint cannot go on with a begun answer; leave continues out.")
    if arguments.messages is None:
        return "completions", {**body, "prompt": arguments.prefix + (arguments.prompt or "")}
    return "chat/completions", {
        **body,
        "messages": [message.model_dump() for message in arguments.messages],
    }
