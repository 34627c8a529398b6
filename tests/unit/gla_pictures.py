"""A made-up emoji world in the shape that the model server answers in, small and quick."""

import numpy as np

from workbench.methods.gla import benefit, bias, names, own_pictures, surgery
from workbench.methods.gla.emoji import MODELS, FineTuned, Pictures
from workbench.methods.gla.gaussians import GaussianWorld, draw_noise, make_world

CLASSES, DIMENSION = 12, 10
NAMES = tuple(f"thing {c}" for c in range(CLASSES))
WORLD = make_world(classes=CLASSES, dimension=DIMENSION, separation=0.6, tilt=1.2, seed=0)


def look(
    per_class: int, seed: int, world: GaussianWorld = WORLD
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and two independent looks at the pictures."""
    labels = np.repeat(np.arange(CLASSES), per_class)
    first, second = draw_noise(len(labels), DIMENSION, 0.0, np.random.default_rng(seed))
    return labels, world.means[labels] + first, world.means[labels] + second


def pictures(per_class: int, seed: int, *, is_tilted: bool = True) -> Pictures:
    """Zero-shot logits, with or without the prior, half as bold again as they should be."""
    labels, points, _ = look(per_class, seed)
    logits = WORLD.zero_shot_logits(points) - (0.0 if is_tilted else WORLD.log_prior_pretrain)
    return Pictures((1.5 * logits).astype(np.float32), labels, WORLD.log_prior_pretrain, NAMES)


def fine_tuned(seed: int, *, is_independent: bool = True, is_tailed: bool = False) -> FineTuned:
    """One fine-tuning, on its own look at the pictures or on that of the zero-shot model."""
    random = np.random.default_rng(100 + seed)
    means = WORLD.means + 0.15 * random.normal(size=WORLD.means.shape)
    shares = np.exp(WORLD.log_prior_downstream) if is_tailed else np.full(CLASSES, 1 / CLASSES)

    def logits(per_class: int, split: int) -> np.ndarray:
        _, first, second = look(per_class, split)
        points = second if is_independent else first
        return (points @ means.T - 0.5 * (means**2).sum(axis=1) + np.log(shares)).astype("f4")

    test = logits(benefit.TEST_PER_CLASS, 2)
    return FineTuned(test, 0.5 * test, logits(benefit.ESTIMATE_PER_CLASS, 1), np.log(shares), 0.97)


def benefit_inputs(seeds: int = 2, **options: bool) -> benefit.Inputs:
    return benefit.Inputs(
        pictures(benefit.ESTIMATE_PER_CLASS, 1),
        pictures(benefit.TEST_PER_CLASS, 2),
        {
            "full": tuple(fine_tuned(s, **options) for s in range(seeds)),
            "linear": tuple(fine_tuned(s, is_independent=False) for s in range(seeds)),
        },
    )


def bias_inputs() -> bias.Inputs:
    tilted = {MODELS[0]: True, MODELS[1]: False}
    return bias.Inputs(
        {m: pictures(40, 3, is_tilted=t) for m, t in tilted.items()},
        {m: pictures(bias.TEST_PER_CLASS, 4, is_tilted=t) for m, t in tilted.items()},
    )


def surgery_inputs() -> surgery.Inputs:
    test = pictures(benefit.TEST_PER_CLASS, 2)
    terms = surgery.find_terms(
        pictures(benefit.ESTIMATE_PER_CLASS, 1), test, fine_tuned(0, is_tailed=True)
    )
    places = surgery.choose(terms, 0)
    shape = (len(places), 8, 8, 3)
    drawings = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return surgery.Inputs(terms, places, drawings, NAMES)


def own_task_inputs() -> own_pictures.Inputs:
    labels, first, second = look(6, 5)
    return own_pictures.Inputs(first, labels, second, labels, WORLD.means, 0.7, NAMES)


def names_inputs() -> names.Inputs:
    """Two pictures of each thing, in order of the things."""
    labels, points, _ = look(2, 6)
    drawings = np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8, 3), dtype=np.uint8)
    titles = tuple(f"picture {number}" for number in range(len(labels)))
    truth = tuple(NAMES[c] for c in labels)
    return names.Inputs(drawings, titles, truth, points, WORLD.means, 1.0)
