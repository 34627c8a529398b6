"""Scenes: boxes, contours and sentences are those of what is drawn."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.streams import stream
from workbench.data.scenes.contours import edge_contour, outer_edge, radial_contour
from workbench.data.scenes.drawings import drawing
from workbench.data.scenes.names import FIRST_NAMES, category_of, class_names, plural, with_article
from workbench.data.scenes.scene import LARGEST_OVERLAP, Scene, Thing, World, overlap
from workbench.data.scenes.sentences import (
    AREA_RATIO,
    MARGIN,
    NUMBERS,
    ask,
    express,
    sentence_words,
    write_caption,
)
from workbench.errors import InputError

WORLD = World()
SCENES = list(WORLD.scenes("test", 150))


def scene_of(*things: tuple[str, int, int, int]) -> Scene:
    """A scene by hand: name, size and corner of each thing, in 64 pixels."""
    placed = tuple(
        Thing(WORLD.names.index(name), name, size, left, top, 64)
        for name, size, left, top in things
    )
    return Scene(np.zeros((64, 64, 3), dtype=np.uint8), placed)


# Pictures ----------------------------------------------------------------------------------


def test_a_scene_is_the_same_on_every_call_and_no_split_or_seed_shares_it() -> None:
    again = WORLD.scene("test", 3)
    assert (again.picture == SCENES[3].picture).all()
    assert again.things == SCENES[3].things
    others = [WORLD.scene("train", 3), WORLD.scene("test", 4), World(seed=1).scene("test", 3)]
    assert all((one.picture != again.picture).any() for one in others)


def test_scenes_hold_one_to_four_things_of_every_class() -> None:
    counts = Counter(len(scene.things) for scene in SCENES)
    assert set(counts) == {1, 2, 3, 4}
    assert {thing.name for scene in SCENES for thing in scene.things} == set(FIRST_NAMES)
    assert all(scene.picture.shape == (64, 64, 3) for scene in SCENES)
    assert World(side_px=128, classes=40).scene("test", 0).picture.shape == (128, 128, 3)


def test_things_hide_little_of_each_other() -> None:
    shares = [
        overlap(one.box, two.box) for scene in SCENES for one, two in combinations(scene.things, 2)
    ]
    assert max(shares) < LARGEST_OVERLAP
    assert max(shares) > 0  # some do touch


def test_a_box_is_the_tightest_around_the_opaque_pixels() -> None:
    for scene in SCENES[:40]:
        for thing in scene.things:
            rows, columns = np.nonzero(thing.mask)
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert (thing.box * 64).tolist() == expected


def test_a_thing_is_painted_where_its_box_says() -> None:
    """A scene without it has the same random background and differs inside its box only."""
    thing = next(scene.things[0] for scene in SCENES if len(scene.things) == 1)
    scene = next(scene for scene in SCENES if scene.things == (thing,))
    generator = stream("scene", 16, 64, 4, WORLD.smallest, WORLD.largest, 0, "test",
                       SCENES.index(scene))  # fmt: skip
    plain = generator.random(3, dtype=np.float32) * np.float32(0.8)
    noise = generator.random((64, 64, 1), dtype=np.float32) * np.float32(0.2)
    background = ((plain + noise).clip(0, 1) * 255).round().astype(np.uint8)
    changed = (scene.picture != background).any(axis=-1)
    assert changed[thing.mask].mean() > 0.9
    square = np.zeros((64, 64), dtype=bool)
    square[thing.top_px : thing.top_px + thing.size_px, :][
        :, thing.left_px : thing.left_px + thing.size_px
    ] = True
    assert not changed[~square].any()


# Contours ----------------------------------------------------------------------------------


def test_the_edge_of_a_rectangle_is_its_perimeter() -> None:
    mask = np.zeros((9, 12), dtype=bool)
    mask[2:5, 3:10] = True
    corners = outer_edge(mask)
    assert len(corners) == 2 * (3 + 7)
    assert corners.min(axis=0).tolist() == [3, 2]
    assert corners.max(axis=0).tolist() == [10, 5]
    four = edge_contour(mask, 20)
    assert np.allclose(np.abs(np.diff(four, axis=0)).sum(axis=1), 1)  # evenly spaced


def test_the_edge_goes_round_the_largest_part_and_over_its_holes() -> None:
    mask = np.zeros((12, 12), dtype=bool)
    mask[1:7, 1:7] = True
    mask[3:5, 3:5] = False  # a hole
    mask[7, 7] = True  # touches at a corner only
    mask[10, 1:3] = True  # a smaller part
    corners = outer_edge(mask)
    assert len(corners) == 24
    assert corners.max() == 7


@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=6, max_size=6))
def test_every_edge_closes_and_encloses_the_area_of_its_filled_part(rows: list[list[bool]]) -> None:
    from scipy import ndimage

    mask = np.array(rows)
    if not mask.any():
        return
    corners = outer_edge(mask)
    steps = np.abs(np.diff(np.vstack([corners, corners[:1]]), axis=0)).sum(axis=1)
    assert (steps == 1).all()
    x, y = corners.T
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    parts, _ = ndimage.label(mask)  # pyright: ignore[reportGeneralTypeIssues]
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    assert area == ndimage.binary_fill_holes(parts == sizes.argmax()).sum()  # pyright: ignore


def test_radial_points_of_a_disc_lie_on_its_circle_and_begin_at_the_right() -> None:
    y, x = np.mgrid[:101, :101] + 0.5
    disc = np.hypot(x - 50.5, y - 50.5) <= 40
    points = radial_contour(disc, 16) - 50.5
    np.testing.assert_allclose(np.hypot(*points.T), 40, atol=1)
    assert points[0, 0] > 39
    assert abs(points[0, 1]) < 1e-9
    assert points[4, 1] > 39  # a quarter further it is below: y grows downwards


# Sentences ---------------------------------------------------------------------------------


def test_every_class_has_a_plural_that_differs_unless_it_is_one() -> None:
    assert [plural(one) for one in ("bus", "strawberry", "mouse", "sailing boat", "monkey")] == [
        "buses",
        "strawberries",
        "mice",
        "sailing boats",
        "monkeys",
    ]
    same = {one.name for one in emoji_classes() if plural(one.name) == one.name}
    assert same == {"grapes", "cherries", "scissors", "sheep", "fish"}
    assert with_article("owl") == "an owl"
    assert with_article("grapes") == "grapes"


def test_the_sixteen_classes_have_categories_and_come_first() -> None:
    assert class_names(16) == FIRST_NAMES
    assert class_names(40)[:16] == FIRST_NAMES
    assert len(set(class_names(108))) == 108
    assert {category_of(name) for name in FIRST_NAMES} == {
        "fruit",
        "vegetable",
        "animal",
        "vehicle",
    }
    for count in (0, 109):
        with pytest.raises(InputError, match="1 to 108"):
            class_names(count)


def test_captions_count_what_is_there_from_left_to_right() -> None:
    scene = scene_of(("dog", 20, 40, 4), ("car", 14, 20, 30), ("dog", 14, 1, 40))
    assert write_caption(scene) == "two dogs and a car"
    long = write_caption(scene, is_long=True)
    assert long == "three things : two dogs and a car . the largest is a dog"
    assert write_caption(scene_of(("bus", 20, 3, 3)), is_long=True) == "one thing : a bus"


def brute_force_meaning(text: str, scene: Scene) -> list[int]:
    """Things an expression can mean, from its words alone."""
    _, *modifier, noun = (
        ["the", *text.removeprefix("the ").split(maxsplit=1)]
        if (text.split()[1] in ("left", "right", "top", "bottom", "largest", "smallest"))
        else ["the", text.removeprefix("the ")]
    )
    members = [k for k, one in enumerate(scene.things) if noun in (one.name, one.category)]
    if not modifier:
        return members
    keys = {
        "left": lambda k: scene.things[k].centre[0],
        "right": lambda k: -scene.things[k].centre[0],
        "top": lambda k: scene.things[k].centre[1],
        "bottom": lambda k: -scene.things[k].centre[1],
        "largest": lambda k: -scene.things[k].area,
        "smallest": lambda k: scene.things[k].area,
    }
    key = keys[modifier[0]]
    return [k for k in members if key(k) == min(key(other) for other in members)]


def test_an_expression_means_exactly_the_thing_it_is_about() -> None:
    said = 0
    for scene in SCENES:
        for expression in express(scene):
            assert brute_force_meaning(expression.text, scene) == [expression.thing]
            said += 1
    assert said > 300


def test_close_calls_are_not_said() -> None:
    beside = scene_of(("dog", 20, 2, 2), ("dog", 20, 2, 40))  # one above the other
    texts = {one.text for one in express(beside)}
    assert {"the top dog", "the bottom dog"} <= texts
    assert not texts & {"the left dog", "the right dog", "the largest dog", "the dog"}
    assert MARGIN > 0
    assert AREA_RATIO > 1


def test_answers_are_true() -> None:
    generator = np.random.default_rng(5)
    kinds: Counter[str] = Counter()
    yes = 0
    for scene in SCENES:
        for _ in range(4):
            question = ask(scene, WORLD.names, generator)
            kinds[question.kind] += 1
            names = [one.name for one in scene.things]
            words = question.text.split()
            if question.kind == "count":
                noun = question.text.removeprefix("how many ").removesuffix(" are there")
                number = sum(noun in (plural(name), "things") for name in names)
                assert question.answer == NUMBERS[number]
            elif question.kind == "presence":
                is_there = any(question.text == f"is there {with_article(one)}" for one in names)
                assert question.answer == ("yes" if is_there else "no")
                yes += is_there
            elif question.kind == "largest":
                assert question.answer == max(scene.things, key=lambda one: one.area).name
            else:
                side, anchor = words[2 - 1], question.text.split(" of the ")[1]
                (place,) = [one.centre[0] for one in scene.things if one.name == anchor]
                near = [
                    one.name
                    for one in scene.things
                    if (one.centre[0] < place if side == "is" and words[2] == "left"
                        else one.centre[0] > place)
                ]  # fmt: skip
                assert near == [question.answer]
    assert set(kinds) == {"count", "presence", "beside", "largest"}
    assert yes / kinds["presence"] == pytest.approx(0.5, abs=0.15)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_every_word_is_in_the_vocabulary(number: int) -> None:
    scene = WORLD.scene("words", number)
    question = ask(scene, WORLD.names, np.random.default_rng(number))
    texts = [
        write_caption(scene),
        write_caption(scene, is_long=True),
        question.text,
        question.answer,
        *(one.text for one in express(scene)),
    ]
    assert {word for text in texts for word in text.split()} <= set(sentence_words(WORLD.names))


def test_a_drawing_scales_and_keeps_its_shape() -> None:
    small, large = drawing("dog", 16), drawing("dog", 32)
    assert small.colours.shape == (16, 16, 3)
    assert (small.colours <= small.opacity).all()  # multiplied by the opacity
    assert large.mask.mean() == pytest.approx(small.mask.mean(), abs=0.1)
