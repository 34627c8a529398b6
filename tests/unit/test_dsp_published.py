"""The paper's tables add up as the paper says (arXiv:2302.11520)."""

import numpy as np
import pytest
from scipy import stats

from workbench.errors import InputError
from workbench.methods.dsp.intervals import sign_test
from workbench.methods.dsp.published import (
    AQUA_ITEMS,
    ARTICLES,
    DIALOGUES,
    MULTIARITH_ITEMS,
    OVERLAP_METRICS,
    PREFERENCE,
    SUMMARIES,
    TRIGGERS,
    combined_score,
    relative_gain,
)
from workbench.methods.intervals import wilson


@pytest.mark.parametrize("row", DIALOGUES, ids=lambda row: row.system)
def test_every_combined_score_is_half_inform_and_success_plus_bleu(row) -> None:
    for score in (row.on_2_0, row.on_2_1):
        again = combined_score(score.inform, score.success, score.bleu)
        # each of the three is rounded to 0.1: 0.5 * 0.1 + 0.05, and 0.05 of the sum itself
        assert again == pytest.approx(score.combined, abs=0.151)


def test_the_advertised_gain_on_dialogues_is_that_of_80_dialogues() -> None:
    by_name = {row.system: row.on_2_0.combined for row in DIALOGUES}
    gain = relative_gain(by_name["ChatGPT, reinforced, 80"], by_name["ChatGPT, standard"])
    assert gain == pytest.approx(0.414, abs=0.0005)


def test_gains_on_4000_articles_span_what_the_abstract_says() -> None:
    overlap = [row for row in SUMMARIES if row.metric in OVERLAP_METRICS]
    gains = [relative_gain(row.reinforced[2], row.standard) for row in overlap]
    assert round(100 * min(gains), 1) == 3.6
    assert round(100 * max(gains), 1) == 12.9


def test_training_helps_every_metric_in_order_standard_supervised_reinforced() -> None:
    for row in SUMMARIES:
        for supervised, reinforced in zip(row.supervised, row.reinforced, strict=True):
            assert row.standard < supervised < reinforced


def test_the_judges_preference_is_not_beyond_chance() -> None:
    assert PREFERENCE.hinted + PREFERENCE.standard + PREFERENCE.ties == ARTICLES
    exact = sign_test(PREFERENCE.hinted, PREFERENCE.standard)
    assert exact == pytest.approx(0.143, abs=0.0005)
    # the normal approximation, without continuity correction, gives the often quoted 0.13
    votes = PREFERENCE.hinted + PREFERENCE.standard
    z = (PREFERENCE.hinted - PREFERENCE.standard) / np.sqrt(votes)
    assert 2 * stats.norm.sf(z) == pytest.approx(0.131, abs=0.0005)


def test_bleu_falls_under_reinforcement_although_it_is_the_reward() -> None:
    by_name = {row.system: row.on_2_0.bleu for row in DIALOGUES}
    for size in (80, 800):
        assert by_name[f"ChatGPT, reinforced, {size}"] < by_name[f"ChatGPT, supervised, {size}"]


def test_trigger_accuracies_are_whole_numbers_of_questions() -> None:
    for row in TRIGGERS:
        for percent, items in ((row.multiarith, MULTIARITH_ITEMS), (row.aqua, AQUA_ITEMS)):
            right = round(percent / 100 * items)
            assert round(100 * right / items, 1) == pytest.approx(percent)


def test_the_best_trigger_has_a_wide_interval_and_leads_by_one_question() -> None:
    by_name = {row.trigger: row for row in TRIGGERS}
    best = by_name["DSP, reinforced"]
    found = wilson(round(best.multiarith / 100 * MULTIARITH_ITEMS), MULTIARITH_ITEMS)
    assert (round(100 * found.low, 1), round(100 * found.high, 1)) == (78.9, 88.0)
    lead = best.aqua - by_name["First,"].aqua
    assert round(lead / 100 * AQUA_ITEMS) == 1


def test_a_gain_over_nothing_is_refused() -> None:
    with pytest.raises(InputError):
        relative_gain(3.0, 0.0)
