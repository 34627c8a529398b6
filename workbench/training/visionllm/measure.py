"""What a trained network reaches on scenes it has never seen, each number with a baseline.

A detection counts from a score of 0.5 on, and finds a thing when their boxes overlap by half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.data.emoji.streams import stream
from workbench.data.scenes.scene import Scene, World
from workbench.data.scenes.sentences import ask, express, write_caption
from workbench.methods.visionllm.boxes import box_overlaps, mask_overlap, polygon_mask
from workbench.methods.visionllm.decoding import Answer, decode
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.precision import Objects, average_precision
from workbench.methods.visionllm.task import Kind, Task
from workbench.training.visionllm.batches import detection_task
from workbench.training.visionllm.inference import Options, fill_slots, write_texts
from workbench.training.visionllm.network import VisionLLM
from workbench.training.visionllm.recipe import Recipe

SCORE = 0.5
OVERLAP = 0.5
CONTOUR_POINTS = 16
TEST_SCENES = 500


@dataclass(frozen=True)
class Bench:
    """A network and the scenes it is measured on.

    Args:
        network: in evaluation mode.
        world: the scenes.
        count: how many.
        seed: of the random dictionaries and questions.
    """

    network: VisionLLM
    world: World
    count: int = TEST_SCENES
    seed: int = 0

    def scenes(self) -> tuple[list[Scene], np.ndarray]:
        """The test scenes and their pictures, ``(n, s, s, 3)``."""
        scenes = list(self.world.scenes("test", self.count))
        return scenes, np.stack([one.picture for one in scenes])

    def answers(
        self, pictures: np.ndarray, tasks: Sequence[Task], options: Options | None = None
    ) -> list[Answer]:
        """Decoded answers of set tasks."""
        slots = fill_slots(self.network, pictures, tasks, options)
        return [decode(one, task) for one, task in zip(slots, tasks, strict=True)]


def measure(network: VisionLLM, recipe: Recipe, count: int = TEST_SCENES) -> dict[str, float]:
    """Every number of the receipt.

    Args:
        network: in evaluation mode.
        recipe: says what it was trained for.
        count: how many scenes.
    """
    bench = Bench(network, recipe.world, count)
    found = {"scenes": float(count), **measure_detection(bench), **measure_dictionaries(bench)}
    if recipe.first_stage < 1:
        found |= measure_contours(bench) | measure_grounding(bench)
        found |= measure_captions(bench) | measure_questions(bench)
    return found


def measure_detection(bench: Bench) -> dict[str, float]:
    """Box AP with every class in the dictionary, in an order drawn for each scene."""
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "orders")
    orders = [generator.permutation(bench.world.classes) for _ in scenes]
    found: dict[str, float] = {}
    for name, options in (("", Options()), ("_without_language", Options(use_language=False))):
        tasks = [_task(bench, order) for order in orders]
        answers = bench.answers(pictures, tasks, options)
        detections = [one.detections(order) for one, order in zip(answers, orders, strict=True)]
        truth = [Objects(one.labels, one.boxes) for one in scenes]
        precision = average_precision(detections, truth)
        found |= {
            f"ap{name}": precision.ap,
            f"ap50{name}": precision.ap50,
            f"ap75{name}": precision.ap75,
        }
    return found


def measure_dictionaries(bench: Bench) -> dict[str, float]:
    """Things found that are named, and that are not: with one name, and with half of them.

    ``single_name_recall`` asks for the class of each scene's first thing alone.
    """
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "sets")
    half = bench.world.classes // 2
    singles = [np.array([scene.things[0].label]) for scene in scenes]
    halves = [generator.permutation(bench.world.classes)[:half] for _ in scenes]
    found: dict[str, float] = {}
    for name, sets in (("single_name", singles), ("half", halves)):
        tasks = [_task(bench, one) for one in sets]
        recall, unlisted = listed_rates(scenes, bench.answers(pictures, tasks), sets)
        found |= {f"{name}_recall": recall, f"{name}_unlisted_rate": unlisted}
    blind = bench.answers(pictures, [_task(bench, one) for one in halves], Options(False))
    found["half_unlisted_rate_without_language"] = listed_rates(scenes, blind, halves)[1]
    return {**found, "unlisted_rate": found["half_unlisted_rate"]}


def listed_rates(
    scenes: Sequence[Scene], answers: Sequence[Answer], sets: Sequence[np.ndarray]
) -> tuple[float, float]:
    """Shares of things found that the dictionary names, and of those it does not.

    A thing that is named is found when a detection of its class overlaps it; one that is not, when
    any detection does.

    Args:
        scenes: n of them.
        answers: of each.
        sets: of each, labels in the order of the dictionary.
    """
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for scene, answer, labels in zip(scenes, answers, sets, strict=True):
        sure = answer.above(SCORE)
        shared = box_overlaps(sure.boxes, scene.boxes) >= OVERLAP
        for place, label in enumerate(scene.labels):
            is_listed = bool(np.isin(label, labels))
            near = shared[:, place]
            if is_listed:
                near = near & (labels[sure.entries] == label)
            hits[is_listed].append(bool(near.any()))
    return _share(hits[True]), _share(hits[False])


def measure_contours(bench: Bench) -> dict[str, float]:
    """Mask AP of contours of 16 points."""
    scenes, pictures = bench.scenes()
    labels = np.arange(bench.world.classes)
    tasks = [_task(bench, labels, "segmentation", CONTOUR_POINTS) for _ in scenes]
    answers = bench.answers(pictures, tasks)
    overlaps = [_mask_overlaps(one, scene) for one, scene in zip(answers, scenes, strict=True)]
    truth = [Objects(one.labels, one.boxes) for one in scenes]
    precision = average_precision([one.detections(labels) for one in answers], truth, overlaps)
    return {"mask_ap": precision.ap, "mask_ap50": precision.ap50, "mask_ap75": precision.ap75}


def measure_grounding(bench: Bench) -> dict[str, float]:
    """Share of expressions whose surest box overlaps what is meant; baseline: any thing at random.

    Only expressions that say which of several is meant, and the class or category of one.
    """
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "expressions")
    choices = [express(scene) for scene in scenes]
    kept = [number for number, one in enumerate(choices) if one]
    chosen = [choices[number][generator.integers(len(choices[number]))] for number in kept]
    reach = bench.network.shape.reach
    tasks = [detection_task([one.text], reach, "grounding") for one in chosen]
    found: dict[str, float] = {}
    for name, options in (("", Options()), ("_without_language", Options(use_language=False))):
        answers = bench.answers(pictures[kept], tasks, options)
        right = [
            box_overlaps(answer.boxes[:1], scenes[number].things[one.thing].box)[0, 0] >= OVERLAP
            for answer, number, one in zip(answers, kept, chosen, strict=True)
        ]
        found[f"grounding_precision{name}"] = float(np.mean(right))
    chance = [1 / len(scenes[number].things) for number in kept]
    return {**found, "grounding_chance": float(np.mean(chance))}


def measure_captions(bench: Bench) -> dict[str, float]:
    """BLEU-4 of short captions (percent), with the commonest caption as baseline."""
    from sacrebleu import corpus_bleu

    scenes, pictures = bench.scenes()
    truth = [write_caption(scene) for scene in scenes]
    tasks = [Task("captioning", points=0)] * len(scenes)
    texts = [one.text for one in write_texts(bench.network, pictures, tasks)]
    commonest = Counter(truth).most_common(1)[0][0]
    score, baseline = (
        # Captions are written in words with spaces between them already.
        corpus_bleu(one, [truth], tokenize="none", force=True).score
        for one in (texts, [commonest] * len(truth))
    )
    exact = np.mean([one == two for one, two in zip(texts, truth, strict=True)])
    return {
        "caption_bleu4": score,
        "caption_bleu4_commonest": baseline,
        "caption_exact": float(exact),
    }


def measure_questions(bench: Bench) -> dict[str, float]:
    """Share of questions answered rightly; baseline: each kind's commonest answer."""
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "questions")
    questions = [ask(scene, bench.world.names, generator) for scene in scenes]
    tasks = [Task("question", points=0, question=one.text) for one in questions]
    texts = [one.text for one in write_texts(bench.network, pictures, tasks)]
    right: dict[str, list[bool]] = {one.kind: [] for one in questions}
    for question, text in zip(questions, texts, strict=True):
        right[question.kind].append(text == question.answer)
    commonest = sum(
        Counter(one.answer for one in questions if one.kind == kind).most_common(1)[0][1]
        for kind in right
    )
    return {
        "vqa_accuracy": _share([hit for one in right.values() for hit in one]),
        "vqa_commonest": commonest / len(questions),
        **{f"vqa_{kind}": float(np.mean(one)) for kind, one in sorted(right.items())},
    }


def _task(
    bench: Bench, labels: np.ndarray, kind: Kind = "detection", points: int = BOX_POINTS
) -> Task:
    names = [bench.world.names[label] for label in labels]
    return detection_task(names, bench.network.shape.reach, kind, points)


def _share(hits: Sequence[bool]) -> float:
    """Of what is true; 0 of nothing."""
    return float(np.mean(hits)) if hits else 0.0


def _mask_overlaps(answer: Answer, scene: Scene) -> np.ndarray:
    """IoU of each contour with each thing's mask, ``(n, m)``."""
    side = len(scene.picture)
    mine = [polygon_mask(one, side) for one in answer.points]
    theirs = [one.mask for one in scene.things]
    return np.array([[mask_overlap(one, two) for two in theirs] for one in mine])
