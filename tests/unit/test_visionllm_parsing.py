"""Instructions: what they ask for is understood, and what is wrong is said with its place."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.methods.visionllm import Entry, Task, parse_instruction, write_instruction
from workbench.methods.visionllm.formats import slots_of, template
from workbench.methods.visionllm.instructions import WORDINGS
from workbench.methods.visionllm.parsing import VALID

PAPER_POINTS = (2, 8, 14, 16, 24)


@pytest.mark.parametrize("points", PAPER_POINTS)
def test_a_format_of_n_points_has_one_class_slot_and_two_for_each_point(points: int) -> None:
    slots = slots_of(points)
    assert len(slots) == 1 + 2 * points
    assert slots[:3] == ("cls", "x1", "y1")
    assert slots[-1] == f"y{points}"


def test_the_template_of_a_box_is_the_papers() -> None:
    assert template(slots_of(2)) == "<cls> <x1> <y1> <x2> <y2>"


def test_the_valid_instruction_of_the_messages_is_valid() -> None:
    task = parse_instruction(VALID)
    assert task == Task("detection", (Entry("dog", 0), Entry("car", 1)), 2, 64)


NAMES = st.text(alphabet="abcdefgh ", min_size=1, max_size=12).map(
    lambda text: " ".join(text.split())
)


@given(
    names=st.lists(NAMES.filter(bool), min_size=1, max_size=6, unique=True),
    offset=st.integers(0, 400),
    points=st.sampled_from(PAPER_POINTS),
    reach=st.integers(1, 512),
    wording=st.integers(0, 5),
)
def test_what_is_written_is_read_back(
    names: list[str], offset: int, points: int, reach: int, wording: int
) -> None:
    entries = tuple(Entry(name, offset + 7 * place) for place, name in enumerate(names))
    kind = "detection" if points == 2 else "segmentation"
    tasks = [
        Task(kind, entries, points, reach),
        Task("grounding", (Entry(names[0], 0),), 2, reach),
        Task("captioning", points=0, is_long=bool(offset % 2)),
        Task("question", points=0, question=names[0]),
    ]
    for task in tasks:
        assert parse_instruction(write_instruction(task, wording)) == task


WORDS = st.text(min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)
"""Any words whatever, with the spaces that a name has."""


def can_be_quoted(words: str) -> bool:
    return not set(words) & set("{}") and not set("\"'") <= set(words)


@given(
    names=st.lists(WORDS.filter(can_be_quoted), min_size=1, max_size=5, unique_by=str.lower),
    question=WORDS.filter(can_be_quoted),
    points=st.sampled_from(PAPER_POINTS),
    wording=st.integers(0, 5),
)
@example(names=["<points>", "<range> <format>", "it's", '19" rack', "c9, <c3>"],
         question='what is <class>, "dog" or cat?', points=14, wording=1)  # fmt: skip
def test_names_and_questions_of_any_signs_survive_being_written(
    names: list[str], question: str, points: int, wording: int
) -> None:
    entries = tuple(Entry(name, place) for place, name in enumerate(names))
    kind = "detection" if points == 2 else "segmentation"
    for task in (
        Task(kind, entries, points, 64),
        Task("grounding", entries[:1], 2, 64),
        Task("question", points=0, question=question),
    ):
        assert parse_instruction(write_instruction(task, wording)) == task


@given(st.tuples(WORDS, st.sampled_from(["{", "}", "\"'"]), WORDS).map(" ".join))
@example("a {dog}")
@example('a "dog" that isn\'t')
def test_what_no_instruction_can_hold_is_refused_when_it_is_written(words: str) -> None:
    for task in (
        Task("detection", (Entry(words, 0),), 2, 64),
        Task("question", points=0, question=words),
    ):
        with pytest.raises(InputError, match="leave out braces"):
            write_instruction(task)


def test_every_kind_of_task_has_several_wordings() -> None:
    assert all(len(set(wordings)) >= 2 for wordings in WORDINGS.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Find {dog, black cat}",
            Task("detection", (Entry("dog", 0), Entry("black cat", 1)), 2, 64),
        ),
        (
            "find {'dog': <c3>} <cls> <x1> <y1> <x2> <y2> in <p-32> to <p32>",
            Task("detection", (Entry("dog", 3),), 2, 32),
        ),
        ("Outline {dog} with 16 points", Task("segmentation", (Entry("dog", 0),), 16, 64)),
        (
            "Find {dog} as (c, x1, y1, ..., x14, y14)",
            Task("segmentation", (Entry("dog", 0),), 14, 64),
        ),
        ("Ground the phrase {the left dog}", Task("grounding", (Entry("the left dog", 0),), 2, 64)),
        ("Describe the picture in detail: <image>", Task("captioning", points=0, is_long=True)),
        (
            "<image> Question: how many dogs are there?",
            Task("question", points=0, question="how many dogs are there?"),
        ),
    ],
)
def test_looser_wordings_are_understood(text: str, expected: Task) -> None:
    assert parse_instruction(text) == expected


def many(count: int) -> str:
    return "Find {" + ", ".join(f'"n{k}": <c{k}>' for k in range(count)) + "}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("Hello there", "holds no classes"),
        ("Find {}", "no class; name at least one"),
        ("Find {dog", "opened or closed alone"),
        ("Find {dog} and {cat}", "second dictionary"),
        (many(600), "512 class tokens"),
        ("Find {dog, Dog}", "'Dog' is named twice"),
        ('Find {"dog": <c1>, "cat": <c1>}', "stands for both 'dog' and 'cat'"),
        ('Find {"dog": <c9999>}', "512 class tokens"),
        ('Find {"dog"; "cat"}', "parted by commas"),
        ('Find {"dog" <c1>}', 'a class is written "name": <c0>'),
        ('Find {"dog": <c-1>}', 'a class is written "name": <c0>'),
        ("Find {dog,,cat}", '"name": <c0>'),
        ("Outline {dog} with 0 points", "0 points"),
        ("Outline {dog} with 1000 points", "1000 points"),
        ("Outline {dog} with 1,000 points", "near '1,000 points': a format of 1000 points"),
        ("Outline {dog} with -5 points", "near '-5 points': a format of -5 points"),
        ("Outline {dog} with 8.5 points", "8.5 is no number of points"),
        (f"Outline {{dog}} with {'9' * 40} points", "is no number of points"),
        ("Outline {dog}", "needs its number of points"),
        ("Segment {dog} as (c, x1, y1, x2, y2)", "needs 8 to 24 points"),
        ("Find {dog} as (c, x1, y1, y2, x2)", "y2 stands where x2 should"),
        ("Find {dog} as (c, x1, y1, x2)", "y2 is missing"),
        ("Find {dog} as (c, left, top)", "a format is"),
        ("Find {dog} as (c)", "near '(c)': a format is"),
        ("Outline {dog} as (x1, y1, …, x16, y16)", "a format begins with c"),
        ("Find {dog} as (c, x1, y1, …, x3, y3)", "3 points"),
        ("Outline {dog} with 9 points as (c, x1, y1, ..., x8, y8)", "say 9 points"),
        ("Find {dog} within <p-64> to <p32>", "from <p-R> to <pR>"),
        ("Find {dog} within <p-900> to <p900>", "R from 1 to 512"),
        ("Find {dog} within <p-64>", "a range is written <p-64> to <p64>"),
        ("Find {dog} within <p-1.5> to <p1.5>", "a range is written <p-64> to <p64>"),
        ("Ground the expression {dog, cat}", "one expression"),
        ('Answer the question: ""', "the question is empty"),
        ('Answer the question: "', "the question is empty"),
    ],
)
def test_what_cannot_be_understood_is_said_with_a_valid_instruction(text: str, reason: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse_instruction(text)
    assert reason in str(refusal.value)
    assert VALID in str(refusal.value)
    assert len(str(refusal.value)) < 500


def test_the_place_of_a_mistake_is_named() -> None:
    with pytest.raises(InputError, match=r"at character 12, near ' ?Dog"):
        parse_instruction("Find {dog, Dog}")
    with pytest.raises(InputError, match="32,000"):
        parse_instruction("a" * 40_000)


@given(st.text(max_size=200))
def test_any_text_is_a_task_or_refused_in_words(text: str) -> None:
    for one in (text, "{" + text + "}", "{dog} (c," + text + ")"):
        with contextlib.suppress(InputError):  # any other error fails
            assert isinstance(parse_instruction(one), Task)
