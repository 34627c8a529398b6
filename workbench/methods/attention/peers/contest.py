"""Every way of approximating attention, each with the same budget m, on the same matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.attention.approximate import factored_attention
from workbench.methods.attention.exact import exact_attention
from workbench.methods.attention.low_rank import rank
from workbench.methods.attention.peers import work
from workbench.methods.attention.peers.favor import favor_attention
from workbench.methods.attention.peers.importance import importance_sampling_attention
from workbench.methods.attention.peers.mean import mean_of_values
from workbench.methods.attention.peers.nystrom import nystrom_attention
from workbench.methods.attention.peers.uniform import uniform_sampling_attention
from workbench.methods.attention.peers.window import sliding_window_attention
from workbench.methods.attention.polynomial import KINDS, ExponentialPolynomial, fit_grid

Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]

DRAWS = 5
"""Seeds of every random method; the middle one of their errors is shown, with quartiles."""
LARGEST_DEGREE = 24
"""A budget that would allow more buys no more: the errors are rounding by then."""


@dataclass(frozen=True)
class Peer:
    """One method with a budget.

    Args:
        name: its slug.
        attend: ``(q, k, v, budget, seed)`` to the output; the seed matters to random ones only.
        work: ``(tokens, dimension, budget)`` to counted multiply-adds.
        is_random: whether its output depends on a draw.
    """

    name: str
    attend: Callable[[np.ndarray, np.ndarray, np.ndarray, int, int], np.ndarray]
    work: Callable[[int, int, int], int]
    is_random: bool


PEERS: tuple[Peer, ...] = (
    Peer(
        "favor",
        lambda q, k, v, m, seed: favor_attention(q, k, v, features=m, seed=seed),
        work.favor_work,
        is_random=True,
    ),
    Peer(
        "nystrom",
        lambda q, k, v, m, _: nystrom_attention(q, k, v, landmarks=m),
        work.nystrom_work,
        is_random=False,
    ),
    Peer(
        "uniform",
        lambda q, k, v, m, seed: uniform_sampling_attention(q, k, v, samples=m, seed=seed),
        work.sampling_work,
        is_random=True,
    ),
    Peer(
        "importance",
        lambda q, k, v, m, seed: importance_sampling_attention(
            q, k, v, block=m - m // 2, samples=m // 2, seed=seed
        ),
        lambda n, d, m: work.importance_work(n, d, m - m // 2, m // 2),
        is_random=True,
    ),
    Peer(
        "window",
        lambda q, k, v, m, _: sliding_window_attention(q, k, v, window=m),
        work.window_work,
        is_random=False,
    ),
    Peer(
        "mean",
        lambda q, k, v, m, _: mean_of_values(q, k, v),  # noqa: ARG005  it spends no budget
        lambda n, d, m: work.mean_work(n, d),  # noqa: ARG005
        is_random=False,
    ),
)
"""The peers of the polynomial, the trivial one last."""

METHODS: tuple[str, ...] = (*KINDS, *(peer.name for peer in PEERS))
"""Axis of the methods: three kinds of polynomial, then the peers."""


@dataclass(frozen=True)
class Contest:
    """Errors of all methods; axes are (method, budget m, B).

    Args:
        bounds_b: ``(b,)`` the values of B.
        budgets: ``(m,)`` columns, features, landmarks or keys a query may use.
        degrees: ``(m,)`` degree of the polynomial that each budget pays for.
        columns: ``(m,)`` columns that this degree needs, at most the budget from d + 1 on.
        error: ``(method, m, b)`` ``max_ij |T - Att|``, the median over draws.
        error_low, error_high: ``(method, m, b)`` quartiles over draws; the same as ``error`` for
            methods without chance.
        work: ``(method, m)`` counted multiply-adds.
        exact_work: the same of exact attention.
        effective_keys: ``(b,)`` over how many keys a query spreads its attention: e to the
            entropy of its weights, the median over queries.
    """

    bounds_b: np.ndarray
    budgets: np.ndarray
    degrees: np.ndarray
    columns: np.ndarray
    error: np.ndarray
    error_low: np.ndarray
    error_high: np.ndarray
    work: np.ndarray
    exact_work: int
    effective_keys: np.ndarray


def hold_contest(
    matrices: Matrices, bounds_b: Sequence[float], budgets: Sequence[int], *, seed: int
) -> Contest:
    """Let every method answer with every budget at every B, random ones ``DRAWS`` times.

    Args:
        matrices: queries and keys ``(n, d)`` with entries in [-1, 1], and values ``(n, d)``.
        bounds_b: the values of B, each above 0.
        budgets: whole numbers from 2 to n.
        seed: of the draws; the same draws serve every method, budget and B.
    """
    queries, keys, values = matrices
    tokens, dimension = queries.shape
    degrees = [affordable_degree(m, dimension) for m in budgets]
    columns = [rank(g, dimension) for g in degrees]
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(DRAWS)]
    shape = (len(METHODS), len(budgets), len(bounds_b))
    quartiles = np.empty((3, *shape))
    effective = np.empty(len(bounds_b))
    for b, bound in enumerate(bounds_b):
        q, k = bound * queries, bound * keys
        exact = exact_attention(q, k, values)
        effective[b] = effective_keys(q, k)
        for m, budget in enumerate(budgets):
            for p, polynomial in enumerate(_polynomials(bounds_b, degrees[m], b)):
                output, _ = factored_attention(q, k, values, polynomial)
                quartiles[:, p, m, b] = np.abs(output - exact).max()
            for p, peer in enumerate(PEERS, start=len(KINDS)):
                drawn = seeds if peer.is_random else seeds[:1]
                errors = [np.abs(peer.attend(q, k, values, budget, s) - exact).max() for s in drawn]
                quartiles[:, p, m, b] = np.quantile(errors, (0.25, 0.5, 0.75))
    counted = [[work.polynomial_work(tokens, dimension, c) for c in columns]] * len(KINDS)
    counted += [[peer.work(tokens, dimension, m) for m in budgets] for peer in PEERS]
    return Contest(
        bounds_b=np.asarray(bounds_b, dtype=np.float64),
        budgets=np.asarray(budgets),
        degrees=np.asarray(degrees),
        columns=np.asarray(columns),
        error=quartiles[1],
        error_low=quartiles[0],
        error_high=quartiles[2],
        work=np.asarray(counted, dtype=np.int64),
        exact_work=work.exact_work(tokens, dimension),
        effective_keys=effective,
    )


def affordable_degree(budget: int, dimension: int) -> int:
    """The largest degree whose factors have at most ``budget`` columns; 0 where none has."""
    return max(g for g in range(LARGEST_DEGREE + 1) if g == 0 or rank(g, dimension) <= budget)


def effective_keys(queries: np.ndarray, keys: np.ndarray) -> float:
    """Over how many keys a query spreads its attention: ``exp(-Σ w ln w)``, median over queries.

    The perplexity of its weights: n when they are all equal, 1 when one holds everything.
    """
    scores = queries @ keys.T / queries.shape[1]
    scores -= scores.max(axis=1, keepdims=True)
    weights = np.exp(scores)
    sums = weights.sum(axis=1)
    entropy = np.log(sums) - np.einsum("nm,nm->n", weights, scores) / sums
    return float(np.exp(np.median(entropy)))


def _polynomials(
    bounds_b: Sequence[float], degree: int, chosen: int
) -> tuple[ExponentialPolynomial, ...]:
    """One polynomial of each kind on [-B², B²] for the chosen B; all B are fitted at once."""
    bounds = tuple(float(b) ** 2 for b in bounds_b)
    found = []
    for kind in KINDS:
        coefficients, errors = fit_grid(bounds, degree, kind)
        found.append(
            ExponentialPolynomial(
                kind, degree, bounds[chosen], coefficients[chosen], float(errors[chosen])
            )
        )
    return tuple(found)
