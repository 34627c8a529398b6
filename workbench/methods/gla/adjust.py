"""Taking priors out of logits, and joining two models.

Zhu et al. 2023 (arXiv:2310.08106), Generalized Logit Adjustment: ``f_ft + f_zs - log π_s - log
π_p``. The logits are added, not averaged: half the sum would subtract the priors twice as hard.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.errors import InputError
from workbench.methods.gla.checking import checked_log_prior, checked_logits


def adjust(
    fine_tuned_logits: np.ndarray,
    zero_shot_logits: np.ndarray,
    *,
    log_prior_pretrain: np.ndarray,
    log_prior_downstream: np.ndarray | None = None,
    log_prior_target: np.ndarray | None = None,
) -> np.ndarray:
    """Generalized Logit Adjustment: both models' logits without the priors they carry.

    Zhu et al. 2023 (arXiv:2310.08106). If the two models' evidence is independent given the class,
    and only the shares of the classes differ between pre-training, fine-tuning and target, the
    largest entry is the best possible guess from both models.

    Args:
        fine_tuned_logits: ``(n, k)``, temperature already applied.
        zero_shot_logits: ``(n, k)``, likewise.
        log_prior_pretrain: ``(k,)`` log π_p, from ``estimate_log_prior``.
        log_prior_downstream: ``(k,)`` log π_s, the shares of the classes in the fine-tuning set;
            left out when they are equal or the training already corrected for them.
        log_prior_target: ``(k,)`` log π_t, left out when the target is balanced.

    Returns:
        ``(n, k)`` float64 scores; a constant added to a row or to a prior changes no decision.

    Raises:
        InputError: shapes do not fit or a number is not finite.
    """
    fine_tuned = checked_logits(fine_tuned_logits, "fine-tuned logits")
    zero_shot = checked_logits(zero_shot_logits, "zero-shot logits")
    if fine_tuned.shape != zero_shot.shape:
        raise InputError(
            f"The fine-tuned logits have shape {fine_tuned.shape}, the zero-shot ones "
            f"{zero_shot.shape}; give both for the same pictures and classes."
        )
    k = zero_shot.shape[1]
    shift = -checked_log_prior(log_prior_pretrain, k, "The prior of pre-training")
    if log_prior_downstream is not None:
        shift = shift - checked_log_prior(log_prior_downstream, k, "The prior of fine-tuning")
    if log_prior_target is not None:
        shift = shift + checked_log_prior(log_prior_target, k, "The prior of the target")
    return fine_tuned + zero_shot + shift


def wise_ft(
    zero_shot_weights: Mapping[str, np.ndarray],
    fine_tuned_weights: Mapping[str, np.ndarray],
    *,
    alpha: float = 0.5,
) -> dict[str, np.ndarray]:
    """Weights between two models, ``(1 - α) θ_zs + α θ_ft``.

    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (arXiv:2109.01903). It
    joins weights where an ensemble joins answers; GLA has no such α.

    Args:
        zero_shot_weights: arrays by name.
        fine_tuned_weights: arrays of the same names and shapes.
        alpha: 0 is the zero-shot model, 1 the fine-tuned one.

    Raises:
        InputError: names or shapes differ, or α lies outside 0 to 1.
    """
    if not 0.0 <= alpha <= 1.0:
        raise InputError(f"α is {alpha:g}; choose 0 to 1.")
    if zero_shot_weights.keys() != fine_tuned_weights.keys():
        odd = sorted(zero_shot_weights.keys() ^ fine_tuned_weights.keys())
        raise InputError(f"Only one of the two models has the weights {odd[0]!r}.")
    mixed: dict[str, np.ndarray] = {}
    for name, first in zero_shot_weights.items():
        last = fine_tuned_weights[name]
        if np.shape(first) != np.shape(last):
            raise InputError(
                f"The weights {name!r} have shapes {np.shape(first)} and {np.shape(last)}; only "
                "equal shapes can be mixed."
            )
        mixed[name] = (1.0 - alpha) * np.asarray(first) + alpha * np.asarray(last)
    return mixed
