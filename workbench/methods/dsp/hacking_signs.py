"""Signs, readable without a model, that a policy games its reward.

Neither is in the paper. A hint that lists half the article makes the language model copy; numbers
that the article does not hold are made up. Both are counted in the summary, against the article.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}]\w+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def copied_rate(text: str, source: str, n: int = 3) -> float:
    """Share of a text's n-grams of words that stand in the source, whatever the case.

    Args:
        text: the summary.
        source: the article.
        n: words in a row, at least 1.

    Returns:
        0 to 1; 0 for a text of fewer than n words, which copies no n-gram.

    Example:
        >>> copied_rate("The new ferry sails", "the new ferry was late", n=2)
        0.6666666666666666
    """
    if n < 1:
        raise ValueError(f"n is {n}; it must be at least 1")
    grams = _grams(text, n)
    known = set(_grams(source, n))
    return sum(gram in known for gram in grams) / len(grams) if grams else 0.0


def unsupported_numbers(text: str, source: str) -> tuple[str, ...]:
    """Numbers in digits of a text that the source does not hold, each once, in order.

    "1,200" and "1200" are the same number, "1.5" and "15" are not.

    Example:
        >>> unsupported_numbers("In 1921, 1,200 came; 40 left.", "By 1921 some 1200 came.")
        ('40',)
    """
    known = {_value(number) for number in _NUMBER.findall(source)}
    found = dict.fromkeys(number for number in _NUMBER.findall(text) if _value(number) not in known)
    return tuple(found)


def _grams(text: str, n: int) -> list[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(text)]
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _value(number: str) -> str:
    """A number without the commas between its thousands."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    return number
