"""Texts follow live parameters as figures do, and each is sent to the browser once."""

import json

import pytest

from workbench.figures.live import Slot
from workbench.figures.passages import LivePassages, Passage, Span

ARTICLE = Passage("Article", (Span("The ferry "), Span("sank", "mark", "a key phrase", pick=3)))
ANSWERS = [Passage(f"Answer {i}", (Span(str(i)),), note=f"score {i}") for i in range(3)]
LIVE = LivePassages(
    [[ARTICLE, answer] for answer in ANSWERS],
    {"chosen": [0, 1, 2]},
    Slot("words", ("chosen",), ["none", "one", "two"]),
)


def test_a_position_gives_its_texts_and_words() -> None:
    assert LIVE.at(chosen=2) == (ARTICLE, ANSWERS[2])
    assert LIVE.words_at(chosen=1) == "one"
    with pytest.raises(KeyError):
        LIVE.at()


def test_a_text_that_stays_is_sent_once() -> None:
    payload = json.loads(json.dumps(LIVE.payload()))
    assert [passage["title"] for passage in payload["passages"]] == [
        "Article", "Answer 0", "Answer 1", "Answer 2",
    ]  # fmt: skip
    assert payload["shown"] == [[0, 1], [0, 2], [0, 3]]
    assert payload["passages"][0]["spans"] == [
        ["The ferry ", "", ""],
        ["sank", "mark", "a key phrase", 3],
    ]
    assert payload["words"]["texts"] == ["none", "one", "two"]


def test_texts_without_live_parameters_stand_as_they_are() -> None:
    fixed = LivePassages((ARTICLE,), words="Read it.")
    assert fixed.at() == (ARTICLE,)
    assert fixed.words_at() == "Read it."
    assert fixed.payload()["shown"] == [[0]]


def test_a_wide_text_tells_the_page_so() -> None:
    wide = Passage("Article", (Span("Long."),), is_wide=True)
    sent = LivePassages((ANSWERS[0], wide)).payload()["passages"]
    assert [passage.get("wide", False) for passage in sent] == [False, True]
