"""Who decides what where? Two models that each see one number, and all their regions.

The zero-shot model sees x, the fine-tuned one y; three classes are Gaussians with unit variance in
each and correlation ρ between them. All scores are linear, so every region is a convex polygon and
every accuracy an integral of a normal density over one, in one dimension by quadrature and in the
other by the normal distribution function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.special import ndtr

from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

TILT_PRETRAIN = Range(
    0.0,
    4.0,
    0.5,
    "Tilt of the pre-training prior",
    live=True,
    help="Pre-training saw class A most; 0 is balanced.",
)
TILT_DOWNSTREAM = Range(
    0.0,
    4.0,
    0.5,
    "Tilt of the fine-tuning prior",
    live=True,
    help="Fine-tuning saw class C most; 0 is balanced.",
)
CORRELATION = Range(
    0.0,
    0.9,
    0.1,
    "Correlation ρ of x and y",
    live=True,
    help="Above 0 the two models err together, and adding their logits counts evidence twice.",
)
LAYOUTS: dict[str, tuple[tuple[float, float], ...]] = {
    "triangle": ((-1.2, -0.9), (1.2, -0.5), (0.0, 1.3)),
    "diagonal": ((-1.6, -1.6), (0.0, 0.0), (1.6, 1.6)),
    "complementary": ((-1.4, -0.9), (1.0, -1.1), (1.2, 1.1)),
}
"""Means (x, y) of the classes A, B and C."""
CLASSES = 3
METHODS = ("zero_shot", "fine_tuned", "ensemble", "gla", "bayes")
METHOD_NAMES = ("Zero-shot", "Fine-tuned", "Plain ensemble", "GLA", "Best possible")
EDGE = 4.0
"""The map reaches from -4 to 4 in both numbers."""
NODES = 1_201
REACH = 8.0
_NODES = np.linspace(-REACH, REACH, NODES)
_DENSITY = np.exp(-0.5 * _NODES**2) / np.sqrt(2.0 * np.pi)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    tilt_pretrain: Annotated[float, TILT_PRETRAIN] = 2.0
    tilt_downstream: Annotated[float, TILT_DOWNSTREAM] = 2.0
    correlation: Annotated[float, CORRELATION] = 0.0
    layout: Annotated[
        str,
        Choice(
            tuple(LAYOUTS),
            "Where the classes lie",
            names=("Triangle", "On a diagonal", "Complementary"),
            help="Complementary: x tells A from the rest, y tells C.",
        ),
    ] = "triangle"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Rule:
    """Linear scores ``w_k · (x, y) + c_k`` of every class.

    Args:
        weights: ``(k, 2)``.
        constants: ``(k,)``.
    """

    weights: np.ndarray
    constants: np.ndarray


@dataclass(frozen=True)
class Result:
    """Regions and accuracies; the first axes follow the live controls.

    Args:
        params: what was asked for.
        means: ``(k, 2)`` class means.
        tilts: ``(t,)`` positions of both tilts.
        correlations: ``(r,)``.
        rules: by method, an array of rules whose axes are those that ``DEPENDS`` names.
        accuracy: ``(methods, p, s, r)`` exact accuracy on balanced classes.
    """

    params: Params
    means: np.ndarray
    tilts: np.ndarray
    correlations: np.ndarray
    rules: dict[str, np.ndarray]
    accuracy: np.ndarray


LIVE = ("tilt_pretrain", "tilt_downstream", "correlation")
DEPENDS: dict[str, tuple[str, ...]] = {
    "zero_shot": ("tilt_pretrain",),
    "fine_tuned": ("tilt_downstream",),
    "ensemble": ("tilt_pretrain", "tilt_downstream"),
    "gla": (),
    "bayes": ("correlation",),
}
"""Which live controls move a method's regions; GLA's know nothing of the priors."""


def log_prior(tilt: float, order: tuple[int, ...]) -> np.ndarray:
    """``(k,)`` log of ``1 / rank^tilt``, normalised; ``order`` is the rank of each class."""
    weights = -tilt * np.log(np.array(order, dtype=float))
    return weights - np.log(np.exp(weights).sum())


def gather(client: ModelClient, params: Params) -> np.ndarray:  # noqa: ARG001  needs no model
    """The class means."""
    return np.array(LAYOUTS[params.layout])


def compute(means: np.ndarray, params: Params) -> Result:
    """Rules of all methods at all positions, and their exact accuracies."""
    tilts = np.array(TILT_PRETRAIN.positions())
    correlations = np.array(CORRELATION.positions())
    first = [
        Rule(means * [1.0, 0.0], -0.5 * means[:, 0] ** 2 + log_prior(t, (1, 2, 3))) for t in tilts
    ]
    last = [
        Rule(means * [0.0, 1.0], -0.5 * means[:, 1] ** 2 + log_prior(t, (3, 2, 1))) for t in tilts
    ]
    rules = {
        "zero_shot": np.array(first, dtype=object),
        "fine_tuned": np.array(last, dtype=object),
        "ensemble": np.array([[_add(p, s) for s in last] for p in first], dtype=object),
        # both priors taken out: what is left is the sum of the likelihoods
        "gla": np.array(Rule(means, -0.5 * (means**2).sum(axis=1)), dtype=object),
        "bayes": np.array([_best(means, rho) for rho in correlations], dtype=object),
    }
    accuracy = np.empty((len(METHODS), len(tilts), len(tilts), len(correlations)))
    for m, method in enumerate(METHODS):
        for place, rule in np.ndenumerate(rules[method]):
            moved = dict(zip(DEPENDS[method], place, strict=True))
            chosen = moved.get("correlation")
            for r in range(len(correlations)) if chosen is None else (chosen,):
                where = [moved.get(name, slice(None)) for name in LIVE[:2]]
                accuracy[m][(*where, r)] = exact_accuracy(rule, means, correlations[r])
    return Result(params, means, tilts, correlations, rules, accuracy)


def _add(one: Rule, other: Rule) -> Rule:
    return Rule(one.weights + other.weights, one.constants + other.constants)


def _best(means: np.ndarray, correlation: float) -> Rule:
    """The rule that knows ρ: linear discriminant analysis with the true covariance."""
    precision = np.linalg.inv([[1.0, correlation], [correlation, 1.0]])
    weights = means @ precision
    return Rule(weights, -0.5 * (weights * means).sum(axis=1))


def exact_accuracy(rule: Rule, means: np.ndarray, correlation: float) -> float:
    """Mean over classes of the probability that a class's own score is the largest.

    Args:
        rule: linear scores.
        means: ``(k, 2)`` class means.
        correlation: ρ of the two numbers' unit-variance noise.
    """
    weights = rule.weights
    if not weights[:, 1].any():  # regions are stripes: integrate across the other number
        weights, means = weights[:, ::-1], means[:, ::-1]
    found = [
        _own_share(weights, rule.constants, means[k], correlation, k) for k in range(len(means))
    ]
    return float(np.mean(found))


def _own_share(
    weights: np.ndarray, constants: np.ndarray, mean: np.ndarray, correlation: float, k: int
) -> float:
    x = mean[0] + _NODES
    centre, spread = mean[1] + correlation * _NODES, np.sqrt(1.0 - correlation**2)
    low, high = np.full(NODES, -np.inf), np.full(NODES, np.inf)
    for j in range(len(weights)):
        if j == k:
            continue
        slope = weights[k, 1] - weights[j, 1]
        needed = constants[j] - constants[k] - (weights[k, 0] - weights[j, 0]) * x
        if abs(slope) < 1e-12:
            loses = needed > 0.0 if j > k else needed >= 0.0  # of equals the first is guessed
            high = np.where(loses, -np.inf, high)
        elif slope > 0.0:
            low = np.maximum(low, needed / slope)
        else:
            high = np.minimum(high, needed / slope)
    inside = ndtr((high - centre) / spread) - ndtr((low - centre) / spread)
    return float((np.maximum(inside, 0.0) * _DENSITY).sum() * (_NODES[1] - _NODES[0]))


def region(rule: Rule, k: int) -> np.ndarray:
    """``(v, 2)`` corners of the part of the map where class k wins; none where it wins nowhere."""
    corners = EDGE * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    for j in range(len(rule.constants)):
        if j == k or not len(corners):
            continue
        lead = corners @ (rule.weights[k] - rule.weights[j]) + (
            rule.constants[k] - rule.constants[j]
        )
        kept: list[np.ndarray] = []
        for a, b in zip(range(len(corners)), np.roll(range(len(corners)), -1), strict=True):
            if lead[a] >= 0.0:
                kept.append(corners[a])
            if lead[a] * lead[b] < 0.0:
                share = lead[a] / (lead[a] - lead[b])
                kept.append(corners[a] + share * (corners[b] - corners[a]))
        corners = np.array(kept).reshape(-1, 2)
    return corners


def summarise(result: Result) -> Summary:
    """Exact accuracies at the chosen priors and correlation."""
    params = result.params
    p, s, r = (
        int(np.argmin(np.abs(positions - value)))
        for positions, value in (
            (result.tilts, params.tilt_pretrain),
            (result.tilts, params.tilt_downstream),
            (result.correlations, params.correlation),
        )
    )
    return {
        f"accuracy_{method}": float(f"{result.accuracy[m, p, s, r]:.9g}")
        for m, method in enumerate(METHODS)
    }


MAP: Study[Params, np.ndarray, Result] = Study(
    slug="gla.map",
    title="Decision map",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
