"""What an operation and a model source promise the engine.

An operation is work that needs a model or a device. It knows what the numbers mean to a model,
never what they mean to a method's page; the engine knows neither.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from workbench.errors import InputError, WorkbenchError
from workbench.server.api import Json, ModelEntry, Request


@dataclass(frozen=True)
class Prepared:
    """A checked request, ready to wait for a batch.

    Args:
        arguments: the operation's own typed arguments.
        cost: what the request adds to a batch, in the operation's unit (tokens, pixels).
        bucket: requests with different buckets never share a batch.
        seed: seed of the request, or ``None``.
    """

    arguments: Any
    cost: int = 1
    bucket: Hashable = None
    seed: int | None = None


@dataclass(frozen=True)
class Output:
    """What one request of a batch gives."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    values: Mapping[str, Json] = field(default_factory=dict)


class Control(Protocol):
    """How a running batch talks to the people who wait for it; items are numbered from 0."""

    def is_alive(self, item: int) -> bool:
        """Whether anybody still waits for this item; its work may be dropped if not."""
        ...

    def check(self) -> None:
        """Call between steps.

        Raises:
            CancelledError: nobody waits for any item of the batch.
            DeadlineError: every item that is still waited for has run out of time.
        """
        ...

    def progress(self, item: int, fraction: float | None, text: str = "") -> None:
        """Say how far an item is, as a fraction in [0, 1] when it is known."""
        ...

    def partial(
        self,
        item: int,
        values: Mapping[str, Json] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Send what is finished so far of an item."""
        ...


class LoadedModel(Protocol):
    """A model on a device. Kinds add their own attributes (``model``, ``tokenizer``, …)."""

    @property
    def kind(self) -> str:
        """The card's kind."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda:0", "mps", or "remote" for an endpoint."""
        ...

    @property
    def dtype(self) -> str:
        """The type of its numbers: "float32", "bfloat16" or "float16"."""
        ...

    @property
    def memory_bytes(self) -> int:
        """Bytes of parameters and buffers, measured after loading."""
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


RunBatch = Callable[[Any, Sequence[Prepared], Control, str], Sequence[Output | WorkbenchError]]
"""``(model, items, control, device) -> one Output or error per item``, in order."""


Answer = Callable[[Any, Prepared, int, Control], Output | WorkbenchError]
"""``(model, item, its number in the batch, control) -> Output or error`` of one request."""


def one_by_one(answer: Answer) -> RunBatch:
    """The ``run`` of an operation that answers the requests of a batch one after the other.

    A request that is refused gives its error in its place; the others of the batch go on.

    Args:
        answer: answers one request, or raises ``InputError`` to refuse it.
    """

    def run(
        loaded: Any, items: Sequence[Prepared], control: Control, device: str
    ) -> list[Output | WorkbenchError]:
        del device  # a loaded model knows where it is
        outcomes: list[Output | WorkbenchError] = []
        for number, item in enumerate(items):
            control.check()
            try:
                outcomes.append(answer(loaded, item, number, control))
            except InputError as error:
                outcomes.append(error)
        return outcomes

    return run


@dataclass(frozen=True)
class Operation:
    """Work by name.

    Args:
        name: "family.verb", as requests name it.
        version: raise it when the numbers change; old cache entries are then never read.
        kinds: kinds of model it runs on; empty for an operation without a model.
        prepare: checks a request without loading anything.
            Raises ``InputError`` with one plain sentence.
        run: computes a batch of requests that share model, dtype and bucket. An item that is
            refused gives its error in place of an ``Output``; an exception fails the batch.
        max_batch_cost: a batch closes when its padded cost (largest cost times items) would
            pass this.
        max_batch_items: a batch holds at most so many requests.
        max_batch_items_on_cpu: the same on a processor, where more together are no sooner done
            and keep others waiting; ``None`` for no other limit.
        is_cacheable: whether the answer to a request is worth keeping (sampling without a
            seed is not).
        summary: one sentence for the API's documentation.
    """

    name: str
    version: int
    kinds: frozenset[str]
    prepare: Callable[[Request], Prepared]
    run: RunBatch
    max_batch_cost: int = 1
    max_batch_items: int = 1
    max_batch_items_on_cpu: int | None = None
    is_cacheable: Callable[[Request], bool] = lambda _request: True
    summary: str = ""


class ModelSource(Protocol):
    """Where models come from; ``workbench.models.catalog.Catalog`` is the real one."""

    def kind(self, name: str) -> str:
        """The kind of a model. Raises ``UnknownNameError`` for no such card."""
        ...

    def digest(self, name: str) -> str:
        """A digest that changes whenever the model's or tokenizer's numbers could change."""
        ...

    def estimate_bytes(self, name: str, dtype: str) -> int:
        """Bytes to reserve before loading."""
        ...

    def load(
        self,
        name: str,
        *,
        device: str,
        dtype: str,
        progress: Callable[[float | None, str], None],
    ) -> LoadedModel:
        """Fetch if needed and load.

        Raises:
            AssetError: a file is missing or damaged; says which and how to get it back.
            UnreachableError: it must be downloaded and the network does not answer.
        """
        ...

    def entries(self, resident: Iterable[str] = ()) -> tuple[ModelEntry, ...]:
        """The catalogue for people."""
        ...
