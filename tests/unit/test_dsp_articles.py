"""The articles written for DSP: what their summaries ask of a hint, and that no split leaks."""

import json
import re
from pathlib import Path

import pytest

from workbench.methods.dsp.keywords import pseudo_label_keywords
from workbench.methods.dsp.phrases import candidate_phrases, lead, sentences

FOLDER = Path(__file__).parents[2] / "assets" / "dsp"
COUNTS = {"train": 120, "validation": 40, "test": 100}
TRAINING_SPLITS = ["train", "validation"]


def _rows(split: str) -> list[dict[str, str]]:
    text = (FOLDER / f"articles-{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _runs_of_words(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[place : place + length]) for place in range(len(words) - length + 1)}


@pytest.mark.parametrize("split", COUNTS)
def test_rows_have_the_columns_of_the_paper_s_data_set_and_are_numbered(split: str) -> None:
    rows = _rows(split)
    assert [row["id"] for row in rows] == [
        f"{split}-{number:03d}" for number in range(1, COUNTS[split] + 1)
    ]
    assert {tuple(row) for row in rows} == {("id", "article", "highlights")}


@pytest.mark.parametrize("split", COUNTS)
def test_articles_fit_the_small_model_s_prompt_and_summaries_its_answer(split: str) -> None:
    for row in _rows(split):
        assert 90 <= len(row["article"].split()) <= 160, row["id"]
        assert 25 <= len(row["highlights"].split()) <= 55, row["id"]
        assert 2 <= len(sentences(row["highlights"])) <= 3, row["id"]


@pytest.mark.parametrize("split", COUNTS)
def test_every_figure_of_a_summary_stands_in_its_article(split: str) -> None:
    for row in _rows(split):
        figures = set(re.findall(r"\d+(?:[.,]\d+)*", row["highlights"]))
        assert figures <= set(re.findall(r"\d+(?:[.,]\d+)*", row["article"])), row["id"]


@pytest.mark.parametrize("split", TRAINING_SPLITS)
def test_every_article_to_learn_from_offers_keywords_and_some_lie_behind_its_lead(
    split: str,
) -> None:
    for row in _rows(split):
        candidates = candidate_phrases(row["article"])
        keywords = pseudo_label_keywords(row["article"], row["highlights"], candidates)
        start = lead(row["article"]).lower()
        assert len(keywords) >= 3, (row["id"], keywords)
        assert any(keyword.lower() not in start for keyword in keywords), (row["id"], keywords)


def test_no_two_articles_of_any_split_share_a_run_of_eight_words() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for split in COUNTS:
        for row in _rows(split):
            for run in _runs_of_words(row["article"], 8):
                assert seen.setdefault(run, row["id"]) == row["id"], " ".join(run)
