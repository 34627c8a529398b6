"""Phrases of an article that a policy may choose from, and how TextRank ranks them.

The authors extract phrases with spaCy's noun chunks and PyTextRank. Here nothing is downloaded:
noun-like spans are found by rules on words (below), so a few spans are no noun phrases and some
noun phrases are missed. TextRank itself is Mihalcea and Tarau 2004, "TextRank: Bringing Order into
Texts": PageRank over words that stand near each other; a phrase scores the sum of its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.methods.dsp.keywords import is_stop_phrase
from workbench.methods.dsp.words import (
    AUXILIARIES,
    DETERMINERS,
    NUMBERS,
    PREPOSITIONS,
    REPORTING,
    STOP_WORDS,
)

MAX_WORDS = 4
"""Longest phrase; of a longer run its last words are kept, where English has the noun."""
WINDOW = 3
"""Words at most this far apart are linked in TextRank's graph."""
CANDIDATES = 12
_WORD = re.compile(r"\w+(?:[-'’]\w+|[.,]\d+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9])")
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|St|Prof|Sgt|Capt|No|vs|[A-Z])\.$")


_TRAILING = frozenset({"last", "next", "first", "new", "old"})
"""Words that belong to what comes after them."""


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int
    opens_sentence: bool

    @property
    def lower(self) -> str:
        return self.text.lower().removesuffix("'s").removesuffix("’s")


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, by full stops before a capital letter or a digit."""
    found: list[str] = []
    for part in _SENTENCE_END.split(text.strip()):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        elif part:
            found.append(part)
    return tuple(found)


def lead(text: str, count: int = 2) -> str:
    """The first sentences of a text: the baseline every summary must beat."""
    return " ".join(sentences(text)[:count])


def candidate_phrases(article: str, limit: int = CANDIDATES) -> tuple[str, ...]:
    """The noun-like phrases of an article that TextRank ranks highest, in the article's order.

    Nothing but the article is read, so this may be used where no reference exists.

    Args:
        article: any text.
        limit: at most so many.

    Returns:
        Phrases as the article writes them; none contains another.
    """
    spans = noun_spans(article)
    score = dict(zip(spans, textrank(article, spans), strict=True))
    kept: list[str] = []
    for span in sorted(spans, key=lambda one: -len(one)):
        if not any(span.lower() in other.lower() for other in kept):
            kept.append(span)
    best = sorted(kept, key=lambda one: (-score[one], one))[:limit]
    return tuple(sorted(best, key=article.find))


def textrank(article: str, phrases: Sequence[str]) -> tuple[float, ...]:
    """The TextRank score of each phrase: the PageRank of its words, added up.

    Args:
        article: where the words stand near each other.
        phrases: any phrases; words that the article lacks count 0.
    """
    import networkx  # a second to import, and only needed here

    words = [word.lower for word in _words(article)]
    graph = networkx.Graph()
    content = [_is_content(word) for word in words]
    graph.add_nodes_from(word for word, good in zip(words, content, strict=True) if good)
    for place, word in enumerate(words):
        for other in range(place + 1, min(place + WINDOW, len(words))):
            if content[place] and content[other] and word != words[other]:
                weight = graph.get_edge_data(word, words[other], {"weight": 0})["weight"]
                graph.add_edge(word, words[other], weight=weight + 1)
    rank = networkx.pagerank(graph) if graph else {}
    return tuple(sum(rank.get(word.lower, 0.0) for word in _words(phrase)) for phrase in phrases)


def noun_spans(article: str) -> tuple[str, ...]:
    """Noun-like spans, in order and without repeats.

    A span is a run of content words that something marks as a noun phrase: it has several words,
    a capital inside the sentence or a number, or a determiner, preposition or possessive stands
    before it.
    """
    found: dict[str, str] = {}
    for before, run in _runs(article):
        for part in _cut_at_verbs(run):
            words = part[-MAX_WORDS:]
            text = article[words[0].start : words[-1].end].removesuffix("'s").removesuffix("’s")
            is_noun = len(part) > 1 or part[0] is not run[0] or _is_marked(before, part[0])
            if is_noun and len(text) > 2 and not is_stop_phrase(text):
                found.setdefault(text.lower(), text)
    return tuple(found.values())


def _is_marked(before: _Word, word: _Word) -> bool:
    """Whether a word alone is likely a noun, by the word before it or by how it is written."""
    return (
        before.lower in DETERMINERS | PREPOSITIONS | NUMBERS
        or before.text.endswith(("'s", "’s"))
        or (word.text[0].isupper() and not word.opens_sentence)
        or word.text[0].isdigit()
    )


def _words(text: str) -> Iterator[_Word]:
    end_of_last = None
    for match in _WORD.finditer(text):
        gap = text[end_of_last : match.start()] if end_of_last is not None else "."
        yield _Word(match[0], match.start(), match.end(), bool(re.search(r"[.!?\n]", gap)))
        end_of_last = match.end()


_NOTHING = _Word("", 0, 0, True)


def _runs(article: str) -> Iterator[tuple[_Word, list[_Word]]]:
    """Runs of content words without punctuation between, each with the word before it."""
    before, run, last = _NOTHING, [], _NOTHING
    for word in _words(article):
        joined = run and article[last.end : word.start] in (" ", "-")
        if _is_content(word.lower) or (word.lower in NUMBERS and not joined):
            if not joined and run:
                yield before, run
                run = []
            if not run:
                before = last if article[last.end : word.start] == " " else _NOTHING
            run.append(word)
        elif run:
            yield before, run
            run = []
        last = word
    if run:
        yield before, run


def _is_content(word: str) -> bool:
    return word not in STOP_WORDS and word not in REPORTING and word not in AUXILIARIES


def _cut_at_verbs(run: Sequence[_Word]) -> Iterator[list[_Word]]:
    """A run without words that look like verbs or adverbs (-ed, -ly, -ing inside)."""
    part: list[_Word] = []
    for word in run:
        lower = word.lower
        is_name = word.text[0].isupper() and not word.opens_sentence
        if not is_name and len(lower) > 4 and lower.endswith(("ed", "ly", "ing")):
            if part:
                yield part
            part = []
        else:
            part.append(word)
    while part and part[-1].lower in _TRAILING:
        part.pop()
    if part:
        yield part
