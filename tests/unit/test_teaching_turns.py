"""Prompts as turns of a conversation: the same words, in the same order, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.teaching_client import RuledClient
from workbench.data.teaching.sets import load_questions
from workbench.errors import InputError
from workbench.figures.teaching import draw_answers, draw_own_curves
from workbench.methods.teaching import own, prompts, simulation, theatre
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.examples import draw_examples
from workbench.methods.teaching.turns import as_turns, split_prompt
from workbench.server.api import ModelEntry

TASKS = ("strategyqa", "ecqa", "gsm8k")
PREFIXES = (
    prompts.reasoning_prefix,
    prompts.bare_prefix,
    prompts.rationalising_prefix,
    prompts.before_prefix,
    prompts.after_prefix,
    prompts.reasons_prefix,
)


def words(text: str) -> list[str]:
    """What is said, without the mark of who answers: that is what a turn says by itself."""
    return [word for word in text.split() if word != "A:"]


@settings(deadline=None)  # the first call reads the sets
@given(
    st.sampled_from(TASKS),
    st.sampled_from(PREFIXES),
    st.integers(0, 4),
    st.integers(0, 59),
    st.integers(0, 50),
)
def test_turns_say_what_the_plain_prompt_says(task, write, count, place, seed) -> None:
    test = load_questions(task, "test")
    question = test[place % len(test)]
    examples, _ = draw_examples(load_questions(task, "train"), count, seed)
    prefix = write(examples)
    is_simulated = prefix.startswith(prompts.HEADER)
    prompt = (
        prompts.simulate_after(question, question.gold, question.explanation)
        if is_simulated
        else prompts.ask_helped(question, question.explanation)
    )
    turns, ((asked, begin),) = as_turns(prefix, [prompt])
    said: list[Any] = [*turns, {"content": asked}, {"content": begin}]
    assert words(" ".join(one["content"] for one in said)) == words(prefix + prompt)
    assert [one["role"] for one in said[:-2]] == ["user", "assistant"] * count
    assert all("\nA:" not in one["content"] for one in said)
    if is_simulated:
        assert asked.endswith("AI Predicted Answer:")


def test_the_answer_is_begun_with_the_explanation_and_the_cue() -> None:
    question = load_questions("strategyqa", "test")[0]
    asked, begin = split_prompt(prompts.ask_helped(question, "Tin bends."))
    assert asked == f"Q: {question.text}"
    assert begin == "Tin bends. So the answer is"
    assert split_prompt(prompts.ask_alone(question)) == (asked, "")


def test_candidates_lose_their_space_where_no_answer_is_begun() -> None:
    client: Any = RuledClient()
    asker = Asker(client, "tiny", is_chat=True)
    question = load_questions("ecqa", "test")[0]
    stems = [prompts.ask_alone(question), prompts.ask_bare(question)]
    found = asker.score(prompts.bare_prefix(()), stems, [question, question], "test")
    first, second = client.requests[0].arguments["questions"]
    assert (first["begin"], first["candidates"]) == ("", list("12345"))
    assert second["begin"] == "The correct choice is"
    assert second["candidates"] == [f" {n}" for n in "12345"]
    assert "prefix" not in client.requests[0].arguments
    assert found.shape == (2, 5)


def test_the_theatre_can_be_played_in_turns_by_every_role() -> None:
    client: Any = RuledClient()
    params = theatre.Params(is_chat=True, imagines_reasons=True)
    result = theatre.compute(theatre.gather(client, params), params)
    asked = [r.arguments for r in client.requests if "max_new_tokens" in r.arguments]
    asked += [r.arguments for r in client.requests if "questions" in r.arguments]
    assert len(asked) > 15
    assert all("turns" in arguments and "prefix" not in arguments for arguments in asked)
    assert result.scene("before").text  # the mental model's own imagined reasons
    plain: Any = RuledClient()
    theatre.gather(plain, theatre.Params())
    assert all("turns" not in request.arguments for request in plain.requests)


def test_the_study_of_probabilities_refuses_a_black_box_and_the_others_say_what_it_is() -> None:
    entry = ModelEntry("far", "openai", "", "", "", "ready", 0.0, 0.0, False, None)
    client: Any = RuledClient(
        writes=lambda _: " Tin bends. So the answer is no", catalogue=(entry,)
    )
    with pytest.raises(InputError, match="far tells no probabilities, and this study"):
        simulation.gather(client, simulation.Params(student="far"))
    with pytest.raises(InputError, match="far tells no probabilities, and this study"):
        simulation.gather(client, simulation.Params(teacher_model="far"))
    assert client.requests == []
    params = theatre.Params(student="far", teacher="far")
    result = theatre.compute(theatre.gather(client, params), params)
    assert "far tells no probabilities" in draw_answers(result).words_at()
    files = own.Params(student="far", count=8)
    found = own.compute(own.gather(client, files), files)
    words = draw_own_curves(found).words_at(budget=0.5, function="least_confidence")
    assert "far tells no probabilities" in words


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes.", 0),
        (" no", 1),
        ("So the answer is no.", 1),
        ("The answer is: **yes**", 0),
        ("I cannot say", -1),
    ],
)
def test_a_black_box_may_begin_its_sentence_anew(text: str, answer: int) -> None:
    entry = ModelEntry("far", "openai", "", "", "", "ready", 0.0, 0.0, False, None)
    client: Any = RuledClient(writes=lambda _: text, catalogue=(entry,))
    question = load_questions("strategyqa", "test")[0]
    (found,) = Asker(client, "far", is_chat=True).score("", ["Q: a\nA: b"], [question], "test")
    assert found.tolist() == [float(place == answer) for place in (0, 1)]
