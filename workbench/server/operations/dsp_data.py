"""``dsp.articles`` and ``dsp.rows``: the shipped sets of directional stimulus prompting."""

from __future__ import annotations

from typing import Any, Literal

from workbench.data.dsp import Row, read_set
from workbench.errors import InputError
from workbench.methods.dsp.annotation import annotate
from workbench.server.api import Json
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing


class ArticleArguments(Base):
    """Which split; ``digest`` is the SHA-256 its file must have, so that answers can be kept."""

    split: Literal["train", "validation", "test"]
    digest: str


class RowArguments(Base):
    """Which set; ``digest`` as for articles."""

    name: Literal["dialogues", "problems"]
    digest: str


def give_articles(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Articles with their candidate phrases.

    Returns:
        Values: ``rows``, each ``id``, ``article``, ``highlights``, ``candidates`` (from the article
        alone), ``ranks`` (TextRank of each) and ``keywords`` (phrases of the article that the
        highlights hold too).
    """
    del loaded, number
    rows: list[Json] = []
    for row in _checked(f"articles-{item.arguments.split}", item.arguments.digest):
        control.check()
        rows.append(annotate(row))
    return Output(values={"rows": rows})


def give_rows(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Rows as the file has them."""
    del loaded, number, control
    return Output(values={"rows": list(_checked(item.arguments.name, item.arguments.digest))})


def _checked(name: str, digest: str) -> tuple[Row, ...]:
    rows, found = read_set(name)
    if found != digest:
        raise InputError(
            f"The set {name} of this server is another version than the page's; install both "
            "from the same release."
        )
    return rows


ARTICLES = Operation(
    name="dsp.articles",
    version=1,
    kinds=frozenset(),
    prepare=preparing(ArticleArguments),
    run=one_by_one(give_articles),
    summary="Articles with reference summaries and the phrases a policy may choose from.",
)
ROWS = Operation(
    name="dsp.rows",
    version=1,
    kinds=frozenset(),
    prepare=preparing(RowArguments),
    run=one_by_one(give_rows),
    summary="Dialogues or word problems as their file has them.",
)
