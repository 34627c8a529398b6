"""How long GLA takes from cached vectors to a figure; no model takes part."""

import time

import numpy as np
import pytest

from workbench.figures.gla import draw_accuracy
from workbench.methods.gla import benefit, fit_log_prior
from workbench.methods.gla.emoji import FineTuned, Pictures
from workbench.methods.gla.gaussians import draw_noise, make_world

pytestmark = pytest.mark.bench

CLASSES, DIMENSION, REPETITIONS = 108, 64, 7
FEATURES = 10_000
BUDGET_S = 0.3
WORLD = make_world(classes=CLASSES, dimension=DIMENSION, separation=0.32, tilt=1.0, seed=0)


def split(per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(CLASSES), per_class)
    first, second = draw_noise(len(labels), DIMENSION, 0.0, np.random.default_rng(seed))
    return labels, WORLD.means[labels] + first, WORLD.means[labels] + second


def pictures(per_class: int, seed: int) -> Pictures:
    labels, points, _ = split(per_class, seed)
    names = tuple(map(str, range(CLASSES)))
    logits = WORLD.zero_shot_logits(points).astype(np.float32)
    return Pictures(logits, labels, WORLD.log_prior_pretrain, names)


def fine_tuned(estimate: int, test: int) -> FineTuned:
    def logits(per_class: int, seed: int) -> np.ndarray:
        return WORLD.zero_shot_logits(split(per_class, seed)[2]).astype(np.float32)

    uniform = np.full(CLASSES, -np.log(CLASSES))
    return FineTuned(logits(test, 2), logits(test, 2), logits(estimate, 1), uniform, 1.0)


def median_seconds(work) -> float:
    seconds = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def measure(estimate: int, test: int, temperature: str) -> float:
    """Seconds from the vectors' logits to the figure: one fine-tuning of each kind."""
    run = fine_tuned(estimate, test)
    inputs = benefit.Inputs(
        pictures(estimate, 1), pictures(test, 2), {"full": (run,), "linear": (run,)}
    )
    params = benefit.Params(seeds=1, temperature=temperature)
    return median_seconds(lambda: draw_accuracy(benefit.compute(inputs, params)))


def test_ten_thousand_vectors_become_a_figure_within_the_budget() -> None:
    # 20 labelled pictures a class, and 25 test pictures a class seen by three models
    estimate, test = 20, 25
    assert CLASSES * (estimate + 3 * test) >= FEATURES
    seconds = measure(estimate, test, "none")
    with_temperatures = measure(estimate, test, "joint")
    larger = measure(estimate, 73, "none")
    labelled = pictures(estimate, 1)
    prior = median_seconds(lambda: fit_log_prior(labelled.logits, labelled.labels))
    print(  # noqa: T201
        f"\n10,260 vectors of 108 classes to the figure: {1e3 * seconds:.0f} ms, with temperatures "
        f"{1e3 * with_temperatures:.0f} ms; 25,812 vectors {1e3 * larger:.0f} ms; the prior alone "
        f"{1e3 * prior:.0f} ms"
    )
    assert seconds < BUDGET_S
