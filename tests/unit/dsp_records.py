"""Records of directional stimulus prompting made up from a seed: a stand-in for measured ones."""

from __future__ import annotations

import numpy as np

from workbench.methods.dsp import records
from workbench.methods.dsp.records import Article, Rollout, SourceRecords, TrainingCurve

WORDS = [
    "harbour",
    "ferry",
    "council",
    "bridge",
    "school",
    "clinic",
    "museum",
    "orchard",
    "signal",
    "tunnel",
    "library",
    "market",
    "reservoir",
    "festival",
    "archive",
    "engine",
    "lantern",
    "station",
    "glacier",
    "meadow",
]
ADJECTIVES = [
    "new",
    "old",
    "northern",
    "floating",
    "public",
    "quiet",
    "early",
    "second",
    "narrow",
    "restored",
]


def _phrase(random: np.random.Generator) -> str:
    return f"{random.choice(ADJECTIVES)} {random.choice(WORDS)}"


def articles(count: int, seed: int = 0) -> tuple[Article, ...]:
    """Articles of about 60 words whose reference repeats three of their phrases."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        phrases = list(dict.fromkeys(_phrase(random) for _ in range(10)))
        text = " ".join(f"The {phrase} opened in {1900 + i}." for i, phrase in enumerate(phrases))
        kept = random.choice(len(phrases), 3, replace=False)
        reference = " ".join(f"A {phrases[i]} was seen." for i in sorted(kept))
        made.append(Article(f"made-{number:03d}", text, reference, tuple(phrases)))
    return tuple(made)


def source_records(count: int = 24, seed: int = 0) -> SourceRecords:
    """Every source on the same articles; hints of the reference help, wrong ones do harm."""
    random = np.random.default_rng(seed)
    made = articles(count, seed)
    sources = records.SOURCES
    lift = np.array([0.0, 0.02, 0.04, 0.01, 0.0, -0.03, 0.1])
    level = random.uniform(0.2, 0.4, (1, count, 1)) * np.array([1.0, 0.4, 0.7])
    rouge = level + lift[:, None, None] + random.normal(0, 0.02, (len(sources), count, 3))
    hints, outputs = [], []
    for s, source in enumerate(sources):
        row = []
        for a, article in enumerate(made):
            own = [p for p in article.candidates if p in article.reference]
            other = made[(a + 1) % count].candidates[:3]
            row.append(
                {
                    "none": (),
                    "reference": tuple(own),
                    "wrong": tuple(other),
                }.get(source, article.candidates[s : s + 3])
            )
        hints.append(tuple(row))
        outputs.append(
            tuple(
                " ".join(f"The {p} opened." for p in hint) or "It opened in 1905." for hint in row
            )
        )
    hits = np.array(
        [
            [
                sum(p in article.reference for p in hint)
                for hint, article in zip(row, made, strict=True)
            ]
            for row in hints
        ]
    )
    sizes = np.array([[len(hint) for hint in row] for row in hints], dtype=float)
    precision = np.divide(hits, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0)
    return SourceRecords(
        articles=made,
        sources=sources,
        hints=tuple(hints),
        outputs=tuple(outputs),
        rouge=rouge,
        rouge_unstemmed=rouge - 0.01,
        hint_precision=precision,
        hits=hits,
        lead2=level[0] + 0.03,
        model="made-up",
    )


def training_curve(
    made: tuple[Article, ...],
    *,
    iterations: int = 20,
    rise: float = 0.3,
    length: int = 3,
    seed: int = 0,
) -> TrainingCurve:
    """A training whose reward rises by ``rise`` and whose hints grow to ``length`` phrases."""
    random = np.random.default_rng(seed)
    points = iterations + 1
    t = np.linspace(0.0, 1.0, points)
    hints, rollouts = [], []
    for i in range(points):
        size = 2 + round(t[i] * (length - 2))
        hints.append(tuple(article.candidates[:size] for article in made))
        article = made[i % len(made)]
        phrases = article.candidates[:size]
        steps = np.array([1.0 if p in article.reference else -0.2 for p in phrases] + [0.0])
        rollouts.append(
            Rollout(
                article.id,
                phrases,
                steps,
                random.normal(0.2 * t[i], 0.2, size + 1),
                0.25 + rise * t[i] / 3,
            )
        )
    noise = random.normal(0, 0.02, (6, points))
    return TrainingCurve(
        settings={"iterations": iterations, "seed": seed},
        reward=3.0 + rise * t + noise[0],
        terminal=2.5 + rise * t + noise[1],
        step=0.5 + noise[2],
        kl=0.6 * t + 0.1 * noise[3],
        beta=0.005 * 1.01 ** np.arange(points),
        clip_fraction=np.abs(noise[4]),
        hint_precision=0.4 + rise * t + noise[5],
        validation_rouge=0.25 + 0.02 * t + 0.1 * noise[0],
        hints=tuple(hints),
        validation_articles=tuple(article.id for article in made),
        rollouts=tuple(rollouts),
    )
