"""Be the teacher: fair scores, and nothing revealed before everything is spent."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.teaching_records import make_records
from workbench.errors import InputError
from workbench.figures.teaching import draw_deal, draw_score
from workbench.methods.teaching import hand
from workbench.methods.teaching.hand import EXPLANATIONS, QUESTIONS, SHOWN, Params, random_gains
from workbench.methods.teaching.interventions import realised_gain
from workbench.server.api import canonical_json

RECORDS = make_records(60, (41, 42), help_strength=1.0)
ALL = "0 1 2 3 4 5"


@given(gains=st.lists(st.integers(-1, 1), min_size=1, max_size=8), data=st.data())
def test_random_choice_is_counted_over_every_choice(gains, data) -> None:
    k = data.draw(st.integers(0, len(gains)))
    every = [sum(chosen) for chosen in itertools.combinations(gains, k)]
    reached, chances = random_gains(gains.count(1), gains.count(-1), len(gains), k)
    assert chances.sum() == pytest.approx(1.0)
    for gain, chance in zip(reached, chances, strict=True):
        assert chance == pytest.approx(every.count(gain) / len(every))


def test_the_score_is_what_the_records_say() -> None:
    result = hand.compute(RECORDS, Params(picks=ALL, deal=3))
    assert result.score is not None
    gains = realised_gain(RECORDS)[0, result.numbers]
    assert len(set(result.numbers.tolist())) == QUESTIONS
    assert result.score.mine == gains[:6].sum()
    assert result.score.oracle == np.sort(gains)[-6:].sum()
    assert result.score.random_mean == pytest.approx(6 * gains.mean())
    assert result.right_alone == RECORDS.student_correct[0, result.numbers].sum()
    by_rule = result.score.chosen_by_rule
    utility = [
        RECORDS.simulated_after[0, i, RECORDS.gold[i]]
        - RECORDS.simulated_before[0, i, RECORDS.gold[i]]
        for i in result.numbers
    ]
    assert min(np.array(utility)[by_rule]) > max(np.array(utility)[~by_rule])
    assert result.score.expected_utility == gains[by_rule].sum()


@pytest.mark.parametrize("shown", SHOWN)
def test_nothing_is_revealed_before_everything_is_spent(shown: str) -> None:
    """Two worlds that differ only in what help does look the same until the last explanation."""
    helped = make_records(60, (41,), help_strength=3.0)
    reversed_ = replace(helped, taught_answers=1 - helped.taught_answers)
    for picks in ("", "3", "0 1 2 3 4"):
        params = Params(picks=picks, shown=shown)
        one, two = (hand.compute(records, params) for records in (helped, reversed_))
        assert one.score is None
        assert hand.summarise(one) == hand.summarise(two)
        for draw in (draw_deal, draw_score):
            assert json.dumps(draw(one).payload()) == json.dumps(draw(two).payload())
    spent = Params(picks=ALL, shown=shown)
    one, two = (hand.compute(records, spent) for records in (helped, reversed_))
    assert hand.summarise(one) != hand.summarise(two)
    canonical_json(dict(hand.summarise(one)))


def test_a_click_on_a_row_gives_its_number() -> None:
    result = hand.compute(RECORDS, Params(picks="2 7"))
    figure = draw_deal(result).figure
    bars = [trace for trace in figure.data if trace.meta == "pick"]
    numbers = {int(i): trace.name for trace in bars for i in trace.customdata}
    assert set(numbers) == set(range(QUESTIONS))
    assert {i for i, name in numbers.items() if name == "explained"} == {2, 7}


def test_one_explanation_too_many_is_refused() -> None:
    with pytest.raises(InputError, match="at most 6"):
        Params(picks=" ".join(map(str, range(EXPLANATIONS + 1))))
    with pytest.raises(InputError, match="from 0 to 19"):
        Params(picks="20")


def test_with_few_questions_all_are_dealt() -> None:
    result = hand.compute(make_records(4, (41,)), Params(picks="0 1 2 3"))
    assert result.budget == 4
    assert result.score is not None
    assert result.score.mine == result.score.oracle == result.score.expected_utility
    assert result.score.chance_of_as_much == pytest.approx(1.0)
