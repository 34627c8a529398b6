"""The studies of synthetic models: planted prior, two models, solver, decision map."""

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.methods.gla import decision_map, planted, solver, world
from workbench.methods.gla.accuracy import accuracy_by_group
from workbench.methods.gla.adjust import adjust
from workbench.methods.gla.estimate import estimate_log_prior
from workbench.methods.gla.gaussians import draw_noise
from workbench.methods.gla.softmax import normalise_log_prior
from workbench.methods.gla.stationary import stationary_log_prior
from workbench.params import parse
from workbench.server.api import canonical_json


def measure(module, **values):
    params = parse(module.Params, values)
    return module.compute(module.gather(None, params), params)


@pytest.fixture(scope="module")
def xray() -> planted.Result:
    return measure(planted, classes=8)


@pytest.fixture(scope="module")
def two() -> world.Result:
    return measure(world, classes=9, test_per_class=100)


@pytest.fixture(scope="module")
def theatre() -> solver.Result:
    return measure(solver, labelled=20)


@pytest.fixture(scope="module")
def drawn_map() -> decision_map.Result:
    return measure(decision_map)


@pytest.mark.parametrize(
    ("module", "name"),
    [(planted, "xray"), (world, "two"), (solver, "theatre"), (decision_map, "drawn_map")],
)
def test_summaries_are_flat_finite_json(module, name: str, request: pytest.FixtureRequest) -> None:
    summary = module.summarise(request.getfixturevalue(name))
    canonical_json(dict(summary))
    assert len(summary) > 4


# ---------------------------------------------------------------- planted prior


def test_each_size_is_an_estimate_from_scratch_on_the_first_pictures(xray: planted.Result) -> None:
    inputs = planted.gather(None, xray.params)  # type: ignore[arg-type]
    logits, labels = inputs.logits[:17].reshape(-1, 8), np.tile(np.arange(8), 17)
    assert xray.labelled[16] == 17
    assert xray.log_prior[0, 16] == pytest.approx(estimate_log_prior(logits, labels), abs=1e-7)
    assert xray.log_prior[1, 16] == pytest.approx(stationary_log_prior(logits, labels), abs=1e-7)


def test_more_pictures_bring_the_estimate_nearer_and_narrow_it(xray: planted.Result) -> None:
    kl = [found.kl for found in xray.agreements[0]]
    assert kl[199] < 0.2 * kl[1]
    assert (xray.standard_error[199] < 0.5 * xray.standard_error[19]).all()
    assert xray.debiased_accuracy[0, 199] == pytest.approx(xray.oracle_accuracy, abs=0.02)
    assert xray.oracle_accuracy > xray.zero_shot_accuracy


def test_a_uniform_prior_leaves_nothing_to_gain() -> None:
    found = measure(planted, tilt=0.0, classes=5)
    assert found.oracle_accuracy == found.zero_shot_accuracy
    assert found.agreements[0][199].kl < 0.01


# ---------------------------------------------------------------- two models


def test_the_plane_is_what_adjusted_logits_give(two: world.Result) -> None:
    inputs = world.gather(None, two.params)  # type: ignore[arg-type]
    labels, truth = inputs.labels, inputs.world
    r = 5  # ρ = 0.5
    noise = 0.5 * inputs.first + np.sqrt(0.75) * inputs.second
    z = truth.zero_shot_logits(truth.means[labels] + inputs.first)
    e = truth.fine_tuned_logits(truth.means[labels] + noise)
    scores = adjust(
        e,
        z,
        log_prior_pretrain=0.75 * truth.log_prior_pretrain,
        log_prior_downstream=1.5 * truth.log_prior_downstream,
    )
    expected = accuracy_by_group(scores, labels, log_prior=truth.log_prior_pretrain)
    one = 1.0 / len(labels)
    assert two.plane[r, 3, 6] == pytest.approx(list(expected.values()), abs=3 * one)
    assert two.by_method(4, 4)[r, 3] == pytest.approx(two.plane[r, 0, 0])


def test_gla_beats_the_plain_ensemble_and_loses_its_lead_when_evidence_is_shared(
    two: world.Result,
) -> None:
    plain, gla = two.plane[:, 0, 0, 0], two.plane[:, 4, 4, 0]
    assert (gla > plain).all()
    best_alone = two.debiased[:, :, 0].max(axis=1)
    assert gla[0] - best_alone[0] > 0.1
    assert gla[-1] - best_alone[-1] < 0.5 * (gla[0] - best_alone[0])


def test_noise_has_the_correlation_asked_for() -> None:
    first, second = draw_noise(4_000, 5, 0.6, np.random.default_rng(0))
    found = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert found == pytest.approx(0.6, abs=0.02)
    assert second.std() == pytest.approx(1.0, abs=0.02)


# ---------------------------------------------------------------- solver


def test_the_solver_ends_at_the_optimum_where_the_rate_is_right(theatre: solver.Result) -> None:
    r = int(np.argmin(np.abs(theatre.log10_rates + 2.5)))
    for run in (theatre.three, theatre.twenty):
        q = run.prior[r, -1]
        assert np.abs(normalise_log_prior(np.log(q)) - run.log_optimum).max() < 0.25
        assert run.kl_to_truth[r, 0] == pytest.approx(run.kl_uniform)
    lowest = theatre.twenty.kl_to_truth[0, -1]
    assert lowest > 0.7 * theatre.twenty.kl_uniform  # 10⁻⁵: hardly moved


def test_a_failed_rate_has_no_numbers_after_its_failure(theatre: solver.Result) -> None:
    assert theatre.twenty.failed_at[-1] is not None
    assert np.isnan(theatre.twenty.prior[-1, -1]).all()
    summary = solver.summarise(measure(solver, labelled=20, log10_rate=0.0))
    assert summary["twenty_failed"] is True
    assert "twenty_kl" not in summary


def test_contours_have_the_loss_they_claim(theatre: solver.Result) -> None:
    problem = solver.gather(None, theatre.params)[0]  # type: ignore[arg-type]
    corners = np.log(theatre.contours[:, ::9])
    loss = solver._loss(problem, corners.reshape(-1, 3)).reshape(corners.shape[:2])
    lowest = solver._loss(problem, theatre.three.log_optimum[None])[0]
    expected = np.broadcast_to(solver.LEVELS[:, None], loss.shape)
    assert loss - lowest == pytest.approx(expected, rel=1e-3)
    assert theatre.contours.sum(axis=-1) == pytest.approx(1.0)


# ---------------------------------------------------------------- decision map


def test_exact_accuracy_agrees_with_counting(drawn_map: decision_map.Result) -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40_000)
    first, second = draw_noise(len(labels), 1, 0.6, random)
    points = drawn_map.means[labels] + np.hstack([first, second])
    for m, method in enumerate(decision_map.METHODS):
        rules = drawn_map.rules[method]
        place = {"tilt_pretrain": 4, "tilt_downstream": 6, "correlation": 6}
        rule = rules[tuple(place[name] for name in decision_map.DEPENDS[method])]
        counted = ((points @ rule.weights.T + rule.constants).argmax(axis=1) == labels).mean()
        assert drawn_map.accuracy[m, 4, 6, 6] == pytest.approx(counted, abs=0.006)


def test_without_correlation_gla_is_the_best_possible_and_nothing_ever_beats_the_best(
    drawn_map: decision_map.Result,
) -> None:
    gla, best = drawn_map.accuracy[3], drawn_map.accuracy[4]
    assert gla[..., 0] == pytest.approx(best[..., 0], abs=1e-9)
    assert (drawn_map.accuracy <= best + 1e-6).all()
    assert np.ptp(gla, axis=(0, 1)).max() == 0.0  # the priors do not matter to it


def test_one_number_alone_has_the_accuracy_of_the_textbook() -> None:
    # two balanced unit Gaussians 2 apart: Φ(1); a third far away takes no part
    means = np.array([[-1.0, 0.0], [1.0, 0.0], [100.0, 0.0]])
    rule = decision_map.Rule(means * [1.0, 0.0], -0.5 * means[:, 0] ** 2)
    expected = (2 * 0.8413447460685429 + 1.0) / 3  # Φ(1) from tables
    assert decision_map.exact_accuracy(rule, means, 0.0) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("method", decision_map.METHODS)
def test_regions_fill_the_map_and_hold_what_the_rule_says(
    drawn_map: decision_map.Result, method: str
) -> None:
    random = np.random.default_rng(1)
    rule = drawn_map.rules[method].flat[-1]
    areas = 0.0
    for k in range(3):
        corners = decision_map.region(rule, k)
        if not len(corners):
            continue
        x, y = corners.T
        areas += 0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))
        inside = random.dirichlet(np.ones(len(corners)), 50) @ corners
        assert ((inside @ rule.weights.T + rule.constants).argmax(axis=1) == k).all()
    assert areas == pytest.approx((2 * decision_map.EDGE) ** 2)


@pytest.mark.parametrize(
    ("module", "values", "said"),
    [
        (planted, {"labelled": 0}, "1 to 200"),
        (planted, {"classes": 2}, "3 to 30"),
        (world, {"correlation": 1.1}, "0 to 1"),
        (solver, {"log10_rate": 1.0}, "-5 to 0"),
        (decision_map, {"layout": "circle"}, "Where the classes lie"),
    ],
)
def test_parameters_out_of_range_are_refused(module, values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(module.Params, values)
