"""Prompts of the roles and what is read from their texts, against the method's specification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.teaching.question import YES_NO, Question
from workbench.methods.teaching import prompts
from workbench.methods.teaching.parsing import (
    UNPARSED,
    parse,
    parse_reason,
    read_answer,
    says_the_answer,
)
from workbench.methods.teaching.prompts import Example

TIN = Question("t", "Is tin soft?", YES_NO, 0, "Tin has hardness 1.5.")
FISH = Question("f", "Where do fish live?", ("tree", "deep sea", "sky"), 1, "Fish need water.")
COINS = Question("c", "How many coins?", ("42",), 0, "Twenty and one is 21. Twice that is 42.")


def test_a_student_is_shown_explanations_that_end_in_the_answer() -> None:
    examples = [Example(TIN, TIN.explanation, 0)]
    assert prompts.reasoning_prefix(examples) + prompts.ask_alone(FISH) == (
        "Q: Is tin soft?\nA: Tin has hardness 1.5. So the answer is yes\n\n"
        "Q: Where do fish live?\nAnswer Choices:\nChoice 1: tree\nChoice 2: deep sea\n"
        "Choice 3: sky\nA:"
    )


def test_choices_are_answered_by_their_number() -> None:
    assert prompts.reasoning_prefix([Example(FISH, FISH.explanation, 1)]).endswith(
        "A: Fish need water. So the correct choice is 2\n\n"
    )
    assert prompts.candidates(FISH) == [" 1", " 2", " 3"]
    assert prompts.candidates(TIN) == [" yes", " no"]
    assert prompts.candidates(COINS) == [" 42"]


def test_a_taught_student_reads_the_explanation_up_to_the_cue() -> None:
    assert prompts.ask_helped(TIN, "It bends.") == (
        "Q: Is tin soft?\nA: It bends. So the answer is"
    )
    assert prompts.ask_helped(TIN, "") == "Q: Is tin soft?\nA: So the answer is"
    assert prompts.ask_helped(FISH, "Wet.").endswith("A: Wet. So the correct choice is")


def test_an_open_question_shows_the_first_sentence_only() -> None:
    assert prompts.ask_helped(COINS, COINS.explanation) == (
        "Q: How many coins?\nA: Twenty and one is 21."
    )


def test_without_explanations_only_answers_are_shown() -> None:
    assert prompts.bare_prefix([Example(TIN, TIN.explanation, 0)]) + prompts.ask_bare(FISH) == (
        f"Q: Is tin soft?\nA: The answer is yes\n\n{prompts.ask(FISH)}\nA: The correct choice is"
    )


def test_a_rationalising_teacher_answers_first() -> None:
    assert prompts.rationalising_prefix([Example(TIN, TIN.explanation, 0)]) == (
        "Q: Is tin soft?\nA: yes because Tin has hardness 1.5.\n\n"
    )


def test_the_mental_model_is_told_the_right_answer_and_what_the_student_said() -> None:
    example = Example(TIN, TIN.explanation, 0, "no")
    assert prompts.before_prefix([example]) + prompts.simulate_before(FISH, 1) == (
        "Simulate an AI model's answer for the given question.\n\n"
        "Q: Is tin soft?\nCorrect Answer: yes\nAI Predicted Answer: no\n\n"
        f"{prompts.ask(FISH)}\nCorrect Answer: 2\nAI Predicted Answer:"
    )
    assert prompts.after_prefix([example]) + prompts.simulate_after(TIN, 1, "It bends.") == (
        "Simulate an AI model's answer for the given question.\n\n"
        "Q: Is tin soft?\nCorrect Answer: yes\n"
        "AI Predicted Answer: Tin has hardness 1.5. So the answer is no\n\n"
        "Q: Is tin soft?\nCorrect Answer: no\nAI Predicted Answer: It bends. So the answer is"
    )


def test_a_wrong_number_is_shown_to_the_mental_model_as_the_student_said_it() -> None:
    # the released code prints the right number as if the student had said it
    shown = prompts.before_prefix([Example(COINS, "", 0, "17")])
    assert "Correct Answer: 42\nAI Predicted Answer: 17" in shown


@pytest.mark.parametrize(
    ("text", "answer", "explanation", "before", "leaked"),
    [
        (
            " Tin bends. So the answer is yes",
            0,
            "Tin bends.",
            "Tin bends. So the answer is",
            False,
        ),
        (
            " Tin bends. So the answer is no.\nQ: next?",
            1,
            "Tin bends.",
            "Tin bends. So the answer is",
            True,
        ),
        (
            " No, tin is a metal. So the answer is no",
            1,
            "Tin is a metal.",
            "No, tin is a metal. So the answer is",
            True,
        ),
        (" Tin bends", UNPARSED, "Tin bends", "Tin bends So the answer is", False),
        (" Tin bends. It is a", UNPARSED, "Tin bends.", "Tin bends. So the answer is", False),
        (" No.", 1, "", "No. So the answer is", True),
        ("", UNPARSED, "", "So the answer is", False),
    ],
)
def test_chains_of_thought_are_read_as_specified(
    text: str, answer: int, explanation: str, before: str, leaked: bool
) -> None:
    found = parse(text, TIN)
    assert (found.answer, found.explanation, found.before, found.leaked) == (
        answer,
        explanation,
        before,
        leaked,
    )


@pytest.mark.parametrize(
    ("said", "question", "answer"),
    [
        (" yes", TIN, 0),
        (" (No).", TIN, 1),
        (" yes or maybe", TIN, UNPARSED),
        (" 2", FISH, 1),
        (" 9", FISH, UNPARSED),
        (" the deep sea, of course", FISH, 1),
        (" the sky over the tree", FISH, 2),  # the option that is named first
        (" $42.00", COINS, 0),
        (" 43 coins", COINS, UNPARSED),  # the last word is no number, as in the released code
        (" 43.", COINS, 1),
    ],
)
def test_answers_are_the_last_word_or_the_first_option_named(
    said: str, question: Question, answer: int
) -> None:
    assert read_answer(said, question) == answer


def test_a_rationalisation_gives_its_answer_first() -> None:
    found = parse_reason(" yes because tin bends. So the answer is yes.", TIN)
    assert (found.answer, found.explanation, found.leaked) == (0, "tin bends.", True)
    assert parse_reason(" Tin bends. So the answer is no", TIN).answer == 1


written = st.lists(
    st.sampled_from(
        ["So the answer is", "yes", "no", "Yes,", "Tin", "bends.", "The correct choice is 2.", "\n"]
    ),
    max_size=10,
).map(" ".join)


@given(written, st.sampled_from([TIN, FISH, COINS]))
def test_no_explanation_that_a_student_may_see_says_the_answer(
    text: str, question: Question
) -> None:
    for found in (parse(text, question), parse_reason(text, question)):
        assert not says_the_answer(found.explanation)
        assert "\n" not in found.before


@given(st.sampled_from(["yes", "no"]), st.text("abc. ", max_size=20))
def test_an_answer_after_the_cue_is_always_found(answer: str, reason: str) -> None:
    found = parse(f" {reason} So the answer is {answer}", TIN)
    assert found.said == answer
    assert found.before.endswith("So the answer is")
    assert found.has_cue
