"""Does the policy game its reward when nothing holds it back? Trainings with β and without.

KL keeps a policy near the hints people would give. Without it, a hint may grow into a list of half
the article: rewarded phrase by phrase, and no longer a hint. The summaries are looked at with
signs that need no model (``hacking_signs``); none of them is in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.hacking_signs import copied_rate, unsupported_numbers
from workbench.methods.dsp.intervals import bootstrap
from workbench.methods.dsp.records import Article, TrainingCurve
from workbench.methods.dsp.theatre import RUNS
from workbench.methods.intervals import Interval, Spread

HELD, LOOSE = RUNS[0], RUNS[2]


@dataclass(frozen=True)
class Hacking:
    """Signs of gaming, with KL (row 0) and without (row 1).

    Args:
        runs: the two trainings, "nlpo" and "no_kl".
        phrases: ``(2, i)`` mean number of phrases of a validation hint, at every point of training.
        points: ``(c,)`` points of training of which summaries were kept.
        copied: ``(2, c)`` share of the summary's runs of three words copied from the article.
        unsupported: ``(2, c)`` numbers in a summary that the article does not hold.
        reference_copied: the same share of the references: what people copy.
        articles: the validation articles.
        outputs: summaries by run, point and article.
    """

    runs: Mapping[str, TrainingCurve]
    phrases: np.ndarray
    points: np.ndarray
    copied: Spread
    unsupported: Spread
    reference_copied: Interval
    articles: tuple[Article, ...]
    outputs: tuple[tuple[tuple[str, ...], ...], ...]


def look_for_hacking(
    runs: Mapping[str, TrainingCurve],
    articles: Sequence[Article],
    points: Sequence[int],
    outputs: Mapping[str, Sequence[Sequence[str]]],
) -> Hacking:
    """Length of the hints, and what the summaries copy and make up.

    Args:
        runs: "nlpo" and "no_kl", equally long.
        articles: the validation articles, in the order of the curves' hints.
        points: c points of training, 0 before it.
        outputs: by run, the summaries by point and article.
    """
    names = (HELD, LOOSE)
    kept = tuple(tuple(tuple(row) for row in outputs[name]) for name in names)
    signs = np.array(
        [
            [
                [
                    (copied_rate(text, article.text), len(unsupported_numbers(text, article.text)))
                    for text, article in zip(row, articles, strict=True)
                ]
                for row in of_run
            ]
            for of_run in kept
        ]
    )
    return Hacking(
        runs={name: runs[name] for name in names},
        phrases=np.array(
            [[np.mean([len(h) for h in hints]) for hints in runs[name].hints] for name in names]
        ),
        points=np.asarray(points),
        copied=bootstrap(signs[..., 0]),
        unsupported=bootstrap(signs[..., 1]),
        reference_copied=bootstrap(
            np.array([copied_rate(article.reference, article.text) for article in articles])
        ).at(),
        articles=tuple(articles),
        outputs=kept,
    )
