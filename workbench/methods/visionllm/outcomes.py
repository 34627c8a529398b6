"""What a network answered on a test set, laid open, and the numbers that follow from it.

A detection counts from a score of ``SCORE`` on, and finds a thing when their boxes overlap by half.
Intervals: scores of Wilson for shares, resampled scenes for average precision and BLEU.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from workbench.methods.intervals import Interval, interval, wilson
from workbench.methods.visionllm.precision import (
    Detections,
    Objects,
    collect_hits,
    interpolate,
    mean_precision,
)

SCORE: Final = 0.5
OVERLAP: Final = 0.5
RESAMPLES: Final = 200


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Answers on n scenes; what was not measured is missing.

    Args:
        arrays: by name.

            * ``thing_scene`` ``(g,)``, ``thing_labels`` ``(g,)``, ``thing_boxes`` ``(g, 4)``: what
              is in the scenes.
            * ``labels``, ``scores`` ``(n, M)`` and ``boxes`` ``(n, M, 4)``: detections with every
              class in the dictionary; the same with ``blind_``, without language.
            * ``contour_labels``, ``contour_scores`` ``(n, M)``, ``contour_overlaps`` ``(n, M, G)``:
              contours, and their masks' overlap with each thing's; ``contour_box_overlaps``
              ``(n, M, G)``: that of the filled boxes around them.
            * ``single_listed``, ``single_found``, ``half_listed``, ``half_found``,
              ``half_found_blind`` ``(g,)`` bool: whether a dictionary of one name, or of half of
              them, names the thing, and whether it was found.
            * ``grounding_right``, ``grounding_right_blind`` ``(k,)`` bool, ``grounding_chance``
              ``(k,)``: of expressions.
            * ``caption_counts``, ``commonest_counts`` ``(n, 10)``: matches and words of 1 to 4 in
              a row, and lengths of caption and truth; ``caption_exact`` ``(n,)`` bool.
            * ``answer_right`` ``(n,)`` bool, ``answer_commonest`` ``(n,)`` bool,
              ``question_kind`` ``(n,)``.
        question_kinds: names of the kinds.
    """

    arrays: Mapping[str, np.ndarray]
    question_kinds: tuple[str, ...] = ()

    @property
    def scenes(self) -> int:
        """How many."""
        return len(self.arrays["scores"])


@dataclass(frozen=True)
class Numbers:
    """What a test set says of a network.

    Args:
        scenes: how many.
        measured: by name, with its interval.
        baselines: by name of the number they belong to: what is reached without the network, or
            without a part of it.
    """

    scenes: int
    measured: Mapping[str, Interval]
    baselines: Mapping[str, float]

    def flat(self) -> dict[str, float]:
        """Every number under one name, as a receipt keeps it: without intervals."""
        return {
            "scenes": float(self.scenes),
            **{name: one.mean for name, one in self.measured.items()},
            **self.baselines,
        }


def count_up(outcomes: Outcomes, resamples: int = RESAMPLES) -> Numbers:
    """Every number that was measured.

    Args:
        outcomes: of a test set.
        resamples: of the scenes, for the intervals of average precision and BLEU.
    """
    weights = _weights(outcomes.scenes, resamples)
    measured: dict[str, Interval] = {}
    baselines: dict[str, float] = {}
    _count_boxes(outcomes, weights, measured, baselines)
    _count_listed(outcomes, measured, baselines)
    arrays = outcomes.arrays
    if "contour_scores" in arrays:
        masks = precision_of(outcomes, weights, "contour_", arrays["contour_overlaps"])
        measured |= {f"mask_{name}": one for name, one in masks.items()}
        boxes = precision_of(outcomes, weights[:1], "contour_", arrays["contour_box_overlaps"])
        baselines |= {f"mask_{name}_filled_box": one.mean for name, one in boxes.items()}
    if "grounding_right" in arrays:
        measured["grounding_precision"] = _share(arrays["grounding_right"])
        baselines["grounding_chance"] = float(arrays["grounding_chance"].mean())
        blind = float(arrays["grounding_right_blind"].mean())
        baselines["grounding_precision_without_language"] = blind
    if "caption_counts" in arrays:
        measured["caption_bleu4"] = bleu_interval(arrays["caption_counts"], weights)
        measured["caption_exact"] = _share(arrays["caption_exact"])
        baselines["caption_bleu4_commonest"] = bleu(arrays["commonest_counts"].sum(axis=0))
    if "answer_right" in arrays:
        measured["vqa_accuracy"] = _share(arrays["answer_right"])
        for number, kind in enumerate(outcomes.question_kinds):
            own = arrays["question_kind"] == number
            measured[f"vqa_{kind}"] = _share(arrays["answer_right"][own])
        baselines["vqa_commonest"] = float(arrays["answer_commonest"].mean())
    return Numbers(outcomes.scenes, measured, baselines)


def precision_of(
    outcomes: Outcomes, weights: np.ndarray, prefix: str = "", overlaps: np.ndarray | None = None
) -> dict[str, Interval]:
    """AP, AP50 and AP75 with intervals.

    Args:
        outcomes: of a test set.
        weights: ``(r, n)`` how often each resample holds each scene.
        prefix: of the arrays' names.
        overlaps: ``(n, M, G)`` in place of those of the boxes.
    """
    arrays = outcomes.arrays
    count = outcomes.scenes
    scene = arrays["thing_scene"]
    truth = [
        Objects(arrays["thing_labels"][scene == one], arrays["thing_boxes"][scene == one])
        for one in range(count)
    ]
    labels, scores = arrays[f"{prefix}labels"], arrays[f"{prefix}scores"]
    boxes = arrays.get(f"{prefix}boxes", np.zeros((*scores.shape, 4)))
    found = [Detections(labels[one], scores[one], boxes[one]) for one in range(count)]
    shared = None
    if overlaps is not None:
        shared = [overlaps[one, :, : len(truth[one].labels)] for one in range(count)]
    hits = collect_hits(found, truth, shared)
    every = mean_precision(interpolate(hits, np.ones((1, count))))
    again = mean_precision(interpolate(hits, weights))
    return {
        name: interval(float(mean[0]), replicates[np.isfinite(replicates)])
        for name, mean, replicates in zip(("ap", "ap50", "ap75"), every, again, strict=True)
    }


def bleu(counts: np.ndarray) -> float:
    """BLEU-4 in percent (Papineni et al. 2002) of ``(10,)`` summed counts."""
    from sacrebleu.metrics.bleu import BLEU

    whole = [int(one) for one in counts]
    score = BLEU.compute_bleu(whole[:4], whole[4:8], whole[8], whole[9], smooth_method="exp")
    return float(score.score)


def count_words(texts: Sequence[str], truth: Sequence[str]) -> np.ndarray:
    """What BLEU counts in each text, ``(n, 10)``: matches, words in a row, and both lengths."""
    from sacrebleu.metrics.bleu import BLEU

    # Texts are written in words with spaces between them already.
    metric = BLEU(tokenize="none", force=True, effective_order=True)
    rows = [metric.sentence_score(one, [two]) for one, two in zip(texts, truth, strict=True)]
    return np.array([[*one.counts, *one.totals, one.sys_len, one.ref_len] for one in rows])


def bleu_interval(counts: np.ndarray, weights: np.ndarray) -> Interval:
    """BLEU-4 in percent of all texts, with the interval of resampled scenes."""
    return interval(bleu(counts.sum(axis=0)), np.array([bleu(one) for one in weights @ counts]))


def is_commonest(answers: Sequence[str], kinds: Sequence[str]) -> np.ndarray:
    """Whether each answer is the commonest one to its kind of question, ``(n,)`` bool."""
    best = {
        kind: Counter(a for a, k in zip(answers, kinds, strict=True) if k == kind).most_common(1)
        for kind in set(kinds)
    }
    return np.array([best[k][0][0] == a for a, k in zip(answers, kinds, strict=True)])


def _count_boxes(
    outcomes: Outcomes,
    weights: np.ndarray,
    measured: dict[str, Interval],
    baselines: dict[str, float],
) -> None:
    measured |= precision_of(outcomes, weights)
    blind = precision_of(outcomes, weights[:1], "blind_")
    baselines |= {f"{name}_without_language": one.mean for name, one in blind.items()}


def _count_listed(
    outcomes: Outcomes, measured: dict[str, Interval], baselines: dict[str, float]
) -> None:
    """Things found that the dictionary names, and that it does not."""
    arrays = outcomes.arrays
    for name in ("single", "half"):
        listed, found = arrays[f"{name}_listed"], arrays[f"{name}_found"]
        full = "single_name" if name == "single" else name
        measured[f"{full}_recall"] = _share(found[listed])
        measured[f"{full}_unlisted_rate"] = _share(found[~listed])
    measured["unlisted_rate"] = measured["half_unlisted_rate"]
    blind = arrays["half_found_blind"][~arrays["half_listed"]]
    baselines["half_unlisted_rate_without_language"] = _share(blind).mean


def _share(hits: np.ndarray) -> Interval:
    """Of what is true; 0 to 1 where there is nothing to count."""
    return wilson(int(hits.sum()), len(hits)) if len(hits) else Interval(0.0, 0.0, 1.0)


def _weights(scenes: int, resamples: int) -> np.ndarray:
    """How often each resample holds each scene, ``(r, n)``: the same for every number."""
    random = np.random.default_rng(0)
    return random.multinomial(scenes, np.full(scenes, 1 / scenes), size=resamples).astype(float)
