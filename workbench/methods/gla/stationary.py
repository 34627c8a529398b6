"""A second estimator: the prior as the stationary vector of the classifier's own confusions.

From the journal version of the paper (arXiv:2310.08106v3). If ``A[j, k]`` is the mean probability
that pictures of class k give class j, a calibrated classifier under its own prior q answers class
j with share ``q_j = Σ_k A[j, k] q_k``. It uses only means within a class, so the shares of the
labelled set do not matter. It is noisier than the fit of ``estimate`` where the classifier is
nearly always right: A is then close to the identity, and every vector is almost stationary.
"""

from __future__ import annotations

import numpy as np

from workbench.methods.gla.checking import checked_labels, checked_logits, refuse_empty_classes
from workbench.methods.gla.softmax import normalise_log_prior, softmax

TOLERANCE = 1e-12
MAXIMUM_ROUNDS = 20_000


def confusion_of_means(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """``(k, k)`` mean probability of class j (row) over the pictures of class k (column).

    Raises:
        InputError: a class is empty.
    """
    k = probabilities.shape[1]
    counts = np.bincount(labels, minlength=k)
    refuse_empty_classes(counts)
    members = np.zeros((len(labels), k))
    members[np.arange(len(labels)), labels] = 1.0 / counts[labels]
    return probabilities.T @ members


def stationary_log_prior(zero_shot_logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log prior q with ``q = A q``, by power iteration from uniform.

    Args:
        zero_shot_logits: ``(n, k)``, calibrated: the estimate assumes that the probabilities are
            the classifier's true ones under its own prior.
        labels: ``(n,)`` whole numbers from 0 to k - 1; balanced or not.

    Returns:
        ``(k,)`` float64; its exponentials sum to 1.

    Raises:
        InputError: shapes do not fit or a class is empty.
    """
    logits = checked_logits(zero_shot_logits, "zero-shot logits")
    labels = checked_labels(labels, *logits.shape)
    return _stationary(confusion_of_means(softmax(logits), labels))


def _stationary(confusion: np.ndarray) -> np.ndarray:
    k = len(confusion)
    share = np.full(k, 1.0 / k)
    for _ in range(MAXIMUM_ROUNDS):
        following = confusion @ share
        following /= following.sum()
        if np.abs(following - share).sum() < TOLERANCE:
            share = following
            break
        share = following
    return normalise_log_prior(np.log(share))
