"""How small can B become while the attention stays exactly the same? The symmetry lab.

The paper (arXiv:2302.13214) bounds the entries of queries and keys, but attention knows them only
through their scores, and those only up to a shift of each row. Four changes of one head's queries
and keys leave its output as it was (``symmetries``); here each combination of them is applied, and
the exact output compared in float64. The scores themselves set a floor: ``max|s| <= B²``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.errors import BugError, InputError
from workbench.methods.attention.causal import average_values, causal_mask, exponential_weights
from workbench.methods.attention.exact import paper_scale
from workbench.methods.attention.heads import DEFAULT_TEXT, MAXIMUM_HEAD, MAXIMUM_LAYER
from workbench.methods.attention.own_matrices import (
    MAXIMUM_MIB,
    SUFFIXES,
    Matrices,
    read_matrices,
)
from workbench.methods.attention.sweep import threshold_b
from workbench.methods.attention.symmetries import balance, balance_channels, centre_keys, rotate
from workbench.params import Flag, Model, Range, Text, Upload, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary, rounded

SYMMETRIES = ("centre", "rotate", "balance", "balance_channels")
"""In the order in which they are applied: what balances comes last, or turning would undo it."""
MAXIMUM_TOKENS = 1_024
"""Sixteen exact attentions in float64 take about five seconds at this length."""
BLOCK_ROWS = 256

Switches = tuple[bool, bool, bool, bool]
"""Which of ``SYMMETRIES`` are on."""
COMBINATIONS: tuple[Switches, ...] = tuple(
    (a, b, c, d) for a, b, c, d in itertools.product((False, True), repeat=4)
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    balance: Annotated[
        bool, Flag("Balance", live=True, help="Queries times t, keys divided by t.")
    ] = False
    balance_channels: Annotated[
        bool, Flag("Balance each channel", live=True, help="A factor t of its own for each.")
    ] = False
    centre: Annotated[
        bool, Flag("Centre the keys", live=True, help="Subtract the mean key from every key.")
    ] = False
    rotate: Annotated[
        bool, Flag("Rotate", live=True, help="Turn both by one orthogonal matrix, after RoPE.")
    ] = False
    layer: Annotated[int, Range(0, MAXIMUM_LAYER, 1, "Layer")] = 25
    head: Annotated[int, Range(0, MAXIMUM_HEAD, 1, "Head")] = 8
    model: Annotated[str, Model("causal-lm", "Model")] = "smollm2-135m-instruct"
    text: Annotated[
        str,
        Text(
            "Text",
            max_chars=10_000,
            min_chars=1,
            lines=6,
            help="The model reads it as it stands; up to 1,024 tokens.",
        ),
    ] = DEFAULT_TEXT
    matrices: Annotated[
        str,
        Upload(
            "Your own Q, K, V",
            suffixes=SUFFIXES,
            max_mib=MAXIMUM_MIB,
            help="A .npy of shape (3, n, d), or .safetensors with queries, keys and values. "
            "Scores are Q Kᵀ / √d, without a mask; the model is then not asked.",
        ),
    ] = ""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """One head.

    Args:
        queries: ``(n, d)`` as they enter the product.
        keys: ``(n, d)``.
        values: ``(n, d_v)``.
        scale: scores are ``scale * queries @ keysᵀ``.
        is_causal: whether a token sees only itself and those before it.
        tokens: the text, or nothing for uploaded matrices.
    """

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    scale: float
    is_causal: bool
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """One combination of symmetries.

    Args:
        bound: B, the largest entry of queries and keys in the paper's scaling.
        largest_score: a, the largest absolute score of an allowed pair.
        half_range: half the widest range of scores within a row.
        output_change: largest absolute change of the exact output.
        query_channels: ``(d,)`` largest absolute entry of each channel of the queries.
        key_channels: ``(d,)`` likewise of the keys.
    """

    bound: float
    largest_score: float
    half_range: float
    output_change: float
    query_channels: np.ndarray
    key_channels: np.ndarray


@dataclass(frozen=True)
class Result:
    """One head under every combination of symmetries.

    Args:
        params: what was asked for.
        states: by switches, in the order of ``SYMMETRIES``.
        tokens: number of tokens n.
        dimension: d of the head.
        threshold_b: the paper's √(ln n).
        largest_value: ``max|V|``.
    """

    params: Params
    states: Mapping[Switches, State]
    tokens: int
    dimension: int
    threshold_b: float
    largest_value: float


def gather(client: ModelClient, params: Params) -> Inputs:
    """One head's queries, keys and values: from the upload, or captured in float32."""
    if params.matrices:
        own = read_matrices(params.matrices, maximum_rows=MAXIMUM_TOKENS)
        return from_matrices(own)
    answer = client.call(
        Request(
            operation="language.capture_attention",
            model=params.model,
            arguments={"prompt": params.text, "layers": [params.layer], "heads": [params.head]},
            dtype="float32",
        )
    )
    tokens, scale = answer.values["tokens"], answer.values["scale"]
    if not isinstance(tokens, list) or not isinstance(scale, (int, float)):
        raise BugError("language.capture_attention answered without tokens or scale.")
    if not 2 <= len(tokens) <= MAXIMUM_TOKENS:
        raise InputError(
            f"The text has {len(tokens):,} token{'' if len(tokens) == 1 else 's'}; the symmetry "
            f"lab reads 2 to {MAXIMUM_TOKENS:,}. "
            f"{'Lengthen' if len(tokens) < 2 else 'Shorten'} it."
        )
    return Inputs(
        queries=answer.arrays["queries"][0, 0],
        keys=answer.arrays["keys"][0, 0],
        values=answer.arrays["values"][0, 0],
        scale=float(scale),
        is_causal=bool(answer.values["is_causal"]),
        tokens=tuple(str(token) for token in tokens),
    )


def from_matrices(own: Matrices) -> Inputs:
    """Uploaded matrices as one head without a mask, with the usual scale 1/√d."""
    scale = own.queries.shape[1] ** -0.5
    return Inputs(own.queries, own.keys, own.values, scale, is_causal=False)


def compute(inputs: Inputs, params: Params) -> Result:
    """Apply every combination in float64 and compare the exact output with the original's."""
    factor = paper_scale(inputs.queries.shape[1], inputs.scale)
    queries, keys = (factor * x.astype(np.float64) for x in (inputs.queries, inputs.keys))
    values = inputs.values.astype(np.float64)
    expected, _ = _attend(queries, keys, values, is_causal=inputs.is_causal)
    states: dict[Switches, State] = {}
    for switches in COMBINATIONS:
        q, k = transform(queries, keys, switches)
        output, (largest, half_range) = _attend(q, k, values, is_causal=inputs.is_causal)
        states[switches] = State(
            bound=float(max(np.abs(q).max(), np.abs(k).max())),
            largest_score=largest,
            half_range=half_range,
            output_change=float(np.abs(output - expected).max()),
            query_channels=np.abs(q).max(axis=0),
            key_channels=np.abs(k).max(axis=0),
        )
    return Result(
        params=params,
        states=states,
        tokens=len(keys),
        dimension=queries.shape[1],
        threshold_b=threshold_b(len(keys)),
        largest_value=float(np.abs(values).max()),
    )


def transform(
    queries: np.ndarray, keys: np.ndarray, switches: Switches
) -> tuple[np.ndarray, np.ndarray]:
    """Queries and keys ``(n, d)`` after the symmetries that are on."""
    q, k = queries[None], keys[None]
    centred, rotated, balanced, by_channel = switches
    if centred:
        k = centre_keys(k)
    if rotated:
        q, k = rotate(q, k)
    if balanced:
        q, k = balance(q, k)
    if by_channel:
        q, k = balance_channels(q, k)
    return q[0], k[0]


def chosen(params: Params) -> Switches:
    """The switches as the controls stand."""
    return (params.centre, params.rotate, params.balance, params.balance_channels)


def summarise(result: Result) -> Summary:
    """B, a and the change of the output: as the model has it, with everything on, and chosen."""
    numbers: dict[str, float | int | str | bool] = {
        "tokens": result.tokens,
        "head_dimension": result.dimension,
        "threshold_b": result.threshold_b,
        "largest_value": result.largest_value,
        "smallest_bound": min(state.bound for state in result.states.values()),
        # Rounding differs between processors; that it stays tiny does not.
        "output_is_unchanged": max(s.output_change for s in result.states.values()) <= 1e-5,
    }
    for name, switches in (
        ("raw", COMBINATIONS[0]),
        ("all", COMBINATIONS[-1]),
        ("chosen", chosen(result.params)),
    ):
        state = result.states[switches]
        numbers |= {
            f"{name}_bound": state.bound,
            f"{name}_largest_score": state.largest_score,
            f"{name}_row_half_range": state.half_range,
        }
    return rounded(numbers)


def _attend(
    queries: np.ndarray, keys: np.ndarray, values: np.ndarray, *, is_causal: bool
) -> tuple[np.ndarray, tuple[float, float]]:
    """Exact output ``(n, d_v)``, with the largest score and half the widest range of a row."""
    outputs: list[np.ndarray] = []
    largest, widest = 0.0, 0.0
    for start in range(0, len(queries), BLOCK_ROWS):
        block = queries[start : start + BLOCK_ROWS]
        seen = start + len(block) if is_causal else len(keys)
        shape = (len(block), seen)
        allowed = causal_mask(*shape) if is_causal else np.ones(shape, dtype=bool)
        scores = block @ keys[:seen].T / queries.shape[1]
        highest = np.where(allowed, scores, -np.inf).max(axis=1)
        lowest = np.where(allowed, scores, np.inf).min(axis=1)
        largest = max(largest, float(np.abs([highest, lowest]).max()))
        widest = max(widest, float((highest - lowest).max()))
        outputs.append(average_values(exponential_weights(scores, allowed), values[:seen]))
    return np.concatenate(outputs), (largest, widest / 2.0)


SYMMETRY_LAB: Study[Params, Inputs, Result] = Study(
    slug="attention.symmetries",
    title="Symmetry lab",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
