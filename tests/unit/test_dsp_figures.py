"""Every figure of the DSP tab as data, on records made up from a seed."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.unit import dsp_records
from workbench.figures import dsp as figures
from workbench.figures.live import LiveFigure
from workbench.figures.passages import LivePassages
from workbench.figures.wording import NO_EFFECT, say_signed
from workbench.methods.dsp.anatomy import BETA, PENALTY, STEP, TERMINAL, Anatomy, dissect
from workbench.methods.dsp.comparison import (
    ALL_METRICS,
    BASELINES,
    Comparison,
    compare_sources,
    summarise_comparison,
)
from workbench.methods.dsp.intervals import paired_difference
from workbench.methods.dsp.theatre import Theatre, points_at, summarise_theatre

MAXIMUM_PAYLOAD_BYTES = 1_500_000
MAXIMUM_FIRST_BYTES = 100_000


@pytest.fixture(scope="module")
def compared() -> Comparison:
    records = dsp_records.source_records()
    return compare_sources((records,), records.lead2 - 0.01)


@pytest.fixture(scope="module")
def stage() -> Theatre:
    return dsp_records.stage()


@pytest.fixture(scope="module")
def parts(stage: Theatre) -> Anatomy:
    return dissect(stage.runs["nlpo"])


STUDIES: dict[str, tuple[Callable[[], Any], tuple[Callable[[Any], Any], ...]]] = {
    "sources": (
        lambda: compare_sources(
            [dsp_records.source_records(100)] * 3, dsp_records.source_records(100).lead2
        ),
        (
            figures.draw_sources,
            figures.draw_hints,
            figures.draw_readings,
            figures.draw_published,
            figures.draw_published_metrics,
        ),
    ),
    "bench": (dsp_records.bench, (figures.draw_bench, figures.draw_bench_scores)),
    "removal": (dsp_records.removal, (figures.draw_removal, figures.draw_removal_texts)),
    "dose": (dsp_records.dose, (figures.draw_dose,)),
    "training": (dsp_records.stage, (figures.draw_theatre, figures.draw_stage_hints)),
    "rewards": (lambda: dissect(dsp_records.stage().runs["nlpo"]), (figures.draw_anatomy,)),
    "hacking": (dsp_records.hacked, (figures.draw_hacking, figures.draw_hacked_hints)),
    "triggers": (
        lambda: dsp_records.trigger_grid(100),
        (figures.draw_triggers, figures.draw_trigger_choice, figures.draw_published_triggers),
    ),
    "dialogue": (dsp_records.dialogue, (figures.draw_dialogue, figures.draw_published_dialogues)),
}


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_is_sent_whole_in_little_and_reads_at_every_end(study: str) -> None:
    make, draws = STUDIES[study]
    found = make()
    sizes = []
    for draw in draws:
        live = draw(found)
        # no number that is not finite reaches the browser as anything but a gap
        sizes.append(len(json.dumps(live.payload(), allow_nan=True)))
        for ends in itertools.product(*([p[0], p[-1]] for p in live.axes.values())):
            position = dict(zip(live.axes, ends, strict=True))
            words = live.words_at(**position)
            assert 1 <= words.count(". ") + 1 <= 8
            assert words.endswith(".") or words.endswith(".)")
            assert not re.search(r"\bnan\b", words)
            if isinstance(live, LiveFigure):
                assert isinstance(live.at(**position), go.Figure)
            else:
                assert live.at(**position)
    assert sum(sizes) < MAXIMUM_PAYLOAD_BYTES
    # every combination of five controls takes more
    assert sizes[0] < (600_000 if study == "rewards" else MAXIMUM_FIRST_BYTES)


# ---------------------------------------------------------------- sources


def test_differences_are_paired_by_article(compared: Comparison) -> None:
    records = dsp_records.source_records()
    expected = paired_difference(records.rouge[2, :, 1], records.rouge[4, :, 1])
    found = compared.gain("reinforced", "random", "rouge2")
    assert (found.mean, found.low, found.high) == pytest.approx(
        (expected.mean, expected.low, expected.high)
    )


def test_the_mean_of_the_three_is_the_mean_and_stemming_is_its_own_axis(
    compared: Comparison,
) -> None:
    assert compared.by_article[:, 3] == pytest.approx(compared.by_article[:, :3].mean(axis=1))
    row = compared.rows.index("reinforced")
    lost = compared.by_article[1, 0, row] - compared.by_article[0, 0, row]
    assert lost == pytest.approx(0.01)


def test_a_baseline_against_itself_differs_by_nothing(compared: Comparison) -> None:
    for against in BASELINES:
        assert compared.gain(against, against).mean == 0.0


def test_scores_are_means_over_policies_and_each_policy_is_shown() -> None:
    records = dsp_records.source_records()
    row = records.sources.index("reinforced")
    rouge = records.rouge.copy()
    rouge[row] += 0.06
    precision = records.hint_precision.copy()
    precision[row, :12] = np.nan  # this policy gave no hint for half of the articles
    other = replace(records, rouge=rouge, hint_precision=precision)
    one, both = (
        compare_sources(some, records.lead2) for some in ((records,), (records, other, other))
    )
    assert both.by_article[1, 0, row] == pytest.approx(one.by_article[1, 0, row] + 0.04)
    assert both.gain("random", "none").low == pytest.approx(one.gain("random", "none").low)
    assert (both.of_first == one.of_first).all()
    assert both.precision.mean[row] == pytest.approx(one.precision.mean[row])
    numbers = summarise_comparison(both)
    first, second = (numbers[f"rouge1_reinforced_policy_{k}"] for k in (1, 2))
    assert second - first == pytest.approx(0.06, abs=1e-5)
    live = figures.draw_sources(both)
    (dots,) = [
        t
        for t in live.at(stemmer=True, metric="rouge1", against="none").data
        if t.name == "one policy"
    ]
    own = 100 * both.of_policies[:, 1, 0, row]
    assert list(dots.x[3:]) == pytest.approx(list(own))
    assert "3 policies" in live.words_at(stemmer=True, metric="rouge1", against="none")
    assert all(t.name != "one policy" for t in figures.draw_sources(one).figure.data)


def test_hints_and_summaries_are_judged_apart(compared: Comparison) -> None:
    s = compared.sources.index("reference")
    assert compared.precision.mean[s] == 1.0  # every phrase stands in the reference
    assert np.isnan(compared.precision.mean[compared.sources.index("none")])
    worse = replace(dsp_records.source_records(), rouge=dsp_records.source_records().rouge * 0.5)
    again = compare_sources((worse,), worse.lead2)
    assert again.precision.mean[s] == compared.precision.mean[s]


def test_the_summary_names_every_source_with_its_interval(compared: Comparison) -> None:
    numbers = summarise_comparison(compared)
    assert numbers["articles"] == 24
    for row in compared.rows:
        for metric in ALL_METRICS[:3]:
            name = f"{metric}_{row}"
            assert numbers[f"{name}_low"] < numbers[name] < numbers[f"{name}_high"]
    assert all(np.isfinite(value) for value in numbers.values())


def test_an_interval_over_zero_is_called_no_detectable_effect(compared: Comparison) -> None:
    live = figures.draw_sources(compared)
    shown = live.at(stemmer=True, metric="rouge1", against="none")
    labels = list(shown.data[-1].text)
    names = list(shown.layout.yaxis.ticktext)
    assert labels[names.index("Random phrases")] == NO_EFFECT
    gain = compared.gain("reference", "none")
    assert labels[names.index("Reference's own")] == say_signed(100 * gain.mean)
    for m, against in itertools.product(ALL_METRICS, BASELINES):
        words = live.words_at(stemmer=False, metric=m, against=against)
        covers = [
            compared.gain(row, against, m, stemmer=False).covers_zero
            for row in ("reinforced", "random", "reference")
            if row != against
        ][:2]
        assert words.count(NO_EFFECT) == sum(covers)
        assert "not stemmed" in words


def test_the_first_two_sentences_are_always_named_and_win_when_they_do(
    compared: Comparison,
) -> None:
    live = figures.draw_sources(compared)
    assert "First two sentences" in live.figure.layout.yaxis.ticktext
    assert "they win" not in live.words_at(stemmer=True, metric="rouge1", against="none")
    records = dsp_records.source_records()
    strong = compare_sources((replace(records, lead2=records.lead2 + 0.5),), records.lead2)
    words = figures.draw_sources(strong).words_at(stemmer=True, metric="rouge1", against="none")
    assert "they win" in words


def test_published_points_are_those_of_the_table_and_marked(compared: Comparison) -> None:
    live = figures.draw_published(compared)
    shown = live.at(stemmer=True, metric="rouge1")
    published = [t for t in shown.data if (t.name or "").startswith("published")]
    assert list(published[1].x) == pytest.approx([1.54, 1.61, 1.74])  # 39.99 - 38.45, …
    assert list(published[-1].y) == [255, 222, 23]
    assert "Published" in live.words_at(stemmer=True, metric="rouge1")


def test_all_published_metrics_gain_what_the_paper_advertises(compared: Comparison) -> None:
    live = figures.draw_published_metrics(compared)
    assert "3.6" in live.words_at()
    assert "12.9" in live.words_at()
    names = list(live.figure.layout.yaxis.ticktext)
    bleu = names.index("BLEU<br>8.06 without")
    assert live.figure.data[1].x[bleu] == pytest.approx(100 * (9.10 / 8.06 - 1))


def test_readings_show_the_marked_summary_of_the_chosen_article(compared: Comparison) -> None:
    live = figures.draw_readings(compared)
    cards = {card.title: card for card in live.at(article=2, source="reference")}
    article = compared.articles[1]
    assert "".join(s.text for s in cards["Article 2"].spans) == article.text
    marked = [s.text.lower() for s in cards["With the hint"].spans if s.role == "good"]
    own = [p for p in article.candidates if p in article.reference]
    assert set(marked) == {phrase.lower() for phrase in own}
    assert "green ones stand in the reference" in cards["Article 2"].note


def test_markup_in_a_phrase_stays_text() -> None:
    found = dsp_records.removal()
    phrases = ("<b>bold</b>", *found.phrases[1:])
    live = figures.draw_removal(replace(found, phrases=phrases))
    assert "<b>" not in "".join(live.figure.layout.yaxis.ticktext)


# ---------------------------------------------------------------- bench and leave one out


def test_chips_are_told_apart_by_output_and_reference() -> None:
    found = dsp_records.bench()
    assert found.fates == ("good", "good", "accent", "muted")
    assert found.not_in_article == ("moon base",)
    assert (found.hits, found.coverage) == (2, 0.75)
    live = figures.draw_bench(found)
    hint = next(card for card in live.at() if card.title == "Hint")
    assert [s.role for s in hint.spans if s.role] == list(found.fates)
    assert "moon base" in live.words_at()


def test_an_article_without_a_reference_has_no_score_to_speak_of() -> None:
    found = dsp_records.bench()
    bare = replace(found, article=replace(found.article, reference=""))
    assert "no ROUGE" in figures.draw_bench_scores(bare).words_at(stemmer=True)


def test_what_is_lost_is_the_whole_hint_less_the_rest() -> None:
    found = dsp_records.removal()
    live = figures.draw_removal(found)
    shown = live.at(stemmer=True)
    mean = found.rouge[1].mean(axis=-1)
    assert list(shown.data[0].x) == pytest.approx(list(100 * (mean[0] - mean[1:])))
    assert list(live.figure.data[1].x) == pytest.approx(
        list(found.log_probability[0] - found.log_probability[1:])
    )
    assert "exactly as it was" in live.words_at(stemmer=True)
    unstemmed = live.at(stemmer=False).data[0]
    for x, text in zip(unstemmed.x, unstemmed.text, strict=True):
        assert text == f"{x:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


# ---------------------------------------------------------------- dose


def test_the_reference_gains_with_its_dose_and_random_phrases_do_not() -> None:
    found = dsp_records.dose()
    words = figures.draw_dose(found).words_at(metric="rouge1")
    assert "Reference's own, 5 keywords" in words
    assert not found.gains.at(0, -1, 0).covers_zero
    assert found.gains.mean[:, 0] == pytest.approx(0.0)
    assert "permutation test" in words


# ---------------------------------------------------------------- rewards


def test_zero_coefficients_give_zero_and_the_total_is_the_sum_of_the_bars(parts: Anatomy) -> None:
    assert parts.total(0.0, 0.0, 0.2, 0.0) == pytest.approx(0.0)
    live = figures.draw_anatomy(parts)
    for i, terminal, step, penalty, beta in (
        (0, 10.0, 1.0, 0.2, 0.005),
        (7, 1.0, 2.0, 1.0, 0.05),
        (20, 0.0, 0.0, 0.4, 0.0),
    ):
        shown = live.at(
            iteration=i, terminal_weight=terminal, step_weight=step, penalty=penalty, beta=beta
        )
        bars = np.array([list(trace.y) for trace in shown.data[:4]])
        total = float(parts.total(terminal, step, penalty, beta)[i])
        assert bars[:, :-1].sum() == pytest.approx(total)
        assert bars[:, -1].sum() == pytest.approx(total)
        assert shown.data[4].y[0] == pytest.approx(total)
        low, high = shown.layout.yaxis.range
        assert low <= bars[:, -1].clip(max=0).sum()
        assert bars[:, -1].clip(0).sum() <= high


def test_every_total_is_that_of_one_at_a_time(parts: Anatomy) -> None:
    kinds = (TERMINAL, STEP, PENALTY, BETA)
    positions = [kind.positions()[::3] for kind in kinds]
    found = parts.totals(*positions)
    for index in itertools.product(*(range(len(p)) for p in positions)):
        one = parts.total(*(p[i] for p, i in zip(positions, index, strict=True)))
        assert found[(slice(None), *index)] == pytest.approx(one)


def test_each_phrase_stands_under_its_bar(parts: Anatomy) -> None:
    shown = figures.draw_anatomy(parts).at(
        iteration=20, terminal_weight=10, step_weight=1, penalty=0.2, beta=0.0
    )
    rollout = parts.rollouts[20]
    names = list(shown.layout.xaxis.ticktext)
    assert names[: len(rollout.phrases)] == list(rollout.phrases)
    assert names[len(rollout.phrases)] == "stop"
    hits = list(shown.data[0].y)[: len(rollout.phrases)]
    assert [h > 0 for h in hits] == [bool(r > 0) for r in rollout.step_rewards[:-1]]


# ---------------------------------------------------------------- training


def test_the_mark_stands_on_the_curve_at_the_iteration(stage: Theatre) -> None:
    shown = figures.draw_theatre(stage).at(iteration=13, overlay="no_kl")
    marks = [t for t in shown.data if t.name == "this iteration"]
    curve = stage.runs["nlpo"]
    assert [mark.x[0] for mark in marks] == [13.0] * 6
    assert marks[0].y[0] == pytest.approx(100 * curve.validation_rouge[13])
    assert marks[3].y[0] == pytest.approx(curve.kl[13])
    other = [t for t in shown.data if t.name == "compared"]
    assert list(other[3].y) == pytest.approx(list(stage.runs["no_kl"].kl))


def test_a_short_training_keeps_its_last_point(stage: Theatre) -> None:
    made = dsp_records.articles(8)
    runs = {"nlpo": dsp_records.training_curve(made, iterations=5)}
    short = replace(stage, runs=runs)
    assert points_at(6)[-1] == 5
    live = figures.draw_theatre(short)
    shown = live.at(iteration=20)
    marks = [t for t in shown.data if t.name == "this iteration"]
    assert marks[0].x[0] == 5.0
    assert figures.draw_stage_hints(short).at(iteration=20, overlay="nlpo", article=1)


def test_the_hints_shown_are_those_of_that_iteration(stage: Theatre) -> None:
    live = figures.draw_stage_hints(stage)
    cards = live.at(iteration=20, overlay="no_kl", article=3)
    for card, run in ((cards[0], "nlpo"), (cards[1], "no_kl")):
        text = "".join(span.text for span in card.spans)
        assert text == "; ".join(stage.runs[run].hints[20][2]) + "."


def test_a_policy_that_only_learned_its_articles_is_called_so(stage: Theatre) -> None:
    curve = stage.runs["nlpo"]
    worse = replace(curve, validation_rouge=curve.validation_rouge[::-1])
    live = figures.draw_theatre(replace(stage, runs={**stage.runs, "nlpo": worse}))
    assert "has learned those articles" in live.words_at(iteration=20, overlay="ppo")
    assert "has learned those articles" not in live.words_at(iteration=0, overlay="ppo")
    honest = figures.draw_theatre(stage).words_at(iteration=20, overlay="ppo")
    assert "has learned those articles" not in honest


def test_the_summary_of_trainings_has_starts_and_ends(stage: Theatre) -> None:
    numbers = summarise_theatre(stage)
    curve = stage.runs["ppo"]
    assert numbers["reward_ppo_last"] == pytest.approx(float(curve.reward[-1]), rel=1e-5)
    assert numbers["iterations_ppo"] == 20


# ---------------------------------------------------------------- hacking, triggers


def test_hints_that_grow_without_gain_are_called_gaming() -> None:
    found = dsp_records.hacked()
    assert found.phrases[1, -1] > 2 * found.phrases[0, -1]
    assert found.copied.mean[1, -1] > found.copied.mean[0, -1]
    assert (found.unsupported.mean >= 1.0).all()  # "77" stands in no article
    live = figures.draw_hacking(found)
    assert "No gaming is seen" in live.words_at(iteration=0)
    assert "No gaming is seen" not in live.words_at(iteration=20)


def test_hints_that_grow_with_the_kl_too_are_not_called_held() -> None:
    found = dsp_records.hacked()
    curve = found.runs["nlpo"]
    falling = replace(curve, hint_precision=np.linspace(0.6, 0.3, len(curve.reward)))
    grown = np.tile(np.linspace(1.3, 3.2, len(curve.reward)), (2, 1))
    both = replace(found, runs={**found.runs, "nlpo": falling}, phrases=grown)
    words = figures.draw_hacking(both).words_at(iteration=20)
    assert "hardly holds the policy back" in words
    assert "No gaming" not in words


def test_summaries_of_the_last_measured_point_are_shown() -> None:
    found = dsp_records.hacked()
    cards = figures.draw_hacked_hints(found).at(iteration=15, article=1)
    assert cards[1].title == "Its summary, iteration 10"
    assert "".join(s.text for s in cards[3].spans) == found.outputs[1][1][0]


def test_the_grid_is_sorted_and_says_what_luck_is_worth() -> None:
    found = dsp_records.trigger_grid()
    live = figures.draw_triggers(found)
    grid = np.array(live.figure.data[0].z)
    shares = grid.mean(axis=1)
    assert (np.diff(shares) >= 0).all()
    assert (np.diff(grid.mean(axis=0)) <= 0).all()
    assert f"{100 * found.selection_noise:.1f} points" in live.words_at()
    assert "luck" in live.words_at()


def test_published_dialogues_say_that_bleu_falls() -> None:
    live = figures.draw_published_dialogues(dsp_records.dialogue())
    assert "falls from 10.5 to 10.2" in live.words_at()
    assert "no database" in live.words_at()


def test_every_passage_can_be_read_without_colour() -> None:
    passages = figures.draw_dialogue(dsp_records.dialogue())
    assert isinstance(passages, LivePassages)
    titles = [card.title for card in passages.at()]
    assert titles == [
        "The dialogue so far",
        "Without an act",
        "With the recorded act",
        "With your act",
        "Recorded answer",
    ]
