"""The authors' own solver of the prior: simultaneous gradient descent and ascent, with its path.

Semantics of the official few-shot code of arXiv:2310.08106: q starts uniform, the multipliers at
0; plain gradient steps, all at once, with one learning rate; the multipliers of the positivity
constraints are kept at 0 or above; q itself is neither projected nor normalised. The official
learning rate, 1e-5 (n / k) / 50, is made for k = 1,000: with few classes it barely moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.gla.checking import checked_labels, checked_logits, refuse_empty_classes

OFFICIAL_ITERATIONS = 1_000


@dataclass(frozen=True)
class DescentAscentPath:
    """Where the solver went; entry t is the state after t iterations.

    Args:
        prior: ``(t, k)`` q as it is, not normalised.
        multiplier: ``(t,)`` λ of the constraint that q sums to 1.
        loss: ``(t,)`` mean cross-entropy.
        failed_at: the first iteration at which an entry of q was no longer positive, where the
            logarithm ends; ``None`` if there was none. The path stops before it.
    """

    prior: np.ndarray
    multiplier: np.ndarray
    loss: np.ndarray
    failed_at: int | None

    def log_prior(self, iteration: int = -1) -> np.ndarray:
        """``(k,)`` normalised log prior after an iteration, the last one if not said."""
        return np.log(self.prior[iteration] / self.prior[iteration].sum())


def official_learning_rate(pictures: int, classes: int) -> float:
    """The learning rate of the official code for n labelled pictures of k classes."""
    return 1e-5 * (pictures / classes) / 50.0


def descend_ascend(
    zero_shot_logits: np.ndarray,
    labels: np.ndarray,
    *,
    learning_rate: float,
    iterations: int = OFFICIAL_ITERATIONS,
) -> DescentAscentPath:
    """Run the official solver and keep every step.

    Args:
        zero_shot_logits: ``(n, k)``.
        labels: ``(n,)`` whole numbers from 0 to k - 1.
        learning_rate: of q and of both kinds of multipliers.
        iterations: steps over all pictures.

    Raises:
        InputError: shapes do not fit or a class is empty.
    """
    logits = checked_logits(zero_shot_logits, "zero-shot logits")
    n, k = logits.shape
    labels = checked_labels(labels, n, k)
    counts = np.bincount(labels, minlength=k)
    refuse_empty_classes(counts)
    shares = counts / n
    # with E = exp(z), softmax(z - log q) is (E / q) over its row sums: no exponential a step
    highest = logits.max(axis=1)
    exponentials = np.exp(logits - highest[:, None])
    own = float((logits[np.arange(n), labels] - highest).mean())
    prior, multiplier, positivity = np.full(k, 1.0 / k), 0.0, np.zeros(k)
    priors, multipliers, losses = [], [], []
    failed_at = None
    for iteration in range(iterations + 1):
        if not (prior > 0.0).all():
            failed_at = iteration
            break
        row_sums = exponentials @ (1.0 / prior)
        priors.append(prior)
        multipliers.append(multiplier)
        losses.append(float(np.log(row_sums).mean()) - own + float(shares @ np.log(prior)))
        mean_probability = ((1.0 / row_sums) @ exponentials) / (n * prior)
        gradient = (shares - mean_probability) / prior
        following = prior - learning_rate * (gradient - multiplier - positivity)
        # the multipliers look at the same q as the descent did
        multiplier = multiplier + learning_rate * (1.0 - float(prior.sum()))
        positivity = np.maximum(positivity - learning_rate * prior, 0.0)
        prior = following
    return DescentAscentPath(np.array(priors), np.array(multipliers), np.array(losses), failed_at)
