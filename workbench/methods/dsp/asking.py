"""What the studies ask of the model server: data, summaries and their ROUGE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import BugError
from workbench.methods.dsp import prompts
from workbench.methods.dsp.records import Article
from workbench.server.api import Json, ModelClient, Request

DIGESTS = {
    "articles-train": "450bb3637f1e0ef8df37bb944ed2b4352b51adb008be9ae7a8472515508af24d",
    "articles-validation": "92234183f8b71d913cd62b086de47a5ea2abf2439a0a6659324d33e6f1ab9812",
    "articles-test": "1af3d51832670e1a33d9b053fcc50b6bedf9b00278f9f818a4c6585ca1048ffa",
    "dialogues": "e4bd3dcddfb77e3bd0f4edd3b6f034bd38bd75b64c5f8ab62210e6c36e564492",
    "problems": "1fab4d8e984634d9c2b86a2997e6458f5fa19a8dc6bb4b8bdde815530212084a",
}
"""SHA-256 of the shipped sets, so that answers about them can be kept; a test compares them."""
_PLAIN_AT_ONCE = 10


@dataclass(frozen=True)
class Source:
    """An article with what is known of it before any model has read it.

    Args:
        article: the article, its reference and its candidates.
        ranks: TextRank of each candidate.
        keywords: all noun-like phrases of the article that the reference holds too, in the
            reference's order.
        keyword_ranks: TextRank of each.
    """

    article: Article
    ranks: tuple[float, ...]
    keywords: tuple[str, ...]
    keyword_ranks: tuple[float, ...]


def ask_articles(client: ModelClient, split: str) -> tuple[Source, ...]:
    """The articles of a split: "train", "validation" or "test".

    Raises:
        WorkbenchError: what the server refused.
    """
    arguments: dict[str, Json] = {"split": split, "digest": DIGESTS[f"articles-{split}"]}
    return _read_sources(_ask_rows(client, "dsp.articles", arguments))


def ask_published(client: ModelClient, name: str, count: int) -> tuple[Mapping[str, Any], ...]:
    """The first rows of a published test set: "cnn_dailymail", "multiarith" or "aqua_rat".

    Raises:
        WorkbenchError: what the server refused, such as a hub that does not answer.
    """
    return _ask_rows(client, "dsp.hub_rows", {"name": name, "count": count})


def ask_published_articles(client: ModelClient, count: int) -> tuple[Source, ...]:
    """The first test articles of CNN/DailyMail.

    Raises:
        WorkbenchError: as for ``ask_published``.
    """
    return _read_sources(ask_published(client, "cnn_dailymail", count))


def _read_sources(rows: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    return tuple(
        Source(
            Article(row["id"], row["article"], row["highlights"], tuple(row["candidates"])),
            tuple(row["ranks"]),
            tuple(row["keywords"]),
            tuple(row["keyword_ranks"]),
        )
        for row in rows
    )


def ask_rows(client: ModelClient, name: str) -> tuple[Mapping[str, Any], ...]:
    """The dialogues or the problems, as their file has them.

    Raises:
        WorkbenchError: what the server refused.
    """
    return _ask_rows(client, "dsp.rows", {"name": name, "digest": DIGESTS[name]})


def _ask_rows(
    client: ModelClient, operation: str, arguments: Mapping[str, Json]
) -> tuple[dict[str, Any], ...]:
    answer = client.call(Request(operation=operation, arguments=arguments, dtype="float32"))
    rows = answer.values.get("rows")
    if not isinstance(rows, list):
        raise BugError("The model server answered without rows.")
    return tuple(row for row in rows if isinstance(row, dict))


@dataclass(frozen=True)
class Writer:
    """The language model that writes summaries: frozen, greedy, its answers kept.

    Args:
        model: name of its card.
        demonstrations: solved examples before the article, 0 to 3.
        max_new_tokens: longest summary.
    """

    model: str
    demonstrations: int = 1
    max_new_tokens: int = prompts.MAX_NEW_TOKENS


def ask_with_hints(
    client: ModelClient,
    writer: Writer,
    article: str,
    hints: Sequence[tuple[str, ...]],
    label: str = "",
) -> tuple[str, ...]:
    """Summaries of one article, one for each hint, written together after one copy of it.

    An empty hint gives the summary without hint. A hint that occurs twice is asked once.

    Raises:
        WorkbenchError: what the server refused, such as an article beyond the context.
    """
    asked = [hint for hint in dict.fromkeys(hints) if hint]
    found: dict[tuple[str, ...], str] = {}
    if asked:
        prefix = prompts.summary_prefix(
            article, with_hint=True, demonstrations=writer.demonstrations
        )
        written = [prompts.hint_and_answer(hint) for hint in asked]
        found = dict(zip(asked, _generate(client, writer, prefix, written, label), strict=True))
    if () in hints:
        found[()] = ask_without_hints(client, writer, [article], label)[0]
    return tuple(found[hint] for hint in hints)


def ask_without_hints(
    client: ModelClient, writer: Writer, articles: Sequence[str], label: str = ""
) -> tuple[str, ...]:
    """Summaries without hint, one for each article.

    Raises:
        WorkbenchError: what the server refused.
    """
    prefix = prompts.demonstrations_prefix(with_hint=False, demonstrations=writer.demonstrations)
    blocks = [prompts.article_block(article) for article in articles]
    found: list[str] = []
    for first in range(0, len(blocks), _PLAIN_AT_ONCE):
        some = blocks[first : first + _PLAIN_AT_ONCE]
        found += _generate(client, writer, prefix, some, label)
    return tuple(found)


def _generate(
    client: ModelClient, writer: Writer, prefix: str, written: Sequence[str], label: str
) -> list[str]:
    answer = client.call(
        Request(
            operation="language.generate_batch",
            model=writer.model,
            arguments={
                "prefix": prefix,
                "prompts": list(written),
                "max_new_tokens": writer.max_new_tokens,
                "stop": list(prompts.STOPS),
            },
            dtype="float32",
            label=label,
        )
    )
    texts = answer.values.get("texts")
    if not isinstance(texts, list):
        raise BugError("The model server answered without texts.")
    return [str(text).strip() for text in texts]


def ask_rouge(
    client: ModelClient,
    predictions: Sequence[str],
    references: Sequence[str],
    *,
    stemmer: bool = True,
) -> np.ndarray:
    """``(n, 3)`` F1 of ROUGE-1, 2 and L.

    Raises:
        WorkbenchError: what the server refused.
    """
    parts: list[np.ndarray] = []
    for first in range(0, len(predictions), _PAIRS_AT_ONCE):
        some = slice(first, first + _PAIRS_AT_ONCE)
        answer = client.call(
            Request(
                operation="text.rouge",
                arguments={
                    "predictions": list(predictions[some]),
                    "references": list(references[some]),
                    "stemmer": stemmer,
                },
                dtype="float32",
            )
        )
        parts.append(answer.arrays["scores"][:, :, 2])
    return np.concatenate(parts)


_PAIRS_AT_ONCE = 2048
