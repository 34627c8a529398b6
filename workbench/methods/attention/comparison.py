"""Is the polynomial any better than what others do with the same budget? The comparison.

Alman and Song (arXiv:2302.13214) ask when any fast method can exist. Here theirs stands beside
methods that are used, on the same matrices, with the same number of columns, features, landmarks
or keys, and beside the trivial answer, the mean of V.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.attention.inputs import GENERATORS, make_inputs
from workbench.methods.attention.peers.contest import METHODS, PEERS, Contest, hold_contest
from workbench.methods.attention.polynomial import KINDS, NAMES
from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

BOUND_B = Range(
    0.25,
    4.0,
    0.25,
    "Largest entry B",
    live=True,
    help="Every query and key entry lies between −B and B, so scores reach up to B².",
)
LOG2_BUDGET = Range(
    3,
    8,
    1,
    "Budget m, as a power of two",
    live=True,
    help="m columns, random features, landmarks or keys a query: 3 means 8, 8 means 256.",
)
KIND = Choice(
    KINDS,
    "Polynomial",
    live=True,
    names=NAMES,
    help="It takes the highest degree whose factors have at most m columns.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    bound_b: Annotated[float, BOUND_B] = 2.0
    log2_budget: Annotated[int, LOG2_BUDGET] = 6
    generator: Annotated[
        str,
        Choice(
            tuple(GENERATORS),
            "Queries and keys",
            names=("Uniform", "Clustered", "Needle", "Planted ±B"),
            help="Needle: each query has one key that points its way.",
        ),
    ] = "uniform"
    kind: Annotated[str, KIND] = "taylor"
    tokens: Annotated[
        int,
        Range(256, 1024, 64, "Tokens n", help="A budget of n lets most methods read everything."),
    ] = 512
    dimension: Annotated[
        int,
        Range(1, 8, 1, "Dimension d of a head", help="The polynomial pays dearly for it."),
    ] = 4
    seed: Annotated[
        int, Range(0, 2**31 - 1, 1, "Random seed", help="Of the matrices and of every draw.")
    ] = 0

    def __post_init__(self) -> None:
        check(self)

    @property
    def budget(self) -> int:
        """How many columns, features, landmarks or keys m is."""
        return 2**self.log2_budget


@dataclass(frozen=True)
class Inputs:
    """Matrices with entries in [-1, 1].

    Args:
        queries: ``(n, d)`` float64.
        keys: ``(n, d)`` float64.
        values: ``(n, d)`` float64.
    """

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Result:
    """What was asked for, and every position of the live controls."""

    params: Params
    contest: Contest

    def place(self) -> tuple[int, int]:
        """Indices of the chosen budget and B, the nearest position of each."""
        budget = int(np.abs(self.contest.budgets - self.params.budget).argmin())
        return budget, int(np.abs(self.contest.bounds_b - self.params.bound_b).argmin())


def gather(client: ModelClient, params: Params) -> Inputs:  # noqa: ARG001  needs no model
    """Make the matrices, without the server's help."""
    return Inputs(
        *make_inputs(
            params.generator, tokens=params.tokens, dimension=params.dimension, seed=params.seed
        )
    )


def compute(inputs: Inputs, params: Params) -> Result:
    """Let every method answer at every position of the live controls."""
    contest = hold_contest(
        (inputs.queries, inputs.keys, inputs.values),
        BOUND_B.positions(),
        [2 ** int(log2) for log2 in LOG2_BUDGET.positions()],
        seed=params.seed,
    )
    return Result(params, contest)


def summarise(result: Result) -> Summary:
    """Errors and work at the position of the live controls nearest to the chosen one.

    To six digits: those after depend on the order in which a processor adds.
    """
    contest, params = result.contest, result.params
    m, b = result.place()
    numbers: dict[str, float | int | str | bool] = {
        "budget": params.budget,
        "degree": int(contest.degrees[m]),
        "columns": int(contest.columns[m]),
        "effective_keys": float(contest.effective_keys[b]),
        "exact_work": contest.exact_work,
    }
    for name in METHODS:
        p = METHODS.index(name)
        numbers[f"{name}_error"] = float(contest.error[p, m, b])
        numbers[f"{name}_work"] = int(contest.work[p, m])
    for peer in PEERS:
        if peer.is_random:
            p = METHODS.index(peer.name)
            numbers[f"{peer.name}_error_low"] = float(contest.error_low[p, m, b])
            numbers[f"{peer.name}_error_high"] = float(contest.error_high[p, m, b])
    return rounded(numbers)


COMPARISON: Study[Params, Inputs, Result] = Study(
    slug="attention.peers",
    title="Other methods",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
