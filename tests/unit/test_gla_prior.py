"""Estimating the prior hidden in logits, and taking it out (arXiv:2310.08106)."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from workbench.errors import InputError
from workbench.methods.gla import (
    adjust,
    agreement,
    descend_ascend,
    estimate_log_prior,
    fit_log_prior,
    fit_temperature_and_log_prior,
    matching_temperature,
    official_learning_rate,
    stationary_log_prior,
    wise_ft,
)
from workbench.methods.gla.accuracy import GROUPS, Resampling, accuracy_by_group, thirds
from workbench.methods.gla.calibration import reliability
from workbench.methods.gla.gaussians import draw_noise, make_world, zipf_log_prior
from workbench.methods.gla.softmax import log_sum_exp, normalise_log_prior, softmax
from workbench.methods.intervals import interval

CLASSES = 20


def planted(
    per_class: int, seed: int, *, separation: float = 0.9, tilt: float = 1.0, classes: int = CLASSES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact posteriors of Gaussians under a planted prior: logits, labels, log prior."""
    world = make_world(classes=classes, dimension=12, separation=separation, tilt=tilt, seed=seed)
    labels = np.repeat(np.arange(classes), per_class)
    noise, _ = draw_noise(len(labels), 12, 0.0, np.random.default_rng(1_000 + seed))
    return (
        world.zero_shot_logits(world.means[labels] + noise),
        labels,
        world.log_prior_pretrain,
    )


def cross_entropy(biases: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> float:
    scores = logits + biases
    return float((log_sum_exp(scores) - scores[np.arange(len(labels)), labels]).mean())


# ---------------------------------------------------------------- the fit


@pytest.mark.parametrize("seed", range(3))
def test_the_prior_is_the_one_scipys_general_optimiser_finds(seed: int) -> None:
    logits, labels, _ = planted(10, seed, classes=6)

    def loss(biases: np.ndarray) -> float:
        return cross_entropy(biases, logits, labels) + 0.05 * float(biases.mean()) ** 2

    found = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-7})
    assert estimate_log_prior(logits, labels) == pytest.approx(
        normalise_log_prior(-found.x), abs=2e-4
    )


def test_mean_probability_of_each_class_equals_its_share_of_labels() -> None:
    logits, labels, _ = planted(30, 0)
    found = estimate_log_prior(logits, labels)
    means = softmax(logits - found).mean(axis=0)
    assert np.abs(means - 1.0 / CLASSES).max() < 1e-9
    assert np.exp(found).sum() == pytest.approx(1.0, abs=1e-12)


def test_the_gradient_in_log_q_is_share_less_mean_probability() -> None:
    logits, labels, _ = planted(4, 1, classes=5)
    at = np.random.default_rng(0).normal(size=5)
    numeric = approx_fprime(at, lambda log_q: cross_entropy(-log_q, logits, labels), 1e-7)
    assert 0.2 - softmax(logits - at).mean(axis=0) == pytest.approx(numeric, abs=1e-6)


@pytest.mark.parametrize(("per_class", "limit"), [(50, 0.12), (1_000, 0.01)])
def test_a_planted_prior_comes_back(per_class: int, limit: float) -> None:
    # Zhu et al.'s problem on exact posteriors, 20 classes, zero-shot accuracy about three in four
    for seed in range(20 if per_class == 50 else 6):
        logits, labels, truth = planted(per_class, seed)
        assert 0.6 < (logits.argmax(axis=1) == labels).mean() < 0.85
        assert agreement(truth, estimate_log_prior(logits, labels)).kl < limit


def test_the_standard_error_covers_the_truth_about_as_often_as_it_says() -> None:
    inside = []
    for seed in range(12):
        logits, labels, truth = planted(60, seed, separation=0.7)
        fit = fit_log_prior(logits, labels)
        inside.append(np.abs(fit.log_prior - truth) <= 1.96 * fit.standard_error)
    assert 0.88 < np.mean(inside) < 0.99  # 240 intervals; nominal 0.95


def test_the_standard_error_shrinks_with_the_root_of_the_number_of_pictures() -> None:
    logits, labels, _ = planted(400, 3, separation=0.5)
    few = fit_log_prior(logits[::16], labels[::16]).standard_error
    many = fit_log_prior(logits, labels).standard_error
    assert np.median(few / many) == pytest.approx(4.0, rel=0.1)


def test_labels_that_are_not_balanced_are_corrected_by_their_own_prior() -> None:
    logits, labels, truth = planted(300, 5)
    shares = np.exp(zipf_log_prior(CLASSES, 1.0, np.random.default_rng(8)))
    counts = np.maximum(1, (shares / shares.max() * 300).astype(int))
    kept = np.concatenate([np.flatnonzero(labels == k)[: counts[k]] for k in range(CLASSES)])
    own = np.log(counts / counts.sum())
    naive = estimate_log_prior(logits[kept], labels[kept])
    corrected = estimate_log_prior(logits[kept], labels[kept], log_prior_labelled=own)
    assert agreement(truth, corrected).kl < 0.05
    assert agreement(truth, naive).kl > 3 * agreement(truth, corrected).kl
    assert corrected - own == pytest.approx(naive + (corrected - own - naive).mean(), abs=1e-8)
    assert agreement(truth, stationary_log_prior(logits[kept], labels[kept])).kl < 0.2


def test_a_class_without_pictures_is_refused_or_held_by_a_ridge() -> None:
    logits, labels, _ = planted(5, 0)
    kept = labels != 3
    with pytest.raises(InputError, match="Class 3 has no labelled picture"):
        estimate_log_prior(logits[kept], labels[kept])
    held = fit_log_prior(logits[kept], labels[kept], ridge=1e-3)
    assert np.isfinite(held.log_prior).all()
    assert np.isfinite(held.standard_error).all()
    with pytest.raises(InputError, match="Class 3"):
        stationary_log_prior(logits[kept], labels[kept])
    with pytest.raises(InputError, match="Class 3"):
        descend_ascend(logits[kept], labels[kept], learning_rate=1e-3)


@pytest.mark.parametrize("level", [0.0, 30.0, 3_000.0])
def test_the_fit_ends_in_few_steps_however_large_the_logits(level: float) -> None:
    # one picture a class, as hard as it gets; a level common to a row changes nothing but rounding
    for seed in range(8):
        logits, labels, _ = planted(1, seed, classes=60, separation=0.6)
        fit = fit_log_prior(logits + level, labels)
        assert fit.steps < 20
        assert fit.imbalance < 1e-11


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_logits_that_are_always_sure_give_finite_numbers(scale: float) -> None:
    labels = np.repeat(np.arange(4), 3)
    logits = scale * np.eye(4)[labels]
    fit = fit_log_prior(logits, labels)
    assert np.isfinite(fit.log_prior).all()
    assert np.isfinite(fit.standard_error).all()
    assert fit.imbalance < 1e-9


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        (np.zeros((3, 1)), np.zeros(3, int), "at least two classes"),
        (np.full((2, 2), np.nan), np.array([0, 1]), "not finite"),
        (np.zeros((3, 2)), np.array([0, 1]), "3 whole numbers"),
        (np.zeros((2, 2)), np.array([0, 2]), "use 0 to 1"),
        (np.zeros((2, 2)), np.array([0.0, 1.0]), "whole numbers"),
    ],
)
def test_what_does_not_fit_is_refused(logits: np.ndarray, labels: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        estimate_log_prior(logits, labels)


# ---------------------------------------------------------------- the authors' solver


def test_the_official_solver_reaches_the_same_optimum_with_a_rate_made_for_so_few_classes() -> None:
    logits, labels, _ = planted(50, 2)
    path = descend_ascend(logits, labels, learning_rate=1e-2)
    assert path.failed_at is None
    assert (path.prior > 0.0).all()
    assert np.abs(path.log_prior() - estimate_log_prior(logits, labels)).max() < 0.25


def test_the_official_learning_rate_barely_moves_with_few_classes() -> None:
    logits, labels, truth = planted(50, 2)
    rate = official_learning_rate(len(labels), CLASSES)
    assert rate == pytest.approx(1e-5)  # 50 pictures a class
    path = descend_ascend(logits, labels, learning_rate=rate)
    uniform = agreement(truth, np.zeros(CLASSES)).kl
    assert agreement(truth, path.log_prior()).kl > 0.5 * uniform
    assert agreement(truth, estimate_log_prior(logits, labels)).kl < 0.12


def test_too_large_a_learning_rate_ends_where_a_prior_turns_negative() -> None:
    logits, labels, _ = planted(50, 2)
    path = descend_ascend(logits, labels, learning_rate=1.0)
    assert path.failed_at is not None
    assert len(path.prior) == path.failed_at
    assert np.isfinite(path.loss).all()


def test_one_step_of_the_official_solver_is_the_one_written_down() -> None:
    logits, labels, _ = planted(2, 0, classes=3)
    path = descend_ascend(logits, labels, learning_rate=0.1, iterations=2)
    first = np.full(3, 1 / 3)
    gradient = approx_fprime(first, lambda q: cross_entropy(-np.log(q), logits, labels), 1e-8)
    second = first - 0.1 * gradient  # both multipliers are still 0, and stay 0: Σ q = 1, q > 0
    assert path.prior[1] == pytest.approx(second, abs=1e-6)
    gradient = approx_fprime(second, lambda q: cross_entropy(-np.log(q), logits, labels), 1e-8)
    assert path.prior[2] == pytest.approx(second - 0.1 * gradient, abs=1e-6)
    assert path.multiplier[2] == pytest.approx(0.1 * (1.0 - second.sum()), abs=1e-8)


# ---------------------------------------------------------------- other estimators, temperature


def test_the_stationary_vector_agrees_on_calibrated_logits_of_middling_accuracy() -> None:
    apart = []
    for seed in range(6):
        logits, labels, _ = planted(50, seed, separation=0.6)
        assert 0.35 < (logits.argmax(axis=1) == labels).mean() < 0.65
        direct = estimate_log_prior(logits, labels)
        apart.append(agreement(direct, stationary_log_prior(logits, labels)).kl)
    assert np.median(apart) < 0.01
    assert max(apart) < 0.05


def test_the_stationary_vector_is_left_alone_by_its_matrix() -> None:
    logits, labels, _ = planted(7, 0, separation=0.6)
    q = np.exp(stationary_log_prior(logits, labels))
    per_class = np.stack([softmax(logits[labels == k]).mean(axis=0) for k in range(CLASSES)])
    assert q @ per_class == pytest.approx(q, abs=1e-10)


def test_fitting_temperature_and_prior_together_finds_both() -> None:
    logits, labels, truth = planted(200, 0)
    temperature, log_prior = fit_temperature_and_log_prior(2.0 * logits, labels)
    assert temperature == pytest.approx(2.0, rel=0.05)
    assert agreement(truth, log_prior).kl < 0.02
    assert agreement(truth, estimate_log_prior(2.0 * logits, labels)).kl > 0.1


def test_the_joint_fit_is_the_one_scipys_general_optimiser_finds() -> None:
    logits, labels, _ = planted(10, 1, classes=5)
    logits = 1.7 * logits

    def loss(theta: np.ndarray) -> float:
        return cross_entropy(theta[1:], theta[0] * logits, labels) + 0.05 * theta[1:].mean() ** 2

    found = minimize(loss, np.eye(6)[0], method="BFGS", options={"gtol": 1e-7})
    temperature, log_prior = fit_temperature_and_log_prior(logits, labels)
    assert temperature == pytest.approx(1.0 / found.x[0], rel=1e-3)
    assert log_prior == pytest.approx(normalise_log_prior(-found.x[1:]), abs=1e-3)
    with pytest.raises(InputError, match="same classes"):
        fit_temperature_and_log_prior(-logits, labels)


def test_matching_confidence_with_accuracy_mistakes_a_prior_for_a_temperature() -> None:
    # exact posteriors: the right temperature is 1
    logits, labels, _ = planted(200, 0, separation=0.7)
    matched = matching_temperature(logits, labels)
    assert matched > 1.1
    confidence = softmax(logits / matched).max(axis=1).mean()
    assert confidence == pytest.approx((logits.argmax(axis=1) == labels).mean(), abs=1e-5)
    joint, _ = fit_temperature_and_log_prior(logits, labels)
    assert abs(joint - 1.0) < 0.05


# ---------------------------------------------------------------- joining the models


def two_models(seed: int, correlation: float = 0.0) -> tuple:
    world = make_world(classes=CLASSES, dimension=12, separation=0.7, tilt=1.0, seed=seed)
    labels = np.repeat(np.arange(CLASSES), 200)
    first, second = draw_noise(len(labels), 12, correlation, np.random.default_rng(seed))
    return (
        world,
        labels,
        world.means[labels] + first,
        world.means[labels] + second,
    )


@pytest.mark.parametrize("seed", range(3))
def test_gla_with_true_priors_is_the_posterior_given_both_and_beats_each_alone(seed: int) -> None:
    world, labels, a, b = two_models(seed)
    z, e = world.zero_shot_logits(a), world.fine_tuned_logits(b)
    scores = adjust(
        e,
        z,
        log_prior_pretrain=world.log_prior_pretrain,
        log_prior_downstream=world.log_prior_downstream,
    )
    means = np.hstack([world.means, world.means])
    points = np.hstack([a, b])
    joint = -0.5 * ((points[:, None, :] - means) ** 2).sum(axis=2)
    assert softmax(scores) == pytest.approx(softmax(joint), abs=1e-10)
    accuracy = [(s.argmax(axis=1) == labels).mean() for s in (scores, z, e, z + e)]
    standard_error = np.sqrt(accuracy[0] * (1 - accuracy[0]) / len(labels))
    assert accuracy[0] >= max(accuracy[1:]) - 2 * standard_error
    assert accuracy[0] > accuracy[3] + 0.03


def test_with_uniform_priors_gla_is_the_plain_ensemble() -> None:
    random = np.random.default_rng(0)
    e, z = random.normal(size=(2, 50, 7))
    uniform = np.full(7, -np.log(7.0))
    both = adjust(e, z, log_prior_pretrain=uniform, log_prior_downstream=uniform)
    assert np.array_equal(both.argmax(axis=1), (e + z).argmax(axis=1))


def test_the_mean_of_the_logits_is_not_gla() -> None:
    world, labels, a, b = two_models(0)
    z, e = world.zero_shot_logits(a), world.fine_tuned_logits(b)
    shift = world.log_prior_pretrain + world.log_prior_downstream
    by_sum, by_mean = (e + z) - shift, 0.5 * (e + z) - shift
    assert (by_sum.argmax(axis=1) != by_mean.argmax(axis=1)).mean() > 0.1
    assert (by_sum.argmax(axis=1) == labels).mean() > (by_mean.argmax(axis=1) == labels).mean()


def test_a_target_prior_is_added_back() -> None:
    e, z = np.zeros((2, 1, 3))
    target = np.log([0.7, 0.2, 0.1])
    scores = adjust(e, z, log_prior_pretrain=np.zeros(3), log_prior_target=target)
    assert scores[0] == pytest.approx(target)


def test_logits_of_different_pictures_are_refused() -> None:
    with pytest.raises(InputError, match="same pictures"):
        adjust(np.zeros((3, 2)), np.zeros((4, 2)), log_prior_pretrain=np.zeros(2))
    with pytest.raises(InputError, match="2 finite numbers"):
        adjust(np.zeros((3, 2)), np.zeros((3, 2)), log_prior_pretrain=np.array([0.0, -np.inf]))


def test_wise_ft_lies_on_the_line_between_the_weights() -> None:
    first, last = {"w": np.array([0.0, 2.0])}, {"w": np.array([4.0, 4.0])}
    assert wise_ft(first, last, alpha=0.25)["w"] == pytest.approx([1.0, 2.5])
    assert np.array_equal(wise_ft(first, last, alpha=1.0)["w"], last["w"])
    with pytest.raises(InputError, match="choose 0 to 1"):
        wise_ft(first, last, alpha=1.5)
    with pytest.raises(InputError, match="'b'"):
        wise_ft(first, {"w": last["w"], "b": np.zeros(1)})
    with pytest.raises(InputError, match="equal shapes"):
        wise_ft(first, {"w": np.zeros(3)})


# ---------------------------------------------------------------- measures


def test_accuracy_by_group_counts_by_hand() -> None:
    log_prior = np.log([0.5, 0.2, 0.1, 0.1, 0.06, 0.04])
    assert thirds(log_prior).tolist() == [0, 0, 1, 1, 2, 2]
    labels = np.array([0, 0, 1, 2, 3, 4, 5, 5])
    guesses = np.array([0, 1, 1, 2, 0, 0, 0, 5])
    found = accuracy_by_group(np.eye(6)[guesses], labels, log_prior=log_prior)
    assert tuple(found) == GROUPS
    assert found == pytest.approx({"all": 0.5, "head": 2 / 3, "middle": 0.5, "tail": 1 / 3})
    with pytest.raises(InputError, match="tail"):
        accuracy_by_group(np.eye(6)[guesses[:5]], labels[:5], log_prior=log_prior)


def test_bootstrap_intervals_have_the_width_of_the_closed_form() -> None:
    random = np.random.default_rng(0)
    values = (random.random((1, 1, 2_000)) < 0.3).astype(float)
    replicates = Resampling(1, 2_000).replicates(values)
    found = interval(values.mean(), replicates[0])
    half = 1.96 * np.sqrt(0.21 / 2_000)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.15)
    assert found.low < found.mean < found.high


def test_a_paired_difference_is_narrower_than_two_intervals_apart() -> None:
    random = np.random.default_rng(1)
    base = random.random((3, 1_000)) < 0.6
    better = base | (random.random((3, 1_000)) < 0.05)
    means = np.array([base.mean(), better.mean()])
    replicates = Resampling(3, 1_000).replicates(np.stack([base, better]))
    paired = interval(means[1] - means[0], replicates[1] - replicates[0])
    alone = interval(means[0], replicates[0])
    assert paired.low > 0.0
    assert paired.high - paired.low < 0.7 * (alone.high - alone.low)


def test_the_calibration_error_equals_a_loop_over_bins() -> None:
    random = np.random.default_rng(2)
    scores, labels = 2.0 * random.normal(size=(500, 4)), random.integers(0, 4, 500)
    found = reliability(scores, labels, bins=7)
    p = softmax(scores)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    expected = 0.0
    for low in range(7):
        inside = (confidence > low / 7) & (confidence <= (low + 1) / 7)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert found.calibration_error == pytest.approx(expected)
    assert found.negative_log_likelihood == pytest.approx(-np.log(p[range(500), labels]).mean())


def test_agreement_of_a_prior_with_itself_and_with_nothing() -> None:
    truth = zipf_log_prior(30, 1.0, np.random.default_rng(0))
    same = agreement(truth, truth + 5.0)
    assert (same.kl, same.total_variation) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert (same.pearson, same.spearman, same.slope) == pytest.approx((1.0, 1.0, 1.0))
    nothing = agreement(truth, np.zeros(30))
    assert nothing.kl == pytest.approx(nothing.kl_uniform)
    assert (nothing.pearson, nothing.slope) == (0.0, 0.0)
