"""Question files as they are published, and as people really send them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.teaching import sets
from workbench.data.teaching.columns import Columns, read_own_questions
from workbench.data.teaching.formats import read_harmful, read_number, read_questions
from workbench.data.teaching.leaks import find_leaks, split_sentences, strip_leaks
from workbench.data.teaching.rows import MAXIMUM_ROWS, read_rows
from workbench.data.teaching.validate import validate
from workbench.errors import InputError, UnknownNameError

STRATEGY: dict[str, Any] = {
    "qid": "ab12",
    "term": "Tin",
    "description": "Metal",
    "question": "Is tin  softer\nthan iron?",
    "answer": True,
    "facts": ["Tin has hardness 1.5.", "Iron has hardness 4."],
    "decomposition": [],
    "evidence": [],
}
ECQA: dict[str, Any] = {
    "q_no": "q7",
    "q_text": "Where do fish live?",
    **{f"q_op{n}": word for n, word in enumerate(("tree", "sea", "sky", "box", "sand"), start=1)},
    "q_ans": "sea",
    "taskB": "Fish breathe in water, and the sea is water.",
}


def lines(*rows: Any) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def test_strategyqa_is_read_from_the_official_file_with_its_byte_order_mark() -> None:
    # the official dev file: a JSON list in UTF-8 with a mark; 229 rows, 107 of them yes
    rows = [
        {**STRATEGY, "qid": str(n), "question": f"Is {n} odd?", "answer": n < 107}
        for n in range(229)
    ]
    data = b"\xef\xbb\xbf" + json.dumps(rows).encode()
    questions = read_questions(read_rows(data, "strategyqa_dev.json"), "strategyqa")
    assert len(questions) == 229
    assert sum(question.answer == "yes" for question in questions) == 107


def test_strategyqa_facts_may_be_a_list_or_one_text() -> None:
    listed, written = read_questions(
        read_rows(lines(STRATEGY, {**STRATEGY, "facts": "Tin is soft. Iron is not."}), "a.jsonl"),
        "strategyqa",
    )
    assert listed.text == "Is tin softer than iron?"
    assert listed.explanation == "Tin has hardness 1.5. Iron has hardness 4."
    assert written.explanation == "Tin is soft. Iron is not."
    assert (listed.qid, listed.options, listed.gold) == ("ab12", ("yes", "no"), 0)


def test_ecqa_names_its_answer_by_text() -> None:
    (question,) = read_questions([ECQA], "ecqa")
    assert (question.answer, question.gold, len(question.options)) == ("sea", 1, 5)
    with pytest.raises(InputError, match="Row 1: q_ans is 'moon', which is none of q_op1 to q_op5"):
        read_questions([{**ECQA, "q_ans": "moon"}], "ecqa")


def test_gsm8k_numbers_lose_their_separators_and_marks_are_taken_out_one_by_one() -> None:
    answer = "She has 12/4=<<12/4=3>>3 and 2+3=<<2+3=5>>5 coins.\nThat is 1,234\n#### 1,234"
    (question,) = read_questions([{"question": "How many?", "answer": answer}], "gsm8k")
    assert question.answer == "1234"
    # a greedy pattern would lose "3 and 2+3="
    assert question.explanation == "She has 12/4=3 and 2+3=5 coins. That is 1,234."


@pytest.mark.parametrize(
    ("written", "digits"),
    [("1,234", "1234"), ("$5.50", "5.5"), ("-3", "-3"), ("7.00", "7"), ("12.", "12"), ("x2", None)],
)
def test_numbers_are_compared_as_digits(written: str, digits: str | None) -> None:
    assert read_number(written) == digits


def test_harmful_explanations_argue_for_the_other_answer() -> None:
    row = {
        "question": "Is tin soft?",
        "answer": True,
        "wrong_answer": False,
        "gold_explanation": "Tin can be scratched.",
        "harmful_explanation": ["Tin is a metal.", "Metals are hard."],
    }
    (one,) = read_harmful([row])
    assert (one.question.gold, one.wrong, len(one.harmful)) == (0, 1, 2)
    with pytest.raises(InputError, match="wrong_answer equals answer"):
        read_harmful([{**row, "wrong_answer": True}])
    with pytest.raises(InputError, match="harmful_explanation must be texts"):
        read_harmful([{**row, "harmful_explanation": [3]}])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "a?", "answer": True}, "Row 1 has no column 'facts'; its columns are quest"),
        ({**STRATEGY, "answer": 3}, "Row 1: answer is 3; write true, false, yes or no"),
        ({**STRATEGY, "answer": "maybe"}, "answer is 'maybe'"),
        ({**STRATEGY, "question": "  "}, "Row 1: question is empty"),
        ({**STRATEGY, "question": ["a"]}, "question must be text, not list"),
        ({**STRATEGY, "facts": [1, 2]}, "facts must be a list of texts"),
        ({**STRATEGY, "facts": None}, "facts is empty"),
    ],
)
def test_a_wrong_row_is_named_with_what_is_allowed(row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_questions([row], "strategyqa")


@pytest.mark.parametrize("answer", ["no end", "It is\n#### many", 7])
def test_a_solution_without_its_number_is_refused(answer: object) -> None:
    with pytest.raises(InputError, match="Row 1"):
        read_questions([{"question": "How many?", "answer": answer}], "gsm8k")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="strategyqa"):
        read_questions([STRATEGY], "strategyQ")


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.jsonl", "holds no rows"),
        (b"\n\n", "a.jsonl", "holds no rows"),
        (b"[]", "a.json", "holds no rows"),
        (b"question,answer\n", "a.csv", "holds no rows"),
        (b'{"a": 1}', "a.json", "must be a list of rows"),
        (b'{"a": 1}\n{"a": ', "a.jsonl", "Line 2 of a.jsonl is not JSON"),
        (b'{"a": 1}\n[1]', "a.jsonl", "Row 2 of a.jsonl is no object"),
        (b"[" * 9000, "a.json", "is not JSON"),
        (b'{"a": 1}\n{"a": ""}', "a.jsonl", "Row 2 of a.jsonl is empty"),
        (b'{"a": 1}\n{}', "a.jsonl", "Row 2 of a.jsonl is empty"),
        (b"a,b\n1,2\n1,2,3\n", "a.csv", "Row 2 of a.csv has 3 values for 2 columns"),
        (b"a,a\n1,2\n", "a.csv", "two columns named 'a'"),
        (b'a,b\n"x"y,2\n', "a.csv", "cannot be read"),
        (b"a\x00b", "a.csv", "zero bytes"),
        ("q,a\nstraße,1\n".encode() + "größe,2\n".encode("latin-1"), "a.csv", "line 3 holds bytes"),
        (b"x", "a.txt", "is not a .jsonl, .json, .csv, .tsv file"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(
    data: bytes, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_rows(data, name)


def test_fifty_thousand_rows_are_refused_with_the_limit() -> None:
    data = b'{"a": 1}\n' * 50_000
    with pytest.raises(InputError, match=f"50,000 rows; at most {MAXIMUM_ROWS:,}"):
        read_rows(data, "a.jsonl")


def test_a_table_keeps_its_quoted_separators_and_lines() -> None:
    rows = read_rows('\ufeffq,a\r\n"one, two\nthree",yes\r\n'.encode(), "a.csv")
    assert rows == [{"q": "one, two\nthree", "a": "yes"}]


def test_own_columns_give_yes_no_numbers_or_choices() -> None:
    names = Columns("frage", "antwort", "", "grund")
    row = {"frage": "Is it?", "antwort": "TRUE", "grund": "It is."}
    (yes,) = read_own_questions([row], names)
    assert yes.options == ("yes", "no")
    assert yes.gold == 0
    (number,) = read_own_questions([{**row, "antwort": "1,200"}], names)
    assert number.options == ("1200",)
    with_options = Columns("frage", "antwort", "wahl", "grund")
    for given_options in ("red | green|blue", ["red", "green", "blue"], "red;green; blue"):
        (choice,) = read_own_questions(
            [{**row, "antwort": "Green", "wahl": given_options}], with_options
        )
        assert choice.options == ("red", "green", "blue")
        assert choice.gold == 1
    (columns,) = read_own_questions(
        [{**row, "antwort": "b", "x": "a", "y": "b"}], Columns("frage", "antwort", "x, y", "grund")
    )
    assert columns.options == ("a", "b")


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([{"q": "a"}], Columns("q", "a", "", "e"), "has no column 'a'; its columns are q"),
        (
            [{"q": "a", "a": "yes", "e": "x"}, {"q": "b", "a": "blue", "e": "x"}],
            Columns("q", "a", "", "e"),
            "Row 2: the answer is 'blue', the first row's is yes or no",
        ),
        ([{"q": "a", "a": "blue", "e": "x"}], Columns("q", "a", "", "e"), "neither yes, no nor a"),
        (
            [{"q": "a", "a": "blue", "o": "red|green", "e": "x"}],
            Columns("q", "a", "o", "e"),
            "'blue' is none of its options: red, green",
        ),
        (
            [{"q": "a", "a": "red", "o": "red", "e": "x"}],
            Columns("q", "a", "o", "e"),
            "has 1 option",
        ),
        (
            [{"q": "a", "a": "red", "o": "red|Red", "e": "x"}],
            Columns("q", "a", "o", "e"),
            "same option twice",
        ),
        (
            [
                {"q": "a", "a": "red", "o": "red|blue", "e": "x"},
                {"q": "a", "a": "red", "o": "red|blue|green", "e": "x"},
            ],
            Columns("q", "a", "o", "e"),
            "have 2 to 3 options",
        ),
        ([{"q": "a", "a": "yes", "e": ""}], Columns("q", "a", "", "e"), "Row 1: e is empty"),
    ],
)
def test_own_columns_that_do_not_fit_are_refused(
    rows: list[dict[str, Any]], columns: Columns, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_own_questions(rows, columns)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Tin is soft. So the answer is yes.", "Tin is soft."),
        ("No, tin is soft.", "Tin is soft."),
        ("Yes because tin is soft. Iron is not.", "Tin is soft. Iron is not."),
        ("So the correct choice is 3.", ""),
        ("Answer: no. Tin is soft.", "Tin is soft."),
        ("My final answer would be 42.", ""),
        ("Yes.", ""),
    ],
)
def test_what_says_the_answer_is_taken_out(text: str, kept: str) -> None:
    assert strip_leaks(text) == (kept, True)


@pytest.mark.parametrize(
    "text", ["No bird has teeth.", "An answer was given to the king.", "Nothing is said of it.", ""]
)
def test_what_only_sounds_like_an_answer_stays(text: str) -> None:
    assert strip_leaks(text) == (text, False)


words = st.lists(
    st.sampled_from(
        ["yes", "No,", "so", "the", "answer", "is", "tin", "because", "soft.", "choice", "3.", "!"]
    ),
    max_size=14,
).map(" ".join)


@given(words)
def test_nothing_that_says_the_answer_is_ever_left(text: str) -> None:
    kept, leaked = strip_leaks(text)
    assert not find_leaks(kept)
    assert leaked or kept == " ".join(split_sentences(text))


def test_the_projects_sets_are_balanced_free_of_leaks_and_apart_from_their_examples() -> None:
    for task in sets.TASKS:
        train, test = sets.load_questions(task, "train"), sets.load_questions(task, "test")
        for questions, examples in ((test, train), (train, ())):
            found = validate(questions, examples)
            assert found.duplicates == found.leaks == found.others == ()
            assert len(set(found.by_answer)) <= 1, task  # as many of each
    assert len(sets.load_questions("strategyqa", "test")) == 200
    assert len(sets.load_questions("strategyqa", "train")) == 80
    harmful = sets.load_harmful()
    tested = {
        question.text: question.gold for question in sets.load_questions("strategyqa", "test")
    }
    assert len(harmful) == 24
    assert all(tested[one.question.text] == one.question.gold for one in harmful)
    assert all(len(one.harmful) == 2 for one in harmful)
    assert not any(find_leaks(text) for one in harmful for text in one.harmful)


def test_the_validator_finds_what_it_looks_for() -> None:
    rows = [
        {**STRATEGY, "question": "Is tin softer than iron?", "answer": True},
        {**STRATEGY, "question": "Is the tin softer than iron?", "answer": True},
        {**STRATEGY, "question": "Do cats swim?", "answer": True, "facts": "So the answer is yes."},
        {**STRATEGY, "question": "Do dogs fly?", "answer": False},
    ]
    questions = read_questions(rows, "strategyqa")
    found = validate(questions, questions[3:])
    assert found.duplicates == ((1, 2),)
    assert found.leaks == (3,)
    assert found.others == ((4, 1),)
    assert found.by_answer == (3, 1)
    assert "right in 75%" in found.words
    assert "alike" not in validate(questions[3:]).words


@given(st.integers(0, 220))
def test_a_part_of_a_set_is_as_balanced_as_the_whole(count: int) -> None:
    whole = sets.load_questions("strategyqa", "test")
    part = sets.take_evenly(whole, count)
    assert len(part) == min(count, len(whole))
    yes = sum(question.gold == 0 for question in part)
    assert abs(2 * yes - len(part)) <= 1
    places = [whole.index(question) for question in part]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
