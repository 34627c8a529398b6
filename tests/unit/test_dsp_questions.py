"""The questions that the DSP tab's studies ask of the model server, and what they make of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import dsp_records
from workbench.errors import InputError, UnknownNameError
from workbench.figures.dsp import draw_bench
from workbench.methods.dsp import (
    study_bench,
    study_dialogue,
    study_dose,
    study_removal,
    study_triggers,
)
from workbench.methods.dsp.asking import Source
from workbench.methods.dsp.dialogue_acts import jaccard, parse_act, sentence_bleu
from workbench.methods.dsp.rouge import rouge_scores
from workbench.params import chips, parse
from workbench.server.api import Receipt, Request, Result

MADE = dsp_records.articles(6)
RECEIPT = Receipt("made", 1, None, None, None, "cpu", None, "", "", "", 0.0, {})
DIALOGUES = [
    {
        "id": "dialogue-001",
        "turns": [
            {
                "user": "a train please.",
                "resp": "where from?",
                "aspn": "[train] [request] departure",
            },
            {
                "user": "from the coast.",
                "resp": "it leaves at [value_leave].",
                "aspn": "[train] [inform] leave",
            },
        ],
    }
]
PROBLEMS = [
    {
        "id": f"problem-{i:03d}",
        "question": f"What is {i} + 1?",
        "final_ans": i + 1,
        "steps": [f"{i} + 1"],
    }
    for i in range(8)
]


class FakeServer:
    """Answers from functions of the arguments, and remembers what it was asked."""

    def __init__(self, write: Callable[[str], str]) -> None:
        self.write = write
        self.asked: list[Request] = []

    def call(self, request: Request) -> Result:
        self.asked.append(request)
        values, arrays = self._answer(request.operation, request.arguments)
        return Result(arrays=arrays, values=values, receipt=RECEIPT)

    def _answer(self, operation: str, arguments: Mapping[str, Any]) -> tuple[dict, dict]:
        match operation:
            case "dsp.articles":
                return {"rows": [_row(article) for article in MADE]}, {}
            case "dsp.rows":
                return {"rows": DIALOGUES if arguments["name"] == "dialogues" else PROBLEMS}, {}
            case "language.generate_batch":
                prefix = arguments["prefix"]
                return {"texts": [self.write(prefix + p) for p in arguments["prompts"]]}, {}
            case "language.embed_text":
                return {}, {"embeddings": np.eye(len(arguments["texts"]), 16)}
            case "text.rouge":
                scores = rouge_scores(
                    arguments["predictions"],
                    arguments["references"],
                    stemmer=arguments["stemmer"],
                )
                return {}, {"scores": scores}
            case "language.score_batch":
                prompts = [arguments["prefix"] + q["prompt"] for q in arguments["questions"]]
                return {}, {"log_probabilities": np.array([-float(len(p)) for p in prompts])}
        raise AssertionError(operation)


def _row(article: Any) -> dict[str, Any]:
    keywords = [p for p in article.candidates if p in article.reference]
    return {
        "id": article.id,
        "article": article.text,
        "highlights": article.reference,
        "candidates": list(article.candidates),
        "ranks": [float(len(p)) for p in article.candidates],
        "keywords": keywords,
        "keyword_ranks": [float(len(p)) for p in keywords],
    }


def hint_of(prompt: str) -> list[str]:
    """The keywords that a prompt holds for its last article."""
    last = prompt.rsplit("Article: ", 1)[1]
    line = next((one for one in last.splitlines() if one.startswith("Keywords: ")), "")
    return [p for p in line.removeprefix("Keywords: ").rstrip(".").split("; ") if p]


def obedient(prompt: str) -> str:
    """A model that writes the keywords it is given and nothing else."""
    return " ".join(f"The {phrase} opened." for phrase in hint_of(prompt)) or "Nothing happened."


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(obedient)


# ---------------------------------------------------------------- one's own hint


def test_the_bench_asks_the_same_prompt_with_and_without_keywords(server: FakeServer) -> None:
    hint = "; ".join(MADE[1].candidates[:2])
    params = parse(study_bench.Params, {"article": 2, "hint": hint})
    found = study_bench.compute(study_bench.gather(server, params), params)
    asked = [r for r in server.asked if r.operation == "language.generate_batch"]
    assert [r.label for r in asked] == ["With the hint", "Without the hint"]
    hinted, plain = (r.arguments["prefix"] + r.arguments["prompts"][0] for r in asked)
    clause = " that accurately incorporates the provided keywords"
    lines = [line for line in hinted.splitlines() if not line.startswith("Keywords: ")]
    assert "\n".join(lines).replace(clause, "") == plain
    assert found.output_without == "Nothing happened."
    assert found.fates.count("muted") == 0
    assert found.article == MADE[1]


def test_locked_chips_are_phrases_like_others(server: FakeServer) -> None:
    params = parse(study_bench.Params, {"hint": "!new bridge; old ferry"})
    found = study_bench.compute(study_bench.gather(server, params), params)
    assert found.phrases == ("new bridge", "old ferry")


def test_the_scores_of_the_bench_are_those_of_rouge_score(server: FakeServer) -> None:
    params = parse(study_bench.Params, {"hint": "; ".join(MADE[0].candidates[:3])})
    found = study_bench.compute(study_bench.gather(server, params), params)
    for stemmer, row in ((False, 0), (True, 1)):
        peer = rouge_scores([found.output_with], [MADE[0].reference], stemmer=stemmer)[0, :, 2]
        assert found.rouge_with[row] == pytest.approx(peer)


def test_an_article_of_ones_own_replaces_the_test_article(server: FakeServer) -> None:
    params = parse(study_bench.Params, {"text": "The new\nbridge opened.  It is red.", "hint": ""})
    found = study_bench.compute(study_bench.gather(server, params), params)
    assert found.article.text == "The new bridge opened. It is red."
    assert found.article.reference == ""
    assert (found.number, draw_bench(found).at()[-1].title) == (0, "Your own article")
    assert found.phrases == ()
    assert found.output_with == found.output_without
    assert (found.rouge_with == 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"hint": "; ".join(f"phrase {i}" for i in range(500))},
        {"hint": "x" * 200},
        {"text": "a" * 20_000},
        {"text": "", "reference": "A summary of nothing."},
    ],
)
def test_what_the_bench_cannot_take_is_refused_in_one_sentence(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        parse(study_bench.Params, wrong)


@pytest.mark.parametrize("blank", [" ", "\n\t\n", "\u00a0"])
def test_a_blank_article_is_never_taken_for_the_test_article(blank: str) -> None:
    with pytest.raises(InputError, match="Your own article is blank; type some text, or empty"):
        parse(study_bench.Params, {"text": blank})


def test_markup_in_a_chip_reaches_the_model_as_it_is(server: FakeServer) -> None:
    params = parse(study_bench.Params, {"hint": "<script>alert(1)</script>"})
    found = study_bench.compute(study_bench.gather(server, params), params)
    assert found.phrases == ("<script>alert(1)</script>",)
    assert found.not_in_article == found.phrases


# ---------------------------------------------------------------- leave one out


def test_every_phrase_is_left_out_once_and_locked_ones_stay() -> None:
    assert study_removal.shorten(chips("a; b; c")) == (
        ("a", "b", "c"),
        ("b", "c"),
        ("a", "c"),
        ("a", "b"),
    )
    assert study_removal.shorten(chips("a; !b; c")) == (("a", "b", "c"), ("b", "c"), ("a", "b"))


def test_a_hint_of_one_phrase_is_compared_with_no_hint(server: FakeServer) -> None:
    params = parse(study_removal.Params, {"hint": MADE[0].candidates[0]})
    found = study_removal.compute(study_removal.gather(server, params), params)
    scored = [r.arguments for r in server.asked if r.operation == "language.score_batch"]
    assert len(scored) == 2
    assert "Keywords" in scored[0]["questions"][0]["prompt"]
    assert "keywords" not in scored[1]["prefix"]
    assert scored[1]["questions"][0]["candidates"] == [f" {MADE[0].reference}"]
    # the fake's log probability is minus the length of the prompt: the one without is shorter
    assert found.log_probability_lost[0] < 0
    assert found.outputs[1] == "Nothing happened."


@pytest.mark.parametrize("hint", [" ; ", "!new ferry", ""])
def test_without_a_phrase_to_leave_out_there_is_no_question(hint: str) -> None:
    with pytest.raises(InputError, match="no phrase to leave out"):
        parse(study_removal.Params, {"hint": hint})


# ---------------------------------------------------------------- dose


def test_doses_grow_by_one_and_start_at_none(server: FakeServer) -> None:
    params = parse(study_dose.Params, {"articles": 4, "most": 3, "shuffles": 2})
    inputs = study_dose.gather(server, params)
    assert inputs.doses.shape == (3, 4, 4, 3)
    assert inputs.orders.shape == (3, 4, 3)
    assert (inputs.doses[:, 0] == inputs.doses[0, 0]).all()
    found = study_dose.compute(inputs, params)
    # the fake writes exactly the keywords, so the reference's own can only help
    assert (np.diff(found.scores.mean[0, :, 0]) > 0).all()
    assert found.scores.mean[0, -1, 0] > found.scores.mean[2, -1, 0]


def test_each_dose_holds_the_one_before_it() -> None:
    article = MADE[2]
    ranks = tuple(float(i) for i in range(len(article.candidates)))
    source = Source(article, ranks, article.candidates[:3], ranks[:3])
    of_sources = study_dose.dose_hints(source, 5, seed=1)
    for hints, available in zip(of_sources, (3, 9, 9), strict=True):
        assert [len(hint) for hint in hints] == [min(k, available) for k in range(6)]
        for less, more in itertools.pairwise(hints):
            assert set(less) <= set(more)
    extracted = study_dose.dose_hints(source, 3, seed=1)[1]
    assert extracted[3] == article.candidates[-3:]


@given(st.lists(st.text("abc", min_size=1), min_size=1, unique=True), st.integers(0, 4))
def test_shuffling_keeps_the_keywords(hint: list[str], count: int) -> None:
    orders = study_dose.shuffle(tuple(hint), count, np.random.default_rng(1))
    assert len(orders) == count + 1
    assert orders[0] == tuple(hint)
    assert all(sorted(order) == sorted(hint) for order in orders)


# ---------------------------------------------------------------- triggers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3 * 4 = 12. So 12.", 12.0),
        ("1,200 people", 1200.0),
        ("-5 degrees", -5.0),
        ("about 2.5", 2.5),
        ("no idea", None),
    ],
)
def test_the_answer_is_the_last_number(text: str, number: float | None) -> None:
    assert study_triggers.last_number(text) == number


def test_a_model_that_can_add_is_always_right_and_one_that_guesses_is_not() -> None:
    def adds(prompt: str) -> str:
        number = int(prompt.split("What is ")[1].split(" +")[0])
        return f"{number} + 1 = {number + 1}." if "step" in prompt else "The answer is 3."

    params = parse(study_triggers.Params, {"questions": 8})
    found = study_triggers.compute(study_triggers.gather(FakeServer(adds), params), params)
    assert found.is_right[:, 0].all()
    assert found.is_right[:, 2].sum() == 1  # only 2 + 1 is 3
    assert found.best == 0
    assert found.oracle.mean == 1.0
    assert found.selection_noise == 0.0


def test_every_question_is_asked_with_every_trigger_after_one_prefix() -> None:
    server = FakeServer(lambda _: "1")
    params = parse(study_triggers.Params, {"questions": 5})
    study_triggers.gather(server, params)
    asked = [r.arguments for r in server.asked if r.operation == "language.generate_batch"]
    assert len(asked) == 5
    assert [p.strip() for p in asked[0]["prompts"]] == list(study_triggers.TRIGGERS)
    assert asked[3]["prefix"] == "Q: What is 3 + 1?\nA:"


# ---------------------------------------------------------------- dialogue acts


def test_acts_are_read_as_triples() -> None:
    text = "[train] [inform] leave arrive [request] day [general] [reqmore]"
    assert parse_act(text) == {
        ("train", "inform", "leave"),
        ("train", "inform", "arrive"),
        ("train", "request", "day"),
        ("general", "reqmore", ""),
    }


@pytest.mark.parametrize("wrong", ["[inform] leave", "[train] leave", "leave"])
def test_acts_out_of_order_are_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="write one first"):
        parse_act(wrong)


def test_an_unknown_act_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="inform"):
        parse_act("[train] [infrom] leave")


@given(
    *[
        st.lists(
            st.sampled_from(
                [
                    f"[{d}] [{a}] {s}"
                    for d, a, s in itertools.product(
                        ("train", "hotel"), ("inform", "request"), ("day", "price")
                    )
                ]
            )
        )
        for _ in range(2)
    ]
)
def test_jaccard_is_shared_parts_over_all(one: list[str], other: list[str]) -> None:
    found = jaccard(" ".join(one), " ".join(other))
    union = set(one) | set(other)
    assert found == (len(set(one) & set(other)) / len(union) if union else 1.0)


def test_bleu_is_whole_for_the_same_sentence_and_nothing_for_another() -> None:
    assert sentence_bleu("It leaves at [value_leave] .", "it leaves at [value_leave] .") == (
        pytest.approx(100.0)
    )
    assert sentence_bleu("Goodbye", "it leaves at [value_leave] .") < 5


def test_only_the_act_of_the_turn_to_be_answered_changes() -> None:
    server = FakeServer(lambda prompt: "bye." if prompt.endswith("[bye]):") else "hm.")
    params = parse(study_dialogue.Params, {"dialogue": 1, "turn": 6})
    found = study_dialogue.compute(study_dialogue.gather(server, params), params)
    plain, acted = (r.arguments for r in server.asked if r.operation == "language.generate_batch")
    assert "Assistant: where from?" in plain["prefix"]
    assert "[" not in plain["prefix"].replace("[value", "")
    assert "Assistant([train] [request] departure): where from?" in acted["prefix"]
    assert acted["prompts"] == ["Assistant([train] [inform] leave):", "Assistant([general] [bye]):"]
    assert (found.own.text, found.recorded.text, found.without.text) == ("bye.", "hm.", "hm.")
    assert (found.own.jaccard, found.recorded.jaccard) == (0.0, 1.0)
    assert len(found.history) == 1


def test_an_empty_act_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        parse(study_dialogue.Params, {"act": " "})


def test_every_act_is_defined_in_the_prompt() -> None:
    turns = (study_dialogue.Turn("hello", "", ""),)
    prefix = study_dialogue.write_prefix(turns, with_acts=True)
    for act in study_dialogue.MEANINGS:
        assert f"\n{act}: " in prefix


STUDIES = (
    (study_bench.BENCH, {}),
    (study_removal.REMOVAL, {"hint": "new ferry"}),
    (study_dose.DOSE, {"articles": 3}),
    (study_triggers.TRIGGER_CHOICE, {"questions": 6}),
    (study_dialogue.DIALOGUE, {"dialogue": 1}),
)


@pytest.mark.parametrize(("study", "values"), STUDIES, ids=lambda x: getattr(x, "slug", ""))
def test_summaries_are_flat_and_finite(study: Any, values: dict[str, Any]) -> None:
    params = parse(study.params, values)
    server = FakeServer(lambda p: obedient(p) if "Article: " in p else "3")
    numbers = study.summarise(study.compute(study.gather(server, params), params))
    assert numbers
    assert all(isinstance(v, int | float) and np.isfinite(v) for v in numbers.values())
