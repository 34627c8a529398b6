"""What should be true of a set of questions before anything is measured with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.data.teaching.leaks import find_leaks
from workbench.data.teaching.question import Question

_ALIKE = 0.8
"""Share of words two questions have in common from which they count as the same."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Findings:
    """What was found, by number of the question from 1.

    Args:
        duplicates: pairs of questions that are the same up to a few words; the second number may
            be one of ``others``.
        leaks: questions whose explanation says the answer.
        by_answer: how often each option's place is right; empty for open questions.
        others: duplicates between the two sets, as pairs of numbers.
    """

    duplicates: tuple[tuple[int, int], ...]
    leaks: tuple[int, ...]
    by_answer: tuple[int, ...]
    others: tuple[tuple[int, int], ...] = ()

    @property
    def words(self) -> str:
        """The findings in plain sentences; empty when there are none."""
        said: list[str] = []
        if self.duplicates:
            one, other = self.duplicates[0]
            said.append(
                f"{len(self.duplicates)} pair(s) of questions are alike, {one} and {other} first."
            )
        if self.others:
            said.append(f"{len(self.others)} question(s) are also among the examples.")
        if self.leaks:
            said.append(
                f"{len(self.leaks)} explanation(s) say the answer, question {self.leaks[0]} first; "
                "those sentences are taken out."
            )
        total = sum(self.by_answer)
        if total and max(self.by_answer) > _UNBALANCED * total / len(self.by_answer):
            said.append(
                f"Always giving the commonest answer is right in {max(self.by_answer) / total:.0%}."
            )
        return " ".join(said)


_UNBALANCED = 1.2
"""Times the even share from which the balance is worth a word."""


def validate(questions: Sequence[Question], examples: Sequence[Question] = ()) -> Findings:
    """Look for duplicates, leaks and imbalance.

    Args:
        questions: the test questions.
        examples: those that demonstrations are drawn from; none may be a test question.
    """
    own, other = [_words(q.text) for q in questions], [_words(q.text) for q in examples]
    width = max((len(question.options) for question in questions), default=1)
    counts = Counter(question.gold for question in questions)
    return Findings(
        duplicates=tuple(
            (i + 1, j + 1) for j in range(len(own)) for i in range(j) if _are_alike(own[i], own[j])
        ),
        leaks=tuple(
            number
            for number, question in enumerate(questions, start=1)
            if find_leaks(question.explanation)
        ),
        by_answer=tuple(counts[place] for place in range(width)) if width > 1 else (),
        others=tuple(
            (i + 1, j + 1)
            for i, words in enumerate(own)
            for j, theirs in enumerate(other)
            if _are_alike(words, theirs)
        ),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    # the shorter set bounds the overlap: most pairs are settled without comparing words
    if min(len(one), len(other)) < _ALIKE * max(len(one), len(other)):
        return False
    return len(one & other) >= _ALIKE * len(one | other)
