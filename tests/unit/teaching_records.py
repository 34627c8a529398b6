"""Records with a planted student, teacher and mental model, for tests alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.methods.teaching.records import Question, Records


def make_records(
    questions: int = 40,
    seeds: tuple[int, ...] = (41, 42),
    *,
    options: int = 2,
    help_strength: float = 2.0,
    skill: float = 0.2,
    insight: float = 1.0,
    seed: int = 0,
    teacher: str = "human",
) -> Records:
    """A student whose logit for the right answer rises with help, by an amount of its own.

    Args:
        questions: n.
        seeds: of the records.
        options: c.
        help_strength: mean rise of the logit of the right answer.
        skill: mean logit of the right answer alone.
        insight: how much of the student's own logit the mental model sees; the rest is noise.
        seed: of what is drawn.
        teacher: name of the teacher.
    """
    generator = np.random.default_rng(seed)
    shape = (len(seeds), questions, options)
    gold = np.arange(questions) % options
    is_gold = np.arange(options) == gold[:, None]
    own = generator.normal(size=shape) + skill * is_gold
    rise = generator.normal(help_strength, 2.0, (len(seeds), questions, 1)) * is_gold
    noise = generator.normal(size=(3, *shape))

    def guess(logits: np.ndarray, which: int) -> np.ndarray:
        return insight * logits + (1.0 - insight) * 2.0 * noise[which]

    student, taught = _likely(own), _likely(own + rise)
    teacher_probabilities = _likely(2.0 * noise[2] + is_gold)
    words = tuple(tuple(f"Fact {i} of run {s}." for i in range(questions)) for s in seeds)
    return Records(
        task="strategyqa",
        student="tiny",
        teacher=teacher,
        questions=tuple(
            Question(
                f"q{i}",
                f"Could thing {i} do that?",
                ("yes", "no", "maybe", "never", "both")[:options],
                int(g),
                f"Fact {i}. Another fact.",
            )
            for i, g in enumerate(gold)
        ),
        seeds=seeds,
        student_probabilities=student,
        taught_probabilities=taught,
        baseline_probabilities=_likely(0.5 * own),
        teacher_probabilities=teacher_probabilities,
        simulated_before=_likely(guess(own, 0)),
        simulated_after=_likely(guess(own + rise, 1)),
        student_answers=student.argmax(-1),
        taught_answers=taught.argmax(-1),
        baseline_answers=(0.5 * own).argmax(-1),
        teacher_answers=teacher_probabilities.argmax(-1),
        explanations=words,
        student_texts=words,
        explanation_tokens=generator.integers(8, 60, shape[:2]),
        leaks=generator.random(shape[:2]) < 0.1,
    )


def without_effect(records: Records) -> Records:
    """The same student, whom help changes in nothing."""
    return replace(
        records,
        taught_probabilities=records.student_probabilities,
        taught_answers=records.student_answers,
    )


def _likely(logits: np.ndarray) -> np.ndarray:
    """Probabilities of the options; a little is left for every other token."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return 0.98 * shifted / shifted.sum(axis=-1, keepdims=True)
