"""Figures of a network laid open: every position draws what was computed, and says so."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from tests.unit.live_positions import every_position
from tests.unit.test_visionllm_labs import result_of, run
from tests.unit.visionllm_client import TinyClient
from workbench.figures.live import LiveFigure
from workbench.figures.visionllm.guidance import draw_guidance, draw_listed
from workbench.figures.visionllm.ledger import draw_distributions, draw_ledger
from workbench.figures.visionllm.quantisation import draw_bins, draw_points
from workbench.figures.visionllm.race import draw_latency, draw_race
from workbench.figures.visionllm.shuffle import draw_shuffle
from workbench.figures.visionllm.single_names import draw_single_names
from workbench.figures.visionllm.token_map import draw_tokens, draw_tokens_kept, say_rest
from workbench.figures.visionllm.xray import draw_agreement, draw_xray
from workbench.methods.visionllm.guidance import GUIDANCE
from workbench.methods.visionllm.ledger import LEDGER
from workbench.methods.visionllm.quantisation import HARD_STEPS, QUANTISATION
from workbench.methods.visionllm.race import RACE
from workbench.methods.visionllm.shuffle import SHUFFLE
from workbench.methods.visionllm.single_names import SINGLE_NAMES
from workbench.methods.visionllm.token_map import TOKEN_MAP
from workbench.methods.visionllm.xray import XRAY
from workbench.study import Study
from workbench.training.visionllm.recipe import VARIANTS

DRAWN: tuple[tuple[Study, Any], ...] = (
    (LEDGER, draw_ledger),
    (LEDGER, draw_distributions),
    (TOKEN_MAP, draw_tokens),
    (TOKEN_MAP, draw_tokens_kept),
    (GUIDANCE, draw_guidance),
    (GUIDANCE, draw_listed),
    (SHUFFLE, draw_shuffle),
    (SINGLE_NAMES, draw_single_names),
    (QUANTISATION, draw_bins),
    (QUANTISATION, draw_points),
    (RACE, draw_race),
    (RACE, draw_latency),
    (XRAY, draw_xray),
    (XRAY, draw_agreement),
)


@pytest.mark.parametrize(("study", "draw"), DRAWN, ids=lambda one: getattr(one, "__name__", ""))
def test_every_position_has_a_figure_and_whole_sentences(study: Study, draw: Any) -> None:
    drawn: LiveFigure = draw(result_of(study))
    axes = every_position(study.params)
    for name, positions in drawn.axes.items():
        assert list(positions) == axes[name]
    assert len(json.dumps(drawn.payload())) < 300_000
    for place in itertools.product(*drawn.axes.values()):
        position = dict(zip(drawn.axes, place, strict=True))
        words = drawn.words_at(**position)
        assert words.endswith((".", ").")), words
        assert "nan" not in words
        assert "&lt;" not in words  # the page writes words as they are
    for name in drawn.axes:
        ends = [{**{k: v[0] for k, v in drawn.axes.items()}, name: drawn.axes[name][i]}
                for i in (0, -1)]  # fmt: skip
        for position in ends:
            drawn.at(**position)


def test_the_ledger_shows_the_likeliest_tokens_of_the_chosen_box() -> None:
    result = result_of(LEDGER)
    drawn = draw_ledger(result)
    for box in (1, 3):
        bars = [one for one in drawn.at(box=box).data if one.type == "bar"]
        assert len(bars) == 5
        expected = np.sort(result.distribution(box - 1)[0])[::-1][:5]
        np.testing.assert_allclose(np.array(bars[1].x, dtype=float), expected, rtol=1e-5)
        token = int(result.answer.tokens[box - 1, 0])
        assert bars[1].text[0].startswith(f"&lt;p{'−' if token < 0 else ''}{abs(token)}&gt;")
        x1 = 64 * result.answer.points[box - 1, 0, 0]
        assert f"x1 = {x1:.1f} px".replace("-", "−") in str(drawn.at(box=box).layout.annotations)
    # More positions than tokens repeat the last.
    assert drawn.words_at(box=8) == drawn.words_at(box=4)


def test_tokens_that_are_not_kept_lose_dot_and_strokes() -> None:
    result = result_of(TOKEN_MAP)
    drawn = draw_tokens(result)
    one, every = drawn.at(kept=1), drawn.at(kept=8)
    sizes = [np.array(each.data[-1].marker.size, dtype=float) for each in (one, every)]
    assert (sizes[0] > 0).sum() == 1
    assert (sizes[1] > 0).all()
    strokes = np.array(one.data[-2].x, dtype=float)
    assert np.isfinite(strokes).sum() == 4  # two strokes of two ends


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ([], ""),
        ([0.001], "The other one stays below 0.01: nothing is answered there."),
        ([0.1, 0.334], "The 2 others stay below 0.34: nothing is answered there."),
    ],
)
def test_tokens_that_answer_nothing_are_said_to_stay_below_what_they_stay_below(
    rest: list[float], said: str
) -> None:
    assert say_rest(np.array(rest)) == said


def test_the_difference_shows_what_only_one_dictionary_lights_up() -> None:
    result = result_of(GUIDANCE)
    drawn = draw_guidance(result)
    both = [result.inputs.slots[one, True].objectness for one in "AB"]
    figure = drawn.at(shown="A minus B", use_language=True)
    sizes = [np.array(each.customdata, dtype=float) for each in list(figure.data)[-2:]]
    np.testing.assert_allclose(sizes[0] - sizes[1], both[0] - both[1], atol=1e-6)
    assert (np.minimum(*sizes) == 0).all()
    assert "no difference" in drawn.words_at(shown="A minus B", use_language=False)


def test_one_pass_fills_the_left_and_one_slot_of_the_right() -> None:
    drawn = draw_race(result_of(RACE))
    for step, left, right in ((0, 0, 0), (1, 20, 1), (7, 20, 7), (40, 20, 20)):
        data = drawn.at(step=step).data
        assert [int(np.sum(one.z)) for one in data if one.type == "heatmap"] == [left, right]
        written = [sum(text != "" for text in one.text) for one in data if one.type == "scatter"]
        assert written == [left, right]


def test_a_missing_model_is_said_and_not_drawn() -> None:
    alone = run(SHUFFLE, TinyClient(), orders=5, scenes=20)
    assert "is here to compare with" in draw_shuffle(alone).words
    words = draw_shuffle(result_of(SHUFFLE)).words
    assert "trained with one order falls" in words
    assert "The strict head" in words
    assert "The strict head" not in draw_shuffle(alone).words
    assert "never saw fewer than three" in draw_single_names(result_of(SINGLE_NAMES)).words
    names = run(SINGLE_NAMES, TinyClient(), scenes=20)
    assert "is here to compare with" in draw_single_names(names).words


def test_the_network_of_one_hot_targets_is_drawn_where_it_is_there() -> None:
    result = result_of(QUANTISATION)
    assert set(result.hard) == set(result.model)
    drawn = draw_bins(result)
    (line,) = [one for one in drawn.figure.data if one.name == "one-hot targets"]
    assert list(line.y) == [100 * value for value in result.hard.values()]
    assert "from one-hot targets, the paper's" in drawn.words_at(log2_reach=6)
    assert VARIANTS["visionllm-hard"].steps == HARD_STEPS
    assert VARIANTS["visionllm-hard"].location_loss == "hard"
    alone = draw_bins(run(QUANTISATION, TinyClient()))
    assert "one-hot" not in alone.words_at(log2_reach=6)


def test_published_points_stand_where_the_paper_puts_them() -> None:
    drawn = draw_bins(result_of(QUANTISATION))
    published = next(one for one in drawn.figure.data if "published" in str(one.name))
    assert list(zip(published.x, published.y, strict=True)) == [
        (128, 34.9),
        (256, 40.8),
        (512, 44.8),
    ]
    assert "Published for 1,025 tokens: AP 44.8" in drawn.words_at(log2_reach=9)
    assert "18.5" in draw_points(result_of(QUANTISATION)).words_at(points=8)
