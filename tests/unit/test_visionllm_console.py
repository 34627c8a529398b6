"""The instruction console and the task wheel, on a tiny network in this process."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from panels import visionllm as panel
from tests.unit.visionllm_client import TinyClient
from tests.unit.visionllm_tiny import ask_for
from workbench.data.emoji.classes import emoji_classes
from workbench.data.scenes.composing import Put, compose
from workbench.data.scenes.scene import World
from workbench.errors import InputError, UnknownNameError
from workbench.figures.visionllm import draw_console, draw_reading, draw_wheel
from workbench.figures.visionllm.wheel import draw_instructions
from workbench.methods.visionllm import CONSOLE, WHEEL, parse_instruction, write_instruction
from workbench.methods.visionllm.asking import BOXES_ONLY
from workbench.methods.visionllm.boxes import box_overlaps
from workbench.methods.visionllm.changes import compare
from workbench.methods.visionllm.console import Params, Result
from workbench.methods.visionllm.own_picture import THINGS, UPLOAD
from workbench.server.api import ModelEntry, Receipt, Request, canonical_json
from workbench.server.api import Result as Answered
from workbench.training.visionllm.recipe import VARIANTS
from workbench.uploads import keep_upload

DOGS = write_instruction(ask_for("dog", "car"))


def run(client: TinyClient | None = None, **values: Any) -> tuple[Result, dict[str, Any]]:
    params = Params(**{"model": "visionllm-pointer", **values})
    result = CONSOLE.compute(CONSOLE.gather(client or TinyClient(), params), params)
    summary = dict(CONSOLE.summarise(result))
    canonical_json(summary)
    for drawn in (draw_console(result), draw_reading(result)):
        assert len(json.dumps(drawn.payload())) < 200_000
        assert drawn.words_at(score=0.5)
    return result, summary


def kept(pixels: Image.Image, name: str) -> str:
    data = io.BytesIO()
    pixels.save(data, format=Path(name).suffix[1:].upper())
    return keep_upload(data.getvalue(), name, suffixes=UPLOAD.suffixes, max_mib=UPLOAD.max_mib)


# What is asked -------------------------------------------------------------------------------


def test_the_controls_write_the_instruction_and_the_words_overrule_them() -> None:
    chosen, summary = run(names="car; dog; sailing boat")
    assert parse_instruction(chosen.said.instruction).names == ("car", "dog", "sailing boat")
    assert summary["task"] == "detection"
    typed, _ = run(names="car", instruction=DOGS)
    assert typed.said.instruction == DOGS
    assert typed.said.task is not None
    assert typed.said.task.names == ("dog", "car")


@pytest.mark.parametrize("task", ["detection", "segmentation", "grounding", "captioning"])
def test_each_task_is_a_change_of_words_alone(task: str) -> None:
    client = TinyClient()
    result, summary = run(client, task=task, points=8)
    asked = [one for one in client.requests if one.operation == "vision.decode"]
    assert len(asked) == 1
    assert set(asked[0].arguments) == {"instruction"}
    assert summary["task"] == task
    assert (result.said.answer is None) == (task == "captioning")


def test_a_question_is_answered_with_and_without_its_mark() -> None:
    with_mark, _ = run(task="question", words="how many dogs are there?")
    without, _ = run(task="question", words="how many dogs are there")
    assert with_mark.said.text == without.said.text
    assert with_mark.said.task is not None
    assert with_mark.said.task.question == "how many dogs are there"


def test_a_network_of_boxes_alone_says_so_where_it_is_asked_for_more() -> None:
    of_boxes = {name for name, recipe in VARIANTS.items() if recipe.first_stage >= 1}
    assert set(BOXES_ONLY) == of_boxes
    client = TinyClient(("visionllm-pointer", "visionllm-hard"))
    for task in ("detection", "segmentation", "captioning"):
        for model in ("visionllm-hard", "visionllm-pointer"):
            result, _ = run(client, task=task, model=model, points=8)
            is_said = "was trained to find boxes alone" in draw_console(result).words_at(score=0.5)
            assert is_said == (task != "detection" and model == "visionllm-hard")
    params = WHEEL.params(model="visionllm-hard")
    wheel = WHEEL.compute(WHEEL.gather(client, params), params)
    assert "outlines, expressions and texts mean nothing" in draw_wheel(wheel).words_at()


def test_commas_of_a_written_text_stand_where_people_put_them() -> None:
    result, _ = run(task="captioning")
    said = replace(result.said, text="a lemon , a car and a car")
    words = draw_console(replace(result, said=said)).words_at(score=0.5)
    assert "“a lemon, a car and a car”" in words


# What cannot be understood -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("Hello there", 0, "no classes in braces"),
        ('Find {"dog": <c0>, "dog": <c1>}', 19, "named twice"),
        ("Find {} in the picture", 6, "hold no class"),
        ('Find {"dog": <c0>', 5, "opened or closed alone"),
        ("Outline {dog} with 0 points", 19, "0 points"),
        ("Outline {dog} with 1000 points", 19, "1000 points"),
        ("Find {dog} within <p-900> to <p900>", 18, "1 to 512"),
        ("Find {" + ", ".join(f"thing {n}" for n in range(600)) + "}", None, "512 class tokens"),
    ],
)
def test_what_is_wrong_is_shown_with_its_place_and_a_valid_one(
    text: str, where: int | None, reason: str
) -> None:
    client = TinyClient()
    result, summary = run(client, instruction=text)
    assert summary["is_understood"] is False
    problem = result.said.problem
    assert problem is not None
    assert reason in problem.text
    assert "A valid one: Find every object" in problem.text
    if where is not None:
        assert problem.place == where
    assert all(one.operation != "vision.decode" for one in client.requests)
    assert draw_reading(result).words_at() == problem.text  # said in both views
    cards = draw_reading(result).at()
    spans = cards[0].spans
    assert "".join(span.text for span in spans) == text
    assert [span.role for span in spans][-1] == "bad"
    parse_instruction("".join(span.text for span in cards[1].spans))  # the valid one is valid


def test_names_that_the_network_does_not_know_or_cannot_number_are_refused_in_words() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean dog"):
        run(names="dgo")
    with pytest.raises(InputError, match="16 class tokens"):
        run(instruction='Find {"dog": <c16>}')
    with pytest.raises(InputError, match="at most 16"):
        run(names="; ".join(f"dog {n}" for n in range(17)))
    with pytest.raises(InputError, match="add at least one name"):
        run(names=" ; ")
    with pytest.raises(InputError, match="location tokens end at <p64>"):
        run(reach=512)


# Which picture -------------------------------------------------------------------------------


def test_the_palette_is_the_world_with_its_own_symbols() -> None:
    symbols = {one.name: one.symbol for one in emoji_classes()}
    assert tuple(THINGS) == World().names
    for name, glyph in THINGS.items():
        assert glyph.strip("\ufe0f") == symbols[name].strip("\ufe0f"), name


@given(
    st.lists(
        st.tuples(st.sampled_from(World().names), st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=9,
    ),
    st.floats(0.1, 0.6),
)
@settings(max_examples=25, deadline=None)
def test_pieces_stand_where_they_are_put_and_inside(
    pieces: list[tuple[str, float, float]], size: float
) -> None:
    world = World()
    scene = compose(world, [Put(*one) for one in pieces], size, 0)
    assert scene.picture.shape == (64, 64, 3)
    for thing, (name, x, y) in zip(scene.things, pieces, strict=True):
        assert thing.name == name
        assert (thing.box >= 0).all()
        assert (thing.box <= 1).all()
        half = thing.size_px / 128
        middle = (thing.left_px + thing.size_px / 2) / 64, (thing.top_px + thing.size_px / 2) / 64
        wanted = np.clip([x, y], half, 1 - half)
        assert np.abs(np.array(middle) - wanted).max() <= 1 / 64


def test_a_scene_of_ones_own_stands_as_on_the_board_with_y_upward() -> None:
    result, _ = run(board="dog@0.25,0.75; car@0.70,0.30")
    picture = result.picture
    assert picture.names == ("dog", "car")
    assert picture.boxes is not None
    middles = (picture.boxes[:, :2] + picture.boxes[:, 2:]) / 2
    np.testing.assert_allclose(middles, [[0.25, 0.25], [0.70, 0.70]], atol=0.06)


@pytest.mark.parametrize(
    ("mode", "size", "name"),
    [
        ("RGB", (1, 1), "dot.png"),
        ("RGBA", (300, 40), "strip.png"),
        ("L", (7, 90), "grey.bmp"),
        ("P", (64, 64), "palette.gif"),
        ("1", (33, 65), "ink.png"),
        ("I;16", (50, 20), "deep.png"),
        ("CMYK", (80, 80), "print.tiff"),
        ("LA", (10, 10), "veil.png"),
    ],
)
def test_pictures_of_any_size_and_mode_are_looked_at(
    mode: str, size: tuple[int, int], name: str
) -> None:
    result, summary = run(upload=kept(Image.new(mode, size), name), scene=0)
    assert result.picture.size_px == size
    assert summary["is_understood"] is True
    assert "Nobody has labelled" in draw_console(result).words_at(score=0.5)


def test_what_is_no_picture_is_refused_by_name() -> None:
    text = keep_upload(b"hello", "letter.png", suffixes=UPLOAD.suffixes, max_mib=1)
    with pytest.raises(InputError, match=r"letter\.png: This is not a picture"):
        run(upload=text)
    with pytest.raises(InputError, match="is empty"):
        keep_upload(b"", "nothing.png", suffixes=UPLOAD.suffixes, max_mib=1)


# What changed --------------------------------------------------------------------------------


def test_changes_are_told_by_hand() -> None:
    old = np.array([[0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9], [0.6, 0, 0.8, 0.2]])
    new = np.array([[0.5, 0.5, 0.9, 0.88], [0, 0, 0.2, 0.2], [0, 0.7, 0.2, 0.9]])
    changes = compare(old, ["dog", "car", "bus"], new, ["cow", "dog", "lemon"])
    assert changes.renamed == ((1, 0),)
    assert changes.kept == ((0, 1),)
    assert changes.appeared == (2,)
    assert changes.vanished == (2,)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_every_box_is_told_of_once(old: int, new: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    corners = [np.sort(random.random((n, 2, 2)), axis=1).reshape(n, 4) for n in (old, new)]
    names = [[str(one) for one in random.integers(0, 3, n)] for n in (old, new)]
    changes = compare(corners[0], names[0], corners[1], names[1])
    pairs = [*changes.renamed, *changes.kept]
    assert sorted([*(a for a, _ in pairs), *changes.vanished]) == list(range(old))
    assert sorted([*(b for _, b in pairs), *changes.appeared]) == list(range(new))
    for a, b in pairs:
        assert box_overlaps(corners[0][a], corners[1][b])[0, 0] >= 0.5
        assert (names[0][a] == names[1][b]) == ((a, b) in changes.kept)


def test_the_same_instruction_changes_nothing_and_another_name_is_seen() -> None:
    same, summary = run(instruction=DOGS, before=DOGS, score=0.05)
    assert {summary[name] for name in ("appeared", "vanished", "renamed")} == {0}
    assert "nothing changed" in draw_console(same).words_at(score=0.05)
    other, summary = run(
        instruction=DOGS, before=DOGS.replace("dog", "cow").replace("car", "bus"), score=0.05
    )
    before, now = other.before, other.said
    assert before is not None
    changed = summary["renamed"] + summary["appeared"] + summary["vanished"]
    assert changed > 0
    assert set(before.names()) <= {"cow", "bus"}
    assert set(now.names()) <= {"dog", "car"}


# Files and offers ----------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_the_file_is_read_by_cocos_own_tools(task: str, tmp_path: Path) -> None:
    result, _ = run(task=task, points=8)
    path = tmp_path / "coco.json"
    path.write_text(panel.write_coco(result, {"score": 0.05}))
    coco = COCO(str(path))
    answer, _ = result.found()
    assert len(coco.anns) == int((answer.scores >= 0.05).sum())
    assert [one["name"] for one in coco.cats.values()] == list(Params().names.split("; "))
    (image,) = coco.imgs.values()
    assert (image["width"], image["height"]) == result.picture.size_px
    for one in coco.anns.values():
        assert coco_masks.area(coco.annToRLE(one)) >= 0


def test_a_text_has_no_boxes_to_write() -> None:
    result, _ = run(task="captioning")
    with pytest.raises(InputError, match="no boxes to write"):
        panel.write_coco(result, {"score": 0.5})


def test_what_is_in_the_picture_is_offered_in_another_colour() -> None:
    result, _ = run(scene=3)
    offers = {one.text: one.role for one in panel.offer_names(result)}
    assert set(offers) == set(World().names)
    assert {name for name, role in offers.items() if role == "good"} == set(result.picture.names)
    assert [one.text for one in panel.offer_instruction(result)] == [result.said.instruction]
    assert {one.text for one in panel.offer_expressions(result)} == set(result.picture.expressions)


# Models of another kind ----------------------------------------------------------------------


class HubClient(TinyClient):
    """Also has a Grounding DINO that always finds one dog, and remembers being asked."""

    def models(self) -> tuple[ModelEntry, ...]:
        dino = replace(super().models()[0], name="dino", kind="grounding-dino")
        return (*super().models(), dino)

    def call(self, request: Request) -> Answered:
        if request.operation != "vision.locate":
            return super().call(request)
        self.requests.append(request)
        corners = np.array([[[0.1, 0.2], [0.5, 0.6]]])
        arrays = {
            "boxes": corners.reshape(1, 4),
            "points": corners,
            "scores": np.array([0.4]),
            "entries": np.array([0]),
            "picture_of": np.array([0]),
        }
        values = {"family": "grounding-dino", "said": [""], "texts": [], "notes": [[]]}
        receipt = Receipt(
            "vision.locate", 1, "dino", "", "float32", "cpu", None, "", "", "", 0.1, {}
        )
        return Answered(arrays, values, receipt)  # type: ignore[arg-type]


def test_a_published_model_takes_the_same_words_and_is_called_another_algorithm() -> None:
    client = HubClient()
    result, summary = run(client, model="dino", instruction=DOGS, score=0.3)
    asked = next(one for one in client.requests if one.operation == "vision.locate")
    assert asked.arguments == {"instruction": DOGS}
    assert summary["names"] == "dog"
    assert "same interface, different algorithm" in draw_console(result).words_at(score=0.3)
    assert "Grounding DINO" in draw_reading(result).words_at(score=0.3)
    texts = "".join(span.text for span in draw_reading(result).at(score=0.3)[2].spans)
    assert "0.100 0.200 0.500 0.600" in texts
    with pytest.raises(InputError, match="has no form for captioning"):
        run(HubClient(), model="dino", task="captioning")


# The wheel -----------------------------------------------------------------------------------


def test_the_wheel_asks_five_times_about_one_picture() -> None:
    client = TinyClient()
    params = WHEEL.params(scene=2, points=8)
    result = WHEEL.compute(WHEEL.gather(client, params), params)  # type: ignore[arg-type]
    asked = [one for one in client.requests if one.operation == "vision.decode"]
    assert len({str(one.arguments["instruction"]) for one in asked}) == 5
    for one in asked[1:]:
        np.testing.assert_array_equal(one.arrays["images"], asked[0].arrays["images"])
    summary = WHEEL.summarise(result)
    assert set(summary) == {
        "detection_found", "segmentation_found", "grounding_found", "captioning", "question"
    }  # fmt: skip
    assert len(json.dumps(draw_wheel(result).payload())) < 100_000
    assert len(draw_instructions(result).at()) == 5
