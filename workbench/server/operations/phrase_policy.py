"""The phrase policy: ``policy.describe_phrases``, ``.fit_phrases`` and ``.choose_phrases``.

What it sees of a candidate, its supervised fine-tuning on pseudo-labels, and its likeliest hints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import InputError, WorkbenchError
from workbench.methods.dsp.features import FEATURES, phrase_features, texts_to_embed
from workbench.server.api import Arrays, Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import embed_text
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.prompts import NonEmpty

MAX_ARTICLES = 400
MAX_CANDIDATES = 64

CANDIDATE_ARRAYS = ("features", "similarity", "present")


class Described(Base):
    """An article with its candidates."""

    article: NonEmpty
    phrases: Annotated[list[NonEmpty], Field(max_length=MAX_CANDIDATES)]
    ranks: Annotated[list[float], Field(max_length=MAX_CANDIDATES)]


class DescribeArguments(Base):
    """Articles whose candidates are to be described."""

    articles: Annotated[list[Described], Field(min_length=1, max_length=MAX_ARTICLES)]


class FitArguments(Base):
    """How to fine-tune on pseudo-labels."""

    epochs: Annotated[int, Field(ge=0, le=200)] = 40
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 5e-3
    batch: Annotated[int, Field(ge=1, le=256)] = 8


class ChooseArguments(Base):
    """Nothing: the arrays say it all."""


def prepare_describe(request: Request) -> Prepared:
    """Check the articles."""
    arguments = parse(DescribeArguments, request)
    for number, one in enumerate(arguments.articles, start=1):
        if len(one.phrases) != len(one.ranks):
            raise InputError(f"{request.operation}: article {number} needs a rank for each phrase.")
    return Prepared(arguments)


def prepare_fit(request: Request) -> Prepared:
    """Check recipe and arrays."""
    arguments = parse(FitArguments, request, arrays=(*CANDIDATE_ARRAYS, "labels"))
    check_candidates(request.operation, request.arrays)
    labels = request.arrays["labels"]
    if labels.shape[:1] != request.arrays["present"].shape[:1] or labels.ndim != 2:
        raise InputError(f"{request.operation}: labels must have a row for each article.")
    return Prepared((arguments, dict(request.arrays)), seed=request.seed)


def prepare_choose(request: Request) -> Prepared:
    """Check the arrays."""
    parse(ChooseArguments, request, arrays=(*CANDIDATE_ARRAYS, "weights"))
    check_candidates(request.operation, request.arrays)
    return Prepared(dict(request.arrays))


def check_candidates(operation: str, arrays: Arrays, prefix: str = "") -> None:
    """Refuse candidates whose arrays do not fit together.

    Raises:
        InputError: with the shapes that are wanted.
    """
    features, similarity, present = (arrays[prefix + name] for name in CANDIDATE_ARRAYS)
    a, c = present.shape if present.ndim == 2 else (0, 0)
    if (
        a < 1
        or c < 1
        or present.dtype != np.bool_
        or features.shape != (a, c, len(FEATURES))
        or similarity.shape != (a, c, c)
    ):
        raise InputError(
            f"{operation}: give present (articles, candidates) as bool, features (articles, "
            f"candidates, {len(FEATURES)}) and similarity (articles, candidates, candidates)."
        )


def as_candidates(arrays: Arrays, prefix: str = "") -> Any:
    """The arrays as ``workbench.training.phrase_policy.Candidates``."""
    import torch

    from workbench.training.phrase_policy import Candidates

    return Candidates(
        torch.tensor(arrays[prefix + "features"], dtype=torch.float32),
        torch.tensor(arrays[prefix + "similarity"], dtype=torch.float32),
        torch.tensor(arrays[prefix + "present"]),
    )


def describe(loaded: Any, item: Prepared, number: int, control: Control) -> Output | WorkbenchError:
    """Describe each article's candidates.

    Returns:
        Arrays, padded to the most candidates c of an article: ``features`` ``(a, c, 8)``,
        ``similarity`` ``(a, c, c)`` and ``present`` ``(a, c)``.
    """
    del number
    articles: list[Described] = item.arguments.articles
    texts = [texts_to_embed(one.article, one.phrases) for one in articles]
    asked = embed_text.Arguments(texts=[text for some in texts for text in some], truncate=True)
    (found,) = embed_text.run(loaded, [Prepared(asked)], control, loaded.device)
    if isinstance(found, WorkbenchError):
        return found
    return Output(_describe(articles, found.arrays["embeddings"]))


def _describe(articles: Sequence[Described], embeddings: np.ndarray) -> dict[str, np.ndarray]:
    width = max(1, max(len(one.phrases) for one in articles))
    features = np.zeros((len(articles), width, len(FEATURES)), dtype=np.float32)
    similarity = np.zeros((len(articles), width, width), dtype=np.float32)
    present = np.zeros((len(articles), width), dtype=bool)
    first = 0
    for row, one in enumerate(articles):
        count = len(one.phrases)
        vectors = embeddings[first : first + 2 + count]
        first += 2 + count
        features[row, :count] = phrase_features(one.article, one.phrases, one.ranks, vectors)
        similarity[row, :count, :count] = vectors[2:] @ vectors[2:].T
        present[row, :count] = True
    return {"features": features, "similarity": similarity, "present": present}


def fit(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Fine-tune a new policy for one request.

    Returns:
        Arrays: ``weights`` ``(p,)`` float32 and ``loss`` ``(epochs,)`` per label.
    """
    from workbench.training import phrase_policy

    del loaded
    arguments, arrays = item.arguments
    policy = phrase_policy.new_policy(len(FEATURES), item.seed or 0)

    def tell(done: float) -> None:
        control.check()
        control.progress(number, done, "Learning the pseudo-labels")

    losses = phrase_policy.fit_labels(
        policy,
        as_candidates(arrays),
        arrays["labels"],
        epochs=arguments.epochs,
        learning_rate=arguments.learning_rate,
        batch=arguments.batch,
        seed=item.seed or 0,
        tell=tell,
    )
    return Output({"weights": phrase_policy.read_weights(policy), "loss": np.array(losses)})


def choose(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """The likeliest hints of a policy.

    Returns:
        Array ``choices`` ``(a, 4)``: places of the phrases as they were chosen, then -1.
    """
    from workbench.training import phrase_policy

    del loaded, number, control
    try:
        policy = phrase_policy.load_policy(len(FEATURES), item.arguments["weights"])
    except ValueError as error:
        raise InputError(f"policy.choose_phrases: {error}.") from error
    return Output({"choices": phrase_policy.choose_greedily(policy, as_candidates(item.arguments))})


DESCRIBE = Operation(
    name="policy.describe_phrases",
    version=1,
    kinds=frozenset({"sentence-encoder"}),
    prepare=prepare_describe,
    run=one_by_one(describe),
    summary="What the phrase policy sees of each candidate phrase of some articles.",
)
FIT = Operation(
    name="policy.fit_phrases",
    version=1,
    kinds=frozenset(),
    prepare=prepare_fit,
    run=one_by_one(fit),
    summary="Supervised fine-tuning of the phrase policy on pseudo-labels.",
)
CHOOSE = Operation(
    name="policy.choose_phrases",
    version=1,
    kinds=frozenset(),
    prepare=prepare_choose,
    run=one_by_one(choose),
    summary="The likeliest hints of a phrase policy.",
)
