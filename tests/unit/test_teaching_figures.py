"""Figures of the studies that ask a model anew: theatre, personal, rounds, misaligned, own."""

import json
from dataclasses import replace

import numpy as np
import pytest

from panels import teaching as panel
from panels.view import View
from tests.unit.live_positions import every_position
from tests.unit.teaching_records import make_records, without_effect
from workbench.data.teaching.question import HarmfulQuestion, Question
from workbench.data.teaching.validate import validate
from workbench.figures import teaching as figures
from workbench.figures.passages import LivePassages
from workbench.methods.teaching import STUDIES, misaligned, own, personal, rounds, theatre
from workbench.methods.teaching.prompts import Example
from workbench.methods.teaching.spending import FUNCTIONS
from workbench.params import Picks, Range, fields_of
from workbench.study import Study

QUESTION = Question("q", "Could a cat outrun a car?", ("yes", "no"), 1, "Cars are fast. Cats nap.")
MAXIMUM_PAYLOAD_BYTES = 1_500_000


def questions(n: int) -> tuple[Question, ...]:
    return tuple(replace(QUESTION, qid=str(i), text=f"Is {i} odd?", gold=i % 2) for i in range(n))


def staged(*, helps: float = 0.2, without: tuple[float, ...] = (0.3, 0.61)) -> theatre.Result:
    """Every role at one question; the first sentence is what helps."""
    shown = QUESTION.explanation

    def scene(role: str, no: float, text: str = "") -> theatre.Scene:
        ask = f"Q: {QUESTION.text}\nA:"
        prompt = f"{ask} {shown} So the answer is" if role in ("taught", "after") else ask
        likely = np.array([0.95 - no, no])
        return theatre.Scene(role, "Q: Example?\nA: yes\n\n", prompt, text, likely, int(no > 0.475))

    scenes = (
        scene("alone", 0.4, "Cats run. So the answer is yes."),
        scene("bare", 0.45),
        scene("taught", 0.4 + helps),
        scene("cot", 0.3, "Reasons."),
        scene("rationalise", 0.5, "no because cars."),
        scene("personalised", 0.2, "More reasons."),
        scene("before", 0.4),
        scene("after", 0.5),
    )
    table = np.array([[0.95 - p, p] for p in without]).reshape(-1, 2)
    sentences = ("Cars are fast.", "Cats nap.") if without else ("One.",) * 13
    inputs = theatre.Inputs(QUESTION, 1, scenes, shown, True, sentences, table)
    return theatre.compute(inputs, theatre.Params())


def taught_crosswise(*, alike: bool = False) -> personal.Result:
    n = 12
    asked = questions(n)
    gold = np.array([q.gold for q in asked])
    generator = np.random.default_rng(0)
    taught = {
        (t, s): np.where(generator.random(n) < 0.6, gold, 1 - gold)
        for t in personal.TEACHERS
        for s in personal.STUDENTS
    }
    if alike:
        taught = dict.fromkeys(taught, gold)
    return personal.compute(
        personal.Inputs(
            asked,
            dict.fromkeys(personal.STUDENTS, gold),
            taught,
            {t: tuple(f"{t} says {i}." for i in range(n)) for t in personal.TEACHERS},
            dict.fromkeys(personal.TEACHERS, ()),
            {"a": 3, "b": 0},
        ),
        personal.Params(count=16),
    )


def lessons() -> rounds.Result:
    n = 16
    asked = questions(n)
    gold = np.array([q.gold for q in asked])
    generator = np.random.default_rng(1)
    answers = {
        source: np.where(generator.random((rounds.ROUNDS, n)) < skill, gold, 1 - gold)
        for source, skill in zip(rounds.SOURCES, (0.6, 1.0, 0.5, 0.4), strict=True)
    }
    demos = tuple(
        Example(q, f"Because {i}.", i % 2 if i else 1) for i, q in enumerate(questions(10))
    )
    inputs = rounds.Inputs(
        asked, dict.fromkeys(rounds.SOURCES, demos), np.linspace(1, 0, 10), answers, gold
    )
    return rounds.compute(inputs, rounds.Params(count=16))


def misled(*, harm: float = -4.0) -> misaligned.Result:
    n = misaligned.QUESTIONS
    records = make_records(n, (41, 42), help_strength=harm, skill=1.0)
    honest = make_records(n, (41, 42), help_strength=3.0, skill=1.0)
    harmful = tuple(
        HarmfulQuestion(q, 1 - q.gold, (f"Falsely {i}.", f"Untruly {i}."))
        for i, q in enumerate(
            replace(one, gold=int(g)) for one, g in zip(questions(n), records.gold, strict=True)
        )
    )
    taught = {
        "harmful_1": records.taught_probabilities,
        "harmful_2": records.taught_probabilities,
        "true": honest.taught_probabilities,
    }
    return misaligned.compute(
        misaligned.Inputs(harmful, records, taught), misaligned.Params(runs=2)
    )


def own_result(*, columns: tuple[str, ...] = ("question", "answer")) -> own.Result:
    records = make_records(30, (41,))
    asked = tuple(
        Question(q.qid, q.text, q.options, q.gold, q.explanation) for q in records.questions
    )
    inputs = own.Inputs(replace(records, questions=asked), validate(asked), columns, 8, 38)
    return own.compute(inputs, own.Params())


DRAWN = [
    (figures.draw_scenes, staged, theatre),
    (figures.draw_answers, staged, theatre),
    (figures.draw_sentences, staged, theatre),
    (figures.draw_table, taught_crosswise, personal),
    (figures.draw_said, taught_crosswise, personal),
    (figures.draw_rounds, lessons, rounds),
    (figures.draw_lessons, lessons, rounds),
    (figures.draw_misled, misled, misaligned),
    (figures.draw_pull, misled, misaligned),
    (figures.draw_explanations, misled, misaligned),
    (figures.draw_detection, misled, misaligned),
    (figures.draw_own, own_result, own),
    (figures.draw_own_curves, own_result, own),
    (figures.draw_own_questions, own_result, own),
]


@pytest.mark.parametrize(("draw", "make", "study"), DRAWN)
def test_a_figure_stands_at_every_position_of_its_live_controls(draw, make, study) -> None:
    live = draw(make())
    known = every_position(study.Params)
    for name, positions in live.axes.items():
        assert list(positions) == known[name]
    for end in (0, -1):
        at = {name: positions[end] for name, positions in known.items()}
        live.at(**at)
        assert live.words_at(**at).strip()
    text = json.dumps(live.payload(), allow_nan=False)
    assert len(text) < 200_000


class Wired:
    """A page that only notes what a tab adds to it."""

    def __init__(self) -> None:
        self.studies: dict[str, tuple[Study, tuple[View, ...], dict]] = {}

    def study(self, study: Study, *, figures: tuple[View, ...], offers=None, **_: object) -> None:
        self.studies[study.slug] = study, tuple(figures), dict(offers or {})


def test_the_tab_shows_every_study_and_its_views_move_what_they_name() -> None:
    page = Wired()
    panel.build(page)  # type: ignore[arg-type]
    assert set(page.studies) == {study.slug for study in STUDIES}
    for study, views, offers in page.studies.values():
        declared = {field.name: field.kind for field in fields_of(study.params)}
        assert 2 <= len(study.title.split()) <= 4
        assert set(offers) <= set(declared)
        for view in views:
            if view.plays:
                assert isinstance(declared[view.plays], Range)
                assert declared[view.plays].live
            for name in view.picks.values():
                kind = declared[name]
                assert isinstance(kind, Picks) or kind.live


def test_the_columns_of_a_file_are_offered() -> None:
    page = Wired()
    panel.build(page)  # type: ignore[arg-type]
    _, _, offers = page.studies["teaching.own"]
    assert [offer.text for offer in offers["answer"](own_result())] == ["question", "answer"]


# ---------------------------------------------------------------- prompt theatre


def test_the_theatre_shows_every_prompt_whole_and_shared_examples_once() -> None:
    result = staged()
    cards = figures.draw_scenes(result).at()
    assert len(cards) == len(result.inputs.scenes)
    shown = ["".join(span.text for span in card.spans) for card in cards]
    assert shown[0].startswith(result.scene("alone").prefix + result.scene("alone").prompt)
    assert result.scene("taught").prompt in shown[1]
    assert "[The examples of “Student alone”.]" in shown[1]
    assert sum(result.scene("alone").prefix in text for text in shown) == 1


def test_sentences_are_coloured_by_what_they_do() -> None:
    cards = figures.draw_scenes(staged()).at()
    taught = next(card for card in cards if card.title == "Student, taught")
    roles = {span.text.strip(): span.role for span in taught.spans}
    assert roles["Cars are fast."] == "good"  # 0.6 with it, 0.3 without
    assert roles["Cats nap."] == "other"  # moves by one point only
    notes = " ".join(span.note for span in taught.spans)
    assert "+30.0 points" in notes


def test_bars_of_a_role_fill_the_whole_probability() -> None:
    figure = figures.draw_answers(staged()).figure
    assert np.sum([bar.x for bar in figure.data], axis=0) == pytest.approx(100.0)
    assert "(right)" in figure.data[0].name
    assert figure.data[0].x[0] == pytest.approx(40.0)  # "no", the right answer, alone


def test_the_words_of_the_theatre_name_both_probabilities_and_the_sentence() -> None:
    words = figures.draw_answers(staged()).words_at()
    assert "40.0" in words
    assert "60.0" in words
    assert "“Cars are fast.” moves it most: +30.0 points" in words
    assert "said the answer was taken out" in words


def test_without_sentences_to_leave_out_the_figure_says_so() -> None:
    words = figures.draw_sentences(staged(without=())).words_at()
    assert "up to twelve sentences" in words


# ---------------------------------------------------------------- personalisation


def test_the_table_holds_the_accuracies_of_the_summary() -> None:
    result = taught_crosswise()
    summary = personal.summarise(result)
    cells = np.array(figures.draw_table(result).figure.data[0].z)
    assert cells[0].tolist() == [100.0, 100.0]
    for row, teacher in enumerate(personal.TEACHERS, start=1):
        for column, student in enumerate(personal.STUDENTS):
            expected = 100 * summary[f"accuracy_{student}_taught_{teacher}"]
            assert cells[row, column] == pytest.approx(expected, abs=1e-3)


def test_one_model_twice_is_said_to_leave_little_to_personalise() -> None:
    words = figures.draw_table(taught_crosswise(alike=True)).words_at()
    assert "little to personalise" in words
    assert "no detectable effect" in words


def test_beyond_the_last_question_stands_the_last() -> None:
    live = figures.draw_said(taught_crosswise())
    assert live.at(question=200) == live.at(question=12)
    assert "unpersonalised says 2." in live.at(question=3)[1].spans[0].text


# ---------------------------------------------------------------- rounds


def test_each_round_adds_two_demonstrations_and_marks_them() -> None:
    live = figures.draw_lessons(lessons())
    assert isinstance(live, LivePassages)
    for done in range(1, rounds.ROUNDS + 1):
        for card in live.at(round=done):
            asked = [span for span in card.spans if span.text.startswith("Is ")]
            assert len(asked) == 2 * done
            assert sum(span.role == "mark" for span in asked) == 2
    unexplained = live.at(round=1)[-1]
    assert not any(span.role == "other" for span in unexplained.spans)


def test_the_rounds_say_what_explaining_gained_in_the_last() -> None:
    result = lessons()
    words = figures.draw_rounds(result).words_at(round=2)
    assert "4 demonstrations" in words
    assert f"{100 * result.gain['human'].mean:+.1f} points" in words
    assert "chance" in [a.text for a in figures.draw_rounds(result).figure.layout.annotations]


# ---------------------------------------------------------------- misaligned


def test_harm_below_chance_is_said_and_harmlessness_too() -> None:
    worst = figures.draw_misled(misled()).words_at(budget=24, question=1)
    assert "below chance" in worst
    result = misled()
    unharmed = replace(
        result.inputs,
        records=without_effect(result.inputs.records),
        taught=dict.fromkeys(result.inputs.taught, result.inputs.records.student_probabilities),
    )
    none = misaligned.compute(unharmed, misaligned.Params(runs=2))
    assert "no detectable effect" in figures.draw_misled(none).words_at(budget=24, question=1)
    assert "no better than a coin" in figures.draw_detection(none).words_at()


def test_a_click_on_a_question_chooses_it() -> None:
    figure = figures.draw_pull(misled()).figure
    points = [trace for trace in figure.data if trace.meta == "pick"]
    assert points
    for trace in points:
        assert list(trace.customdata) == list(range(1, 25))


def test_the_marker_of_the_misled_follows_the_curve() -> None:
    result = misled()
    for k in (0, 7, 24):
        figure = figures.draw_misled(result).at(budget=k, question=1)
        marker = figure.data[-1]
        assert marker.x[0] == k
        assert marker.y[0] == pytest.approx(100 * result.curve[k], abs=1e-4)


# ---------------------------------------------------------------- own questions


def test_own_curves_are_the_budget_of_the_files_own_records() -> None:
    result = own_result()
    spending = result.spending
    live = figures.draw_own_curves(result)
    assert set(live.axes) == {"budget", "function"}
    for f, function in enumerate(FUNCTIONS):
        for b, budget in enumerate(live.axes["budget"]):
            traces = live.at(budget=budget, function=function).data
            (marker,) = (trace for trace in traces if trace.name == "chosen budget")
            assert marker.y[0] == pytest.approx(100 * spending.accuracy.mean[f, b], abs=1e-4)
    records = result.inputs.records
    assert spending.curves[0, 0] == pytest.approx(records.student_correct.mean())
    assert spending.curves[0, -1] == pytest.approx(records.taught_correct.mean())
    names = {trace.name for trace in live.figure.data}
    assert {"oracle", "anti-oracle", "random"} <= names
    summary = own.summarise(result)
    at = live.words_at(budget=result.params.budget, function=result.params.function)
    assert f"{summary['explained']} of 30 questions are explained" in at
    assert f"{100 * float(summary['accuracy_function']):.1f}" in at


def test_own_questions_are_counted_and_named_by_what_help_did() -> None:
    result = own_result()
    words = figures.draw_own(result).words_at()
    assert "30 questions of your file" in words
    built_in = own_result(columns=())
    assert "built-in" in figures.draw_own(built_in).words_at()
    published = replace(built_in, params=replace(built_in.params, source="gsm8k"))
    assert "30 questions of GSM8K, as the hub has it" in figures.draw_own(published).words_at()
    cards = figures.draw_own_questions(result).at()
    put_right = sum("put right" in card.title for card in cards)
    records = result.inputs.records
    assert put_right == int((~records.student_correct & records.taught_correct).sum())
