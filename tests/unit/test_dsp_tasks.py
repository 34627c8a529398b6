"""The dialogues and word problems written for DSP: what their acts and their arithmetic promise."""

import ast
import json
import operator
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "assets" / "dsp"
GENERAL_ACTS = {"bye", "greet", "welcome", "reqmore"}
ACTS = GENERAL_ACTS | {"inform", "request", "nooffer", "recommend", "select"}
ACTS |= {"offerbook", "offerbooked", "nobook"}
DOMAINS = {"restaurant", "hotel", "train", "taxi", "attraction"}
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
ACT = re.compile(r"\[(\w+)\] \[(\w+)\]((?: \w+)*)")


def _rows(name: str) -> list[dict[str, Any]]:
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _turns() -> Iterator[dict[str, str]]:
    for row in _rows("dialogues"):
        yield from row["turns"]


def _value(expression: str) -> tuple[int, list[int]]:
    """Value of one operation on two whole numbers, and the numbers."""
    tree = ast.parse(expression, mode="eval").body
    assert isinstance(tree, ast.BinOp), expression
    numbers = [ast.literal_eval(tree.left), ast.literal_eval(tree.right)]
    if isinstance(tree.op, ast.Div):
        value, rest = divmod(*numbers)
        assert rest == 0, expression
        return value, numbers
    return OPERATIONS[type(tree.op)](*numbers), numbers


def test_twenty_dialogues_have_four_to_six_turns_each() -> None:
    rows = _rows("dialogues")
    assert [row["id"] for row in rows] == [f"dialogue-{number:03d}" for number in range(1, 21)]
    assert all(4 <= len(row["turns"]) <= 6 for row in rows)


def test_all_twelve_acts_and_six_domains_occur_and_no_other() -> None:
    acts, domains = set[str](), set[str]()
    for turn in _turns():
        found = ACT.findall(turn["aspn"])
        assert (
            " ".join(f"[{domain}] [{act}]{slots}" for domain, act, slots in found) == turn["aspn"]
        )
        for domain, act, _ in found:
            assert (domain == "general") == (act in GENERAL_ACTS), turn["aspn"]
            acts.add(act)
            domains.add(domain)
    assert acts == ACTS
    assert domains == DOMAINS | {"general"}


def test_a_reply_holds_only_values_that_its_acts_announce() -> None:
    for turn in _turns():
        announced = {
            slot
            for _, act, slots in ACT.findall(turn["aspn"])
            if act != "request"
            for slot in slots.split()
        }
        assert set(re.findall(r"\[value_(\w+)\]", turn["resp"])) <= announced, turn


def test_a_hundred_problems_take_one_to_three_steps_that_end_in_the_answer() -> None:
    rows = _rows("problems")
    assert [row["id"] for row in rows] == [f"problem-{number:03d}" for number in range(1, 101)]
    for row in rows:
        values = [_value(step)[0] for step in row["steps"]]
        assert 1 <= len(values) <= 3, row
        assert values[-1] == row["final_ans"], row


def test_every_step_but_the_last_is_needed_by_a_later_one() -> None:
    for row in _rows("problems"):
        results = [_value(step) for step in row["steps"]]
        for place, (value, _) in enumerate(results[:-1]):
            later = [number for _, numbers in results[place + 1 :] for number in numbers]
            assert value in later, row


def test_no_question_is_asked_twice() -> None:
    questions = sorted(row["question"] for row in _rows("problems"))
    assert all(first != second for first, second in pairwise(questions))
