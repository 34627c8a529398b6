"""What the language model is asked, with a hint and without (arXiv:2302.11520, appendix).

The prompt without a hint is the prompt with one, less the keyword parts, byte for byte. (The
authors' two files also differ by a word.) The demonstrations are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.methods.dsp.keywords import write_target

KEYWORD_CLAUSE = " that accurately incorporates the provided keywords"
OPENING = "Write a short summary of each article in 2-4 sentences{clause}.\n\n"
QUESTION = "Q: Write a short summary of the article in 2-4 sentences{clause}.\n"
ANSWER = "A:"
STOPS = ("\n",)
MAX_NEW_TOKENS = 60
MAX_DEMONSTRATIONS = 3


@dataclass(frozen=True)
class Demonstration:
    """A solved example that stands before the article."""

    article: str
    keywords: tuple[str, ...]
    summary: str


DEMONSTRATIONS = (
    Demonstration(
        "Ferry trips to Skerry Island stop on Monday for three weeks. Engineers will replace the "
        "wooden ramp, which storms have loosened. A smaller boat carries post and medicine in the "
        "meantime. Residents say the timing is poor, as the knitting fair usually brings 400 "
        "visitors. The council has moved the fair to 9 June and will pay for extra trips that day.",
        ("Skerry Island", "wooden ramp", "knitting fair", "9 June"),
        "Ferries to Skerry Island stop for three weeks while the wooden ramp is replaced. The "
        "knitting fair moves to 9 June, when the council pays for extra trips.",
    ),
    Demonstration(
        "A school in Tarbrook has taught its pupils to repair bicycles. It began with eleven "
        "broken bicycles from the police. Teacher Rosa Imrie asked a retired mechanic to show the "
        "class how brakes work. Since September the pupils have mended 64 of them. Half go to "
        "families without a car, and the others are sold to buy tools.",
        ("Tarbrook", "Rosa Imrie", "64", "families without a car"),
        "Pupils of Rosa Imrie in Tarbrook have mended 64 bicycles since September. Half go to "
        "families without a car; selling the others pays for tools.",
    ),
    Demonstration(
        "The oldest bakery in Quennell closes after 112 years. Owner Piet Vos says he found nobody "
        "to take over the night shift. He turned down an offer from a coffee chain. The brick oven "
        "is protected and must stay. The town museum will open it to visitors next spring and bake "
        "rye bread there once a month.",
        ("Quennell", "night shift", "brick oven", "town museum"),
        "The oldest bakery in Quennell closes because nobody would take over the night shift. Its "
        "brick oven stays, and the town museum will bake rye bread there once a month.",
    ),
)


def summary_prefix(article: str, *, with_hint: bool, demonstrations: int = 1) -> str:
    """Everything that stands before the hint, the same for all hints of an article.

    Args:
        article: the whole article; line breaks become spaces.
        with_hint: whether keywords follow.
        demonstrations: solved examples before it, 0 to 3. The authors use three; a small model on
            a small machine gets one.
    """
    return demonstrations_prefix(with_hint=with_hint, demonstrations=demonstrations) + _block(
        article, with_hint
    )


def demonstrations_prefix(*, with_hint: bool, demonstrations: int = 1) -> str:
    """The opening line and the solved examples, the same for all articles."""
    text = OPENING.format(clause=_clause(with_hint))
    for one in DEMONSTRATIONS[:demonstrations]:
        text += _block(one.article, with_hint)
        text += hint_line(one.keywords) if with_hint else ""
        text += f"{ANSWER} {one.summary}\n\n"
    return text


def article_block(article: str) -> str:
    """The article and its question without hint, and where the answer begins."""
    return _block(article, with_hint=False) + ANSWER


def hint_and_answer(keywords: Sequence[str]) -> str:
    """What follows the prefix of a prompt with a hint."""
    return hint_line(keywords) + ANSWER


def hint_line(keywords: Sequence[str]) -> str:
    """The line with the hint, "Keywords: a; b; c."; line breaks in a phrase become spaces."""
    return f"Keywords: {write_target(' '.join(one.split()) for one in keywords)}\n"


def summary_prompt(article: str, keywords: Sequence[str] | None, *, demonstrations: int = 1) -> str:
    """The whole prompt, with a hint or, for ``None``, without."""
    prefix = summary_prefix(article, with_hint=keywords is not None, demonstrations=demonstrations)
    return prefix + (ANSWER if keywords is None else hint_and_answer(keywords))


def _block(article: str, with_hint: bool) -> str:
    return f"Article: {' '.join(article.split())}\n" + QUESTION.format(clause=_clause(with_hint))


def _clause(with_hint: bool) -> str:
    return KEYWORD_CLAUSE if with_hint else ""
