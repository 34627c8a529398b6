"""The comparison with other methods: fairness, counted work, its figures as data, its words."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.figures.attention import (
    draw_peers_by_bound,
    draw_peers_by_budget,
    draw_peers_by_work,
)
from workbench.figures.attention.peers_wording import NAMES, SHOWN, method_index
from workbench.methods.attention import (
    COMPARISON,
    exact_attention,
    favor_attention,
    importance_sampling_attention,
    make_inputs,
    polynomial_attention,
    rank,
)
from workbench.methods.attention import comparison as study
from workbench.methods.attention.peers import work
from workbench.methods.attention.peers.contest import (
    DRAWS,
    METHODS,
    PEERS,
    Contest,
    affordable_degree,
    effective_keys,
    hold_contest,
)
from workbench.methods.attention.polynomial import KINDS
from workbench.methods.catalog import find_study
from workbench.params import parse
from workbench.server.api import canonical_json

MAXIMUM_PAYLOAD_BYTES = 1_500_000
DRAW = (draw_peers_by_bound, draw_peers_by_budget, draw_peers_by_work)


@pytest.fixture(scope="module")
def result() -> study.Result:
    params = study.Params(tokens=256)
    return study.compute(study.gather(None, params), params)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small() -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], Contest]:
    matrices = make_inputs("needle", tokens=48, dimension=3, seed=1)
    return matrices, hold_contest(matrices, (0.5, 3.0), (8, 20), seed=4)


# ---------------------------------------------------------------- the contest


def test_the_study_is_found_by_name() -> None:
    assert find_study("attention.peers") is COMPARISON


def test_every_error_is_that_of_the_public_function(small: tuple) -> None:
    (queries, keys, v), contest = small
    q, k = 3.0 * queries, 3.0 * keys
    exact = exact_attention(q, k, v)
    seeds = [int(s) for s in np.random.SeedSequence(4).generate_state(DRAWS)]

    def at(name: str) -> float:
        return float(contest.error[METHODS.index(name), 1, 1])

    for kind in KINDS:
        output = polynomial_attention(q, k, v, degree=3, kind=kind, bound=9.0)
        assert at(kind) == pytest.approx(np.abs(output - exact).max(), rel=1e-9)
    favor = [np.abs(favor_attention(q, k, v, features=20, seed=s) - exact).max() for s in seeds]
    assert at("favor") == pytest.approx(np.median(favor))
    sampled = [
        np.abs(importance_sampling_attention(q, k, v, block=10, samples=10, seed=s) - exact).max()
        for s in seeds
    ]
    place = (METHODS.index("importance"), 1, 1)
    low, middle, high = np.quantile(sampled, (0.25, 0.5, 0.75))
    assert contest.error_low[place] == pytest.approx(low)
    assert contest.error[place] == pytest.approx(middle)
    assert contest.error_high[place] == pytest.approx(high)


def test_methods_without_chance_have_no_band_and_the_others_do(small: tuple) -> None:
    _, contest = small
    width = contest.error_high - contest.error_low
    random = {peer.name for peer in PEERS if peer.is_random}
    assert random == {"favor", "uniform", "importance"}
    for p, name in enumerate(METHODS):
        assert (width[p] > 0.0).all() == (name in random), name


@given(budget=st.integers(1, 5_000), dimension=st.integers(1, 8))
def test_the_polynomial_never_spends_more_columns_than_the_budget(
    budget: int, dimension: int
) -> None:
    degree = affordable_degree(budget, dimension)
    assert rank(degree, dimension) <= budget
    assert degree == 24 or rank(degree + 1, dimension) > budget


def test_a_budget_below_d_plus_1_buys_the_polynomial_no_more_than_the_mean_of_v() -> None:
    matrices = make_inputs("uniform", tokens=32, dimension=8, seed=0)
    contest = hold_contest(matrices, (2.0,), (8,), seed=0)
    assert contest.degrees.tolist() == [0]
    assert contest.columns.tolist() == [1]
    mean = contest.error[METHODS.index("mean"), 0, 0]
    np.testing.assert_allclose(contest.error[: len(KINDS), 0, 0], mean, rtol=1e-9)


def test_attention_spreads_over_all_keys_or_one() -> None:
    q, k, _ = make_inputs("uniform", tokens=50, dimension=3, seed=0)
    assert effective_keys(0 * q, k) == pytest.approx(50.0)
    assert effective_keys(1e4 * np.sign(q), k) == pytest.approx(1.0, abs=0.05)
    # Half of the keys share all weight evenly.
    pair = np.array([[1.0], [-1.0]]).repeat(25, axis=0)
    assert effective_keys(np.full((3, 1), 60.0), pair) == pytest.approx(25.0)


def test_counted_work_is_what_the_formulas_multiply() -> None:
    n, d, m = 512, 4, 64
    # For each pair: d for the score, the exponential, d for the sum and 1 for the normaliser.
    assert work.exact_work(n, d) == n * n * (4 + 1 + 4 + 1)
    assert work.sampling_work(n, d, m) == work.window_work(n, d, m) == n * m * 10
    # Both sides: d for the projection, the exponential, d + 1 for the product with [V | 1].
    assert work.favor_work(n, d, m) == 2 * n * m * (4 + 1 + 5)
    assert work.polynomial_work(n, d, 35) == 2 * n * 35 * (1 + 5)
    assert work.nystrom_work(n, d, m) == 2 * n * m * 10 + 24 * m**3 + m * m * 10
    assert work.importance_work(n, d, 32, 32) == n * (2 * 7 * 4 + 64 * 10)
    assert work.mean_work(n, d) == n * d


def test_work_without_all_pairs_doubles_with_n() -> None:
    for peer in PEERS:
        fixed = peer.work(0, 4, 16)  # the inverse of the landmarks
        once, twice = (peer.work(n, 4, 16) - fixed for n in (1_000, 2_000))
        assert twice == 2 * once
    assert work.exact_work(2_000, 4) == 4 * work.exact_work(1_000, 4)


# ---------------------------------------------------------------- the study


def test_the_summary_is_flat_finite_json_of_the_chosen_position(result: study.Result) -> None:
    summary = COMPARISON.summarise(result)
    canonical_json(dict(summary))
    assert summary["budget"] == 64
    assert summary["degree"] == 3
    assert summary["columns"] == 35
    contest = result.contest
    assert contest.budgets[3] == 64
    assert contest.bounds_b[7] == 2.0
    for p, name in enumerate(METHODS):
        assert summary[f"{name}_error"] == pytest.approx(contest.error[p, 3, 7], rel=1e-5)
        assert summary[f"{name}_work"] == contest.work[p, 3]
    assert summary["favor_error_low"] <= summary["favor_error"] <= summary["favor_error_high"]


def test_a_budget_of_n_reads_everything(result: study.Result) -> None:
    for name in ("uniform", "window"):
        assert result.contest.error[METHODS.index(name), -1].max() < 1e-12
    assert result.contest.error[METHODS.index("nystrom"), -1].max() < 1e-4


def test_another_seed_gives_other_matrices_and_draws_and_the_same_seed_the_same() -> None:
    matrices = make_inputs("uniform", tokens=32, dimension=2, seed=0)
    first, again, other = (hold_contest(matrices, (2.0,), (8,), seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.error, again.error)
    place = METHODS.index("uniform")
    assert first.error[place, 0, 0] != other.error[place, 0, 0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"bound_b": 5}, "0.25 to 4"),
        ({"log2_budget": 9}, "whole number from 3 to 8"),
        ({"tokens": 128}, "256 to 1024"),
        ({"generator": "text"}, "No Queries and keys"),
        ({"kind": "remez"}, "No Polynomial"),
    ],
)
def test_parameters_out_of_range_are_refused(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(study.Params, values)


# ---------------------------------------------------------------- figures


def trace(drawn: go.Figure, name: str) -> go.Scatter:
    return next(t for t in drawn.data if t.name == name)


@pytest.mark.parametrize("draw", DRAW)
def test_figures_follow_every_position_of_the_controls(draw, result: study.Result) -> None:
    figure = draw(result)
    assert {name: len(axis) for name, axis in figure.axes.items()} == {
        "kind": 3,
        "log2_budget": 6,
        "bound_b": 16,
    }
    for position in (
        {"kind": "taylor", "log2_budget": 3, "bound_b": 0.25},
        {"kind": "chebyshev", "log2_budget": 5, "bound_b": 2.0},
        {"kind": "minimax", "log2_budget": 8, "bound_b": 4.0},
    ):
        drawn = figure.at(**position)
        names = [name.split("</b>")[0].removeprefix("<b>") for name in trace(drawn, "names").text]
        assert names[1:] == [NAMES[name] for name in SHOWN[1:]]
        assert names[0].lower() == f"{position['kind']} polynomial"
        words = figure.words_at(**position)
        assert f"At B = {position['bound_b']:g} and m = {2 ** position['log2_budget']} " in words
        assert "the mean of V" in words


def test_figures_together_stay_small(result: study.Result) -> None:
    sizes = [len(json.dumps(draw(result).payload(), allow_nan=False)) for draw in DRAW]
    assert sum(sizes) < MAXIMUM_PAYLOAD_BYTES


@pytest.mark.parametrize("draw", DRAW)
def test_marks_stand_on_the_curves_where_the_controls_are(draw, result: study.Result) -> None:
    figure = draw(result)
    drawn = figure.at(kind="minimax", log2_budget=5, bound_b=1.5)
    marks, contest = trace(drawn, "chosen"), result.contest
    for i, name in enumerate(SHOWN):
        p = method_index(name, KINDS.index("minimax"))
        assert marks.y[i] == pytest.approx(contest.error[p, 2, 5])
        at_mark = trace(figure.figure, NAMES[name]).x == marks.x[i]
        assert marks.y[i] in np.array(trace(drawn, NAMES[name]).y)[at_mark], name


def test_a_click_on_a_curve_names_a_position_of_a_control(result: study.Result) -> None:
    by_bound = trace(draw_peers_by_bound(result).figure, NAMES["favor"])
    assert list(by_bound.x) == study.BOUND_B.positions()
    for draw in DRAW[1:]:
        assert list(trace(draw(result).figure, NAMES["favor"]).customdata) == [3, 4, 5, 6, 7, 8]


def test_bands_enclose_the_curve_of_a_random_method(result: study.Result) -> None:
    drawn = draw_peers_by_bound(result).at(kind="taylor", log2_budget=6, bound_b=2.0)
    band = np.array(trace(drawn, f"{NAMES['favor']}, middle half of its draws").y)
    high, low = band[:16], band[16:][::-1]
    middle = np.array(trace(drawn, NAMES["favor"]).y)
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (low < high).all()


def test_the_line_of_exact_attention_stands_at_its_work(result: study.Result) -> None:
    drawn = draw_peers_by_work(result).figure
    assert drawn.layout.shapes[0].x0 == 256 * 256 * 10
    assert any("exact attention, 660,000" in note.text for note in drawn.layout.annotations)


def test_words_name_the_best_and_count_who_beats_the_mean(result: study.Result) -> None:
    contest, figure = result.contest, draw_peers_by_bound(result)
    for k, kind in enumerate(KINDS):
        for m, b in ((0, 0), (2, 7), (3, 15), (5, 11)):
            errors = {n: contest.error[method_index(n, k), m, b] for n in SHOWN}
            mean = errors.pop("mean")
            best = min(errors, key=lambda name: errors[name])
            words = figure.words_at(
                kind=kind, log2_budget=3 + m, bound_b=float(contest.bounds_b[b])
            )
            named = f"polynomial of degree {contest.degrees[m]}" if best == "polynomial" else None
            first = words.split(" comes nearest" if errors[best] < mean else "; the nearest is")
            assert (named or NAMES[best]) in first[0 if errors[best] < mean else 1]
            beat = sum(error < mean for error in errors.values())
            said = {0: "nothing beats", 6: "All 6 methods beat"}.get(beat, f"{beat} of 6 methods")
            assert said in words


def test_words_say_when_attention_is_nearly_uniform(result: study.Result) -> None:
    figure = draw_peers_by_bound(result)
    assert "nearly uniform" in figure.words_at(kind="taylor", log2_budget=6, bound_b=0.5)
    assert "matters which ones" in figure.words_at(kind="taylor", log2_budget=6, bound_b=4.0)


def test_words_say_what_costs_as_much_as_the_exact_answer(result: study.Result) -> None:
    figure = draw_peers_by_work(result)
    dear = figure.words_at(kind="taylor", log2_budget=8, bound_b=2.0)
    assert "Nyströmformer and" in dear or "and Nyströmformer" in dear
    assert "all methods take fewer" in figure.words_at(kind="taylor", log2_budget=3, bound_b=2.0)
    budget = draw_peers_by_budget(result)
    assert "falls to rounding" in budget.words_at(kind="taylor", log2_budget=6, bound_b=2.0)
