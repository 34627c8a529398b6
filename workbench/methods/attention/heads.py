"""Which B do the attention heads of a real language model reach? The head atlas.

The paper (arXiv:2302.13214) is easy below B = o(√log n). This study reads every head of a model
on a text, says how large its entries and scores are, also after every exact change that shrinks
them, and what degree and rank the polynomial method would need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.special import gammaln

from workbench.errors import BugError
from workbench.methods.attention.head_statistics import NAMES, SHARES
from workbench.methods.attention.polynomial import minimum_chebyshev_degrees
from workbench.methods.attention.sweep import threshold_b
from workbench.params import Choice, Model, Range, Text, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary

TOLERANCE = 0.01
"""Relative error of each attention weight for which degree and rank are given."""

QUANTITIES: dict[str, str] = {
    "raw_bound": "B as the model has it",
    "balanced_bound": "B, queries and keys balanced",
    "per_channel_bound": "B, balanced channel by channel",
    "centred_rotated_bound": "B, keys centred, rotated, balanced",
    "max_abs_score": "Largest score |s|",
    "row_half_range": "Half the widest range of a row",
    "value_bound": "Largest value |V|",
    "needed_degree": "Degree needed for 1 %",
    "log10_needed_rank": "Rank needed for 1 % (powers of ten)",
    "first_token_weight": "Attention on the first token",
}
"""What the atlas can show, with the words for it."""

DEFAULT_TEXT = (
    "The harbour lay quiet under a thin fog when Mara untied the boat. Her brother had wanted to "
    "wait for the sun, but the tide would not wait for anybody, and the nets were an hour out. "
    "They rowed without speaking. Behind them the bell of the church struck five, then the same "
    "five again, as it always did since the storm. When the first gull cried, Mara stopped "
    "rowing, looked back at the harbour, and counted the lights: eleven, where there should have "
    "been twelve. The missing one was their own."
)

QUANTITY = Choice(
    tuple(QUANTITIES),
    "What to show",
    live=True,
    names=tuple(QUANTITIES.values()),
    help="The four kinds of B belong to queries and keys that give exactly the same attention.",
)

MAXIMUM_LAYER, MAXIMUM_HEAD = 63, 63
"""Largest numbers that can be asked for; a model says which it has."""

LAYER = Range(
    0, MAXIMUM_LAYER, 1, "Layer", live=True, help="Or click a cell of the map. Past the last: last."
)
HEAD = Range(0, MAXIMUM_HEAD, 1, "Head", live=True)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    model: Annotated[str, Model("causal-lm", "Model")] = "smollm2-135m-instruct"
    text: Annotated[
        str,
        Text(
            "Text",
            max_chars=20_000,
            min_chars=1,
            lines=6,
            help="The model reads it as it stands; up to about 2,000 tokens.",
        ),
    ] = DEFAULT_TEXT
    quantity: Annotated[str, QUANTITY] = "raw_bound"
    layer: Annotated[int, LAYER] = 18
    head: Annotated[int, HEAD] = 8

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """What the model server measured.

    Args:
        statistics: ``(layers, heads)`` float32 for each name of ``NAMES``, ``(layers, heads,
            BINS)`` for each of ``SHARES``.
        tokens: the text as the model reads it.
        head_dimension: d of a head.
    """

    statistics: Mapping[str, np.ndarray]
    tokens: tuple[str, ...]
    head_dimension: int


@dataclass(frozen=True)
class Result:
    """Maps of a model's heads.

    Args:
        params: what was asked for.
        maps: ``(layers, heads)`` for each name of ``QUANTITIES``, and the statistics without the
            first token.
        pair_shares: ``(layers, heads, BINS)`` share of all pairs near each of as many scores,
            from lowest to highest.
        attention_shares: likewise, share of all attention.
        peaks: ``(layers, heads, 2)`` positions of the query and key with the largest score.
        tokens: the text as the model reads it.
        head_dimension: d of a head.
        threshold_b: the paper's √(ln n).
    """

    params: Params
    maps: Mapping[str, np.ndarray]
    pair_shares: np.ndarray
    attention_shares: np.ndarray
    peaks: np.ndarray
    tokens: tuple[str, ...]
    head_dimension: int
    threshold_b: float


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask once for the statistics of every head, in float32."""
    answer = client.call(
        Request(
            operation="attention.head_statistics",
            model=params.model,
            arguments={"text": params.text},
            dtype="float32",
        )
    )
    tokens, dimension = answer.values["tokens"], answer.values["head_dimension"]
    if not isinstance(tokens, list) or not isinstance(dimension, int):
        raise BugError("attention.head_statistics answered without tokens or head dimension.")
    return Inputs(
        {name: answer.arrays[name] for name in (*NAMES, *SHARES)},
        tuple(str(token) for token in tokens),
        dimension,
    )


def compute(inputs: Inputs, params: Params) -> Result:
    """Add degree and rank to what was measured.

    The degree is the smallest Chebyshev degree with relative error ``TOLERANCE`` on the smallest
    interval that any shift of rows allows, half the widest row range: kinder to the method than
    the paper's B². The rank is ``C(g + d, g)`` in the head's dimension.
    """
    half_range = inputs.statistics["row_half_range"].astype(np.float64)
    # A text of one token has rows of one score: e^x is then a constant.
    spread = np.maximum(half_range, 1e-6)
    degree = minimum_chebyshev_degrees(spread.ravel(), TOLERANCE).reshape(spread.shape)
    return Result(
        params=params,
        maps={
            **{name: inputs.statistics[name] for name in NAMES},
            "needed_degree": degree,
            "log10_needed_rank": log10_rank(degree, inputs.head_dimension),
        },
        pair_shares=inputs.statistics["pair_shares"],
        attention_shares=inputs.statistics["attention_shares"],
        peaks=np.stack(
            [inputs.statistics["peak_query"], inputs.statistics["peak_key"]], axis=-1
        ).astype(np.int64),
        tokens=inputs.tokens,
        head_dimension=inputs.head_dimension,
        threshold_b=threshold_b(len(inputs.tokens)),
    )


def summarise(result: Result) -> Summary:
    """Smallest, median and largest over heads of every quantity, rounded to six digits."""
    layers, heads = result.maps["raw_bound"].shape
    below = int((result.maps["centred_rotated_bound"] < result.threshold_b).sum())
    numbers: dict[str, float | int | str | bool] = {
        "tokens": len(result.tokens),
        "layers": layers,
        "heads": heads,
        "head_dimension": result.head_dimension,
        "threshold_b": result.threshold_b,
        "heads_below_threshold": below,
        "first_token": result.tokens[0],
    }
    for name in [*QUANTITIES, "max_abs_score_without_first", "row_half_range_without_first"]:
        values = result.maps[name].astype(np.float64)
        for word, value in (
            ("min", values.min()),
            ("median", np.median(values)),
            ("max", values.max()),
        ):
            numbers[f"{name}_{word}"] = float(f"{value:.6g}")
    return numbers


def log10_rank(degree: np.ndarray, dimension: int) -> np.ndarray:
    """``log10 C(g + d, g)`` without overflow."""
    g = np.asarray(degree, dtype=np.float64)
    logs = gammaln(g + dimension + 1) - gammaln(g + 1) - gammaln(dimension + 1)
    return logs / np.log(10.0)


HEADS: Study[Params, Inputs, Result] = Study(
    slug="attention.heads",
    title="Head atlas",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
