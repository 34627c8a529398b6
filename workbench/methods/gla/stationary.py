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
    """Log prior q with ``q = A q``.

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
    return stationary_of(confusion_of_means(softmax(logits), labels))


def stationary_of(confusion: np.ndarray) -> np.ndarray:
    """``(k,)`` log of the vector that a column-stochastic matrix leaves alone.

    Solved directly: power iteration, as the follow-up code does it, needs the more rounds the
    more often the classifier is right. A matrix that mixes nothing leaves every vector alone; then
    the answer is uniform.
    """
    k = len(confusion)
    system = np.vstack([confusion - np.eye(k), np.ones(k)])
    share = np.linalg.lstsq(system, np.append(np.zeros(k), 1.0), rcond=1e-12)[0]
    return normalise_log_prior(np.log(np.maximum(share, np.finfo(float).tiny)))
