"""Does a model notice when one head is replaced by the low-rank polynomial? A drop-in swap.

The method (arXiv:2302.13214) approximates attention; what matters in a model is the next word.
One head is replaced inside the model's own forward pass and everything after it reads the result.
Departures from the paper, all said on the page: the model is causal, so each row is normalised over
what it may see; keys are centred, which changes nothing; queries and keys are cut to the d'
dimensions that hold most of the scores (``projection``), because d = 64 is far out of reach; and
the range a is that of the scores on this text, smaller than B².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.errors import BugError
from workbench.methods.attention.heads import DEFAULT_TEXT, MAXIMUM_HEAD, MAXIMUM_LAYER
from workbench.methods.attention.low_rank import rank
from workbench.methods.attention.polynomial import KINDS, NAMES
from workbench.methods.attention.stand_ins import BASELINES
from workbench.params import Choice, Model, Range, Text, check
from workbench.server.api import Json, ModelClient, Request
from workbench.study import Study, Summary, rounded

DEGREE = Range(
    2, 12, 2, "Degree g", live=True, help="Of the polynomial; even, as odd ones turn negative."
)
DEGREES = tuple(int(g) for g in DEGREE.positions())


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    layer: Annotated[int, Range(0, MAXIMUM_LAYER, 1, "Layer")] = 0
    head: Annotated[int, Range(0, MAXIMUM_HEAD, 1, "Head")] = 8
    degree: Annotated[int, DEGREE] = 4
    kind: Annotated[str, Choice(KINDS, "Polynomial", live=True, names=NAMES)] = "taylor"
    dimension: Annotated[
        int,
        Range(
            1,
            16,
            1,
            "Dimensions kept d'",
            help="Of the head's 64, say; chosen by the singular values of its scores.",
        ),
    ] = 8
    model: Annotated[str, Model("causal-lm", "Model")] = "smollm2-135m-instruct"
    text: Annotated[
        str,
        Text(
            "Text",
            max_chars=4_000,
            min_chars=1,
            lines=6,
            help="The model reads it as it stands and continues it; up to 400 tokens.",
        ),
    ] = DEFAULT_TEXT
    new_tokens: Annotated[int, Range(0, 48, 4, "Tokens to write")] = 24

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """What the model server measured; rows r are kinds times degrees, then ``BASELINES``.

    Args:
        divergence: ``(r, t)`` in nats.
        output_error: ``(r,)`` error of the head's output as a share of its size.
        agreement: r shares of the positions with the same likeliest token.
        negative_rows: r counts of positions whose weights sum to less than 0.
        tokens: the text as the model reads it.
        texts: continuations of the r rows, then of the model itself.
        head_dimension: d of a head.
        score_bound: a, the largest score of the projected head.
        kept: share of the squared scores that the projection keeps.
    """

    divergence: np.ndarray
    output_error: np.ndarray
    agreement: tuple[float, ...]
    negative_rows: tuple[int, ...]
    tokens: tuple[str, ...]
    texts: tuple[str, ...]
    head_dimension: int
    score_bound: float
    kept: float


@dataclass(frozen=True)
class Effect:
    """What one stand-in does to the model.

    Args:
        divergence: ``(t,)`` Kullback-Leibler divergence of the next token at each position, nats.
        mean_divergence: its mean.
        max_divergence: its largest.
        agreement: share of positions with the same likeliest token, in [0, 1].
        output_error: error of the head's own output as a share of its size.
        negative_rows: positions whose weights sum to less than 0.
        text: the continuation.
        is_available: whether the polynomial could be had at all.
    """

    divergence: np.ndarray
    mean_divergence: float
    max_divergence: float
    agreement: float
    output_error: float
    negative_rows: int
    text: str
    is_available: bool


@dataclass(frozen=True)
class Result:
    """The effect of every stand-in.

    Args:
        params: what was asked for.
        polynomials: effect of each kind and degree.
        baselines: effect of each of ``BASELINES``.
        text: the model's own continuation.
        tokens: the text as the model reads it.
        head_dimension: d of a head.
        score_bound: a, the largest score of the projected head.
        kept: share of the squared scores that the projection keeps.
        ranks: columns of the low-rank factors at each degree, in the dimensions kept.
    """

    params: Params
    polynomials: dict[tuple[str, int], Effect]
    baselines: dict[str, Effect]
    text: str
    tokens: tuple[str, ...]
    head_dimension: int
    score_bound: float
    kept: float
    ranks: dict[int, int]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask once for every kind and degree, in float32."""
    polynomials: list[Json] = [
        {"kind": kind, "degree": degree} for kind in KINDS for degree in DEGREES
    ]
    answer = client.call(
        Request(
            operation="attention.swap_head",
            model=params.model,
            arguments={
                "text": params.text,
                "layer": params.layer,
                "head": params.head,
                "dimension": params.dimension,
                "polynomials": polynomials,
                "new_tokens": params.new_tokens,
            },
            dtype="float32",
        )
    )
    values, arrays = answer.values, answer.arrays
    return Inputs(
        arrays["divergence"],
        arrays["output_error"],
        tuple(_number(share) for share in _list(values["agreement"])),
        tuple(int(_number(count)) for count in _list(values["negative_rows"])),
        tuple(str(token) for token in _list(values["tokens"])),
        tuple(str(text) for text in _list(values["texts"])),
        int(_number(values["head_dimension"])),
        _number(values["score_bound"]),
        _number(values["kept"]),
    )


def compute(inputs: Inputs, params: Params) -> Result:
    """Name what was measured."""
    effects = [_effect(inputs, row) for row in range(len(inputs.divergence))]
    pairs = [(kind, degree) for kind in KINDS for degree in DEGREES]
    return Result(
        params=params,
        polynomials=dict(zip(pairs, effects[: len(pairs)], strict=True)),
        baselines=dict(zip(BASELINES, effects[len(pairs) :], strict=True)),
        text=inputs.texts[-1],
        tokens=inputs.tokens,
        head_dimension=inputs.head_dimension,
        score_bound=inputs.score_bound,
        kept=inputs.kept,
        ranks={degree: rank(degree, params.dimension) for degree in DEGREES},
    )


def summarise(result: Result) -> Summary:
    """The effect of the chosen polynomial and of the baselines, rounded to six digits."""
    params = result.params
    chosen = result.polynomials[params.kind, params.degree]
    numbers: dict[str, float | int | str | bool] = {
        "tokens": len(result.tokens),
        "head_dimension": result.head_dimension,
        "rank": result.ranks[params.degree],
        "score_bound": result.score_bound,
        "kept": result.kept,
        "is_available": chosen.is_available,
    }
    effects = {"polynomial": chosen} if chosen.is_available else {}
    for name, effect in (effects | result.baselines).items():
        numbers |= {
            f"{name}_mean_divergence": effect.mean_divergence,
            f"{name}_max_divergence": effect.max_divergence,
            f"{name}_agreement": effect.agreement,
            f"{name}_output_error": effect.output_error,
            f"{name}_writes_the_same": effect.text == result.text,
        }
    return rounded(numbers)


def _effect(inputs: Inputs, row: int) -> Effect:
    divergence = inputs.divergence[row].astype(np.float64)
    return Effect(
        divergence=divergence,
        mean_divergence=float(divergence.mean()),
        max_divergence=float(divergence.max()),
        agreement=inputs.agreement[row],
        output_error=float(inputs.output_error[row]),
        negative_rows=inputs.negative_rows[row],
        text=inputs.texts[row],
        is_available=bool(np.isfinite(inputs.output_error[row])),
    )


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise BugError("attention.swap_head answered without one of its lists.")
    return value


def _number(value: Json) -> float:
    if not isinstance(value, (int, float)):
        raise BugError("attention.swap_head answered without its numbers.")
    return float(value)


SWAP: Study[Params, Inputs, Result] = Study(
    slug="attention.swap",
    title="Swap a head",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
