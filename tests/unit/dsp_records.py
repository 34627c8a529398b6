"""Records of directional stimulus prompting made up from a seed: a stand-in for measured ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.methods.dsp import records
from workbench.methods.dsp.asking import Source
from workbench.methods.dsp.bench_result import Bench
from workbench.methods.dsp.dialogue_result import Dialogue, Reply, Turn
from workbench.methods.dsp.dose_response import DoseResponse, dose_response
from workbench.methods.dsp.hacking import Hacking, look_for_hacking
from workbench.methods.dsp.records import Article, Rollout, SourceRecords, TrainingCurve
from workbench.methods.dsp.removal import Removal
from workbench.methods.dsp.reward_table import RewardTable
from workbench.methods.dsp.theatre import Theatre, set_stage
from workbench.methods.dsp.training import Training
from workbench.methods.dsp.triggers import TriggerGrid, select_triggers

WORDS = [
    *("harbour", "ferry", "council", "bridge", "school", "clinic", "museum", "orchard", "signal"),
    *("tunnel", "library", "market", "reservoir", "festival", "archive", "engine", "lantern"),
]
ADJECTIVES = ["new", "old", "northern", "floating", "public", "quiet", "early", "second", "narrow"]


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


def bench(seed: int = 0) -> Bench:
    """An article with a hint of four phrases, of which the output takes up three."""
    article = articles(1, seed)[0]
    right = [p for p in article.candidates if p in article.reference][:2]
    rest = [p for p in article.candidates if p not in article.reference][:1]
    scores = np.array([[0.30, 0.10, 0.25], [0.32, 0.12, 0.27]])
    return Bench(
        article=article,
        phrases=(*right, *rest, "moon base"),
        output_with=f"The {right[0]} and a {rest[0]} opened near the {right[1]}.",
        output_without="Several places opened in 1905.",
        rouge_with=scores,
        rouge_without=scores - 0.05,
        rouge_lead2=scores + 0.04,
        model="made-up",
    )


def removal(seed: int = 0) -> Removal:
    """The bench's hint, phrase by phrase."""
    random = np.random.default_rng(seed)
    on_bench = bench(seed)
    k = len(on_bench.phrases)
    rouge = 0.3 + random.normal(0, 0.03, (1, k + 1, 1)) + np.zeros((2, k + 1, 3))
    rouge[:, 2] = rouge[:, 0]
    return Removal(
        article=on_bench.article,
        hint=on_bench.phrases,
        phrases=on_bench.phrases,
        outputs=(on_bench.output_with,) * (k + 1),
        rouge=rouge,
        log_probability=-90.0 - np.abs(random.normal(0, 3.0, k + 1)) * (np.arange(k + 1) > 0),
        model="made-up",
    )


def dose(count: int = 24, seed: int = 0) -> DoseResponse:
    """The reference's keywords help with every one more, random ones do not."""
    random = np.random.default_rng(seed)
    counts = np.arange(0, 6)
    level = random.uniform(0.2, 0.4, (1, 1, count, 1))
    lift = np.array([0.02, 0.008, 0.0])[:, None] * counts
    rouge = level + lift[..., None, None] + random.normal(0, 0.02, (3, 6, count, 3))
    rouge[:, 0] = rouge[0, 0]
    orders = level[0] + random.normal(0, 0.03, (6, count, 3))
    return dose_response(
        rouge, orders, ("reference", "reinforced", "random"), counts.tolist(), "made-up"
    )


def stage(count: int = 8) -> Theatre:
    """Four trainings on the same articles; without the KL the hints grow long."""
    made = articles(count)
    lengths = {"nlpo": 3, "ppo": 3, "no_kl": 8, "no_step": 2}
    runs = {
        name: training_curve(made, length=length, rise=0.1 * (seed + 1), seed=seed)
        for seed, (name, length) in enumerate(lengths.items())
    }
    return set_stage(runs, made, target_kl=0.5)


def hacked(count: int = 8) -> Hacking:
    """The stage's trainings with and without the KL, and summaries of three points."""
    on_stage = stage(count)
    points = (0, 10, 20)
    outputs = {
        name: [
            [
                f"{article.text[: 60 + 60 * c * (name == 'no_kl')]} and 77 more."
                for article in on_stage.articles
            ]
            for c in range(len(points))
        ]
        for name in ("nlpo", "no_kl")
    }
    return look_for_hacking(on_stage.runs, on_stage.articles, points, outputs)


def trigger_grid(questions: int = 40, seed: int = 0) -> TriggerGrid:
    """Fourteen triggers between 30 and 55 % right."""
    random = np.random.default_rng(seed)
    is_right = random.random((questions, 14)) < np.linspace(0.3, 0.55, 14)
    return select_triggers(
        is_right,
        ["Let's think step by step.", *(f"Trigger number {i}." for i in range(2, 15))],
        [f"What is {i} + {i}?" for i in range(questions)],
    )


def dialogue() -> Dialogue:
    """Two turns about a train."""
    return Dialogue(
        history=(Turn("I need a train.", "[train] [request] departure", "From where?"),),
        turn=Turn(
            "From [value_departure].", "[train] [inform] leave", "It leaves at [value_leave]."
        ),
        without=Reply("", "Which one?", 4.0, 0.0),
        recorded=Reply("[train] [inform] leave", "It leaves at [value_leave].", 100.0, 1.0),
        own=Reply("[general] [bye]", "Goodbye.", 0.0, 0.0),
        model="made-up",
    )


def reward_table(count: int = 8, seed: int = 0) -> RewardTable:
    """Sixteen hints of each article; each summary is the hint itself and 7 more words."""
    random = np.random.default_rng(seed)
    made = tuple(Source(one, (1.0,) * len(one.candidates), (), ()) for one in articles(count))
    outputs = tuple(
        tuple(
            " ".join(p for bit, p in enumerate(one.article.candidates[:4]) if b >> bit & 1)
            + " and seven more words, written in 77."
            for b in range(16)
        )
        for one in made
    )
    places = np.tile(np.arange(4), (count, 1))
    return RewardTable(made, places, outputs, random.uniform(0.1, 0.5, (count, 16)))


def training(*, is_long: bool = False, iterations: int = 20) -> Training:
    """A training that ends at the first two candidates, or at all four."""
    train, held_out = reward_table(8), reward_table(8)
    bits = np.full((iterations + 1, 8), 3)
    bits[iterations // 2 :] = 15 if is_long else 3
    made = tuple(one.article for one in held_out.sources)
    curve = replace(
        training_curve(made, iterations=iterations),
        hints=tuple(tuple(held_out.hint(a, int(b)) for a, b in enumerate(row)) for row in bits),
    )
    train_bits = np.stack([np.full(8, 1), train.terminal.argmax(axis=1)])
    return Training(curve, np.zeros(3), np.ones(3), train, held_out, bits, train_bits)
