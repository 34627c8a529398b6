"""What a trained network answers on scenes it has never seen, and what that comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.data.emoji.streams import stream
from workbench.data.scenes.scene import Scene, World
from workbench.data.scenes.sentences import ask, express, write_caption
from workbench.methods.visionllm.boxes import (
    box_corners,
    box_overlaps,
    mask_overlap,
    polygon_mask,
)
from workbench.methods.visionllm.decoding import Answer, decode
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.outcomes import (
    OVERLAP,
    SCORE,
    Outcomes,
    count_up,
    count_words,
    is_commonest,
)
from workbench.methods.visionllm.task import Kind, Task
from workbench.training.visionllm.batches import detection_task
from workbench.training.visionllm.inference import AT_ONCE, Options, fill_slots, write_texts
from workbench.training.visionllm.network import VisionLLM
from workbench.training.visionllm.recipe import Recipe
from workbench.training.visionllm.shape import Shape

CONTOUR_POINTS = 16
TEST_SCENES = 500
Report = Callable[[float, str], None]
"""Called with how far it is, from 0 to 1, and what it does."""
_BLIND = Options(use_language=False)


def world_of(shape: Shape) -> World:
    """The scenes that a network of this shape is made for."""
    return World(classes=shape.class_tokens, side_px=shape.side_px)


@dataclass(frozen=True)
class Bench:
    """A network and the scenes it is measured on.

    Args:
        network: in evaluation mode.
        world: the scenes.
        count: how many.
        seed: of the random dictionaries and questions.
        pause: called between passes; may raise to stop.
    """

    network: VisionLLM
    world: World
    count: int = TEST_SCENES
    seed: int = 0
    pause: Callable[[], None] = lambda: None

    def scenes(self) -> tuple[list[Scene], np.ndarray]:
        """The test scenes and their pictures, ``(n, s, s, 3)``."""
        scenes = list(self.world.scenes("test", self.count))
        return scenes, np.stack([one.picture for one in scenes])

    def answers(
        self, pictures: np.ndarray, tasks: Sequence[Task], options: Options | None = None
    ) -> list[Answer]:
        """Decoded answers of set tasks."""
        found: list[Answer] = []
        for start in range(0, len(tasks), AT_ONCE):
            self.pause()
            part = tasks[start : start + AT_ONCE]
            slots = fill_slots(self.network, pictures[start : start + AT_ONCE], part, options)
            found += [decode(one, task) for one, task in zip(slots, part, strict=True)]
        return found

    def texts(self, pictures: np.ndarray, tasks: Sequence[Task]) -> list[str]:
        """Texts of captions and answers."""
        found: list[str] = []
        for start in range(0, len(tasks), AT_ONCE):
            self.pause()
            part = tasks[start : start + AT_ONCE]
            written = write_texts(self.network, pictures[start : start + AT_ONCE], part)
            found += [one.text for one in written]
        return found


def measure(network: VisionLLM, recipe: Recipe, count: int = TEST_SCENES) -> dict[str, float]:
    """Every number of the receipt.

    Args:
        network: in evaluation mode.
        recipe: says what it was trained for.
        count: how many scenes.
    """
    bench = Bench(network, recipe.world, count)
    return count_up(collect(bench, has_all_tasks=recipe.first_stage < 1), resamples=1).flat()


def collect(
    bench: Bench, *, has_all_tasks: bool = True, report: Report = lambda *_: None
) -> Outcomes:
    """Ask a network everything that is measured.

    Args:
        bench: the network and its scenes.
        has_all_tasks: without, only detection.
        report: told how far it is.
    """
    steps: list[tuple[str, Callable[[Bench], dict[str, np.ndarray]]]] = [
        ("Every class in the dictionary", answer_boxes),
        ("Some classes in the dictionary", answer_dictionaries),
    ]
    if has_all_tasks:
        steps += [
            ("Contours", answer_contours),
            ("Expressions", answer_expressions),
            ("Captions", answer_captions),
            ("Questions", answer_questions),
        ]
    arrays: dict[str, np.ndarray] = {}
    for number, (text, step) in enumerate(steps):
        report(number / len(steps), text)
        arrays |= step(bench)
    return Outcomes(arrays, QUESTION_KINDS)


def answer_boxes(bench: Bench) -> dict[str, np.ndarray]:
    """What is there, and boxes with every class in the dictionary, in an order drawn anew."""
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "orders")
    orders = [generator.permutation(bench.world.classes) for _ in scenes]
    tasks = [_task(bench, order) for order in orders]
    found: dict[str, np.ndarray] = {
        "thing_scene": np.repeat(np.arange(len(scenes)), [len(one.things) for one in scenes]),
        "thing_labels": np.concatenate([one.labels for one in scenes]),
        "thing_boxes": np.concatenate([one.boxes for one in scenes]),
    }
    for name, options in (("", Options()), ("blind_", _BLIND)):
        answers = bench.answers(pictures, tasks, options)
        pairs = zip(answers, orders, strict=True)
        found[f"{name}labels"] = np.stack([order[one.entries] for one, order in pairs])
        found[f"{name}scores"] = np.stack([one.scores for one in answers])
        found[f"{name}boxes"] = np.stack([one.boxes for one in answers])
    return found


def answer_dictionaries(bench: Bench) -> dict[str, np.ndarray]:
    """Things found with one name in the dictionary, and with half of the classes.

    The single name is the class of each scene's first thing.
    """
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "sets")
    half = bench.world.classes // 2
    singles = [np.array([scene.things[0].label]) for scene in scenes]
    halves = [generator.permutation(bench.world.classes)[:half] for _ in scenes]
    found: dict[str, np.ndarray] = {}
    for name, sets in (("single", singles), ("half", halves)):
        answers = bench.answers(pictures, [_task(bench, one) for one in sets])
        listed, hits = listed_hits(scenes, answers, sets)
        found |= {f"{name}_listed": listed, f"{name}_found": hits}
    blind = bench.answers(pictures, [_task(bench, one) for one in halves], _BLIND)
    return {**found, "half_found_blind": listed_hits(scenes, blind, halves)[1]}


def listed_hits(
    scenes: Sequence[Scene], answers: Sequence[Answer], sets: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Of every thing: whether the dictionary names it, and whether it is found.

    A thing that is named is found when a detection of its class overlaps it; one that is not, when
    any detection does.

    Args:
        scenes: n of them.
        answers: of each.
        sets: of each, labels in the order of the dictionary.

    Returns:
        Two ``(g,)`` bool, thing after thing.
    """
    listed: list[bool] = []
    found: list[bool] = []
    for scene, answer, labels in zip(scenes, answers, sets, strict=True):
        sure = answer.above(SCORE)
        shared = box_overlaps(sure.boxes, scene.boxes) >= OVERLAP
        for place, label in enumerate(scene.labels):
            is_listed = bool(np.isin(label, labels))
            near = shared[:, place]
            if is_listed:
                near = near & (labels[sure.entries] == label)
            listed.append(is_listed)
            found.append(bool(near.any()))
    return np.array(listed, dtype=bool), np.array(found, dtype=bool)


def answer_contours(bench: Bench) -> dict[str, np.ndarray]:
    """Contours of 16 points, and as baseline the box around each, filled: it knows no shape."""
    scenes, pictures = bench.scenes()
    labels = np.arange(bench.world.classes)
    tasks = [_task(bench, labels, "segmentation", CONTOUR_POINTS) for _ in scenes]
    answers = bench.answers(pictures, tasks)
    most = max(len(one.things) for one in scenes)
    overlaps = np.zeros((len(scenes), bench.network.shape.tokens, most))
    filled = np.zeros_like(overlaps)
    for number, (answer, scene) in enumerate(zip(answers, scenes, strict=True)):
        bench.pause()
        count = len(scene.things)
        overlaps[number, :, :count] = _mask_overlaps(answer.points, scene)
        filled[number, :, :count] = _mask_overlaps(box_corners(answer.boxes), scene)
    return {
        "contour_labels": np.stack([labels[one.entries] for one in answers]),
        "contour_scores": np.stack([one.scores for one in answers]),
        "contour_overlaps": overlaps,
        "contour_box_overlaps": filled,
    }


def answer_expressions(bench: Bench) -> dict[str, np.ndarray]:
    """Whether the surest box overlaps what an expression means; chance: any thing at random.

    Only expressions that say which of several is meant, and the class or category of one.
    """
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "expressions")
    choices = [express(scene) for scene in scenes]
    kept = [number for number, one in enumerate(choices) if one]
    chosen = [choices[number][generator.integers(len(choices[number]))] for number in kept]
    reach = bench.network.shape.reach
    tasks = [detection_task([one.text], reach, "grounding") for one in chosen]
    found: dict[str, np.ndarray] = {}
    for name, options in (("", Options()), ("_blind", _BLIND)):
        answers = bench.answers(pictures[kept], tasks, options)
        found[f"grounding_right{name}"] = np.array(
            [
                box_overlaps(answer.boxes[:1], scenes[number].things[one.thing].box)[0, 0]
                >= OVERLAP
                for answer, number, one in zip(answers, kept, chosen, strict=True)
            ]
        )
    chance = [1 / len(scenes[number].things) for number in kept]
    return {**found, "grounding_chance": np.array(chance)}


def answer_captions(bench: Bench) -> dict[str, np.ndarray]:
    """Short captions, and the commonest caption as baseline."""
    scenes, pictures = bench.scenes()
    truth = [write_caption(scene) for scene in scenes]
    texts = bench.texts(pictures, [Task("captioning", points=0)] * len(scenes))
    commonest = Counter(truth).most_common(1)[0][0]
    return {
        "caption_counts": count_words(texts, truth),
        "commonest_counts": count_words([commonest] * len(truth), truth),
        "caption_exact": np.array([one == two for one, two in zip(texts, truth, strict=True)]),
    }


QUESTION_KINDS = ("beside", "count", "largest", "presence")


def answer_questions(bench: Bench) -> dict[str, np.ndarray]:
    """Answers to questions, and each kind's commonest answer as baseline."""
    scenes, pictures = bench.scenes()
    generator = stream("visionllm test", bench.seed, "questions")
    questions = [ask(scene, bench.world.names, generator) for scene in scenes]
    tasks = [Task("question", points=0, question=one.text) for one in questions]
    texts = bench.texts(pictures, tasks)
    pairs = zip(texts, questions, strict=True)
    kinds = [one.kind for one in questions]
    return {
        "answer_right": np.array([text == one.answer for text, one in pairs]),
        "answer_commonest": is_commonest([one.answer for one in questions], kinds),
        "question_kind": np.array([QUESTION_KINDS.index(kind) for kind in kinds]),
    }


def _task(
    bench: Bench, labels: np.ndarray, kind: Kind = "detection", points: int = BOX_POINTS
) -> Task:
    names = [bench.world.names[label] for label in labels]
    return detection_task(names, bench.network.shape.reach, kind, points)


def _mask_overlaps(polygons: np.ndarray, scene: Scene) -> np.ndarray:
    """IoU of each polygon, ``(n, N, 2)``, with each thing's mask: ``(n, m)``."""
    side = len(scene.picture)
    mine = [polygon_mask(one, side) for one in polygons]
    theirs = [one.mask for one in scene.things]
    return np.array([[mask_overlap(one, two) for two in theirs] for one in mine])
