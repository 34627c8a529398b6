"""Batches: scenes, instructions and what the right answers are.

A batch is named by recipe and step, and its random numbers with it: a stopped run goes on to the
same weights, and several processes can draw ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.data.emoji.streams import stream
from workbench.data.scenes.scene import Scene, World
from workbench.data.scenes.sentences import ask, express, write_caption
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.matching import Truth
from workbench.methods.visionllm.task import SET_KINDS, Entry, Kind, Task
from workbench.training.visionllm.recipe import CONTOUR_POINTS, SHARES, Recipe

LONG_SHARE = 0.5
"""Of captions."""
PRESENT_SHARE = 0.5
"""Of dictionaries that are made to hold something that is in the picture."""
EVEN_SHARE = 0.5
"""Of dictionaries whose length is drawn evenly."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures, tasks of one kind and one format, and their answers.

    Args:
        pictures: ``(b, s, s, 3)`` uint8.
        tasks: of each.
        truths: of each; empty for text tasks.
        points: of each, ``(g, N, 2)`` in fractions of the side; empty for text tasks.
        texts: of each; empty for set tasks.
    """

    pictures: np.ndarray
    tasks: tuple[Task, ...]
    truths: tuple[Truth, ...] = field(default=())
    points: tuple[np.ndarray, ...] = field(default=())
    texts: tuple[str, ...] = field(default=())


def draw_batch(recipe: Recipe, step: int, split: str = "train") -> Batch:
    """The batch of a step."""
    generator = stream("visionllm batch", recipe.seed, split, step)
    kinds = tuple(SHARES)
    kind: Kind = "detection"
    if step >= recipe.first_stage * recipe.steps:
        kind = kinds[generator.choice(len(kinds), p=list(SHARES.values()))]
    world = recipe.world
    scenes = [world.draw(generator) for _ in range(recipe.batch)]
    pictures = np.stack([one.picture for one in scenes])
    if kind not in SET_KINDS:
        tasks, texts = _ask_for_text(scenes, kind, world, generator)
        return Batch(pictures, tasks, texts=texts)
    points = BOX_POINTS
    if kind == "segmentation":
        points = int(generator.choice(CONTOUR_POINTS))
    lengths = recipe.set_lengths_at(step)
    asked = [
        _ask_for_expression(scene, recipe, generator)
        if kind == "grounding"
        else _ask_for_classes(scene, kind, points, lengths, recipe, generator)
        for scene in scenes
    ]
    return Batch(
        pictures,
        tuple(task for task, _ in asked),
        tuple(truth_of(scene, *one) for scene, one in zip(scenes, asked, strict=True)),
        tuple(
            points_of(scene, places, points)
            for scene, (_, places) in zip(scenes, asked, strict=True)
        ),
    )


def draw_names(
    world: World, there: Sequence[int], smallest: int, largest: int, generator: np.random.Generator
) -> np.ndarray:
    """Classes of a dictionary, in a random order.

    How many is drawn evenly for half of the dictionaries, and evenly on a logarithmic scale for
    the others, so that short ones are common too; half are made to hold something that is there.

    Args:
        world: the scenes.
        there: classes in the picture.
        smallest: fewest classes.
        largest: most classes.
        generator: source of everything random.

    Returns:
        ``(k,)`` int64 labels.
    """
    if generator.random() < EVEN_SHARE:
        count = int(generator.integers(smallest, largest + 1))
    else:
        low, high = np.log(smallest), np.log(largest + 1)
        count = min(largest, int(np.exp(generator.uniform(low, high))))
    order = generator.permutation(world.classes)
    chosen = order[:count]
    if generator.random() < PRESENT_SHARE and not np.isin(chosen, there).any():
        chosen[generator.integers(count)] = generator.choice(np.asarray(there))
    return chosen


def detection_task(
    names: Sequence[str], reach: int, kind: Kind = "detection", points: int = BOX_POINTS
) -> Task:
    """A task with these names as <c0>, <c1>, …."""
    entries = tuple(Entry(name, token) for token, name in enumerate(names))
    return Task(kind, entries, points, reach)


def places_of(scene: Scene, task: Task) -> dict[int, int]:
    """Things of a scene that a dictionary names: place of the thing → place of the entry."""
    rows = {name: row for row, name in enumerate(task.names)}
    return {
        place: rows[thing.name] for place, thing in enumerate(scene.things) if thing.name in rows
    }


def truth_of(scene: Scene, task: Task, places: dict[int, int]) -> Truth:
    """The right answer, as ``match`` takes it."""
    del task
    boxes = [scene.things[place].box for place in places]
    return Truth(np.array(list(places.values()), dtype=np.int64), np.array(boxes).reshape(-1, 4))


def points_of(scene: Scene, places: dict[int, int], points: int) -> np.ndarray:
    """The points of the right answer, ``(g, N, 2)``."""
    things = [scene.things[place] for place in places]
    if points == BOX_POINTS:
        return np.array([one.box for one in things]).reshape(-1, 2, 2)
    return np.array([one.contour(points) for one in things]).reshape(-1, points, 2)


def _ask_for_classes(
    scene: Scene,
    kind: Kind,
    points: int,
    lengths: tuple[int, int],
    recipe: Recipe,
    generator: np.random.Generator,
) -> tuple[Task, dict[int, int]]:
    world = recipe.world
    labels = np.arange(world.classes)
    if recipe.shuffles:
        there = [one.label for one in scene.things]
        labels = draw_names(world, there, *lengths, generator)
    names = [world.names[label] for label in labels]
    task = detection_task(names, recipe.shape.reach, kind, points)
    return task, places_of(scene, task)


def _ask_for_expression(
    scene: Scene, recipe: Recipe, generator: np.random.Generator
) -> tuple[Task, dict[int, int]]:
    choices = express(scene)
    if not choices:  # two of a kind beside each other, as large as each other
        task = detection_task([scene.things[0].name], recipe.shape.reach)
        return task, places_of(scene, task)
    expression = choices[generator.integers(len(choices))]
    task = detection_task([expression.text], recipe.shape.reach, "grounding")
    return task, {expression.thing: 0}


def _ask_for_text(
    scenes: Sequence[Scene], kind: Kind, world: World, generator: np.random.Generator
) -> tuple[tuple[Task, ...], tuple[str, ...]]:
    if kind == "captioning":
        lengths = generator.random(len(scenes)) < LONG_SHARE
        tasks = tuple(Task("captioning", points=0, is_long=bool(one)) for one in lengths)
        pairs = zip(scenes, lengths, strict=True)
        return tasks, tuple(write_caption(one, is_long=bool(long)) for one, long in pairs)
    questions = [ask(scene, world.names, generator) for scene in scenes]
    return (
        tuple(Task("question", points=0, question=one.text) for one in questions),
        tuple(one.answer for one in questions),
    )
