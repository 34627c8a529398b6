"""A model behind an OpenAI-compatible endpoint: streamed completions and nothing else."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from workbench.errors import BusyError, InputError, OutsideError

_CONNECT_S = 5.0


@dataclass(frozen=True)
class Piece:
    """A part of a streamed answer.

    Args:
        text: what was added.
        finish: why the answer ended ("stop", "length"), or empty while it goes on.
        new_tokens: tokens of the whole answer, if the endpoint says so with its last piece.
        prompt_tokens: tokens of the prompt, likewise.
    """

    text: str
    finish: str = ""
    new_tokens: int | None = None
    prompt_tokens: int | None = None


@dataclass
class OpenAIEndpoint:
    """An endpoint (``server.operation.LoadedModel``); it takes no memory here.

    Args:
        name: the card's name.
        model_name: the model's name at the endpoint.
        address: base address, such as ``http://127.0.0.1:8000/v1``.
        key: bearer token; empty for none. It stays out of every message and of ``repr``.
        dtype: what was asked for; the endpoint decides for itself.
        transport: carries the requests; httpx's own by default.
        first_s: how long the beginning of an answer may take; a busy endpoint reads long prompts
            for minutes.
        next_s: how long it may say nothing once it has begun.
    """

    name: str
    model_name: str
    address: str
    key: str = field(repr=False)
    dtype: str
    transport: httpx.AsyncBaseTransport | None = None
    first_s: float = 300.0
    next_s: float = 60.0
    kind: str = "openai"
    device: str = "remote"
    memory_bytes: int = 0

    def close(self) -> None:
        """Nothing is held between requests."""

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Piece]:
        """Ask for a completion and yield its pieces as they come.

        Args:
            path: "chat/completions" or "completions".
            body: the request; model and streaming are added.

        Raises:
            OutsideError: the endpoint does not answer, refuses the key, falls silent, or its
                answer makes no sense.
            BusyError: it is full.
            InputError: it refuses the request, with its reason.
        """
        request = {**body, "stream": True, "stream_options": {"include_usage": True}}
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = httpx.Timeout(self.first_s, connect=_CONNECT_S)
        try:
            async with httpx.AsyncClient(
                transport=self.transport, timeout=timeout, headers=headers, verify=_certificates()
            ) as client:
                request["model"] = await self._model_name(client)
                async with client.stream("POST", f"{self.address}/{path}", json=request) as answer:
                    await self._refuse_errors(answer)
                    is_streamed = False
                    async for line in self._listen(answer):
                        if line.startswith("data:") and line != "data: [DONE]":
                            is_streamed = True
                            yield _read_piece(line.removeprefix("data:"))
                    if not is_streamed:  # a web page, or an answer in one piece
                        raise ValueError("no event in the answer")
        except (httpx.HTTPError, ValueError, KeyError, TypeError, IndexError) as error:
            raise OutsideError(
                f"{self.name} at {self.address} gave no usable answer "
                f"({type(error).__name__}). Check that the server runs and its address is right."
            ) from error

    async def _listen(self, answer: httpx.Response) -> AsyncIterator[str]:
        """The answer's lines, as long as they keep coming."""
        lines = aiter(answer.aiter_lines())
        patience_s = self.first_s
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    line = await anext(lines)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                begun = patience_s != self.first_s
                where = " in the middle of its answer" if begun else ""
                raise OutsideError(
                    f"{self.name} at {self.address} said nothing for {patience_s:g} s{where}. It "
                    "may be overloaded or stopped: try again, or choose another model."
                ) from error
            yield line
            patience_s = self.next_s

    async def _model_name(self, client: httpx.AsyncClient) -> str:
        if self.model_name != "default":
            return self.model_name
        answer = await client.get(f"{self.address}/models")
        await self._refuse_errors(answer)
        return str(answer.json()["data"][0]["id"])

    async def _refuse_errors(self, answer: httpx.Response) -> None:
        if answer.status_code < httpx.codes.BAD_REQUEST:
            return
        reason = _reason(await answer.aread())
        where = f"{self.name} at {self.address}"
        match answer.status_code:
            case 401 | 403:
                # Not NotAllowedError: that would speak of the caller's own token.
                raise OutsideError(f"{where} refuses the key on its card: {reason}.")
            case 429:
                raise BusyError(f"{where} is full: {reason}. Try again in a moment.")
            case code if code < httpx.codes.INTERNAL_SERVER_ERROR:
                raise InputError(f"{where} refuses the request: {reason}.")
            case code:
                raise OutsideError(f"{where} failed with status {code}: {reason}.")


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once: reading them anew costs each request more than the rest of it."""
    return httpx.create_ssl_context()


def _read_piece(data: str) -> Piece:
    said = json.loads(data)
    choices = said.get("choices") or [{}]
    usage = said.get("usage") or {}
    delta = choices[0].get("delta") or {}
    return Piece(
        text=delta.get("content") or choices[0].get("text") or "",
        finish=choices[0].get("finish_reason") or "",
        new_tokens=usage.get("completion_tokens"),
        prompt_tokens=usage.get("prompt_tokens"),
    )


def _reason(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace").strip()
    try:
        said = json.loads(text)
    except ValueError:
        return text[:200] or "no reason given"
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        said = said["error"].get("message", "no reason given")
    return str(said)[:200].rstrip(".")
