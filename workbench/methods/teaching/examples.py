"""Which training questions become examples, and how a student does on the others.

Everything here is drawn from training questions; no test question and no answer to one is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from workbench.data.teaching.question import Question
from workbench.methods.teaching import roles
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.parsing import clean
from workbench.methods.teaching.prompts import Example, is_choice, is_open

T = TypeVar("T", roles.Reasoned, roles.Answered)

POOL = 48
"""Training questions the student is tried on, at most."""


@dataclass(frozen=True)
class Pupil:
    """A student on m training questions it has not been shown.

    Args:
        pool: the questions, in a random order.
        alone: what it wrote by itself.
        human: its answers when shown the human explanations.
        helped: its answers when shown ``shown``.
        shown: the teacher's explanations.
    """

    pool: tuple[Question, ...]
    alone: roles.Reasoned
    human: roles.Answered
    helped: roles.Answered
    shown: tuple[str, ...]

    @property
    def gold(self) -> np.ndarray:
        """``(m,)`` int, number of the right option."""
        return np.array([question.gold for question in self.pool], dtype=np.int64)


def draw_examples(
    train: Sequence[Question], count: int, seed: int
) -> tuple[tuple[Example, ...], tuple[Question, ...]]:
    """Random training questions with their human explanations, and the rest in random order."""
    order = np.random.default_rng(seed).permutation(len(train))
    examples = tuple(human_example(train[place]) for place in order[:count])
    return examples, tuple(train[place] for place in order[count : count + POOL])


def human_example(question: Question) -> Example:
    """A question with its human explanation and right answer."""
    return Example(question, clean(question.explanation)[0], question.gold)


def try_on_training(
    asker: Asker, examples: Sequence[Example], pool: Sequence[Question], name: str
) -> Pupil:
    """Run the student on training questions, alone and with the human explanations."""
    alone = roles.reason(asker, examples, pool, f"Trials alone, {name}")
    shown = tuple(clean(question.explanation)[0] for question in pool)
    human = roles.answer_helped(asker, examples, pool, shown, f"Trials helped, {name}")
    return Pupil(tuple(pool), alone, human, human, shown)


def personal_examples(pupil: Pupil, count: int) -> tuple[Example, ...]:
    """Questions on which a human explanation made this student right: RQ3's demonstrations.

    As the paper's: wrong alone, right when shown the explanation; in random order, up to ``count``.
    They explain and then answer, so that a personalised teacher differs from an unpersonalised one
    in nothing but its examples.
    """
    turned = (pupil.alone.answers != pupil.gold) & (pupil.human.answers == pupil.gold)
    return tuple(human_example(pupil.pool[place]) for place in np.flatnonzero(turned)[:count])


def simulation_examples(
    pupil: Pupil, count: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Examples of what the student answers, alone and helped, for the mental model.

    On yes-no questions each set holds as many of either prediction, as far as the student ever
    made it; the two sets are filled independently and share no question where there are enough.
    """
    pool = pupil.pool
    before = _balanced(pool, pupil.alone, count, taken=frozenset())
    after = _balanced(pool, pupil.helped, count, taken=frozenset(before))
    return (
        tuple(
            Example(pool[n], pupil.alone.explanations[n], pool[n].gold, pupil.alone.said[n])
            for n in before
        ),
        tuple(Example(pool[n], pupil.shown[n], pool[n].gold, pupil.helped.said[n]) for n in after),
    )


def shuffle_answers(pupil: Pupil, seed: int) -> Pupil:
    """The same student with its answers dealt out to other questions at random.

    What is left for a mental model to learn from is how often each answer is given.
    """
    order = np.random.default_rng(seed).permutation(len(pupil.pool))

    def deal(one: T) -> T:
        said = tuple(one.said[place] for place in order)
        return replace(one, answers=one.answers[order], said=said)

    alone = deal(pupil.alone)  # its reasons would tell what it answered, so they go with it
    alone = replace(alone, explanations=tuple(alone.explanations[place] for place in order))
    return replace(pupil, alone=alone, helped=deal(pupil.helped))


def _balanced(
    pool: Sequence[Question],
    answered: roles.Answered | roles.Reasoned,
    count: int,
    taken: frozenset[int],
) -> tuple[int, ...]:
    """Places of examples, in the pool's random order."""
    usable = [place for place, said in enumerate(answered.said) if said]
    free = [place for place in usable if place not in taken] or usable
    if not pool or is_choice(pool[0]) or is_open(pool[0]):
        return tuple(free[:count])
    chosen: list[int] = []
    for option in (0, 1):
        share = (count + 1 - option) // 2
        chosen += [place for place in free if answered.answers[place] == option][:share]
    # a student that always says the same leaves one half empty: the other fills it
    chosen += [place for place in free if place not in chosen][: count - len(chosen)]
    return tuple(sorted(chosen))
