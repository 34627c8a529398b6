"""The published question sets of the teaching method, where the Hugging Face hub has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from workbench.data.hub_rows import HubRows, HubSet, Part, fetch_part
from workbench.errors import UnknownNameError


@dataclass(frozen=True)
class QuestionSet:
    """A published set of questions.

    Args:
        hub: where it is.
        form: the published format of its rows.
    """

    hub: HubSet
    form: str


_OWN_SPLITS = {"train": Part("train"), "test": Part("test")}
_STRATEGYQA_TRAIN = 2_061
"""The paper trains on so many of the 2,290 official questions and tests on the other 229."""

QUESTION_SETS: Mapping[str, QuestionSet] = {
    "strategyqa": QuestionSet(
        HubSet("ChilleD/StrategyQA", "default", _OWN_SPLITS), form="strategyqa"
    ),
    # the official file as it is, in one split: cut in the paper's sizes, which need not give the
    # paper's own 229
    "strategyqa_facts": QuestionSet(
        HubSet(
            "havens2/strategyQA_train",
            "default",
            {
                "train": Part("train", 0, _STRATEGYQA_TRAIN),
                "test": Part("train", _STRATEGYQA_TRAIN),
            },
        ),
        form="strategyqa",
    ),
    "ecqa": QuestionSet(HubSet("tasksource/ecqa", "default", _OWN_SPLITS), form="ecqa"),
    "gsm8k": QuestionSet(HubSet("openai/gsm8k", "main", _OWN_SPLITS), form="gsm8k"),
}


def fetch_rows(
    task: str,
    split: str,
    count: int,
    *,
    check: Callable[[], None] = lambda: None,
    transport: httpx.BaseTransport | None = None,
) -> HubRows:
    """The first rows of a published set.

    Args:
        task: a name in ``QUESTION_SETS``.
        split: "train" or "test".
        count: how many rows, at least 1; fewer come when there are no more.
        check: called between pages; may raise to stop.
        transport: carries the requests; httpx's own by default.

    Raises:
        UnknownNameError: no such set or split.
        OutsideError: the hub does not answer, or its answer makes no sense.
    """
    if task not in QUESTION_SETS:
        raise UnknownNameError.of("set", task, QUESTION_SETS)
    hub = QUESTION_SETS[task].hub
    if split not in hub.splits:
        raise UnknownNameError.of("split", split, hub.splits)
    return fetch_part(hub, split, count, check=check, transport=transport)
