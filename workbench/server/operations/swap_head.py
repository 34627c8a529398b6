"""``attention.swap_head``: what becomes of a model when one head is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from workbench.errors import InputError
from workbench.methods.attention.causal import average_values, causal_mask, exponential_weights
from workbench.methods.attention.stand_ins import (
    BASELINES,
    StandIn,
    baseline,
    calibrate,
    can_fit,
    polynomial_stand_in,
)
from workbench.server.api import Json, Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import prompts
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.capture import LayerAttention, capture_layers
from workbench.server.operations.generate import end_tokens
from workbench.server.operations.replaced_head import Replacement, refuse_missing, replaced_head

if TYPE_CHECKING:
    import torch

MINIMUM_TOKENS, MAXIMUM_TOKENS = 2, 400
LOGITS_BYTES = 512 << 20
"""Logits of every position and row that are read together."""


class Polynomial(Base):
    """One polynomial to try."""

    kind: Literal["taylor", "chebyshev", "minimax"]
    degree: Annotated[int, Field(ge=0, le=64)]


class Arguments(Base):
    """A text, which head to replace, by what, and how many tokens to continue the text with."""

    text: Annotated[str, Field(max_length=20_000)]
    layer: Annotated[int, Field(ge=0)]
    head: Annotated[int, Field(ge=0)]
    dimension: Annotated[int, Field(ge=1)]
    polynomials: Annotated[list[Polynomial], Field(min_length=1, max_length=64)]
    new_tokens: Annotated[int, Field(ge=0, le=64)] = 24


@dataclass
class _Measured:
    """What one row of a batch gave."""

    divergence: np.ndarray
    agreement: float
    text: str


@dataclass
class _Work:
    """One request under way."""

    loaded: Any
    arguments: Arguments
    ids: list[int]
    control: Control
    number: int
    steps: int = 0
    """Forward passes still to come, weighed alike."""
    done: int = 0

    def step(self, text: str) -> None:
        """Look whether anybody still waits, and say how far it is."""
        self.control.check()
        self.control.progress(self.number, min(1.0, self.done / max(1, self.steps)), text)
        self.done += 1


def prepare(request: Request) -> Prepared:
    """Check a request."""
    arguments = parse(Arguments, request)
    if not arguments.text.strip():
        raise InputError("The text is empty; give at least two words to read.")
    return Prepared(arguments, cost=prompts.estimate_tokens(arguments.text))


def measure_head(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Compare the model with every variant of it.

    Returns:
        Rows r are the polynomials in the order asked for, then ``BASELINES``. Arrays:
        ``divergence``, ``(r, t)`` float32, the Kullback-Leibler divergence in nats of the variant's
        next token from the model's at each position; ``output_error``, ``(r,)`` float32, the
        head's own output error as a share of its size. A polynomial that cannot be had is NaN.
        Values: ``agreement``, r shares of the positions at which both find the same token most
        probable; ``negative_rows``, r counts of positions whose weights sum to less than 0;
        ``texts``, the r continuations and last the model's own; ``tokens``; ``head_dimension``;
        ``score_bound``, a of the projected scores; ``kept``, their share of the squared scores.
    """
    arguments: Arguments = item.arguments
    ids = _read(loaded, arguments)
    layer = _capture(loaded, ids, arguments)
    head = [
        tensor[arguments.head].cpu().double().numpy()
        for tensor in (layer.queries, layer.keys, layer.values)
    ]
    calibration = calibrate(head[0], head[1], scale=layer.scale, dimension=arguments.dimension)
    stand_ins: list[StandIn | None] = [
        polynomial_stand_in(calibration, kind=one.kind, degree=one.degree)
        if can_fit(calibration, one.kind)
        else None
        for one in arguments.polynomials
    ]
    stand_ins += [baseline(calibration, name) for name in BASELINES]
    work = _Work(loaded, arguments, ids, control, number)
    measured = _compare(work, stand_ins)
    errors, negative = _head_errors(head, layer.scale, stand_ins)
    nothing = np.full(len(ids), np.nan, dtype=np.float32)
    rows = [measured.get(place) for place in range(len(stand_ins))]
    return Output(
        arrays={
            "divergence": np.stack([one.divergence if one else nothing for one in rows]),
            "output_error": errors,
        },
        values={
            "agreement": [one.agreement if one else 0.0 for one in rows],
            "negative_rows": negative,
            "tokens": [loaded.tokenizer.decode([token]) for token in ids],
            "texts": [*(one.text if one else "" for one in rows), measured[-1].text],
            "head_dimension": int(layer.queries.shape[-1]),
            "score_bound": calibration.bound,
            "kept": calibration.projection.kept,
        },
    )


def _read(loaded: Any, arguments: Arguments) -> list[int]:
    refuse_missing(loaded.model, arguments.layer, arguments.head)
    (ids,) = prompts.encode(loaded, [arguments.text])
    limit = min(MAXIMUM_TOKENS, loaded.max_tokens - arguments.new_tokens)
    if not MINIMUM_TOKENS <= len(ids) <= limit:
        raise InputError(
            f"The text has {len(ids):,} token{'' if len(ids) == 1 else 's'}; the swap reads "
            f"{MINIMUM_TOKENS} to {limit:,}. {'Shorten' if len(ids) > limit else 'Lengthen'} it."
        )
    return ids


def _capture(loaded: Any, ids: list[int], arguments: Arguments) -> LayerAttention:
    import torch

    (layer,) = capture_layers(loaded.model, torch.tensor(ids), [arguments.layer])
    width = int(layer.queries.shape[-1])
    if arguments.dimension > width:
        raise InputError(
            f"The heads of this model have {width} dimensions; choose 1 to {width} to keep, not "
            f"{arguments.dimension}."
        )
    return layer


def _head_errors(
    head: Sequence[np.ndarray], scale: float, stand_ins: Sequence[StandIn | None]
) -> tuple[np.ndarray, list[Json]]:
    """Error of the head's own output relative to its size, and rows that sum to less than 0."""
    queries, keys, values = head
    allowed = causal_mask(len(queries), len(keys))
    exact = average_values(exponential_weights(scale * queries @ keys.T, allowed), values)
    size = max(float(np.linalg.norm(exact)), 1e-300)
    errors = np.full(len(stand_ins), np.nan, dtype=np.float32)
    negative: list[Json] = [0] * len(stand_ins)
    for place, stand_in in enumerate(stand_ins):
        if stand_in is not None:
            weights = stand_in(queries, keys, allowed)
            errors[place] = np.linalg.norm(average_values(weights, values) - exact) / size
            negative[place] = int((weights.sum(axis=1) < 0.0).sum())
    return errors, negative


def _compare(work: _Work, stand_ins: Sequence[StandIn | None]) -> dict[int, _Measured]:
    """Read and continue the text with the model itself (row -1) and with each stand-in."""
    wanted = [-1, *(place for place, one in enumerate(stand_ins) if one is not None)]
    size = _rows_at_once(work)
    groups = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    work.steps = len(groups) * (1 + work.arguments.new_tokens)
    measured: dict[int, _Measured] = {}
    reference: _Reference | None = None
    # NumPy's threads and torch's would wait for each other at every layer.
    with threadpool_limits(limits=1, user_api="blas"):
        for number, group in enumerate(groups, 1):
            rows = [None if place < 0 else _replacement(stand_ins[place]) for place in group]
            logits, texts = _read_and_continue(work, rows, f"group {number} of {len(groups)}")
            for place, row, text in zip(group, logits, texts, strict=True):
                reference = reference or _Reference(row)  # the model itself comes first
                measured[place] = _Measured(*reference.compare(row), text)
    return measured


def _rows_at_once(work: _Work) -> int:
    """How many rows are read together: their logits are all in memory at once."""
    row_bytes = 4 * len(work.ids) * int(work.loaded.model.config.vocab_size)
    return max(2, LOGITS_BYTES // row_bytes)


def _replacement(stand_in: StandIn | None) -> Replacement | None:
    if stand_in is None:
        return None

    def replace(q: np.ndarray, k: np.ndarray, v: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return average_values(stand_in(q, k, allowed), v)

    return replace


class _Reference:
    """The model's own distributions of the next token, ``(t, vocabulary)``, to compare with."""

    def __init__(self, logits: torch.Tensor) -> None:
        # In float32 the sum over a vocabulary of 50,000 loses the fifth digit.
        logarithms = _widen(logits).log_softmax(dim=-1)
        self._probabilities = logarithms.exp()
        self._negative_entropy = (self._probabilities * logarithms).sum(dim=-1)
        self._best = logarithms.argmax(dim=-1)

    def compare(self, logits: torch.Tensor) -> tuple[np.ndarray, float]:
        """``Σ p (ln p - ln q)`` at each position, in nats; how often the likeliest agree."""
        other = _widen(logits)
        expected = (self._probabilities * other).sum(dim=-1)
        divergence = self._negative_entropy - expected + other.logsumexp(dim=-1)
        agreement = self._best == other.argmax(dim=-1)
        return (
            divergence.clamp(min=0.0).float().cpu().numpy(),
            float(agreement.double().mean()),
        )


def _widen(logits: torch.Tensor) -> torch.Tensor:
    """The same numbers in float64, on the processor where the device has none."""
    return (logits.cpu() if logits.device.type == "mps" else logits).double()


def _read_and_continue(
    work: _Work, rows: Sequence[Replacement | None], what: str
) -> tuple[torch.Tensor, list[str]]:
    """Logits ``(rows, t, vocabulary)`` of the text and its greedy continuation in each row."""
    import torch
    from transformers import DynamicCache

    loaded, arguments = work.loaded, work.arguments
    cache = DynamicCache(config=loaded.model.config)
    ends = end_tokens(loaded)
    texts: list[list[int]] = [[] for _ in rows]
    going = [True] * len(rows)
    check = work.control.check
    with replaced_head(loaded.model, arguments.layer, arguments.head, rows, check):
        work.step(f"Reading, {what}")
        ids = torch.tensor([work.ids] * len(rows), device=loaded.device)
        logits = _forward(loaded, ids, cache)
        last = logits[:, -1]
        for count in range(arguments.new_tokens):
            chosen = last.argmax(dim=-1)
            for row, token in enumerate(chosen.tolist()):
                going[row] = going[row] and token not in ends
                if going[row]:
                    texts[row].append(token)
            work.step(f"Writing, {what}: token {count + 1} of {arguments.new_tokens}")
            if any(going) and count + 1 < arguments.new_tokens:
                last = _forward(loaded, chosen.unsqueeze(1), cache)[:, -1]
    return logits, [loaded.tokenizer.decode(text, skip_special_tokens=True) for text in texts]


def _forward(loaded: Any, ids: torch.Tensor, cache: Any) -> torch.Tensor:
    import torch

    with torch.inference_mode():
        return loaded.model(input_ids=ids, past_key_values=cache, use_cache=True).logits


SWAP_HEAD = Operation(
    name="attention.swap_head",
    version=2,
    kinds=frozenset({"causal-lm"}),
    prepare=prepare,
    run=one_by_one(measure_head),
    max_batch_items=1,
    max_batch_cost=20_000,
    summary="One attention head replaced by polynomials and baselines: the next token, the text.",
)
